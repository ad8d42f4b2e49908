package probe

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
)

// Where Windows Installer keeps what it has installed for the machine.
const (
	productsKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products`
	upgradesKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes`
)

// msiproduct answers for products that Windows Installer has installed for the machine.
func (g *gathering) msiproduct() {
	upgrades := g.upgradeCodes()
	g.below(registry.LOCAL_MACHINE, productsKey, registry.WOW64_64KEY, func(packed string, k registry.Key) {
		code, ok := unpackGUID(packed)
		properties, err := registry.OpenKey(k, "InstallProperties", registry.READ|registry.WOW64_64KEY)
		if !ok || err != nil {
			return // advertised, or half removed
		}
		defer properties.Close()
		f := []patch.Field{text("product_code", code)}
		f = told(f, "name", "", say(properties, "DisplayName"))
		f = told(f, "version", "version", say(properties, "DisplayVersion"))
		if n, _, err := properties.GetIntegerValue("Language"); err == nil {
			f = append(f, typed("language", "int", strconv.FormatUint(n, 10)))
		}
		g.add(told(f, "upgrade_code", "", upgrades[strings.ToUpper(packed)])...)
	})
}

// upgradeCodes gives products' upgrade codes, by their packed codes.
func (g *gathering) upgradeCodes() map[string]string {
	all := map[string]string{}
	g.below(registry.LOCAL_MACHINE, upgradesKey, registry.WOW64_64KEY, func(packed string, k registry.Key) {
		code, ok := unpackGUID(packed)
		products, err := k.ReadValueNames(-1)
		if !ok || err != nil {
			return
		}
		for _, p := range products {
			all[strings.ToUpper(p)] = code
		}
	})
	return all
}

// patchStates are the states of a patch for a product (MSIPATCHSTATE).
var patchStates = map[uint64]string{1: "applied", 2: "superseded", 4: "obsoleted", 8: "registered"}

// msipatch answers for patches of products.
func (g *gathering) msipatch() {
	g.below(registry.LOCAL_MACHINE, productsKey, registry.WOW64_64KEY, func(packed string, k registry.Key) {
		product, ok := unpackGUID(packed)
		if !ok {
			return
		}
		g.below(k, "Patches", registry.WOW64_64KEY, func(packed string, k registry.Key) {
			code, ok := unpackGUID(packed)
			n, _, err := k.GetIntegerValue("State")
			if ok && err == nil && patchStates[n] != "" {
				g.add(text("patch_code", code), text("product_code", product), text("state", patchStates[n]))
			}
		})
	})
}

// msifeature answers for features of products, by their names.
func (g *gathering) msifeature() {
	query := windows.NewLazySystemDLL("msi.dll").NewProc("MsiQueryFeatureStateW")
	g.parts("feature", query, func(product, name *uint16) uintptr {
		state, _, _ := query.Call(uintptr(unsafe.Pointer(product)), uintptr(unsafe.Pointer(name)))
		return state
	})
}

// msicomponent answers for components of products, by their codes.
func (g *gathering) msicomponent() {
	query := windows.NewLazySystemDLL("msi.dll").NewProc("MsiGetComponentPathW")
	g.parts("component_code", query, func(product, code *uint16) uintptr {
		var path [windows.MAX_LONG_PATH]uint16
		n := uint32(len(path))
		state, _, _ := query.Call(uintptr(unsafe.Pointer(product)), uintptr(unsafe.Pointer(code)), uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&n)))
		return state
	})
}

// parts asks Windows Installer about each part of each product that an object names, and keeps those that are installed: on the machine itself, or run
// from their source (INSTALLSTATE).
func (g *gathering) parts(field string, query *windows.LazyProc, ask func(product, part *uint16) uintptr) {
	const local, source = 3, 4
	products, names := g.entity("product_code"), g.entity(field)
	if products == nil || names == nil || g.literal(products) == nil || g.literal(names) == nil {
		g.fail("the object does not name a product and its part")
		return
	}
	if err := query.Find(); err != nil {
		g.fail("Windows Installer cannot be asked: " + err.Error())
		return
	}
	for _, product := range products.Values {
		for _, name := range names.Values {
			p, bad := windows.UTF16PtrFromString(product)
			n, err := windows.UTF16PtrFromString(name)
			if bad != nil || err != nil {
				continue // nothing is called so
			}
			if state := int32(ask(p, n)); state == local || state == source {
				g.add(text("product_code", product), text(field, name))
			}
		}
	}
}

// unpackGUID turns Windows Installer's packed form of a GUID, "BCCDD71B5A16C72428076F4493E3E584", into its own.
func unpackGUID(packed string) (string, bool) {
	if len(packed) != 32 {
		return "", false
	}
	turned := func(s string, by int) string {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i += by {
			for j := i + by - 1; j >= i; j-- {
				b = append(b, s[j])
			}
		}
		return string(b)
	}
	tail := turned(packed[16:], 2)
	return strings.ToUpper(fmt.Sprintf("{%s-%s-%s-%s-%s}", turned(packed[:8], 8), turned(packed[8:12], 4), turned(packed[12:16], 4), tail[:4], tail[4:])), true
}
