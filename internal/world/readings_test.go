package world

import (
	"testing"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// kept are facts by hash.
type kept map[patch.Hash]*patch.Facts

func (k kept) Facts(h patch.Hash) (*patch.Facts, bool) { f, ok := k[h]; return f, ok }

func (k kept) Parts(_ detect.Question, facts []patch.Hash, each func(i int, key string, part func() *patch.Facts)) {
	for i, h := range facts {
		if f := k[h]; f != nil {
			each(i, string(h), func() *patch.Facts { return f })
		}
	}
}

// What was read of a machine's facts is what it has: other facts are read anew, and those that are not at hand say nothing.
func TestReadingsAreOfTheFactsThatAMachineHas(t *testing.T) {
	const os = patch.HostOS("debian-12-amd64")
	one, err := detect.Assemble(os, version.Dpkg, []detect.Definition{{ID: "curl", Packages: []detect.PackageRule{{Name: "curl", Version: "2"}}}})
	if err != nil {
		t.Fatal(err)
	}
	with := func(v string) *patch.Facts {
		return &patch.Facts{OS: patch.OSFacts{Key: os, Arch: "amd64"}, Packages: []patch.Package{{Name: "curl", Arch: "amd64", Version: v, State: patch.Installed}}}
	}
	at := func(facts patch.Hash) *fleet.Seat {
		return &fleet.Seat{Number: 3, Receipt: &patch.Receipt{Facts: facts}}
	}
	from := kept{"old": with("1"), "new": with("2")}
	r := &readings{one: one, meta: &patch.RevisionMeta{}, parts: map[string]*reading{}}
	for _, x := range []struct {
		facts patch.Hash
		want  patch.Verdict
	}{{"old", patch.NotPatched}, {"new", patch.Patched}, {"lost", patch.Unknown}, {"old", patch.NotPatched}} {
		seat := at(x.facts)
		if says := r.of(seat); says != nil {
			t.Errorf("before %s is read it says %s", x.facts, says.finding.Verdict)
		}
		r.read(from, []*fleet.Seat{seat})
		got := patch.Unknown
		if says := r.of(seat); says != nil {
			got = says.finding.Verdict
		}
		if got != x.want {
			t.Errorf("%s says %s, want %s", x.facts, got, x.want)
		}
	}
}
