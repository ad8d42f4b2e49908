package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A process that holds a POSIX lock is named with its pid, after a bounded wait, and is left alone.
func TestLockHolderIsNamed(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3 to hold a POSIX lock from another process")
	}
	path := filepath.Join(t.TempDir(), "lock-frontend")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-c", "import fcntl,sys;f=open(sys.argv[1],'w');fcntl.lockf(f,fcntl.LOCK_EX);print('held',flush=True);sys.stdin.read()", path)
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer in.Close()
	out.Read(make([]byte, 5))
	begun := time.Now()
	err = awaitFree(context.Background(), 300*time.Millisecond, func() (string, error) { return lockHolder(path) }, nil)
	var f *Failure
	if !errors.As(err, &f) || f.Cause != patch.FailLock || !strings.Contains(f.Text, "busy: python3 (pid ") {
		t.Fatalf("%v", err)
	}
	if d := time.Since(begun); d < 300*time.Millisecond || d > 3*time.Second {
		t.Fatalf("waited %s", d)
	}
	if c.ProcessState != nil {
		t.Fatal("the holder was ended")
	}
}

// Right before an installation nothing is waited for longer than the window's reserve, however long the lock may be waited for else.
func TestWaitsBrieflyBeforeAnInstallation(t *testing.T) {
	me, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Skip("needs /proc")
	}
	if err := os.WriteFile("/proc/self/comm", []byte("dnf"), 0); err != nil {
		t.Skip("needs a name of its own")
	}
	defer os.WriteFile("/proc/self/comm", me, 0)
	r := &Rpm{Dir: t.TempDir(), Root: t.TempDir(), LockWait: time.Hour}
	pid := filepath.Join(r.Root, "var/lib/dnf/rpmdb_lock.pid")
	if err := errors.Join(os.MkdirAll(filepath.Dir(pid), 0o755), os.WriteFile(pid, []byte(strconv.Itoa(os.Getpid())), 0o600)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, err := r.Run(t.Context(), Transaction{Attempt: "A1", Changes: []Change{{Name: "xz"}}})
		var f *Failure
		if !errors.As(err, &f) || f.Cause != patch.FailLock || !f.Untouched || time.Since(begun) > patch.InstallReserve+time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

func TestFreeLockIsFree(t *testing.T) {
	if who, err := lockHolder(filepath.Join(t.TempDir(), "none")); who != "" || err != nil {
		t.Fatalf("%q %v", who, err)
	}
}

// A grandchild that outlives a killed child still holds the guard; recovery waits for it and names it.
func TestGuardIsHeldByWhatWasStarted(t *testing.T) {
	a := &Apt{Dir: t.TempDir(), LockWait: 200 * time.Millisecond}
	keep, err := a.guard("A1")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "60")
	c.ExtraFiles = []*os.File{keep}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	keep.Close() // as if the agent had died
	err = awaitGuard(context.Background(), a.LockWait, a.guardPath("A1"))
	if err == nil || !strings.Contains(err.Error(), "sleep (pid ") {
		t.Errorf("%v", err)
	}
	if _, err := a.guard("A1"); err == nil {
		t.Error("a second execution could begin")
	}
	c.Process.Kill()
	c.Wait()
	if err := awaitGuard(context.Background(), a.LockWait, a.guardPath("A1")); err != nil {
		t.Error(err)
	}
}

// Everything that the table starts inherits the guard.
func TestGuardIsInherited(t *testing.T) {
	a := &Apt{Dir: t.TempDir(), LockWait: time.Second}
	keep, err := a.guard("A1")
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	var out tail
	c := exec.CommandContext(context.Background(), "/bin/sh", "-c", "readlink /proc/self/fd/3")
	if err := run(c, &out, keep); err != nil || strings.TrimSpace(out.String()) != a.guardPath("A1") {
		t.Fatalf("%v: %q", err, out.String())
	}
}

// A grandchild that keeps our output open does not hang the step, and long output is cut to its end.
func TestOutputIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("waits some seconds")
	}
	var out tail
	begun := time.Now()
	c := exec.CommandContext(context.Background(), "/bin/sh", "-c", "seq 1 20000; sleep 30 & echo end")
	if err := run(c, &out, nil); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d > 10*time.Second {
		t.Fatalf("took %s", d)
	}
	if s := out.String(); len(s) > MaxLog || !strings.HasSuffix(s, "20000\nend\n") || bytes.HasPrefix([]byte(s), []byte("\n")) {
		t.Fatalf("%d bytes, ending %q", len(s), s[len(s)-20:])
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]patch.FailCause{
		"E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (unattended-upgr)":  patch.FailLock,
		"dpkg: error processing archive x (--unpack):\n failed to write: No space left on device":        patch.FailDisk,
		"dpkg: error processing package curl (--configure):\n installed post-installation script failed": patch.FailPatch,
	} {
		if f := classify([]byte(text+"\n"), errors.New("exit status 100")); f.Cause != want {
			t.Errorf("%q: %s", text, f.Cause)
		}
	}
}

