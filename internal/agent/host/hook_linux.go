package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
)

// Check says why a hook cannot be run; nil where it can. It is a *Failure.
func (h Hooks) Check(name string) error {
	f, err := h.open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// Run runs a hook and waits for it and for what it leaves in its session, at most for its limit; then it is ended. Its output's end is given in
// any case. A failure is a *Failure.
func (h Hooks) Run(ctx context.Context, call HookCall) (log string, err error) {
	if err := awaitGuard(ctx, call.Limit, call.Guard); err != nil {
		return "", hookFailure("", "the hook %s still runs from before: %v", call.Name, err)
	}
	f, err := h.open(call.Name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	keep, err := openGuard(call.Guard)
	if err != nil {
		return "", hookFailure("", "the hook %s cannot be run: %v", call.Name, err)
	}
	defer keep.Close()
	// A stop of the agent ends no hook in the middle.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), call.Limit)
	defer stop()
	c := hookFile(ctx)
	c.Args = []string{call.Name}
	c.ExtraFiles = []*os.File{f}
	c.Env = []string{"FETTLE_HOOK=" + filepath.Join(h.Dir, call.Name), "FETTLE_PHASE=" + call.Phase, "FETTLE_ORDER=" + call.Order, "FETTLE_OUTCOME=" + call.Outcome}
	c.Cancel = func() error {
		endAll(procsIn(c.Process.Pid))
		return nil
	}
	var out tail
	err = run(c, &out, keep)
	log = strings.ToValidUTF8(out.String(), "?")
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return log, hookFailure(log, "the hook %s did not end within %s and was ended", call.Name, call.Limit)
	case err != nil:
		return log, hookFailure(log, "the hook %s failed: %s%s", call.Name, ending(err), lastWords(log))
	}
	return log, nil
}

// ending is how a program ended, without the name by which it was started.
func ending(err error) string {
	s := err.Error()
	return s[strings.LastIndex(s, ": ")+len(": "):]
}

// lastWords quotes the last line of an output.
func lastWords(log string) string {
	log = strings.TrimSpace(log)
	if log = log[strings.LastIndexByte(log, '\n')+1:]; log == "" {
		return ""
	}
	return fmt.Sprintf("; its last words: %q", tidy(log, 200))
}

// open opens a hook for running. The folder, everything above it and the file itself must be root's, writable by nobody else, and no symbolic
// links: else somebody who is not root could decide what root runs. Each step is looked at by its open descriptor.
func (h Hooks) open(name string) (*os.File, error) {
	if !patch.ValidHook(name) {
		return nil, hookFailure("", "%.80q is not the name of a hook", name)
	}
	at := filepath.Join(h.Dir, name)
	none := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return hookFailure("", "the order names the hook %s, and this machine has none: its administrator must put it at %s", name, at)
		}
		if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) {
			err = errors.New("a symbolic link, or no folder, is on its way")
		}
		return hookFailure("", "the hook %s is not run: %v", at, err)
	}
	flags := syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK
	dir, err := syscall.Open(h.Root, flags|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, none(err)
	}
	seen := "/"
	for _, part := range strings.FieldsFunc(h.Dir, func(r rune) bool { return r == '/' }) {
		if err := onlyRoots(dir, seen); err != nil {
			syscall.Close(dir)
			return nil, none(err)
		}
		next, err := syscall.Openat(dir, part, flags|syscall.O_DIRECTORY, 0)
		syscall.Close(dir)
		if err != nil {
			return nil, none(err)
		}
		dir, seen = next, filepath.Join(seen, part)
	}
	defer syscall.Close(dir)
	if err := onlyRoots(dir, seen); err != nil {
		return nil, none(err)
	}
	fd, err := syscall.Openat(dir, name, flags, 0)
	if err != nil {
		return nil, none(err)
	}
	f := os.NewFile(uintptr(fd), at)
	err = onlyRoots(fd, at)
	if st, statErr := f.Stat(); err == nil && statErr != nil {
		err = statErr
	} else if err == nil && (!st.Mode().IsRegular() || st.Mode()&0o100 == 0) {
		err = errors.New("it is not a file that root may execute")
	}
	if err != nil {
		f.Close()
		return nil, none(err)
	}
	return f, nil
}

// onlyRoots refuses what anybody but root could change. Write permission by an access control list shows in the mode's group bits.
func onlyRoots(fd int, name string) error {
	var st syscall.Stat_t
	switch err := syscall.Fstat(fd, &st); {
	case err != nil:
		return err
	case st.Uid != 0:
		return fmt.Errorf("%s belongs to another user than root", name)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("others than root can write to %s", name)
	}
	return nil
}
