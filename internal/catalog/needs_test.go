package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestNeedsOfAPackage(t *testing.T) {
	s := debian.Stanza{Package: []byte("front"), Architecture: []byte("all"), Version: []byte("1-2"), PreDepends: []byte("base"),
		Depends: []byte("core:any (>= 1.0-2) | core-old (= 1) , other (>> 3), base (<< 9), bad name (>= x y)")}
	front := patch.InstalledPackage{Name: "front", Arch: "all", Version: "1-2"}
	want := []patch.Need{{By: front, AnyOf: []patch.Relation{{Name: "core", Op: ">=", Version: "1.0-2"}, {Name: "core-old", Op: "=", Version: "1"}}},
		{By: front, AnyOf: []patch.Relation{{Name: "base", Op: "<<", Version: "9"}}}}
	if d := cmp.Diff(want, appendNeeds(nil, s, []string{"core", "base"})); d != "" {
		t.Error(d)
	}
}
