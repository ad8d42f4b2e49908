package detect

import (
	"testing"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestWhatFollowsFromTheOS(t *testing.T) {
	win := &patch.Facts{OS: patch.OSFacts{Key: "windows-5.1-sp2-x86", ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 2", Arch: "x86", Language: "0407"}}
	server := &patch.Facts{OS: patch.OSFacts{Key: "windows-server-10.0.20348-amd64", ID: "windows", VersionID: "10.0.20348.2000", Arch: "amd64"}, Objects: []patch.Collected{
		{Class: "windows", Flag: patch.FlagComplete, Fields: []string{item.Every}, Items: []patch.Item{{Fields: []patch.Field{number("product_type", "2"), number("build", "1")}}}}}}
	mac := &patch.Facts{OS: patch.OSFacts{Key: "macos-13-arm64", ID: "macos", VersionID: "13.4.1 (a)", Build: "22F770820b", Arch: "arm64"}}
	linux := &patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", ID: "debian", VersionID: "12", Arch: "amd64"}}
	for _, c := range []struct {
		facts              *patch.Facts
		class, field, want string
		op                 item.Operation
		as                 item.Datatype
		value              item.Value
	}{
		{win, "windows", "service_pack_major", "2", item.Equals, item.Int, item.True}, {win, "windows", "service_pack_major", "3", item.GreaterThanOrEqual, item.Int, item.False},
		{win, "windows", "version", "5.1", item.GreaterThanOrEqual, item.Version, item.True}, {win, "windows", "processor_architecture", "0", item.Equals, item.Int, item.True},
		{win, "windows", "language", "de-DE", item.Equals, item.String, item.True}, {win, "windows", "product_type", "1", item.Equals, item.Int, item.True},
		{win, "windows", "ubr", "0", item.GreaterThan, item.Int, item.Unknown}, {win, "windows", "suite_mask", "2", item.BitwiseAnd, item.Int, item.Unknown},
		{win, "macos", "version", "5", item.GreaterThan, item.Version, item.False},
		{server, "windows", "ubr", "2000", item.Equals, item.Int, item.True}, {server, "windows", "product_type", "2", item.Equals, item.Int, item.True},
		{server, "windows", "build", "20348", item.Equals, item.Int, item.True}, // what follows from the facts is not overruled
		{mac, "macos", "version", "13.4.1", item.Equals, item.Version, item.True}, {mac, "macos", "response", "a", item.Equals, item.String, item.True},
		{mac, "macos", "model", "Mac14,7", item.Equals, item.String, item.Unknown},
		{linux, "windows", "major", "5", item.GreaterThan, item.Int, item.False},
	} {
		e := Is(Test{Kind: TestItems, Items: &item.Test{Class: c.class, Check: item.AtLeastOne, Object: &item.Object{Class: c.class},
			States: []*item.State{{Class: c.class, Entities: []item.Entity{{Name: c.field, Operation: c.op, Datatype: c.as, Value: c.want}}}}}})
		s, err := Assemble(patch.AnyOS, "windows", []Definition{{ID: "a", Installed: &e}})
		if err != nil {
			t.Fatal(err)
		}
		values, err := s.Values(t.Context(), c.facts, item.NewStored(c.facts.Objects))
		if err != nil {
			t.Fatal(err)
		}
		for v := range values {
			if v.Installed != c.value {
				t.Errorf("%s: %s %s %v %s is %v, not %v", c.facts.OS.Key, c.class, c.field, c.op, c.want, v.Installed, c.value)
			}
		}
		facts := *c.facts
		if err := s.Collect(t.Context(), &facts, item.NewStored(c.facts.Objects)); err != nil {
			t.Fatal(err)
		}
		r, err := s.Evaluate(&facts)
		want := verdict(item.True, c.value)
		if err != nil || r.Verdicts.At(0) != want {
			t.Errorf("%s: %s %s over collected facts: %v, %v", c.facts.OS.Key, c.class, c.field, r.Verdicts.At(0), err)
		}
	}
}
