package patch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestAPlanIsWrittenAsJSONIs(t *testing.T) {
	for machines := range 4 {
		p := Plan{Label: `,"machines":null`, Made: time.Unix(1, 0), By: "<a>", Hash: "h", Machines: []MachinePlan{}}
		for i := range machines {
			p.Machines = append(p.Machines, MachinePlan{Machine: MachineID(fmt.Sprint("m-", i)), Name: `"x"`, Items: []PlanItem{{Patch: "p", Title: "é\u2028<>", Packages: []PlanPackage{{Name: "x", SHA256: "h"}}}},
				Left: []LeftOut{{Patch: "q", Text: "why"}}})
		}
		want, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := p.WriteJSON(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d machines: %v\n%s\n%s", machines, err, &got, want)
		}
	}
	var none bytes.Buffer
	if err := (Plan{}).WriteJSON(&none); err != nil || !bytes.Contains(none.Bytes(), []byte(`"machines":null`)) {
		t.Errorf("%v, %s", err, &none)
	}
}

// What has a member that is written in a way of its own keeps all its other members.
func TestWhatEmbedsAPatchIsWrittenWhole(t *testing.T) {
	row := &PatchRow{Patch: Patch{ID: "a/b/1", Title: "b"}, OS: "debian-12-amd64", Ordinal: 3, FirstRevision: "r"}
	want, err := json.Marshal(map[string]any{"items": []*PatchRow{row}})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := WriteWithout(&got, map[string]any{"items": nil}, "items", func(yield func(any) bool) { yield(row) }); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%v\n%s\n%s", err, &got, want)
	}
}
