package probe

import (
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
)

// classKey is below which Windows keeps its drivers.
const classKey = `SYSTEM\CurrentControlSet\Control\Class\`

// below calls each for every key directly below one, in the order in which Windows has them. A key that is not there has none below.
func (g *gathering) below(root registry.Key, path string, view uint32, each func(name string, k registry.Key)) {
	if fault := below(root, path, view, each); fault != "" {
		g.miss(fault)
	}
}

// say gives a value that is text; empty where it is none.
func say(k registry.Key, name string) string {
	s, _, _ := k.GetStringValue(name)
	return strings.TrimSpace(s)
}

// told appends a field for a value that is not empty.
func told(f []patch.Field, name, as, value string) []patch.Field {
	if value == "" {
		return f
	}
	return append(f, patch.Field{Name: name, Type: as, Value: clean(value)})
}

// program answers for installed programs, as Windows lists them.
func (g *gathering) program() {
	all, fault := Programs()
	if fault != "" {
		g.miss(fault)
	}
	for _, p := range all {
		f := []patch.Field{text("id", p.ID), text("name", p.Name)}
		f = told(f, "publisher", "", p.Publisher)
		f = told(f, "version", "", p.Version)
		g.add(append(f, text("scope", p.Scope), text("windows_view", p.View))...)
	}
}

// hotfix answers for the updates of Windows itself that are installed.
func (g *gathering) hotfix() {
	all, fault := Hotfixes()
	if fault != "" {
		g.miss(fault)
	}
	seen := map[string]bool{}
	for _, h := range all {
		if !seen[h.ID] {
			seen[h.ID] = true
			g.add(text("id", h.ID))
		}
	}
}

// folder answers for the folders that Windows numbers (CSIDL), as this program's account has them.
func (g *gathering) folder() {
	get := windows.NewLazySystemDLL("shell32.dll").NewProc("SHGetFolderPathW")
	for csidl := range 0x40 {
		path := make([]uint16, windows.MAX_PATH+1)
		if status, _, _ := get.Call(0, uintptr(csidl), 0, 0, uintptr(unsafe.Pointer(&path[0]))); status == 0 && path[0] != 0 {
			g.add(typed("csidl", "int", strconv.Itoa(csidl)), text("path", strings.TrimSuffix(windows.UTF16ToString(path), `\`)))
		}
	}
}

// device answers for devices with a driver: their own and their compatible hardware IDs, and the driver.
func (g *gathering) device() {
	const enum = `SYSTEM\CurrentControlSet\Enum`
	view := uint32(registry.WOW64_64KEY)
	g.below(registry.LOCAL_MACHINE, enum, view, func(_ string, bus registry.Key) {
		g.below(bus, "", view, func(_ string, kind registry.Key) {
			g.below(kind, "", view, func(_ string, k registry.Key) { g.oneDevice(k) })
		})
	})
}

func (g *gathering) oneDevice(k registry.Key) {
	var f []patch.Field
	for _, list := range []string{"HardwareID", "CompatibleIDs"} {
		all, _, _ := k.GetStringsValue(list)
		for _, id := range all {
			f = told(f, "hardware_id", "", id)
		}
	}
	driver := say(k, "Driver")
	if len(f) == 0 || driver == "" {
		return
	}
	d, err := registry.OpenKey(registry.LOCAL_MACHINE, classKey+driver, registry.READ|registry.WOW64_64KEY)
	if err != nil {
		return
	}
	defer d.Close()
	if date, err := time.Parse("1-2-2006", say(d, "DriverDate")); err == nil {
		f = append(f, typed("driver_date", "datetime", date.Format("20060102")))
	}
	f = told(f, "driver_version", "version", say(d, "DriverVersion"))
	g.add(told(f, "driver_provider", "", say(d, "ProviderName"))...)
}

// windows answers with what Windows says of itself beyond its version: processors, suites, service pack, languages.
func (g *gathering) windows() {
	v := windows.RtlGetVersion()
	f := []patch.Field{typed("service_pack_minor", "int", strconv.Itoa(int(v.ServicePackMinor))), typed("suite_mask", "int", strconv.Itoa(int(v.SuiteMask))),
		typed("product_type", "int", strconv.Itoa(int(v.ProductType))), typed("processors", "int", strconv.Itoa(runtime.NumCPU()))}
	mui := false
	g.below(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\MUI\UILanguages`, registry.WOW64_64KEY, func(name string, _ registry.Key) {
		f = append(f, text("mui_language", name))
	})
	if n := len(f); n > 5 { // more than the language that it was installed in
		mui = true
	}
	clustered := false
	g.below(registry.LOCAL_MACHINE, "Cluster", registry.WOW64_64KEY, func(string, registry.Key) { clustered = true })
	g.add(append(f, flag("mui", mui), flag("clustered", clustered))...)
}

