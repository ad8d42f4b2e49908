package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Victims says who is killed at a system call.
type Victims int

// The program that makes the call, as when memory is short; all but maintainer scripts, as when a service is stopped the hard way; and
// everything, as when the machine stops.
const (
	TheProgram Victims = iota
	AllButScripts
	Everything
)

// String names the victims.
func (v Victims) String() string {
	return [...]string{"the program alone", "all but maintainer scripts", "everything"}[v]
}

// KillPoint is a system call: the Call-th, from 1, of the Task-th process, from 0, by the order in which they are forked. With Call 0 nothing is killed.
type KillPoint struct{ Task, Call int }

// Killer counts the system calls of some programs and kills at one of them (ptrace(2)). Its process must be the first of a PID namespace, and all
// its methods must be called from one locked thread.
type Killer struct {
	// Begins tells the command line of the program whose calls count, and those of all that it starts.
	Begins func(argv []string) bool
	// Script tells the command line of a maintainer script.
	Script func(argv []string) bool

	at      KillPoint
	victims Victims
	calls   []int // by process that counts
	killed  bool
	tasks   map[int]*task
	early   map[int]bool // tasks that stopped before their parents' forks were told of
}

type task struct {
	counts, inside, script, held bool
	number                       int // among those that count
}

// Run runs cmd, and kills the victims when the call at which they are to be killed begins. It returns when everything has ended but maintainer
// scripts that outlive the others: they stand still until LetGo. Without a kill it gives the number of calls by process; otherwise it counts those
// of the one process alone, because each costs two stops.
func (k *Killer) Run(cmd *exec.Cmd, at KillPoint, victims Victims) (calls []int, killed bool, err error) {
	k.at, k.victims, k.calls, k.killed = at, victims, nil, false
	k.tasks, k.early = map[int]*task{}, map[int]bool{}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	k.tasks[cmd.Process.Pid] = &task{}
	for first := true; k.awaits(); {
		pid, ws, err := next()
		switch {
		case err != nil:
			return k.calls, k.killed, fmt.Errorf("the traced programs are lost: %w", err)
		case ws.Exited() || ws.Signaled():
			delete(k.tasks, pid)
			delete(k.early, pid)
		case first:
			first = false
			if err := errors.Join(syscall.PtraceSetOptions(pid, traceOptions), syscall.PtraceCont(pid, 0)); err != nil {
				return nil, false, err
			}
		default:
			k.stopped(pid, ws)
		}
	}
	for pid := range k.early {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a fork that its killed parent did not tell of
	}
	return k.calls, k.killed, nil
}

const traceOptions = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACECLONE |
	syscall.PTRACE_O_TRACEEXEC | 1<<20 // PTRACE_O_EXITKILL

// awaits says whether something is left that is to end by itself.
func (k *Killer) awaits() bool {
	for _, t := range k.tasks {
		if !(k.killed && k.victims == AllButScripts && t.script) {
			return true
		}
	}
	return false
}

func next() (int, syscall.WaitStatus, error) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WALL, nil)
		if !errors.Is(err, syscall.EINTR) {
			return pid, ws, err
		}
	}
}

// stopped deals with one stop of a task: it counts, kills, and lets the task go on.
func (k *Killer) stopped(pid int, ws syscall.WaitStatus) {
	t := k.tasks[pid]
	if t == nil {
		k.early[pid] = true
		return
	}
	sig := ws.StopSignal()
	switch {
	case sig == syscall.SIGTRAP|0x80:
		sig, t.inside = 0, !t.inside
		if t.inside && t.counts && !k.killed {
			if k.calls[t.number]++; k.at == (KillPoint{t.number, k.calls[t.number]}) {
				k.kill(pid)
			}
		}
	case sig == syscall.SIGTRAP && ws.TrapCause() == syscall.PTRACE_EVENT_EXEC:
		sig = 0
		argv := argvOf(pid)
		t.script = t.script || k.Script(argv)
		if !t.counts && k.Begins(argv) {
			t.inside = true // of execve
			k.count(t)
		}
	case sig == syscall.SIGTRAP && ws.TrapCause() > 0:
		sig = 0
		k.forked(pid, t)
	case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP: // how a traced task begins
		sig = 0
	}
	k.resume(pid, sig)
}

func (k *Killer) forked(parent int, t *task) {
	msg, err := syscall.PtraceGetEventMsg(parent)
	if err != nil {
		return // it was killed meanwhile
	}
	child := int(msg)
	born := &task{script: t.script}
	k.tasks[child] = born
	if t.counts {
		k.count(born)
	}
	if k.early[child] {
		delete(k.early, child)
		k.resume(child, 0)
	}
}

func (k *Killer) count(t *task) {
	t.counts, t.number = true, len(k.calls)
	k.calls = append(k.calls, 0)
}

// resume lets a stopped task go on; ESRCH is one that was killed in its stop.
func (k *Killer) resume(pid int, sig syscall.Signal) {
	t := k.tasks[pid]
	switch {
	case k.killed && k.victims == AllButScripts && t.script:
		t.held = true
	case k.killed && k.victims == AllButScripts:
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_ = syscall.PtraceCont(pid, 0)
	case t.counts && !k.killed && (k.at.Call == 0 || k.at.Task == t.number):
		_ = syscall.PtraceSyscall(pid, int(sig))
	default:
		_ = syscall.PtraceCont(pid, int(sig))
	}
}

func (k *Killer) kill(pid int) {
	k.killed = true
	switch k.victims {
	case TheProgram:
		_ = syscall.Kill(pid, syscall.SIGKILL)
	case AllButScripts:
		for pid, t := range k.tasks {
			if !t.script {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	case Everything:
		_ = syscall.Kill(-1, syscall.SIGKILL) // never this process
	}
}

// Held says how many maintainer scripts and programs of theirs stand still.
func (k *Killer) Held() int { return len(k.tasks) }

// LetGo lets held scripts go on.
func (k *Killer) LetGo() {
	for pid, t := range k.tasks {
		if t.held {
			_ = syscall.PtraceDetach(pid)
			delete(k.tasks, pid)
		}
	}
}

// Await waits until a process that Run did not start has ended, and lets scripts go whose stop comes only now.
func (k *Killer) Await(process int) error {
	for {
		pid, ws, err := next()
		switch {
		case err != nil:
			return err
		case pid == process && (ws.Exited() || ws.Signaled()):
			if ws.ExitStatus() != 0 {
				return fmt.Errorf("exit status %d", ws.ExitStatus())
			}
			return nil
		case ws.Stopped():
			_ = syscall.PtraceDetach(pid)
		}
		delete(k.tasks, pid)
	}
}

// Sweep ends every other process of the namespace and waits until they are gone.
func (k *Killer) Sweep() {
	_ = syscall.Kill(-1, syscall.SIGKILL)
	for {
		pid, ws, err := next()
		if err != nil {
			return
		}
		if ws.Stopped() {
			_ = syscall.PtraceCont(pid, 0)
		}
	}
}

func argvOf(pid int) []string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return nil
	}
	var argv []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte{0}), []byte{0}) {
		argv = append(argv, string(arg))
	}
	return argv
}
