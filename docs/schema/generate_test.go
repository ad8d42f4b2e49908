package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the schemas from the types")

func TestSchemasAreTheTypes(t *testing.T) {
	s := load(t)
	for _, d := range []struct{ file, title, pkg, name string }{
		{"facts.json", "Facts of one machine: what a detect judges", "patch", "Facts"},
		{"detect.json", "The answer of a detect: one verdict for every patch of the catalog, with its evidence", "standalone", "Report"},
		{"oval.json", "The answer of oval eval: one value for every definition of the documents, with its evidence", "feed/oval", "Evaluation"},
		{"sdp.json", "The answer of sdp eval: what every software package's rules say of one machine", "feed/sdp", "Evaluation"},
	} {
		g := newShaper(s, "#/$defs/")
		root := g.object(s.typeNamed(t, d.pkg, d.name))
		root["$schema"], root["$id"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema",
			"urn:fettle:schema:"+strings.TrimSuffix(d.file, ".json"), d.title, g.defs
		hold(t, d.file, root)
	}
	hold(t, "openapi.json", newDescription(t, s).document())
}

// hold compares a file with what it must be, or rewrites it.
func hold(t *testing.T, file string, document map[string]any) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), string(got)); d != "" {
		t.Errorf("%s is not what the source says (run: go test ./docs/schema -update)\n%s", file, d)
	}
}