// dpkg says in a second line what is wrong with a package; a person is told that.
func TestWhyAPackageFailed(t *testing.T) {
	f := classify([]byte("Setting up curl\nE: broken\x1b[2J\ndpkg: error processing package curl (--configure):\n installed curl package post-installation script subprocess returned error exit status 7\nErrors were encountered while processing:\n curl\n"), errors.New("exit status 1"))
	if f.Text != "the package manager failed: exit status 1; broken[2J" {
		t.Errorf("the first word counts: %q", f.Text)
	}
	f = classify([]byte("dpkg: error processing package curl (--configure):\n installed curl package post-installation\x1b script subprocess returned error exit status 7\nErrors were encountered while processing:\n curl\n"), errors.New("exit status 1"))
	if want := "the package manager failed: exit status 1; dpkg: error processing package curl (--configure): installed curl package post-installation script subprocess returned error exit status 7"; f.Text != want {
		t.Errorf("%q", f.Text)
	}
	f = classify([]byte("Reading package lists...\n(Reading database ... 8552 files and directories currently installed.)\nPreparing to unpack .../shop-car_1.0-2_all.deb ...\nlooking\nthe car has no wheels\ndpkg: error processing archive /x/shop-car_1.0-2_all.deb (--unpack):\n new shop-car package pre-installation script subprocess returned error exit status 1\nErrors were encountered while processing:\n /x/shop-car_1.0-2_all.deb\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n"), errors.New("exit status 100"))
	if want := "new shop-car package pre-installation script subprocess returned error exit status 1, and said: the car has no wheels"; !strings.HasSuffix(f.Text, want) {
		t.Errorf("a script's own words are left out: %q", f.Text)
	}
	f = classify([]byte("Preparing to unpack .../curl.deb ...\ndpkg: error processing archive curl.deb (--unpack):\n new curl package pre-installation script subprocess returned error exit status 1\n"), errors.New("exit status 100"))
	if strings.Contains(f.Text, "and said") {
		t.Errorf("words that the script did not say: %q", f.Text)
	}
}

// So does rpm, which says nothing of its own between a script's words and its failure.
func TestWhyAnRPMFailed(t *testing.T) {
	f := classifyRPM([]byte("rpm: However assuming you know what you are doing...\nVerifying packages...\nPreparing packages...\nthe bad one has no room\nerror: %prein(bad-2.0-1.noarch) scriptlet failed, exit status 1\nerror: bad-2.0-1.noarch: install failed\n"), errors.New("exit status 1"))
	if want := "rpm failed: exit status 1; %prein(bad-2.0-1.noarch) scriptlet failed, exit status 1, and said: the bad one has no room; bad-2.0-1.noarch: install failed"; f.Text != want {
		t.Errorf("a script's own words are left out: %q", f.Text)
	}
	for _, before := range []string{"Preparing packages...", "good-1.0-1.noarch", "warning: /etc/x created as /etc/x.rpmnew"} {
		if f := classifyRPM([]byte(before+"\nerror: %prein(bad-2.0-1.noarch) scriptlet failed, exit status 1\n"), errors.New("exit status 1")); strings.Contains(f.Text, "and said") {
			t.Errorf("words that the script did not say: %q", f.Text)
		}
	}
}

func TestCheckRoom(t *testing.T) {
	if err := CheckRoom(1<<50, "/"); err == nil || !strings.Contains(err.Error(), "no room at /") {
		t.Fatalf("%v", err)
	}
	if err := CheckRoom(0, "/", "/no/such/place"); err != nil {
		t.Fatal(err)
	}
	free, err := freeBytes("/")
	if err != nil || free < 4*spare {
		t.Skipf("SKIPPED: %d MB are free here: %v", free>>20, err)
	}
	// Others write to the same disk meanwhile: half of the spare room is what the bounds may be off.
	half := (int64(free) - spare) / 2
	if err := CheckRoom(half-spare/4, "/"); err != nil {
		t.Errorf("twice the size and %d MB are there: %v", spare>>20, err)
	}
	for _, n := range []int64{half + spare/4, half * 3 / 2} {
		if CheckRoom(n, "/") == nil {
			t.Errorf("twice %d MB and %d MB are not there, of %d", n>>20, spare>>20, free>>20)
		}
	}
}

// A package manager that a signal ended is not the patch's failure, and what it had started may still be at work.
func TestKilledAptIsNotTheEnd(t *testing.T) {
	var out tail
	err := run(exec.Command("/bin/sh", "-c", "kill -9 $$"), &out, nil)
	if f := classify(out.b, err); !f.Killed || f.Cause != patch.FailInterrupted {
		t.Fatalf("%+v", f)
	}
	err = run(exec.Command("/bin/sh", "-c", "echo 'E: Sub-process /usr/bin/dpkg exited unexpectedly'; exit 100"), &out, nil)
	if f := classify(out.b, err); f.Killed || f.Cause != patch.FailInterrupted {
		t.Fatalf("%+v", f)
	}
	if f := classify(nil, errors.New("exit status 100")); f.Killed || f.Cause != patch.FailPatch {
		t.Fatalf("%+v", f)
	}
}
