package host

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// The real apt is the referee: in random worlds of suites, pins, holds and phased updates it says which packages a dist-upgrade would
// bring to which version, and from the machine's facts we say the same.
func TestWhatAptWouldChoose(t *testing.T) {
	worlds, decided := 40, 0
	if n, err := strconv.Atoi(os.Getenv("FETTLE_WORLDS")); err == nil {
		worlds = n
	}
	for seed := range uint64(worlds) {
		w := debtest.NewWorld(t, seed)
		want, got := w.Upgrades(t), ourUpgrades(t, w)
		for _, name := range w.Packages {
			if want[name] != got[name] {
				t.Errorf("world %d: %s: apt would bring %q, we say %q\n%s", seed, name, want[name], got[name], w.Policy(t, name))
			}
		}
		if decided += len(want); t.Failed() {
			t.Fatalf("in this world:\n%s", w.Text)
		}
	}
	if decided < worlds {
		t.Errorf("only %d upgrades in %d worlds", decided, worlds)
	}
}

func ourUpgrades(t *testing.T, w *debtest.World) map[string]string {
	facts, err := CollectFacts(context.Background(), w.Root)
	if err != nil {
		t.Fatal(err)
	}
	var archives []candidate.Archive
	offers := map[string][]candidate.Offer{}
	for i, s := range w.Suites {
		archives = append(archives, candidate.Archive{Suite: s.Suite, Component: s.Component, Arch: "amd64", Site: s.Site, Release: patch.Release{Origin: s.Origin,
			Label: s.Label, Suite: s.Archive, Codename: s.Codename, Version: s.Number, NotAutomatic: s.NotAutomatic, ButAutomaticUpgrades: s.ButAutomaticUpgrades}})
		err := debian.ScanPackages(strings.NewReader(s.Index+s.Foreign), func(st debian.Stanza) error {
			offers[string(st.Package)] = append(offers[string(st.Package)], candidate.Offer{Version: string(st.Version), Source: string(st.Source),
				SourceVersion: string(st.SourceVersion), Archive: i, Phased: st.Phased})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	policy := candidate.New(facts.Apt, facts.OS.Arch, archives)
	ups := map[string]string{}
	for i := range facts.Packages {
		p := &facts.Packages[i]
		name := p.Name
		if p.Arch == "i386" {
			name += ":i386"
		}
		choice := policy.Choose(p, offers[p.Name])
		for _, o := range offers[p.Name] {
			if !p.Held && version.DpkgCompare(o.Version, p.Version) > 0 && choice.Judge(o).Code == "" && version.DpkgCompare(o.Version, cmp.Or(ups[name], "0")) > 0 {
				ups[name] = o.Version
			}
		}
	}
	return ups
}
