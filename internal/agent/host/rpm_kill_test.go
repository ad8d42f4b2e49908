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

// rpm is killed at one system call after the other of a real transaction that updates, replaces and adds a kernel. Whatever was left, the
// kept verified files repair it: everything at its version, nothing twice, every file as its package says.
func TestRpmIsKilled(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("SKIPPED: needs strace")
	}
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
	pristine := t.TempDir()
	w.run("cp", "-a", w.root+"/.", pristine)
	fresh := w.plan(fresh1)
	fresh.Replaces = []patch.InstalledPackage{{Name: "oldname", Arch: "noarch", Version: "1.0-1.el9"}}
	staged := w.stage(w.plan(a2), w.plan(b2), fresh)
	var paths []string
	for _, s := range staged {
		paths = append(paths, w.rpm.path(s.PlanPackage))
	}
	calls := "rename,renameat2,unlink,unlinkat,openat,pwrite64,fsync,fdatasync,symlink,mkdir,write,ftruncate,utimensat,chown,lchown,fchmodat"
	// execute starts the transaction so that it is killed at the n-th of these calls, and tells whether it was.
	execute := func(n int) (killed bool) {
		w.run("sh", "-c", fmt.Sprintf("rm -rf %[1]s && mkdir %[1]s && cp -a %[2]s/. %[1]s", w.root, pristine))
		os.Remove(w.rpm.logPath("A1"))
		log, err := os.Create(w.rpm.logPath("A1"))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		args := []string{"-f", "-o", "/dev/null", "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n), "/usr/bin/rpm"}
		cmd := exec.Command("strace", append(args, rpmArgs(w.root, "--upgrade", paths)...)...)
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
		if err := os.WriteFile(filepath.Join(w.root, "usr/share/a/0;00c0ffee"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		begun := false
		log, err := w.rpm.Recover(t.Context(), "A1", func(b bool) ([]Staged, error) {
			f := w.facts()
			for _, s := range staged {
				begun = begun || b || len(VersionsOf(f, s.Name, s.Arch)) > 0 && VersionsOf(f, s.Name, s.Arch)[0].Version == s.Version
			}
			if !begun {
				return nil, nil
			}
			return staged, nil
		})
		if err != nil {
			t.Fatalf("killed at call %d: %v\n%s", n, err, log)
		}
		want := "a-2-1.el9.noarch b-2-1.el9.noarch newname-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64"
		if !begun {
			want = "a-1-1.el9.noarch b-1-1.el9.noarch oldname-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64"
		} else {
			damaged++
		}
		if got := w.all(); got != want {
			t.Errorf("killed at call %d: installed is %s", n, got)
		}
		if out, _ := exec.Command("rpm", "--root", w.root, "-Va").CombinedOutput(); len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("killed at call %d: rpm --verify says\n%s", n, out)
		}
		if _, err := os.Stat(filepath.Join(w.root, "usr/share/oldname/version")); begun && err == nil {
			t.Errorf("killed at call %d: a file of what is replaced is left", n)
		}
		if left, _ := filepath.Glob(filepath.Join(w.root, "usr/share/*/*;*")); begun && len(left) > 0 {
			t.Errorf("killed at call %d: half-written files are left: %v", n, left)
		}
	}
	if points < 5 || damaged < 3 {
		t.Fatalf("only %d kill points, %d of them while it changed the machine", points, damaged)
	}
	t.Logf("%d kill points, %d of them while it changed the machine", points, damaged)
}
