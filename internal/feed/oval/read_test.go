package oval

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

func readFile(t *testing.T, path string, o Options) *Document {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := Read(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadSmall(t *testing.T) {
	d := readFile(t, "testdata/small.xml", Options{})
	if d.Product != "Example generator" || !d.Dated.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("the document is by %q of %q", d.Product, d.Dated)
	}
	want := []Definition{
		{ID: "oval:org.example:def:1", Class: PatchClass, Metadata: Metadata{Title: "EXSA-2026:1 -- fish", Severity: patch.High,
			CVEs: []string{"CVE-2026-0001", "CVE-2026-0002"}, Advisory: "EXSA-2026:1", Family: "unix", Platforms: []string{"Example Linux 4"},
			Products: []string{"fish"}, Released: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{ID: "oval:org.example:def:2", Class: Inventory, Deprecated: true, Metadata: Metadata{Title: "Example Linux 4 is installed"}},
		{ID: "oval:org.example:def:3", Class: Miscellaneous, Circular: true, Fault: "it extends itself by way of other definitions"},
		{ID: "oval:org.example:def:4", Class: Miscellaneous, Circular: true, Fault: "it extends itself by way of other definitions"},
		{ID: "oval:org.example:def:5", Class: Miscellaneous, Fault: "it has no criteria"},
	}
	var got []Definition
	for _, def := range d.Definitions {
		got = append(got, *def)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Definition{})); diff != "" {
		t.Error(diff)
	}
	tests := []*item.Test{
		{ID: "oval:org.example:tst:1", Class: "dpkginfo", Comment: "fish is earlier than 2", Check: item.AtLeastOne,
			Object: &item.Object{ID: "oval:org.example:obj:1", Class: "dpkginfo", Entities: []item.Entity{{Name: "name", VarCheck: item.AtLeastOne,
				Variable: &item.Variable{ID: "oval:org.example:var:1", Values: []string{"fish", "fish-data"}}}}},
			States: []*item.State{{ID: "oval:org.example:ste:1", Class: "dpkginfo",
				Entities: []item.Entity{{Name: "evr", Value: "0:2-1", Datatype: item.DebianEVR, Operation: item.LessThan}}}}},
	}
	opts := cmpopts.IgnoreUnexported(item.Object{}, item.Variable{}, item.State{}, item.Test{})
	if diff := cmp.Diff(tests, d.Definitions[0].Tests(), opts); diff != "" {
		t.Error(diff)
	}
	if got := d.Definitions[1].Tests()[1]; got.Unclear != "the document has no test oval:org.example:tst:99" {
		t.Errorf("a test that is not there is read as %+v", got)
	}
	for _, note := range d.Notes {
		if strings.Contains(note, "without a usable id") {
			return
		}
	}
	t.Errorf("nothing is said about the definition without an ID: %q", d.Notes)
}

func TestCriteriaKeepTheirShape(t *testing.T) {
	d := readFile(t, "testdata/small.xml", Options{})
	top := d.Definitions[0].criteria
	if len(top.of) != 2 || top.of[0].extends != d.Definitions[1] || !top.of[0].applies || top.of[1].test == nil || !top.of[1].negate {
		t.Errorf("the criteria are read as %+v", top)
	}
	if other := d.Definitions[1].criteria; other.of[2].fault != `its criteria have an element "party"` {
		t.Errorf("an unknown element is read as %+v", other.of[2])
	}
}

func TestReadRefuses(t *testing.T) {
	const begin = `<oval_definitions xmlns="` + nsDefinitions + `">`
	for name, text := range map[string]string{
		"nothing":         "",
		"no XML":          "oval",
		"another root":    "<html/>",
		"a cut document":  begin + "<definitions>",
		"entities":        `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + begin + "</oval_definitions>",
		"an unknown name": begin + "<definitions>&a;</definitions></oval_definitions>",
		"deep nesting":    begin + strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000) + "</oval_definitions>",
		"a long tag":      begin + `<a b="` + strings.Repeat("x", 2<<20) + `"/></oval_definitions>`,
		"bad UTF-8":       begin + "<a>\xff</a></oval_definitions>",
	} {
		if _, err := Read(strings.NewReader(text), Options{}); patch.KindOf(err) != patch.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One definition that is too large is marked; its neighbours are read.
func TestTooLargeSpoilsNoOther(t *testing.T) {
	text := `<oval_definitions><definitions><definition id="oval:a:def:1">` + strings.Repeat("<x/>", 2*maxParts) + `</definition>` +
		`<definition id="oval:a:def:2"><criteria><criterion test_ref="oval:a:tst:1"/></criteria></definition></definitions>` +
		`<tests><unknown_test id="oval:a:tst:1"/></tests></oval_definitions>`
	d, err := Read(strings.NewReader(text), Options{})
	if err != nil || len(d.Definitions) != 2 {
		t.Fatalf("%v %v", d, err)
	}
	if !strings.Contains(d.Definitions[0].Fault, "larger") || d.Definitions[1].Fault != "" {
		t.Errorf("the faults are %q and %q", d.Definitions[0].Fault, d.Definitions[1].Fault)
	}
}

// Extending twice what extends twice would double with every step.
func TestExtensionsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<oval_definitions><definitions>`)
	for i := range 60 {
		from, to := "oval:a:def:"+string(rune('A'+i)), "oval:a:def:"+string(rune('A'+i+1))
		b.WriteString(`<definition id="` + from + `"><criteria><extend_definition definition_ref="` + to + `"/><extend_definition definition_ref="` + to + `"/></criteria></definition>`)
	}
	b.WriteString(`</definitions></oval_definitions>`)
	d, err := Read(strings.NewReader(b.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	faults, largest := 0, 0
	for _, def := range d.Definitions {
		largest = max(largest, def.size)
		if def.Fault != "" {
			faults++
		}
	}
	if faults == 0 || faults > 10 || largest > maxSize {
		t.Errorf("%d definitions are marked, and the largest expression has %d nodes", faults, largest)
	}
}

func TestVariablesThatNeedThemselves(t *testing.T) {
	d, err := Read(strings.NewReader(`<oval_definitions xmlns:i="`+nsDefinitions+`#independent"><definitions>
		<definition id="d"><criteria><criterion test_ref="t"/></criteria></definition></definitions>
		<tests><i:variable_test id="t" check="all"><i:object object_ref="o"/></i:variable_test></tests>
		<objects><i:variable_object id="o"><i:var_ref>v</i:var_ref></i:variable_object></objects>
		<variables><local_variable id="v"><variable_component var_ref="w"/></local_variable>
		<local_variable id="w"><variable_component var_ref="v"/></local_variable></variables></oval_definitions>`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Definitions[0].Tests()[0]; !strings.Contains(got.Unclear, "depends on itself") || got.Object != nil {
		t.Errorf("the test is read as %+v", got)
	}
}

// endless is a document that goes on for ever, in parts of one kind.
type endless struct {
	head, part string
	n          int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head == "" {
		e.n++
		e.head = strings.ReplaceAll(e.part, "#", strconv.Itoa(e.n))
	}
	n := copy(p, e.head)
	e.head = e.head[n:]
	return n, nil
}

// However long a document is, little of it is kept.
func TestMemoryIsBounded(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, e := range map[string]*endless{
		"definitions": {head: "<oval_definitions><definitions>", part: `<definition id="d#"><metadata><title>` + long + `</title></metadata></definition>`},
		"references":  {head: "<oval_definitions><definitions>", part: `<definition id="d#"><criteria><criterion test_ref="t#"/><criterion test_ref="u#"/></criteria></definition>`},
		"expressions": {head: "<oval_definitions><variables>", part: `<local_variable id="v#"><concat><literal_component>a</literal_component><literal_component>b</literal_component></concat></local_variable>`},
	} {
		_, err := Read(e, Options{})
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if err == nil || !strings.Contains(err.Error(), "more in it than") || m.HeapAlloc > 2*maxKept {
			t.Errorf("%s: %d MiB, %v", name, m.HeapAlloc>>20, err)
		}
		runtime.GC()
	}
}

// The shapes are those of Red Hat, SUSE and Ubuntu: the score before the vector, or by itself.
func TestScoresOfDefinitions(t *testing.T) {
	small, err := os.ReadFile("testdata/small.xml")
	if err != nil {
		t.Fatal(err)
	}
	for cve, want := range map[string]float64{
		`<cve cvss2="5.0/AV:N/AC:L/Au:N/C:N/I:N/A:P" cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" cwe="CWE-400" href="x" impact="important" public="20260101">CVE-2026-0001</cve>`: 7.5,
		`<cve priority="low" public="20260101" cvss_score="8.1" cvss_vector="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H" cvss_severity="high" href="x">CVE-2026-0001</cve>`:                  8.1,
		`<cve impact="moderate" href="x">CVE-2026-0001</cve>`: 0,
		`<cve cvss3="high" href="x">CVE-2026-0001</cve>`:      0,
	} {
		text := strings.Replace(string(small), "</metadata>", "<advisory>"+cve+"</advisory></metadata>", 1)
		d, err := Read(strings.NewReader(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Definitions[0].CVSS; got != want {
			t.Errorf("%s: %v", cve, got)
		}
	}
}
