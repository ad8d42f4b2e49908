package oval

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	seed      = flag.Uint64("seed", 1, "where random documents begin")
	documents = flag.Int("documents", 300, "how many random documents OpenSCAP judges too")
	judged    = regexp.MustCompile(`<definition definition_id="([^"]+)"[^>]* result="([^"]+)"`)
)

// oscap gives OpenSCAP's values of the definitions in a file over system characteristics.
func oscap(t *testing.T, definitions, characteristics string) map[string]string {
	t.Helper()
	program, err := exec.LookPath("oscap")
	if err != nil {
		t.Skip("SKIPPED: OpenSCAP is not installed, so nothing referees our values: scripts/needs test installs it")
	}
	results := filepath.Join(t.TempDir(), "results.xml")
	out, err := exec.Command(program, "oval", "analyse", "--skip-valid", "--results", results, definitions, characteristics).CombinedOutput()
	b, readErr := os.ReadFile(results)
	if readErr != nil {
		t.Fatalf("oscap: %v %v\n%s", err, readErr, out)
	}
	want := map[string]string{}
	for _, m := range judged.FindAllStringSubmatch(string(b), -1) {
		want[m[1]] = m[2]
	}
	return want
}

// ours gives the values by the engine, both with and without clauses.
func ours(t *testing.T, definitions, characteristics string) map[string]string {
	t.Helper()
	c, err := ReadCharacteristics(strings.NewReader(characteristics))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(strings.NewReader(definitions), Options{Recorded: c})
	if err != nil {
		t.Fatal(err)
	}
	got, again := map[string]string{}, map[string]string{}
	answers, err := d.Evaluate(t.Context(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	for a := range answers {
		got[a.Definition.ID] = a.Value.String()
	}
	explained, err := d.Explain(t.Context(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	for a := range explained {
		again[a.Definition.ID] = a.Value.String()
		if len(a.Clauses) == 0 {
			t.Errorf("%s is %s without a clause that says why", a.Definition.ID, a.Value)
		}
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("explained values differ:\n%s", diff)
	}
	return got
}

// Random documents have the values that OpenSCAP gives them.
func TestAgainstOpenSCAP(t *testing.T) {
	dir := t.TempDir()
	definitions, characteristics := filepath.Join(dir, "definitions.xml"), filepath.Join(dir, "characteristics.xml")
	values := map[string]int{}
	for i := range *documents {
		r := newRandom(*seed+uint64(i), 12)
		for path, text := range map[string]string{definitions: r.document(), characteristics: r.system()} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want := oscap(t, definitions, characteristics)
		if diff := cmp.Diff(want, ours(t, r.document(), r.system())); diff != "" {
			t.Fatalf("seed %d (-OpenSCAP +ours):\n%s\n%s\n%s", *seed+uint64(i), diff, r.document(), r.system())
		}
		for _, v := range want {
			values[v]++
		}
	}
	for _, v := range []string{"true", "false", "unknown", "error", "not applicable"} {
		if values[v] < *documents/20 {
			t.Errorf("only %d of the random definitions are %q: %v", values[v], v, values)
		}
	}
}
