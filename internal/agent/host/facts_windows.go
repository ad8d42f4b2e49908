package host

import (
	"context"
	"time"

	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectFacts reads what a detect judges from the running machine; on Windows nothing else can be read. Definitions ask for the rest as
// items.
func CollectFacts(ctx context.Context, _ string) (patch.Facts, error) {
	os, err := readWindowsRelease().facts()
	if err != nil {
		return patch.Facts{}, err
	}
	return patch.Facts{OS: os, Packages: []patch.Package{}}, ctx.Err()
}

// CollectPackages has no packages to read: programs are asked for as items.
func CollectPackages(ctx context.Context, _ string) (patch.Facts, error) {
	return patch.Facts{OS: patch.OSFacts{Key: patch.AnyOS}, Packages: []patch.Package{}}, ctx.Err()
}

func readWindowsRelease() (r windowsRelease) {
	v := openKey(currentVersion)
	defer v.close()
	r.product, r.version, r.build, r.service, r.edition = v.text("ProductName"), v.text("CurrentVersion"), v.text("CurrentBuildNumber"), v.text("CSDVersion"), v.text("EditionID")
	r.major, r.minor, r.revision = v.number("CurrentMajorVersionNumber"), v.number("CurrentMinorVersionNumber"), v.number("UBR")
	if r.display = v.text("DisplayVersion"); r.display == "" {
		r.display = v.text("ReleaseId")
	}
	for _, one := range []struct {
		to        *string
		key, name string
	}{
		{&r.kind, `SYSTEM\CurrentControlSet\Control\ProductOptions`, "ProductType"},
		{&r.processor, `SYSTEM\CurrentControlSet\Control\Session Manager\Environment`, "PROCESSOR_ARCHITECTURE"},
		{&r.language, `SYSTEM\CurrentControlSet\Control\Nls\Language`, "InstallLanguage"},
	} {
		k := openKey(one.key)
		*one.to = k.text(one.name)
		k.close()
	}
	return r
}

// key is a key of the local machine's 64-bit registry; one that cannot be opened has no values.
type key struct{ k registry.Key }

func openKey(path string) key {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.READ|registry.WOW64_64KEY)
	if err != nil {
		return key{}
	}
	return key{k}
}

func (k key) there() bool { return k.k != 0 }

func (k key) close() {
	if k.there() {
		k.k.Close()
	}
}

func (k key) text(name string) string {
	if !k.there() {
		return ""
	}
	s, _, _ := k.k.GetStringValue(name)
	return tidy(s, 200)
}

func (k key) number(name string) uint64 {
	if !k.there() {
		return 0
	}
	n, _, _ := k.k.GetIntegerValue(name)
	return n
}

func (k key) list(name string) []string {
	if !k.there() {
		return nil
	}
	all, _, _ := k.k.GetStringsValue(name)
	return all
}

// keys names the keys below, as they are spelled.
func (k key) keys() []string {
	if !k.there() {
		return nil
	}
	names, _ := k.k.ReadSubKeyNames(-1)
	return names
}

// written is when a key was changed last; zero where Windows does not say.
func (k key) written() time.Time {
	if !k.there() {
		return time.Time{}
	}
	st, err := k.k.Stat()
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}
