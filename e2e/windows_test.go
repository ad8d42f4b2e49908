package e2e

import (
	"archive/zip"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// shed is an appliance for Windows machines, without any archive.
func newShed(t *testing.T) *site {
	t.Helper()
	fettle, _ := programs(t)
	a, err := lab.NewAppliance(t.Context(), fettle, filepath.Join(openDir(t), "appliance"), lab.WithCheckin(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Appliance: a, t: t}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the appliance's log:\n%s", s.troubles())
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// joins enrols the machine, has it admitted, and gives its name once it has detected.
func (w *windows) joins(s *site) string {
	w.t.Helper()
	w.enrol(s)
	w.serve()
	return w.admitted(s)
}

// enrol makes the machine known to the appliance.
func (w *windows) enrol(s *site) {
	w.t.Helper()
	token, err := s.NewToken(w.t.Context(), "windows")
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(windowsAgent, "enrol", "--server", "https://"+s.Agents, "--token", token)
}

// admitted waits until the machine's agent checks in, has it admitted, and gives its name once it has detected.
func (w *windows) admitted(s *site) string {
	w.t.Helper()
	var all struct{ Items []struct{ Name string } }
	until(w.t, "the machine has checked in", func() bool {
		s.json(&all, "machines", "list")
		return len(all.Items) == 1
	})
	name := all.Items[0].Name
	s.cli("machines", "admit", name)
	if _, err := s.WaitSnapshot(w.t.Context(), name, 1); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// kettles subscribes the appliance to definitions about Kettle.
func (s *site) kettles() {
	s.t.Helper()
	shared := filepath.Join(openDir(s.t), "windows.oval.xml")
	if err := os.WriteFile(shared, read(s.t, "testdata/windows.oval.xml"), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.cli("feeds", "add", "--name", "kettle", "--oval", shared, "--os", "windows-6.1-sp1-amd64")
	s.cli("catalog", "sync")
}

// A Windows machine enrols, is admitted, detects, and what it has installed besides is there as inventory.
func TestAWindowsMachineJoins(t *testing.T) {
	needRoot(t)
	w, s := newWindows(t), newShed(t)
	s.kettles()
	w.copy(kettle(t, "1.0.0"), `C:\kettle.msi`)
	w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
	name := w.joins(s)
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

// serve runs the agent until the test ends, and gives what it says. Wine tells there when the machine is asked to restart: it cannot.
func (w *windows) serve() *output {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	agent, log := w.Command(ctx, windowsAgent, "run"), &output{}
	agent.Stdout, agent.Stderr = log, log
	agent.Env = append(agent.Env, "WINEDEBUG=-all,fixme+advapi")
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
	return log
}

// authority is a certificate authority of this test's own, and signs with a certificate of it.
type authority struct {
	dir string
	der []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	run := func(argv ...string) {
		t.Helper()
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = a.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Fettle Test CA")
	run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "sign.key", "-out", "sign.csr", "-subj", "/CN=Fettle Test")
	if err := os.WriteFile(filepath.Join(a.dir, "ext"), []byte("extendedKeyUsage=codeSigning\nkeyUsage=digitalSignature\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("openssl", "x509", "-req", "-in", "sign.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "sign.pem", "-days", "30", "-extfile", "ext")
	run("openssl", "x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
	a.der = read(t, filepath.Join(a.dir, "ca.der"))
	return a
}

// sign gives a signed copy of an installer.
func (a *authority) sign(t *testing.T, file string) string {
	t.Helper()
	signed := filepath.Join(t.TempDir(), "signed-"+filepath.Base(file))
	cmd := exec.Command("osslsigncode", "sign", "-certs", filepath.Join(a.dir, "sign.pem"), "-key", filepath.Join(a.dir, "sign.key"), "-h", "sha256", "-in", file, "-out", signed)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return signed
}

// trust makes the machine trust an authority: its certificate goes where Windows keeps the roots, in Windows' own form.
func (w *windows) trust(a *authority) {
	w.t.Helper()
	sum := sha1.Sum(a.der)
	property := func(id uint32, value []byte) []byte {
		b := binary.LittleEndian.AppendUint32(nil, id)
		b = binary.LittleEndian.AppendUint32(b, 1)
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(value))), value...)
	}
	blob := append(property(3, sum[:]), property(32, a.der)...)
	key := fmt.Sprintf(`HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\%X`, sum)
	if err := w.Put(w.t.Context(), key, "Blob", "REG_BINARY", hex.EncodeToString(blob)); err != nil {
		w.t.Fatal(err)
	}
}

// setup builds an installer that does what its macros say.
func setup(t *testing.T, name string, macros ...string) string {
	t.Helper()
	source, err := filepath.Abs("testdata/kettle/setup.c")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+"-setup.exe")
	cmd := exec.Command("x86_64-w64-mingw32-gcc", append(macros, "-s", "-mwindows", source, "-o", file)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// shelf serves installers, and gives definitions of the apps that they install.
type shelf struct {
	t   *testing.T
	dir string // of definitions, where the appliance can read
	www string
	url string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	h := &shelf{t: t, dir: openDir(t), www: t.TempDir()}
	server := httptest.NewServer(http.FileServer(http.Dir(h.www)))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *shelf) put(name, kind, signer, file, more string) {
	h.t.Helper()
	b := read(h.t, file)
	if err := os.WriteFile(filepath.Join(h.www, filepath.Base(file)), b, 0o600); err != nil {
		h.t.Fatal(err)
	}
	text := fmt.Sprintf("id: test.%s\nname: %s\nversion: \"2.0\"\npackages:\n  - architecture: amd64\n    url: %s/%s\n    sha256: %x\n    size: %d\n    kind: %s\n    signer: %s\n%s",
		name, name, h.url, filepath.Base(file), sha256.Sum256(b), len(b), kind, signer, more)
	if err := os.WriteFile(filepath.Join(h.dir, name+".yaml"), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// pack gives all definitions as one file, as a feed wants them.
func (h *shelf) pack() string {
	h.t.Helper()
	name := filepath.Join(h.dir, "apps.zip")
	f, err := os.Create(name)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	all, _ := filepath.Glob(filepath.Join(h.dir, "*.yaml"))
	for _, definition := range all {
		w, err := z.Create(filepath.Base(definition))
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := w.Write(read(h.t, definition)); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		h.t.Fatal(err)
	}
	return name
}

// old makes Windows list an older version of a program.
func (w *windows) old(name string) {
	w.t.Helper()
	for _, v := range [][2]string{{"DisplayName", name}, {"DisplayVersion", "1.0"}} {
		if err := w.Put(w.t.Context(), `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\`+name, v[0], "REG_SZ", v[1]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Installers of every temper on one machine: a signed MSI that works, one that wants a restart, one that fails, one that lies, one that
// hangs, and one that somebody else signed. Each ends as what it is, and none stands in another's way. The
// restart that is owed is asked for once the order has ended.
func TestDeployOnWindows(t *testing.T) {
	needRoot(t)
	w, s, h, ca := newWindows(t), newShed(t), newShelf(t), newAuthority(t)
	w.trust(ca)
	w.copy(kettle(t, "1.0.0"), `C:\kettle.msi`)
	w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
	for _, name := range []string{"Cup", "Lid", "Pot", "Pan", "Wok"} {
		w.old(name)
	}
	silent := "    switches: /S\n"
	h.put("Kettle", "msi", "Fettle Test", ca.sign(t, kettle(t, "2.0.0")), "")
	h.put("Cup", "exe", "Fettle Test", ca.sign(t, setup(t, "Cup", "-DCODE=3010", `-DPROGRAM="Cup"`)), silent)
	h.put("Lid", "nsis", "Fettle Test", ca.sign(t, setup(t, "Lid", "-DCODE=1603")), "")
	h.put("Pot", "exe", "Fettle Test", ca.sign(t, setup(t, "Pot", "-DCODE=0")), silent)
	h.put("Pan", "exe", "Fettle Test", ca.sign(t, setup(t, "Pan", "-DCODE=0", "-DHANGS")), silent+"    minutes: 1\n")
	h.put("Wok", "exe", "Somebody Else", ca.sign(t, setup(t, "Wok", "-DCODE=0", `-DPROGRAM="Wok"`)), silent)
	s.cli("feeds", "add", "--name", "apps", "--apps", h.pack(), "--os", "windows-6.1-sp1-amd64")
	s.cli("catalog", "sync")
	w.enrol(s)
	said := w.serve()
	name := w.admitted(s)
	b := &box{s: s, spec: lab.AgentSpec{Hostname: name}}
	var ids []string
	for _, r := range b.rows("--verdict", "not-patched") {
		ids = append(ids, r.Patch.ID)
	}
	if len(ids) != 6 {
		t.Fatalf("it needs %v\n%s", ids, s.cli("machines", "rows", name))
	}
	s.approve(ids...)
	plan, _ := s.plan(b, "--reboot", "if-needed")
	s.ended(s.apply(plan))
	says(t, s.cli("explain", name, "apps/test.cup/2.0"), "owes a reboot before it takes effect")
	until(t, "Windows is asked to restart, with a message, a countdown and a reason", func() bool {
		return strings.Contains(said.String(), `InitiateSystemShutdownExW (null) L"This machine restarts to finish installing updates." 30 1 1 0x80020011`)
	})
	if err := w.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.serve()
	until(t, "the restart has proven what waited for it", func() bool { return b.row("apps/test.cup/2.0").Effect == "verified" })
	for id, want := range map[string]row{
		"apps/test.kettle/2.0": {Verdict: "patched", Execution: "done", Effect: "verified"},
		"apps/test.cup/2.0":    {Verdict: "patched", Execution: "done", Effect: "verified"},
		"apps/test.lid/2.0":    {Verdict: "not-patched", Execution: "failed", Cause: "patch"},
		"apps/test.pot/2.0":    {Verdict: "not-patched", Execution: "done", Effect: "not-effective"},
		"apps/test.pan/2.0":    {Verdict: "not-patched", Execution: "failed", Cause: "time-out"},
		"apps/test.wok/2.0":    {Verdict: "not-patched", Execution: "failed", Cause: "untrusted"},
	} {
		got := b.row(id)
		if got.Verdict != want.Verdict || got.Execution != want.Execution || got.Cause != want.Cause || got.Effect != want.Effect {
			t.Errorf("%s: %+v\n%s", id, got, s.cli("explain", name, id))
		}
	}
}