// systemmetric answers for numbers that GetSystemMetrics gives.
func (g *gathering) systemmetric() {
	w := g.entity("index")
	if w == nil {
		g.fail("the object names no index")
		return
	}
	get := windows.NewLazySystemDLL("user32.dll").NewProc("GetSystemMetrics")
	for _, v := range g.literal(w) {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 1<<16 {
			g.fail("the index of a metric is not a number")
			return
		}
		got, _, _ := get.Call(uintptr(n))
		g.add(typed("index", "int", v), typed("value", "int", strconv.Itoa(int(int32(got)))))
	}
}

// wmiobject answers for the few classes of WMI that describe the hardware: from the tables that the firmware left in the registry, so that
// WMI itself need not run.
func (g *gathering) wmiobject() {
	class := g.entity("wmi_class")
	if class == nil || len(g.literal(class)) != 1 {
		g.fail("the object names no class of WMI")
		return
	}
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `HARDWARE\DESCRIPTION\System\BIOS`, registry.READ|registry.WOW64_64KEY)
	if err != nil {
		g.fail("the firmware's tables cannot be read: " + err.Error())
		return
	}
	defer k.Close()
	names, known := firmware[class.Values[0]]
	if !known {
		g.fail("the WMI class " + class.Values[0] + " is not collected")
		return
	}
	f := []patch.Field{text("namespace", `root\cimv2`), text("wmi_class", class.Values[0])}
	for _, n := range names {
		f = told(f, n[0], "", say(k, n[1]))
	}
	g.add(f...)
}

// firmware names the properties of WMI's classes, and the registry's values with the same.
var firmware = map[string][][2]string{
	"win32_computersystem":        {{"manufacturer", "SystemManufacturer"}, {"model", "SystemProductName"}, {"systemfamily", "SystemFamily"}, {"systemskunumber", "SystemSKU"}},
	"win32_bios":                  {{"manufacturer", "BIOSVendor"}, {"smbiosbiosversion", "BIOSVersion"}},
	"win32_baseboard":             {{"manufacturer", "BaseBoardManufacturer"}, {"product", "BaseBoardProduct"}, {"version", "BaseBoardVersion"}},
	"win32_computersystemproduct": {{"vendor", "SystemManufacturer"}, {"name", "SystemProductName"}, {"version", "SystemVersion"}},
}

// registrysubkeys answers for the keys directly below one, with the values and keys in each that some definition looks at.
func (g *gathering) registrysubkeys() {
	hive, key := g.entity("hive"), g.entity("key")
	if hive == nil || key == nil || len(g.literal(hive)) != 1 || g.literal(key) == nil {
		g.fail("the object names no registry key")
		return
	}
	root, known := hives[strings.ToUpper(hive.Values[0])]
	if !known {
		g.fail("there is no registry hive " + hive.Values[0])
		return
	}
	view := uint32(registry.WOW64_64KEY)
	if g.narrow() {
		view = registry.WOW64_32KEY
	}
	for _, path := range key.Values {
		g.below(root, strings.Trim(path, `\`), view, func(name string, k registry.Key) {
			f := []patch.Field{text("hive", strings.ToUpper(hive.Values[0])), text("key", path), text("name", name)}
			g.add(append(f, g.inSubkey(k)...)...)
		})
	}
}

func (g *gathering) inSubkey(k registry.Key) (f []patch.Field) {
	for _, want := range g.r.Fields {
		kind, name, ok := strings.Cut(want, ":")
		switch {
		case !ok:
		case kind == "key":
			if sub, err := registry.OpenKey(k, name, registry.READ); err == nil {
				sub.Close()
				f = append(f, flag(want, true))
			}
		default:
			b, as, err := readValue(k, name)
			if err != nil {
				continue
			}
			if kind == "type" {
				f = append(f, text(want, typeNames[as]))
				continue
			}
			for _, v := range valueFields(as, b) {
				if v.Name == "value" {
					v.Name = want
					f = append(f, v)
				}
			}
		}
	}
	return f
}
