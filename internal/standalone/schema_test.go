package standalone

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fettle-project/fettle/docs/schema"
	"github.com/fettle-project/fettle/internal/patch"
)

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:test", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:test")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Facts and answers, as the program prints them, are what the published schemas say; anything else is not.
func TestPublishedSchemasHold(t *testing.T) {
	bundle, root := world(t)
	var facts bytes.Buffer
	if err := Facts(t.Context(), Options{Root: root, Out: &facts}); err != nil {
		t.Fatal(err)
	}
	answer, err := answerOf(t, Options{Catalog: bundle, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	full, err := json.Marshal(patch.Facts{
		OS: patch.OSFacts{Key: "x"}, Packages: []patch.Package{{Name: "a", State: patch.Installed, Held: true, Module: "m:1", Signer: "00"}},
		Modules: []patch.Module{{Name: "m", Stream: "1", State: "enabled"}},
		Objects: []patch.Collected{{Class: "file", Key: "k", Flag: patch.FlagError, Message: "m", Fields: []string{"path"}, Items: []patch.Item{
			{Status: patch.StatusError, Fields: []patch.Field{{Name: "size", Type: "int", Value: "1", Record: []patch.Field{{Name: "x"}}}}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		schema *jsonschema.Schema
		text   []byte
		list   string // a list whose first entry gets a field too many
	}{
		"facts of a root":    {compiled(t, schema.Facts), facts.Bytes(), "packages"},
		"facts with objects": {compiled(t, schema.Facts), full, "objects"},
		"an answer":          {compiled(t, schema.Detect), []byte(answer), "patches"},
	} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		top := doc.(map[string]any)
		top[c.list].([]any)[0].(map[string]any)["colour"] = "red"
		if c.schema.Validate(doc) == nil {
			t.Errorf("%s: a field that nobody knows passes", name)
		}
		delete(top[c.list].([]any)[0].(map[string]any), "colour")
		delete(top, "os")
		if c.schema.Validate(doc) == nil {
			t.Errorf("%s: it passes without its host OS", name)
		}
	}
}
