package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
)

// A machine that runs, its directory seen from outside, its facts file and a recording of it all give the same answer, to the byte.
func TestSameAnswerFromMachineDirectoryFileAndRecording(t *testing.T) {
	needRoot(t)
	fettle, agent := programs(t)
	archive, err := lab.ReadArchive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := lab.MakeRoot(t.Context(), lab.CacheDir(), archive, lab.Small("bookworm"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bundle := buildCatalog(t, fettle, archive, dir)
	run := func(program string, args ...string) []byte {
		t.Helper()
		out, err := exec.Command(program, args...).Output()
		if err != nil {
			t.Fatalf("%s %v: %v", program, args, err)
		}
		return out
	}
	want := run(fettle, "detect", "--catalog", bundle, "--root", base, "--json", "--record", filepath.Join(dir, "recording"))
	if bytes.Count(want, []byte(`"verdict":"not-patched"`)) == 0 {
		t.Fatal("nothing is missing on a root without its security suite")
	}
	facts := filepath.Join(dir, "facts.json")
	if err := os.WriteFile(facts, run(fettle, "facts", "--root", base), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := lab.Start(t.Context(), lab.Spec{Base: base, Dir: filepath.Join(dir, "machine"), Hostname: "web-14", Files: []string{agent, bundle}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	live, err := m.Exec(t.Context(), "/opt/lab/fettle-agent", "detect", "--catalog", "/opt/lab/"+filepath.Base(bundle), "--json")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{
		"the running machine":        live,
		"the agent on the directory": run(agent, "detect", "--catalog", bundle, "--root", base, "--json"),
		"the facts file":             run(fettle, "detect", "--catalog", bundle, "--facts", facts, "--json"),
		"the recording":              run(agent, "detect", "--replay", filepath.Join(dir, "recording"), "--json"),
	} {
		if !bytes.Equal(got, want) {
			t.Errorf("%s gives another answer than the directory (%d bytes, not %d)", name, len(got), len(want))
		}
	}
}

// buildCatalog makes a catalog of the release's suites as the machine's own archive has them.
func buildCatalog(t *testing.T, fettle string, archive lab.Archive, dir string) string {
	t.Helper()
	bundle := filepath.Join(dir, "bookworm.bundle")
	build := []string{"catalog", "build", "-o", bundle}
	suites, err := archive.Suites("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		build = append(build, "--apt", s.Line())
	}
	if archive.IgnoreExpiry {
		build = append(build, "--ignore-expiry")
	}
	if out, err := exec.Command(fettle, build...).CombinedOutput(); err != nil {
		t.Fatalf("catalog build: %v: %s", err, out)
	}
	return bundle
}
