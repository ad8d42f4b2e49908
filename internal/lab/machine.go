package lab

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed machine.sh
var machineScript string

// Spec says how to run a machine.
type Spec struct {
	Base     string // a root from MakeRoot; never changed
	Dir      string // the machine's own disk: an overlay over Base, kept between starts
	Hostname string
	Files    []string       // host files copied to /opt/lab inside
	Argv     []string       // the program to run; without one the machine just stays up for Exec
	Forward  map[int]string // a port on the machine's loopback → an address that the lab dials for it; nothing else is reachable
	Output   io.Writer      // the program's output; nil discards it
}

// Machine is a running machine. Stop it when done.
type Machine struct {
	cmd     *exec.Cmd
	inside  int // the PID of the machine's first process as seen from outside
	boot    string
	forward *forwarder
	waited  chan struct{}
	waitErr error
	stop    sync.Once
}

// Start boots a machine in namespaces of its own and gives it once it is up. The machine ends with ctx.
func Start(ctx context.Context, spec Spec) (*Machine, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a machine needs root, or a user namespace in which it is root: run under `unshare --user --map-auto --map-root-user --mount`")
	}
	if err := placeFiles(spec); err != nil {
		return nil, err
	}
	up, upChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer up.Close()
	goChild, goOn, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, upChild.Close())
	}
	defer goOn.Close()
	m := &Machine{boot: newBootID(), waited: make(chan struct{})}
	args := []string{"--mount", "--pid", "--uts", "--ipc", "--net", "--fork", "--kill-child=KILL", "--propagation", "private",
		"sh", "-c", machineScript, "machine", spec.Base, spec.Dir, spec.Hostname, m.boot}
	m.cmd = exec.Command("unshare", append(args, spec.Argv...)...)
	m.cmd.ExtraFiles = []*os.File{upChild, goChild}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var errOut strings.Builder
	m.cmd.Stdout, m.cmd.Stderr = spec.Output, spec.Output
	if spec.Output == nil {
		m.cmd.Stderr = &errOut
	}
	err = startLocked(m.cmd, m.waited)
	_ = upChild.Close()
	_ = goChild.Close()
	if err != nil {
		return nil, fmt.Errorf("cannot start a machine's namespaces: %w", err)
	}
	go func() { m.waitErr = m.cmd.Wait(); close(m.waited) }()
	if _, err := io.ReadFull(up, make([]byte, 2)); err != nil {
		m.Stop()
		return nil, fmt.Errorf("the machine %s did not come up: %s", spec.Hostname, lastLines(errOut.String(), 3))
	}
	if m.inside, err = onlyChild(m.cmd.Process.Pid); err == nil {
		m.forward, err = startForward(m.inside, spec.Forward)
	}
	if err == nil {
		_, err = goOn.WriteString("go\n")
	}
	if err != nil {
		m.Stop()
		return nil, fmt.Errorf("cannot connect the machine %s: %w", spec.Hostname, err)
	}
	context.AfterFunc(ctx, func() { m.Stop() })
	return m, nil
}

// startLocked starts cmd from a thread that is never given back: Pdeathsig fires when the starting thread ends, and this one ends
// only with the process.
func startLocked(cmd *exec.Cmd, ended <-chan struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			<-ended
		}
	}()
	return <-started
}

func placeFiles(spec Spec) error {
	dir := filepath.Join(spec.Dir, "files")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range spec.Files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func newBootID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func onlyChild(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// BootID is the boot identifier that the machine shows in /proc.
func (m *Machine) BootID() string { return m.boot }

// PID is the machine's first process as seen from outside; its memory and namespaces are under /proc.
func (m *Machine) PID() int { return m.inside }

// Program gives the PID, seen from outside, of the program that the machine was started with.
func (m *Machine) Program() (int, error) { return onlyChild(m.inside) }

// Command makes a command that runs inside the machine.
func (m *Machine) Command(ctx context.Context, argv ...string) *exec.Cmd {
	args := []string{"--target", strconv.Itoa(m.inside), "--mount", "--pid", "--uts", "--ipc", "--net", "--root", "--wd=/", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	return cmd
}

// Exec runs a command inside the machine and gives its standard output; a failure carries the end of its standard error.
func (m *Machine) Exec(ctx context.Context, argv ...string) ([]byte, error) {
	out, err := m.Command(ctx, argv...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("%s: %w: %s", argv[0], err, lastLines(string(exit.Stderr), 3))
	}
	return out, err
}

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.waited }

// Stop ends the program, gives it three seconds, then ends every process of the machine. It returns once all are gone.
func (m *Machine) Stop() {
	m.stop.Do(func() {
		if m.inside != 0 {
			_ = syscall.Kill(m.inside, syscall.SIGTERM)
		}
		select {
		case <-m.waited:
		case <-time.After(3 * time.Second):
			m.Kill()
		}
		if m.forward != nil {
			m.forward.close()
		}
	})
	<-m.waited
}

// Kill ends every process of the machine at once, as a power cut does (but for the disk's cache).
func (m *Machine) Kill() {
	if m.inside != 0 {
		_ = syscall.Kill(m.inside, syscall.SIGKILL)
	}
	_ = m.cmd.Process.Kill()
	<-m.waited
}
