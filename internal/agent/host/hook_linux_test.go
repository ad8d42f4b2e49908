package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// hookFolder makes a root with an empty folder of hooks that is as it should be.
func hookFolder(t *testing.T) Hooks {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: files of root need root")
	}
	h := Hooks{Root: t.TempDir(), Dir: "/etc/agent/hooks.d"}
	if err := errors.Join(os.Chmod(h.Root, 0o755), os.MkdirAll(h.Root+h.Dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h Hooks) put(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(h.Root, h.Dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h Hooks) call(t *testing.T, name string) HookCall {
	return HookCall{Name: name, Phase: "before", Order: "O1", Outcome: "none", Limit: 20 * time.Second, Guard: filepath.Join(t.TempDir(), "guard")}
}

func hookSays(t *testing.T, err error, want string) {
	t.Helper()
	f := (*Failure)(nil)
	if !errors.As(err, &f) || f.Cause != patch.FailHook || !strings.Contains(f.Text, want) {
		t.Errorf("it says %v and not %q", err, want)
	}
}

func TestHookRuns(t *testing.T) {
	h := hookFolder(t)
	h.put(t, "drain", `echo "$FETTLE_PHASE $FETTLE_ORDER $FETTLE_OUTCOME $FETTLE_HOOK $#"; id -u; cat; pwd`)
	log, err := h.Run(t.Context(), h.call(t, "drain"))
	if want := "before O1 none /etc/agent/hooks.d/drain 0\n0\n/\n"; err != nil || log != want {
		t.Errorf("%v %q", err, log)
	}
	h.put(t, "refuse", "echo one; echo 'a session is open' >&2; exit 3")
	log, err = h.Run(t.Context(), h.call(t, "refuse"))
	hookSays(t, err, `the hook refuse failed: exit status 3; its last words: "a session is open"`)
	if log != "one\na session is open\n" {
		t.Errorf("%q", log)
	}
	_, err = h.Run(t.Context(), h.call(t, "gone"))
	hookSays(t, err, "the order names the hook gone, and this machine has none: its administrator must put it at /etc/agent/hooks.d/gone")
}

// A hook that does not end is ended with everything that it started, and one that left somebody behind is not run beside them.
func TestHookIsEnded(t *testing.T) {
	h := hookFolder(t)
	h.put(t, "hang", "echo begun; sleep 600 & sleep 600")
	call := h.call(t, "hang")
	call.Limit = 300 * time.Millisecond
	began := time.Now()
	log, err := h.Run(t.Context(), call)
	hookSays(t, err, "the hook hang did not end within 300ms and was ended")
	if took := time.Since(began); took > 10*time.Second || log != "begun\n" {
		t.Errorf("after %s: %q", took, log)
	}
	f, err := openGuard(call.Guard)
	if err != nil {
		t.Fatalf("something that it started still runs: %v", err)
	}
	defer f.Close()
	_, err = h.Run(t.Context(), call)
	hookSays(t, err, "still runs from before")
}

// What anybody but root could have changed is not run, wherever on the way the hole is.
func TestHooksAreRootsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h Hooks, path string) error
		want  string
	}{
		"the file is writable by its group": {func(_ Hooks, path string) error { return os.Chmod(path, 0o775) }, "others than root can write to /etc/agent/hooks.d/x"},
		"the file is writable by everybody": {func(_ Hooks, path string) error { return os.Chmod(path, 0o757) }, "others than root can write to"},
		"the file is somebody's":            {func(_ Hooks, path string) error { return os.Chown(path, 1000, 0) }, "belongs to another user than root"},
		"the folder is writable":            {func(h Hooks, _ string) error { return os.Chmod(h.Root+h.Dir, 0o775) }, "others than root can write to /etc/agent/hooks.d"},
		"the folder is somebody's":          {func(h Hooks, _ string) error { return os.Chown(h.Root+h.Dir, 1000, 0) }, "/etc/agent/hooks.d belongs to another user than root"},
		"a folder above is writable":        {func(h Hooks, _ string) error { return os.Chmod(h.Root+"/etc/agent", 0o777) }, "others than root can write to /etc/agent"},
		"a folder above is sticky":          {func(h Hooks, _ string) error { return os.Chmod(h.Root+"/etc", 0o777|os.ModeSticky) }, "others than root can write to /etc"},
		"the root is somebody's":            {func(h Hooks, _ string) error { return os.Chown(h.Root, 1000, 0) }, "/ belongs to another user than root"},
		"it may not be executed":            {func(_ Hooks, path string) error { return os.Chmod(path, 0o644) }, "it is not a file that root may execute"},
		"it is a folder":                    {func(_ Hooks, path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }, "it is not a file that root may execute"},
		"it is a pipe":                      {func(_ Hooks, path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o755)) }, "it is not a file that root may execute"},
		"it is a link":                      {func(_ Hooks, path string) error { return errors.Join(os.Remove(path), os.Symlink("/bin/true", path)) }, "a symbolic link"},
		"the folder is a link":              {func(h Hooks, _ string) error { return swapForLink(h.Root + h.Dir) }, "a symbolic link"},
		"a folder above is a link":          {func(h Hooks, _ string) error { return swapForLink(h.Root + "/etc/agent") }, "a symbolic link"},
	} {
		t.Run(name, func(t *testing.T) {
			h := hookFolder(t)
			path := h.put(t, "x", "touch "+h.Root+"/tripwire")
			if err := h.Check("x"); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(h, path); err != nil {
				t.Fatal(err)
			}
			hookSays(t, h.Check("x"), c.want)
			_, err := h.Run(t.Context(), h.call(t, "x"))
			hookSays(t, err, c.want)
			if _, err := os.Stat(h.Root + "/tripwire"); err == nil {
				t.Error("it ran")
			}
		})
	}
}

func swapForLink(path string) error {
	return errors.Join(os.Rename(path, path+".real"), os.Symlink(filepath.Base(path)+".real", path))
}

func TestHookNames(t *testing.T) {
	h := hookFolder(t)
	h.put(t, "x", "true")
	for _, name := range []string{"", ".", "..", "x/", "../hooks.d/x", "/bin/true", "-x", "x\x00", "x y", "x.sh", "x\n", strings.Repeat("x", 65), "$(x)"} {
		hookSays(t, h.Check(name), "is not the name of a hook")
		if err := (&patch.Manner{Before: []string{name}}).Check(); err == nil {
			t.Errorf("an order may name %q", name)
		}
	}
}
