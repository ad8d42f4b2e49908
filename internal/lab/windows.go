package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Windows is a Windows machine as Wine plays it: a drive, a registry and services of its own. It shares the network of this machine, so
// that the appliance is at its loopback addresses.
type Windows struct {
	dir  string    // holds prefix/ and home/
	desk *exec.Cmd // a terminal that is open while the machine runs: Wine stops Windows with its last program
}

//go:embed wine/prng.c
var prng string

// The programs that a Windows machine needs, and the Debian packages that bring them.
const (
	wine       = "/usr/lib/wine/wine64"
	wineServer = "/usr/lib/wine/wineserver"
	mingw      = "x86_64-w64-mingw32-gcc"
)

// StartWindows makes a new Windows machine in dir and boots it.
func StartWindows(ctx context.Context, dir string) (*Windows, error) {
	w := &Windows{dir: dir}
	for _, d := range []string{"home", "build"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := w.boot(ctx); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	source, library := filepath.Join(dir, "build", "prng.c"), w.Path(`C:\windows\system32\bcryptprimitives.dll`)
	if err := os.WriteFile(source, []byte(prng), 0o644); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, mingw, "-shared", "-s", "-o", library, source, "-ladvapi32").CombinedOutput()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot build what Go programs need under Wine: %w: %s", err, out), w.Stop())
	}
	return w, nil
}

func (w *Windows) boot(ctx context.Context) error {
	limited, stop := context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	boot := w.command(limited, wine, "wineboot", "--init")
	if out, err := boot.CombinedOutput(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("cannot boot a Windows machine under Wine: %w: %s", err, lastLines(string(out), 3))
	}
	// What ran while the machine was made knows nothing of what was made, and its services answer badly: everything ends, and begins anew.
	if err := w.command(limited, wineServer, "--wait").Run(); err != nil {
		return fmt.Errorf("what made a Windows machine under Wine does not end: %w", err)
	}
	w.desk = w.command(context.WithoutCancel(ctx), wine, "cmd")
	if _, err := w.desk.StdinPipe(); err != nil { // nothing is ever typed
		return err
	}
	if err := w.desk.Start(); err != nil {
		return err
	}
	return w.settled(limited)
}

// settled waits until Windows has started its services: until then its service manager's list is locked.
func (w *Windows) settled(ctx context.Context) error {
	for {
		_, err := w.Exec(ctx, "sc", "start", "MSIServer")
		if out, _ := w.Exec(ctx, "sc", "query", "MSIServer"); err == nil || strings.Contains(string(out), "RUNNING") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the services of a Windows machine do not come up under Wine: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// Path is where a file of the machine's drive C: is on this machine.
func (w *Windows) Path(name string) string {
	return filepath.Join(w.dir, "prefix/drive_c", strings.ReplaceAll(strings.TrimPrefix(name, `C:\`), `\`, "/"))
}

// Copy puts a file onto the machine's drive and gives its name there.
func (w *Windows) Copy(file, name string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.Path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(w.Path(name), b, 0o755)
}

// Command runs a program of the machine, by its name on the machine's drive. It ends with the program that started it.
func (w *Windows) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return w.command(ctx, wine, append([]string{program}, args...)...)
}

func (w *Windows) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = w.dir
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + filepath.Join(w.dir, "home"), "WINEPREFIX=" + filepath.Join(w.dir, "prefix"), "WINEARCH=win64",
		"WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml="}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.WaitDelay = 2 * time.Second // services that it started keep what it prints to open
	return c
}

// Exec runs a program to its end and gives what it printed.
func (w *Windows) Exec(ctx context.Context, program string, args ...string) ([]byte, error) {
	c := w.Command(ctx, program, args...)
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return out, fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, lastLines(errs.String()+string(out), 5))
	}
	return out, nil
}

// Put sets a value in the machine's registry; kind is "REG_SZ", "REG_DWORD" and so on. An empty name is the key's own value.
func (w *Windows) Put(ctx context.Context, key, name, kind, value string) error {
	_, err := w.Exec(ctx, "reg", "add", key, "/v", name, "/t", kind, "/d", value, "/f")
	return err
}

// Restart stops everything on the machine, as a restart of Windows does, and boots it again.
func (w *Windows) Restart(ctx context.Context) error {
	if err := w.Stop(); err != nil {
		return err
	}
	return w.boot(ctx)
}

// Stop ends everything that runs on the machine. Its drive stays.
func (w *Windows) Stop() error {
	ctx := context.Background()
	kill := w.command(ctx, wineServer, "--kill")
	kill.Stdout, kill.Stderr = io.Discard, io.Discard
	_ = kill.Run() // an error says that nothing runs
	if w.desk != nil && w.desk.Process != nil {
		_ = w.desk.Process.Kill() // Windows did already, or never saw it
		_ = w.desk.Wait()
		w.desk = nil
	}
	return w.command(ctx, wineServer, "--wait").Run()
}

// HasWine says what is missing for Windows machines; empty where nothing is.
func HasWine() string {
	if _, err := os.Stat(wine); err != nil {
		return "wine64"
	}
	if _, err := exec.LookPath(mingw); err != nil {
		return "gcc-mingw-w64-x86-64"
	}
	return ""
}
