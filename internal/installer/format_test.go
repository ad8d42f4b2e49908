package installer

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
)

// pack makes the agent's packages as make packages and make msi do, and gives their paths by format; what cannot be made here is left out.
func pack(t *testing.T) map[Format]string {
	t.Helper()
	dir, out := t.TempDir(), map[Format]string{}
	program := filepath.Join(dir, "agent.exe")
	if err := os.WriteFile(program, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("rpmbuild"); err == nil {
		if b, err := exec.Command("../../scripts/packages", program, "amd64", dir, "1.2.3").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		out[Deb], out[RPM] = filepath.Join(dir, "fettle-agent-amd64.deb"), filepath.Join(dir, "fettle-agent-amd64.rpm")
	} else {
		t.Log("NOT TESTED: Debian and RPM packages; there is no rpmbuild")
	}
	if _, err := exec.LookPath("wixl"); err == nil {
		out[MSI] = filepath.Join(dir, "agent.msi")
		if b, err := exec.Command("../../scripts/msi", program, out[MSI], "1.2.3").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	} else {
		t.Log("NOT TESTED: MSI; there is no wixl")
	}
	return out
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	made := pack(t)
	s := &Shelf{Dir: filepath.Join(t.TempDir(), "agents")}
	for format, path := range made {
		odd := filepath.Join(t.TempDir(), "anything.txt") // a name proves nothing
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(odd, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := s.Add(odd)
		want := map[Format]Agent{Deb: {OS: "linux", Version: "1.2.3"}, RPM: {OS: "linux", Version: "1.2.3-1"}, MSI: {OS: "windows", Version: "1.2.3"}}[format]
		if err != nil || a.OS != want.OS || a.Arch != "amd64" || a.Version != want.Version || a.Format != format || !a.Hash.Valid() || a.Size != int64(len(b)) {
			t.Errorf("%s is %+v, %v", format, a, err)
		}
		for _, n := range []int{8, 60, 512, 1024, len(b) / 3} { // cut off, it is refused, or its head is whole
			if err := os.WriteFile(odd, b[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Add(odd); err == nil && n < 512 || err != nil && patch.KindOf(err) != patch.Invalid {
				t.Errorf("%s cut after %d bytes: %v", format, n, err)
			}
		}
	}
	for format, path := range foreign(t) {
		if _, err := s.Add(path); patch.KindOf(err) != patch.Invalid || !strings.Contains(err.Error(), "cannot take") {
			t.Errorf("another %s is taken: %v", format, err)
		}
	}
	if all, err := s.List(); err != nil || len(all) != len(made) {
		t.Errorf("on the shelf are %+v, %v", all, err)
	}
}

// foreign makes packages that are not the agent's.
func foreign(t *testing.T) map[Format]string {
	t.Helper()
	dir, out := t.TempDir(), map[Format]string{}
	tree := filepath.Join(dir, "deb", "DEBIAN")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	control := "Package: other-agent\nVersion: 1\nArchitecture: amd64\nMaintainer: X <x@localhost>\nDescription: x\n"
	if err := os.WriteFile(filepath.Join(tree, "control"), []byte(control), 0o644); err != nil {
		t.Fatal(err)
	}
	out[Deb] = filepath.Join(dir, "x.deb")
	if b, err := exec.Command("dpkg-deb", "--build", filepath.Dir(tree), out[Deb]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if _, err := exec.LookPath("rpmbuild"); err == nil {
		p := lab.RPM{Name: "other-agent", Version: "1", Release: "1", Arch: "x86_64", Files: map[string]string{"/etc/x": "x"}}
		if err := lab.BuildRPMs(t.Context(), dir, p); err != nil {
			t.Fatal(err)
		}
		out[RPM] = filepath.Join(dir, p.File())
	}
	if _, err := exec.LookPath("wixl"); err == nil {
		source, err := os.ReadFile("../../packaging/agent.wxs")
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(dir, "x.wxs")
		if err := os.WriteFile(other, bytes.ReplaceAll(source, []byte("8d0cf3f5"), []byte("00000000")), 0o600); err != nil {
			t.Fatal(err)
		}
		out[MSI] = filepath.Join(dir, "x.msi")
		cmd := exec.Command("wixl", "-a", "x64", "-D", "Version=1.0.0", "-D", "Source=x.wxs", "x.wxs", "-o", out[MSI])
		cmd.Dir = dir
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	}
	return out
}

// Where packages are offered, the line for Linux knows them, and the line for Windows packages proves its file.
func TestLinesOfferPackages(t *testing.T) {
	made := pack(t)
	if len(made) < 3 {
		t.Skip("SKIPPED: there are no packages")
	}
	i := newInstaller(t)
	for _, path := range made {
		if _, err := i.Shelf.Add(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := i.Text(Shell)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"linux-amd64-deb) want=", "linux-amd64-rpm) want=", "version='1.2.3-1'", "linux-amd64) want="} {
		if !strings.Contains(text, want) {
			t.Errorf("the script has no %q", want)
		}
	}
	const token = "fettle1.c2VjcmV0.abcdef"
	l, err := i.Lines(token)
	if err != nil || !l.Deb || !l.RPM {
		t.Fatalf("%+v, %v", l, err)
	}
	_, a, err := i.Shelf.Open("windows", "amd64", MSI)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{string(a.Hash), "Bearer c2VjcmV0'", "TOKEN=" + token, "SERVER=" + i.Server, "/v1/agents/windows/amd64/msi"} {
		if !strings.Contains(l.MSI, want) {
			t.Errorf("%q is not in %s", want, l.MSI)
		}
	}
	if strings.Contains(l.Windows, "msiexec") {
		t.Error("the script's line became the package's")
	}
}

func FuzzMSI(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 0, 1, 0}, []byte("x"), []byte{1, 0, 1, 0})
	f.Add(append([]byte{0xe4, 4, 0, 0x80}, 0, 0, 1, 0, 2, 0, 0, 0), []byte("ab"), make([]byte, 48))
	f.Fuzz(func(t *testing.T, pool, data, table []byte) {
		if texts, wide, err := stringPool(pool, data); err == nil {
			_, _ = propertyTable(table, texts, wide)
		}
		if s := summaryTemplate(table); len(s) > len(table) {
			t.Errorf("%q out of %d bytes", s, len(table))
		}
		_, _ = identifyMSI(bytes.NewReader(append(append([]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}, pool...), table...)))
	})
}
