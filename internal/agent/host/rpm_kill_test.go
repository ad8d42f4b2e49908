package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
)

// mortalRPM is a root with a real transaction that updates, replaces and adds, and of which it can be begun again from the same state.
type mortalRPM struct {
	*rpmWorld
	pristine string
	staged   []Staged
}

func newMortalRPM(t *testing.T) *mortalRPM {
	big := func(name, version string) lab.RPM {
		p := v(name, version)
		p.Files = map[string]string{}
		for i := range 6 {
			p.Files[fmt.Sprintf("/usr/share/%s/%d", name, i)] = strings.Repeat(version+"\n", 400)
		}
		return p
	}
	a1, a2, b1, b2 := big("a", "1"), big("a", "2"), big("b", "1"), big("b", "2")
	w := newRPMWorld(t, a1, a2, b1, b2, old1, fresh1)
	w.install(a1, b1, old1)
	m := &mortalRPM{rpmWorld: w, pristine: t.TempDir()}
	w.run("cp", "-a", w.root+"/.", m.pristine)
	fresh := w.plan(fresh1)
	fresh.Replaces = []patch.InstalledPackage{{Name: "oldname", Arch: "noarch", Version: "1.0-1.el9"}}
	m.staged = w.stage(w.plan(a2), w.plan(b2), fresh)
	return m
}

// anew makes the machine as it was, and the transaction to be run there with its log.
func (m *mortalRPM) anew() (argv []string, log *os.File) {
	m.t.Helper()
	m.run("sh", "-c", fmt.Sprintf("rm -rf %[1]s && mkdir %[1]s && cp -a %[2]s/. %[1]s", m.root, m.pristine))
	os.Remove(m.rpm.logPath("A1"))
	log, err := os.Create(m.rpm.logPath("A1"))
	if err != nil {
		m.t.Fatal(err)
	}
	var paths []string
	for _, s := range m.staged {
		paths = append(paths, m.rpm.path(s.PlanPackage))
	}
	return append([]string{"/usr/bin/rpm"}, rpmArgs(m.root, "--upgrade", paths)...), log
}

// heals recovers the machine and holds it against what was begun: everything at its version, nothing twice, every file as its package says.
func (m *mortalRPM) heals(when string) (damaged bool) {
	t := m.t
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, "usr/share/a/0;00c0ffee"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := false
	log, err := m.rpm.Recover(t.Context(), "A1", func(b bool) ([]Staged, error) {
		f := m.facts()
		for _, s := range m.staged {
			begun = begun || b || len(VersionsOf(f, s.Name, s.Arch)) > 0 && VersionsOf(f, s.Name, s.Arch)[0].Version == s.Version
		}
		if !begun {
			return nil, nil
		}
		return m.staged, nil
	})
	if err != nil {
		t.Fatalf("killed at %s: %v\n%s", when, err, log)
	}
	want := "a-2-1.el9.noarch b-2-1.el9.noarch newname-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64"
	if !begun {
		want = "a-1-1.el9.noarch b-1-1.el9.noarch oldname-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64"
	}
	if got := m.all(); got != want {
		t.Errorf("killed at %s: installed is %s", when, got)
	}
	if out, _ := exec.Command("rpm", "--root", m.root, "-Va").CombinedOutput(); len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("killed at %s: rpm --verify says\n%s", when, out)
	}
	if _, err := os.Stat(filepath.Join(m.root, "usr/share/oldname/version")); begun && err == nil {
		t.Errorf("killed at %s: a file of what is replaced is left", when)
	}
	if left, _ := filepath.Glob(filepath.Join(m.root, "usr/share/*/*;*")); begun && len(left) > 0 {
		t.Errorf("killed at %s: half-written files are left: %v", when, left)
	}
	return begun
}

// rpm is killed at one system call after the other that changes something. Whatever was left, the kept verified files repair it.
func TestRpmIsKilled(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("SKIPPED: needs strace")
	}
	m := newMortalRPM(t)
	calls := "rename,renameat2,unlink,unlinkat,openat,pwrite64,fsync,fdatasync,symlink,mkdir,write,ftruncate,utimensat,chown,lchown,fchmodat"
	// execute starts the transaction so that it is killed at the n-th of these calls, and tells whether it was.
	execute := func(n int) (killed bool) {
		argv, log := m.anew()
		defer log.Close()
		args := []string{"-f", "-o", "/dev/null", "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n)}
		cmd := exec.Command("strace", append(args, argv...)...)
		cmd.Stdout, cmd.Stderr = log, log
		return cmd.Run() != nil
	}
	points, step := 0, 23
	if os.Getenv("FETTLE_TORTURE") != "" {
		step = 1
	}
	damaged := 0
	for n := 1; execute(n); n += step {
		points++
		if m.heals(fmt.Sprintf("call %d", n)) {
			damaged++
		}
	}
	if points < 5 || damaged < 3 {
		t.Fatalf("only %d kill points, %d of them while it changed the machine", points, damaged)
	}
	t.Logf("%d kill points, %d of them while it changed the machine", points, damaged)
}
