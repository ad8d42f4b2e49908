package e2e

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// halfWay are wares whose first versions cannot be brought to an end, each in another manner, and their fixes.
func halfWay() (old, fresh []debtest.Package) {
	script := func(text string) string { return "#!/bin/sh\n" + text + "\n" }
	bad := func(name string, scripts map[string]string) {
		w := ware(name, "1.0-1", "")
		w.Scripts = scripts
		old, fresh = append(old, w), append(fresh, ware(name, "1.0-2", ""))
	}
	fails := script("exit 1")
	bad("shop-core", map[string]string{"postinst": fails})                                                                     // half-configured
	bad("shop-desk", map[string]string{"preinst": fails, "postrm": fails})                                                     // half-installed, "reinstreq"
	bad("shop-door", map[string]string{"postinst": fails, "prerm": fails})                                                     // and it does not make way; its fix does not know better
	bad("shop-front", map[string]string{"postinst": fails, "prerm": fails})                                                    // likewise, and its fix does
	bad("shop-till", map[string]string{"postinst": script("[ -e /x ] || { touch /x; kill -KILL $PPID; sleep 0.2; }; exit 1")}) // dpkg was killed
	fresh[3].Scripts = map[string]string{"prerm": script("exit 0")}
	return old, fresh
}

// A package that was left half-way is healed by its vendor's fix, as soon as that is approved: nobody has to go to the machine first. Until then it stays as it
// is; and one whose fix cannot be installed over it neither keeps the others from theirs nor gives them the blame.
func TestTheFixHealsWhatWasLeftHalfWay(t *testing.T) {
	needRoot(t)
	old, fresh := halfWay()
	a := newShop(t, append(fresh, ware("shop-whole", "1.0-2", "")))
	s := newYard(t, a)
	b := s.box("web-1")
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, []debtest.Package{ware("shop-whole", "1.0-1", "")})
	for _, w := range old {
		b.put("/tmp/"+w.Name+".deb", debtest.Deb(t, w))
		if said := b.sh("dpkg --install /tmp/%s.deb 2>&1 && echo went well; true", w.Name); strings.Contains(said, "went well") {
			t.Fatal(said)
		}
	}
	const states = `dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' 'shop-*'; ls /var/lib/dpkg/updates | wc -l`
	says(t, b.sh(states), "shop-core 1.0-1 half-configured", "shop-desk 1.0-1 half-installed", "shop-till 1.0-1 half-configured")
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	if updates := b.sh("ls /var/lib/dpkg/updates"); updates == "" {
		t.Error("dpkg has merged what it was killed over")
	}
	says(t, s.cli("explain", "web-1", wareID("shop-core")), "left shop-core half-way at 1.0-1, and the patch brings 1.0-2, which is installed over it")

	ids := []string{wareID("shop-whole")}
	s.approve(ids...)
	plan, _ := s.plan(b)
	for _, at := range s.ended(s.apply(plan)).attempts() { // of a package that must be installed anew apt wants to have the file first
		if at.State != "failed" || at.Cause != "drift" || !strings.Contains(at.Text, "the package database was broken before this order: shop-desk 1.0-1 must be installed anew") {
			t.Errorf("%+v", at)
		}
	}
	says(t, b.sh(states), "shop-core 1.0-1 half-configured", "shop-desk 1.0-1 half-installed", "shop-till 1.0-1 half-configured", "shop-whole 1.0-1 installed")

	for _, w := range old {
		ids = append(ids, wareID(w.Name))
	}
	s.approve(ids...)
	plan, patches := s.plan(b)
	if len(patches) != len(ids) {
		t.Errorf("planned are %v", patches)
	}
	for _, at := range s.ended(s.apply(plan)).attempts() {
		switch {
		case at.Patch == wareID("shop-door") && at.State == "failed" && at.Cause == "patch":
		case at.Text != "" && (at.Patch == wareID("shop-core") || at.Patch == wareID("shop-desk")): // they come before the one that fails, and need no repair
			t.Errorf("%+v", at)
		case at.State != "done" || at.Effect != "verified" || at.Text != "" && !strings.HasPrefix(at.Text, "finished by a repair"):
			t.Errorf("%+v", at)
		}
	}
	says(t, b.sh(states), "shop-core 1.0-2 installed", "shop-desk 1.0-2 installed", "shop-front 1.0-2 installed", "shop-till 1.0-2 installed", "shop-whole 1.0-2 installed")
	if r := b.row(wareID("shop-till")); r.Verdict != "patched" {
		t.Errorf("%+v", r)
	}
	if r := b.row(wareID("shop-door")); r.Verdict != "not-patched" {
		t.Errorf("%+v", r)
	}
}
