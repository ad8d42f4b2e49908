package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// This file is the whole table of what Fettle may execute: one function per program, each with an absolute constant path.
// Arguments come from the functions in argv.go, which check every name and put it after "--".

func aptGet(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/apt-get", args...)
}

func aptMark(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/apt-mark", args...)
}

func dpkg(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/dpkg", args...)
}

func dpkgDeb(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/dpkg-deb", args...)
}

func rpm(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/rpm", args...)
}

func rpmkeys(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/rpmkeys", args...)
}

func systemctl(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/bin/systemctl", args...)
}

func launchctl(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/launchctl", args...)
}

func shutdown(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "/sbin/shutdown", args...)
}

// hookFile runs the open file that becomes descriptor 4: a hook that was checked. Descriptor 3 is its guard. What was checked is what runs,
// whatever its name has come to mean since.
func hookFile(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, "/proc/self/fd/4")
}

// outputDelay is how long a grandchild may keep our end of the output open after the program itself has ended.
const outputDelay = 3 * time.Second

// guardMark is the environment variable that everything which is started under a guard inherits.
const guardMark = "FETTLE_GUARD="

// run starts c with a fixed environment, in a session of its own, with nothing to read. keep, if any, becomes descriptor 3 and is
// inherited by everything that the program starts.
func run(c *exec.Cmd, out io.Writer, keep *os.File) error {
	return runWatched(c, out, keep, nil)
}

// runWatched is run with an eye on the scripts that the program starts.
func runWatched(c *exec.Cmd, out io.Writer, keep *os.File, watch *Watch) error {
	c.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "TERM=dumb", "LC_ALL=C", "LANGUAGE=C",
		"DEBIAN_FRONTEND=noninteractive", "DEBIAN_PRIORITY=critical",
		"APT_LISTCHANGES_FRONTEND=none", "UCF_FORCE_CONFFOLD=1",
	}, c.Env...)
	c.Dir = "/"
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = ownSession()
	c.WaitDelay = outputDelay
	if keep != nil {
		c.ExtraFiles = append([]*os.File{keep}, c.ExtraFiles...)
		c.Env = append(c.Env, guardMark+keep.Name())
	}
	err := c.Start()
	if err == nil && keep != nil {
		err = errors.Join(keep.Truncate(0), writeAt(keep, strconv.Itoa(c.Process.Pid)))
	}
	var timedOut error
	if c.Process != nil {
		if watch != nil {
			w := watch.begin(c.Process.Pid)
			err = errors.Join(c.Wait(), err)
			timedOut = w.close()
		} else {
			err = errors.Join(c.Wait(), err)
		}
	}
	if timedOut != nil {
		return timedOut
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // the program itself ended with status 0; only a grandchild still holds its output
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	return nil
}

// bySignal says whether a program that run started was ended by a signal.
func bySignal(err error) bool {
	exit := (*exec.ExitError)(nil)
	return errors.As(err, &exit) && exit.ExitCode() < 0
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

// MaxLog bounds the part of a program's output that is kept, in bytes.
const MaxLog = 16 << 10

// tail keeps the last MaxLog bytes written to it.
type tail struct {
	b   []byte
	cut bool
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	t.b = append(t.b, p...)
	if len(t.b) > MaxLog {
		t.b = append(t.b[:0], t.b[len(t.b)-MaxLog:]...)
		t.cut = true
	}
	return n, nil
}

// String gives what was kept, from the start of a line where something was cut off.
func (t *tail) String() string {
	s := string(t.b)
	if t.cut {
		for i := range min(len(s), 400) {
			if s[i] == '\n' {
				return s[i+1:]
			}
		}
	}
	return s
}

// bounded keeps the first max bytes written to it and remembers whether there were more.
type bounded struct {
	b    []byte
	max  int
	over bool
}

func (w *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if room := w.max - len(w.b); room < n {
		p, w.over = p[:max(room, 0)], true
	}
	w.b = append(w.b, p...)
	return n, nil
}

// says gives the first line of what a program prints, or why it could not be run.
func says(c *exec.Cmd) string {
	out := &bounded{max: 4 << 10}
	err := run(c, out, nil)
	line, _, _ := strings.Cut(strings.TrimSpace(string(out.b)), "\n")
	if line == "" && err != nil {
		return "cannot be asked: " + err.Error()
	}
	return line
}
