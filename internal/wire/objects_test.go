package wire

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// Objects are encoded as encoding/json does it, whatever they hold; an agent's facts hash the same in both ways.
func TestObjectsAreEncodedAsByEncodingJSON(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,12}`), rapid.String(), rapid.Just("<a>&\u2028\x7f\x00\n"),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }))
	maybe := rapid.OneOf(rapid.Just(""), text)
	field := func(record []patch.Field) *rapid.Generator[patch.Field] {
		return rapid.Custom(func(t *rapid.T) patch.Field {
			return patch.Field{Name: text.Draw(t, "name"), Type: maybe.Draw(t, "type"), Status: patch.Status(maybe.Draw(t, "status")),
				Value: maybe.Draw(t, "value"), Record: record}
		})
	}
	item := rapid.Custom(func(t *rapid.T) patch.Item {
		it := patch.Item{Status: patch.Status(maybe.Draw(t, "status"))}
		if rapid.Bool().Draw(t, "has fields") {
			record := rapid.SliceOfN(field(nil), 0, 2).Draw(t, "record")
			it.Fields = rapid.SliceOfN(field(record), 0, 3).Draw(t, "fields")
		}
		return it
	})
	rapid.Check(t, func(t *rapid.T) {
		c := patch.Collected{Class: text.Draw(t, "class"), Key: text.Draw(t, "key"), Flag: patch.Flag(text.Draw(t, "flag")), Message: maybe.Draw(t, "message"),
			Fields: rapid.SliceOfN(text, 0, 2).Draw(t, "wanted"), Items: rapid.SliceOfN(item, 0, 2).Draw(t, "items")}
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendObject(nil, &c); string(got) != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// So are packages, with every field that they have.
func TestPackagesAreEncodedAsByEncodingJSON(t *testing.T) {
	for _, text := range []string{"", "plain", "<a>&\u2028\x7f\x00\n", `"\"`, "ü\xff"} {
		var p patch.Package
		v := reflect.ValueOf(&p).Elem()
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString(text)
			case reflect.Bool:
				f.SetBool(text != "")
			default:
				t.Fatalf("what is hashed of %s?", v.Type().Field(i).Name)
			}
			want, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if got := appendPackage(nil, &p); string(got) != string(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
}

// Each character by itself.
func TestTextIsEncodedAsByEncodingJSON(t *testing.T) {
	for c := range 256 {
		s := "a" + string([]byte{byte(c)}) + "b"
		want, err := json.Marshal(s)
		if got := AppendText(nil, s); err != nil || string(got) != string(want) {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
}

// Many objects go through the hash in parts.
func TestManyObjectsHashTheSame(t *testing.T) {
	f := patch.Facts{Objects: make([]patch.Collected, 2000), Modules: []patch.Module{{Name: "nodejs"}}, Apt: &patch.AptPolicy{MachineID: "m"}}
	for i := range f.Objects {
		f.Objects[i] = patch.Collected{Class: "file", Key: `path="/usr/lib"`, Flag: patch.FlagComplete, Fields: []string{"size"}}
	}
	got, err := HashFacts(patch.Facts{Modules: f.Modules}).Sum(f, nil)
	want, _, failed := HashJSON(f)
	if err != nil || failed != nil || got != want {
		t.Errorf("%s, want %s (%v, %v)", got, want, err, failed)
	}
}
