package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// shop is a small archive of the test's own beside the real one, for situations that the real one does not have today.
type shop struct {
	*debtest.Archive
	keyring string
}

// Its packages: old versions are on the machine, new ones in the archive.
var (
	oldWares = []debtest.Package{ware("shop-core", "1.0-1", ""), ware("shop-front", "1.0-1", "shop-core"), ware("shop-till", "1.0-1", ""), ware("shop-door", "1.0-1", ""),
		motor("shop-motor-1.0.0-1", "1.0-1"), ware("shop-engine", "1.0-1", "shop-motor-1.0.0-1 (= 1.0-1)")}
	newWares = []debtest.Package{ware("shop-core", "1.0-2", ""), ware("shop-front", "1.0-2", "shop-core (>= 1.0-2)"), ware("shop-till", "1.0-2", ""), ware("shop-door", "1.0-2", ""),
		motor("shop-motor-1.0.1-2", "1.0-2"), ware("shop-engine", "1.0-2", "shop-motor-1.0.1-2 (= 1.0-2)")}
)

// motor is a ware of which every version has a name of its own, as kernels have, and which is of another source than what leads to it.
func motor(name, version string) debtest.Package {
	w := ware(name, version, "")
	w.Source, w.SourceVersion = "shop-motor", version
	return w
}

func ware(name, version, depends string) debtest.Package {
	return debtest.Package{Name: name, Arch: "all", Version: version, Depends: depends, Description: "a ware of the shop"}
}

const shopSuite = release + "-shop"

func newShop(t *testing.T, wares []debtest.Package) *shop {
	t.Helper()
	a := &shop{Archive: debtest.New(t)}
	at := time.Now().Add(-time.Hour)
	for _, suite := range []string{shopSuite, "trixie"} {
		a.Publish(t, debtest.Suite{Name: suite, Components: map[string][]debtest.Package{"main": wares}, Date: at})
	}
	b, err := os.ReadFile(a.Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	a.keyring = filepath.Join(openDir(t), "shop.gpg") // where the user nobody can read it
	if err := os.WriteFile(a.keyring, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *shop) line(suite string) string { return "deb " + a.URL + " " + suite + " main" }

// put copies a file into the machine.
func (b *box) put(path string, content []byte) {
	b.s.t.Helper()
	cmd := b.Command(b.s.t.Context(), "sh", "-c", `cat >"$1"`, "sh", path)
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.s.t.Fatalf("%v: %s", err, out)
	}
}

// stock makes the machine trust the shop and installs the old versions of wares.
func (b *box) stock(a *shop, wares []debtest.Package) {
	b.s.t.Helper()
	key, err := os.ReadFile(a.keyring)
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.put("/etc/apt/trusted.gpg.d/shop.gpg", key)
	for _, w := range wares {
		b.install(w)
	}
}

// install puts a ware on the machine by hand, as its administrator would.
func (b *box) install(w debtest.Package) {
	b.s.t.Helper()
	path := "/tmp/" + w.Name + ".deb"
	b.put(path, debtest.Deb(b.s.t, w))
	b.sh("dpkg --install %s", path)
}

func wareID(name string) string { return shopSuite + "/" + name + "/1.0-2" }
