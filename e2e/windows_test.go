package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/lab"
)

// windows is a Windows machine with the agent on its drive.
type windows struct {
	*lab.Windows
	t *testing.T
}

const windowsAgent = `C:\Fettle\fettle-agent.exe`

func newWindows(t *testing.T) *windows {
	t.Helper()
	if missing := lab.HasWine(); missing != "" {
		t.Skip("SKIPPED: there is no Windows machine without Debian's package " + missing)
	}
	agent := filepath.Join(t.TempDir(), "fettle-agent.exe")
	cmd := exec.Command("go", "build", "-trimpath", "-o", agent, "../cmd/fettle-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	machine, err := lab.StartWindows(t.Context(), openDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := machine.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := &windows{machine, t}
	w.copy(agent, windowsAgent)
	return w
}

func (w *windows) copy(file, name string) {
	w.t.Helper()
	if err := w.Copy(file, name); err != nil {
		w.t.Fatal(err)
	}
}

func (w *windows) run(program string, args ...string) []byte {
	w.t.Helper()
	out, err := w.Exec(w.t.Context(), program, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// kettle makes an MSI that installs a program called Kettle, of a version such as "1.0.0".
func kettle(t *testing.T, version string) string {
	t.Helper()
	dir, major := t.TempDir(), version[:1]
	source, err := filepath.Abs("testdata/kettle")
	if err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"x86_64-w64-mingw32-windres", "-DMAJOR=" + major, `-DTEXT=\"` + version + `\"`, source + "/kettle.rc", "-O", "coff", "-o", "kettle.o"},
		{"x86_64-w64-mingw32-gcc", "-s", "-mwindows", source + "/kettle.c", "kettle.o", "-o", "kettle.exe"},
		{"wixl", "-a", "x64", "-D", "Version=" + version, "-D", "Source=kettle.exe", source + "/kettle.wxs", "-o", "kettle.msi"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	return filepath.Join(dir, "kettle.msi")
}

func (w *windows) detect(bundle string) (os string, verdicts map[string]string, text string) {
	w.t.Helper()
	out := w.run(windowsAgent, "detect", "--catalog", bundle, "--json")
	var report struct {
		OS      string
		Patches []struct{ Title, Verdict string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	verdicts = map[string]string{}
	for _, p := range report.Patches {
		verdicts[p.Title] = p.Verdict
	}
	return report.OS, verdicts, string(out)
}

// A program that a real MSI installed is judged by its registry values and its file's version, on either side of the registry, found
// by name and by pattern; and again after the next version's MSI.
func TestDetectOnWindows(t *testing.T) {
	w := newWindows(t)
	fettle, _ := programs(t)
	bundle := filepath.Join(t.TempDir(), "bundle")
	if out, err := exec.Command(fettle, "catalog", "build", "-o", bundle, "--oval", "testdata/windows.oval.xml").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.copy(bundle, `C:\Fettle\bundle`)
	for _, step := range []struct {
		version string // of the MSI that is installed before
		want    map[string]string
	}{
		{"", map[string]string{"Kettle 2.0": "not-applicable", "Kettle 2.0 for 32-bit programs": "not-applicable", "Kettle's program": "not-applicable", "Kettle registered anywhere": "not-applicable"}},
		{"1.0.0", map[string]string{"Kettle 2.0": "not-patched", "Kettle 2.0 for 32-bit programs": "not-applicable", "Kettle's program": "not-patched", "Kettle registered anywhere": "not-patched"}},
		{"2.0.0", map[string]string{"Kettle 2.0": "patched", "Kettle 2.0 for 32-bit programs": "not-applicable", "Kettle's program": "patched", "Kettle registered anywhere": "not-patched"}},
	} {
		if step.version != "" {
			w.copy(kettle(t, step.version), `C:\kettle.msi`)
			w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
		}
		os, got, text := w.detect(`C:\Fettle\bundle`)
		if diff := cmp.Diff(step.want, got); diff != "" || os != "windows-6.1-sp1-amd64" {
			t.Errorf("with Kettle %q on %s: %s\n%s", step.version, os, diff, text)
		}
	}
}

// Windows XP with its second service pack and with its third are two host OSes, read at the moment of detect.
func TestAServicePackMakesAnotherWindows(t *testing.T) {
	w := newWindows(t)
	const key = `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`
	for _, v := range [][2]string{{"ProductName", "Microsoft Windows XP"}, {"CurrentVersion", "5.1"}, {"CurrentBuildNumber", "2600"}} {
		if err := w.Put(t.Context(), key, v[0], "REG_SZ", v[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, pack := range []string{"2", "3"} {
		if err := w.Put(t.Context(), key, "CSDVersion", "REG_SZ", "Service Pack "+pack); err != nil {
			t.Fatal(err)
		}
		says(t, string(w.run(windowsAgent, "facts")), `"windows-5.1-sp`+pack+`-amd64"`, `"Microsoft Windows XP"`)
	}
}

// A Windows machine enrols, is admitted, detects, and what it has installed besides is there as inventory.
func TestAWindowsMachineJoins(t *testing.T) {
	needRoot(t)
	w := newWindows(t)
	fettle, _ := programs(t)
	a, err := lab.NewAppliance(t.Context(), fettle, filepath.Join(openDir(t), "appliance"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	s := &site{Appliance: a, t: t}
	oval, err := filepath.Abs("testdata/windows.oval.xml")
	if err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(openDir(t), "windows.oval.xml")
	if err := os.WriteFile(shared, read(t, oval), 0o644); err != nil {
		t.Fatal(err)
	}
	s.cli("feeds", "add", "--name", "kettle", "--oval", shared, "--os", "windows-6.1-sp1-amd64")
	s.cli("catalog", "sync")
	w.copy(kettle(t, "1.0.0"), `C:\kettle.msi`)
	w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
	token, err := a.NewToken(t.Context(), "windows")
	if err != nil {
		t.Fatal(err)
	}
	w.run(windowsAgent, "enrol", "--server", "https://"+a.Agents, "--token", token)
	w.serve()
	var all struct{ Items []struct{ Name string } }
	until(t, "the machine has checked in", func() bool {
		s.json(&all, "machines", "list")
		return len(all.Items) == 1
	})
	name := all.Items[0].Name
	s.cli("machines", "admit", name)
	if _, err := a.WaitSnapshot(t.Context(), name, 1); err != nil {
		t.Fatal(err)
	}
	says(t, s.cli("machines", "show", name), "windows-6.1-sp1-amd64", "4 of 4 patches judged", "Microsoft Windows 7")
	says(t, s.cli("explain", name, "fettle.test/1"), `expected version older than 2.0.0.0, seen 1.0.0.0`, "nobody has decided about it")
	says(t, s.cli("explain", name, "fettle.test/2"), `HKLM\SOFTWARE\Fettle Test\Kettle\Version: expected exists, seen does not exist`)
	var shown struct {
		Inventory struct {
			Changes []struct{ Name, To string }
		}
	}
	s.json(&shown, "machines", "show", name)
	if want := (struct{ Name, To string }{"Kettle", "1.0.0"}); !slices.Contains(shown.Inventory.Changes, want) {
		t.Errorf("installed, as Windows says: %v", shown.Inventory.Changes)
	}
}

// serve runs the agent until the test ends.
func (w *windows) serve() {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	agent, log := w.Command(ctx, windowsAgent, "run"), &output{}
	agent.Stdout, agent.Stderr = log, log
	if err := agent.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		stop()
		_ = agent.Wait()
		if w.t.Failed() {
			w.t.Logf("the agent said:\n%s", log)
		}
	})
}
