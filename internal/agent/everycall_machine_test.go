package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// mortal is a machine, seen from its first process: an overlay in memory, made anew for each fate over a disk on which an order was accepted.
type mortal struct {
	base, disk string
	root       string // where it is mounted
	device     string // what it is on, if power can fail
	killer     lab.Killer
}

// machineThatIsKilled is the first process of a machine: it reads fates and writes outcomes.
func machineThatIsKilled(t *testing.T) {
	runtime.LockOSThread() // the kernel knows a tracer by its thread
	m := mortal{base: os.Getenv("FETTLE_KILLED_BASE"), disk: os.Getenv("FETTLE_KILLED_DISK")}
	m.root = filepath.Join(m.disk, "root")
	m.killer = lab.Killer{
		Begins: func(argv []string) bool {
			return argv[0] == "/usr/bin/apt-get" && slices.Contains(argv, "install") && !slices.Contains(argv, "-s")
		},
		Script: func(argv []string) bool {
			return slices.ContainsFunc(argv[:min(2, len(argv))], func(s string) bool {
				return strings.HasPrefix(s, "/var/lib/dpkg/info/tide") || strings.HasPrefix(s, "/var/lib/dpkg/tmp.ci/")
			})
		},
	}
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	must(t, syscall.Mount("proc", "/proc", "proc", 0, ""))
	must(t, syscall.Mount("disk", m.disk, "tmpfs", 0, ""))
	m.prepare(t)
	fates, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.NewFile(3, "out"))
	for {
		var f fate
		if err := fates.Decode(&f); err == io.EOF {
			os.Exit(0)
		} else {
			must(t, err)
		}
		must(t, out.Encode(m.suffer(t, f)))
	}
}

// mount gives the machine a disk: a new one over the layers below.
func (m *mortal) mount(t *testing.T, name string, below ...string) {
	upper, work := filepath.Join(m.disk, name), filepath.Join(m.disk, name+".work")
	for _, d := range []string{upper, work, m.root} {
		must(t, os.MkdirAll(d, 0o755))
	}
	must(t, syscall.Mount("machine", m.root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(below, ":"), upper, work)))
	m.mountKernel(t)
}

// mountKernel gives the machine devices and processes: devices of its own, since what removes its files must not reach those of the host.
func (m *mortal) mountKernel(t *testing.T) {
	must(t, syscall.Mount("dev", m.root+"/dev", "tmpfs", 0, "mode=755"))
	for name, minor := range map[string]int{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		must(t, syscall.Mknod(m.root+"/dev/"+name, syscall.S_IFCHR|0o666, 1<<8|minor))
		must(t, os.Chmod(m.root+"/dev/"+name, 0o666))
	}
	must(t, os.Symlink("/proc/self/fd", m.root+"/dev/fd"))
	must(t, syscall.Mount("proc", m.root+"/proc", "proc", 0, ""))
}

func (m *mortal) unmount(t *testing.T) {
	for _, d := range []string{"/proc", "/dev", ""} {
		must(t, syscall.Unmount(m.root+d, syscall.MNT_DETACH))
	}
}

// prepare makes the disk that every fate begins with.
func (m *mortal) prepare(t *testing.T) {
	m.mount(t, "before", m.base)
	m.furnish(t)
	m.unmount(t)
}

// furnish installs the old packages and lets the agent accept its order.
func (m *mortal) furnish(t *testing.T) {
	debs := os.Getenv("FETTLE_KILLED_DEBS")
	must(t, os.CopyFS(m.root+"/opt/debs", os.DirFS(debs)))
	m.inside(t, "/usr/bin/dpkg", "--install", "/opt/debs/tide-data_1.0-1.deb", "/opt/debs/tide_1.0-1.deb")
	must(t, os.Remove(m.root+"/var/lib/scripts.pid"))
	must(t, os.WriteFile(m.root+"/etc/tide.conf", []byte("the owner's\n"), 0o644))
	cmd, _ := m.agent(t)
	cmd.Env = append(cmd.Env, "FETTLE_KILLED_BEFORE=1")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	must(t, cmd.Run())
}

func (m *mortal) inside(t *testing.T, argv ...string) string {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s: %v: %s", argv[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

// agent makes the agent's process; what it says comes out of the file.
func (m *mortal) agent(t *testing.T) (*exec.Cmd, *os.File) {
	says, toUs, err := os.Pipe()
	must(t, err)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKilledAtEverySystemCall$")
	cmd.Env = append(os.Environ(), "FETTLE_KILLED_AS=agent", "FETTLE_KILLED_ROOT="+m.root)
	cmd.ExtraFiles = []*os.File{toUs}
	return cmd, says
}

// suffer plays one fate: an agent carries out its order and is killed, the next one goes on.
func (m *mortal) suffer(t *testing.T, f fate) (o outcome) {
	began := time.Now()
	defer func() { o.Took = time.Since(began) }()
	o.fate = f
	var late atomic.Bool
	end := time.AfterFunc(2*time.Minute, func() { late.Store(true); syscall.Kill(-1, syscall.SIGKILL) })
	defer end.Stop()
	m.mount(t, "now", filepath.Join(m.disk, "before"), m.base)
	cmd, says := m.agent(t)
	var err error
	o.Calls, o.Killed, err = m.killer.Run(cmd, f.KillPoint, f.Victims)
	must(t, err)
	o.Held = m.killer.Held()
	says.Close()
	cmd.ExtraFiles[0].Close()
	told, err := m.heal(t, &o)
	if err != nil {
		o.Wrong = append(o.Wrong, "the next agent: "+err.Error())
	}
	if late.Load() {
		o.Wrong = append(o.Wrong, "it did not come to an end within two minutes")
	}
	m.judge(t, told, &o)
	m.killer.Sweep()
	m.unmount(t)
	for _, d := range []string{"now", "now.work"} {
		must(t, os.RemoveAll(filepath.Join(m.disk, d)))
	}
	return o
}

// told is what an agent says of its journal when it ends.
type told struct {
	Closed  bool
	Results []wire.Result
	Intents int
	Last    string
}

// heal starts the next agent. Scripts that outlived the first one go on only once this one recovers: it has to wait for them.
func (m *mortal) heal(t *testing.T, o *outcome) (last told, err error) {
	cmd, says := m.agent(t)
	must(t, cmd.Start())
	cmd.ExtraFiles[0].Close()
	lines := bufio.NewReader(says)
	defer says.Close()
	if o.Held > 0 {
		if word, _ := lines.ReadString('\n'); word != "recovers\n" {
			o.Wrong = append(o.Wrong, "the next agent did not recover: "+word)
		}
		if m.dpkgStarts() {
			o.Wrong = append(o.Wrong, "dpkg was started beside a maintainer script")
		}
		m.killer.LetGo()
	}
	report := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(lines)
		report <- b
	}()
	err = m.killer.Await(cmd.Process.Pid)
	b := <-report
	if i := strings.IndexByte(string(b), '{'); err == nil && i >= 0 {
		err = json.Unmarshal(b[i:], &last)
	}
	return last, err
}

// dpkgStarts says whether a dpkg runs, or comes to run within a moment.
func (m *mortal) dpkgStarts() bool {
	for end := time.Now().Add(40 * time.Millisecond); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		procs, _ := filepath.Glob("/proc/[0-9]*/exe")
		for _, p := range procs {
			if to, err := os.Readlink(p); err == nil && strings.HasSuffix(to, "/usr/bin/dpkg") {
				return true
			}
		}
	}
	return false
}

// judge holds the machine against everything that must be so, whatever was killed.
func (m *mortal) judge(t *testing.T, last told, o *outcome) {
	wrong := func(format string, args ...any) { o.Wrong = append(o.Wrong, fmt.Sprintf(format, args...)) }
	ends := 0
	for i, r := range last.Results {
		if r.Seq != uint64(i+1) {
			wrong("result %d has number %d", i+1, r.Seq)
		}
		if r.State.Ended() {
			ends++
			o.State = string(r.State)
		}
	}
	if !last.Closed || ends != 1 || last.Intents != 1 {
		wrong("the order is closed: %t, with %d outcomes and %d intents: %s", last.Closed, ends, last.Intents, last.Last)
	}
	if runs := len(textOf(m.root + "/var/log/runs")); runs > 1 || runs == 0 && m.device == "" {
		wrong("the installation was run %d times", runs)
	}
	if n := strings.Count(textOf(m.root+"/var/log/apt/history.log"), "Fettle::Attempt="); n > 1 {
		wrong("apt's history has it %d times", n)
	}
	if s := textOf(m.root + "/var/lib/scripts.beside"); s != "" {
		wrong("maintainer scripts ran beside others: %s", s)
	}
	if s := textOf(m.root + "/etc/tide.conf"); s != "the owner's\n" {
		wrong("the owner's configuration file became %q", s)
	}
	want := "1.0-1"
	if o.State == string(patch.ExecDone) {
		want = "1.0-2"
	}
	facts, err := host.CollectFacts(context.Background(), m.root)
	must(t, err)
	for _, name := range []string{"tide", "tide-data"} {
		if p, _ := installedAt(facts, name, "amd64"); p.State != patch.Installed || p.Version != want {
			wrong("%s %s is %s after the attempt's end as %s", name, p.Version, p.State, last.Last)
		}
		if s := textOf(m.root + "/usr/share/" + name + "/2"); s != strings.Repeat(want+"\n", 3000) {
			wrong("a file of %s is not that of %s", name, want)
		}
	}
	if s := m.inside(t, "/usr/bin/dpkg", "--audit"); s != "" {
		wrong("dpkg --audit: %s", s)
	}
	for line := range strings.Lines(m.inside(t, "/usr/bin/dpkg", "--verify", "tide", "tide-data")) {
		if !strings.Contains(line, " c /etc/tide.conf") {
			wrong("dpkg --verify: %s", line)
		}
	}
}

func textOf(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// agentThatIsKilled is one life of the real agent on the machine, without an appliance: everything it needs is there.
func agentThatIsKilled(t *testing.T) {
	must(t, syscall.Chroot(os.Getenv("FETTLE_KILLED_ROOT")))
	must(t, os.Chdir("/"))
	log, err := os.OpenFile("/var/log/fettle-agent.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	cfg := Config{StateDir: "/var/lib/fettle-agent", Version: "test", LockWait: 40 * time.Second, Chain: stanzas{}, Release: func() {}, Log: slog.New(slog.NewTextHandler(log, nil))}
	says := os.NewFile(3, "says")
	cfg.Installer = telling{&host.Apt{Dir: cfg.StateDir + "/apt", LockWait: cfg.LockWait, Log: cfg.Log}, says}
	cfg = cfg.withDefaults()
	if os.Getenv("FETTLE_KILLED_BEFORE") != "" {
		acceptBefore(t, cfg)
	}
	s, _, err := start(cfg)
	must(t, err)
	s.settleWait = 0
	if len(s.journal.newest().Intents) == 0 {
		transactPlanned(t, s)
	}
	if !s.journal.newest().Closed {
		s.carryOut(context.Background())
	}
	c := s.journal.newest()
	out := told{Closed: c.Closed, Results: s.journal.unsent(1000), Intents: len(c.Intents)}
	for _, r := range c.Last {
		out.Last = fmt.Sprintf("%s %s %q %s", r.State, r.Cause, r.Text, r.Log)
	}
	must(t, json.NewEncoder(says).Encode(out))
	os.Exit(0)
}

// acceptBefore makes an enrolled machine that has accepted an order of both packages.
func acceptBefore(t *testing.T, cfg Config) {
	k := newKeys(t)
	enrolAt(t, k, cfg, nowhere)
	var debs []deb
	for _, name := range []string{"tide", "tide-data"} {
		d := newDeb(name, "1.0-1", "1.0-2")
		d.bytes = []byte(textOf("/opt/debs/" + name + "_1.0-2.deb"))
		d.SHA256, d.Size = hashOf(d.bytes), int64(len(d.bytes))
		debs = append(debs, d)
	}
	stock(t, cfg, debs...)
	s, _, err := start(cfg)
	must(t, err)
	o := newOrder(1, debs[0])
	o.Expires = time.Now().Add(24 * time.Hour)
	o.Items[0].Packages = append(o.Items[0].Packages, debs[1].PlanPackage)
	must(t, s.acceptOrder(k.seal(t, o)))
	s.settleWait = 0
	s.carryOut(context.Background()) // ends with the plan
	t.Fatalf("the order was not planned: %+v", s.journal.newest().Last)
}

// planned is what the first life on each disk begins with: the files that verified and the transaction that apt has simulated.
type planned struct {
	Ready map[patch.Hash]host.Staged
	host.Transaction
}

const planFile = "/var/lib/fettle-agent/planned.json"

// Plan is apt's own; on the disk before all fates the agent ends with it.
func (a telling) Plan(ctx context.Context, attempt string, f patch.Facts, want, allowed []host.Staged) (host.Transaction, error) {
	t, err := a.Apt.Plan(ctx, attempt, f, want, allowed)
	if err != nil || os.Getenv("FETTLE_KILLED_BEFORE") == "" {
		return t, err
	}
	p := planned{Ready: map[patch.Hash]host.Staged{}, Transaction: t}
	for _, s := range allowed {
		p.Ready[s.SHA256] = s
	}
	if err := writeJSON(planFile, p); err != nil {
		return t, err
	}
	os.Exit(0)
	return t, nil
}

// transactPlanned carries out what was planned before.
func transactPlanned(t *testing.T, s *session) {
	var p planned
	must(t, json.Unmarshal([]byte(textOf(planFile)), &p))
	order := s.journal.newest().Order
	r := &run{session: s, order: order, ready: p.Ready}
	must(t, r.transact(context.Background(), order.Items[0], p.Transaction))
}

// stanzas vouches with what the packages say of themselves: the vendor's chain has tests of its own.
type stanzas struct{}

func (stanzas) Verify(_ context.Context, _ host.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	out := map[patch.Hash][]byte{}
	for _, p := range want {
		b, err := exec.Command("/usr/bin/dpkg-deb", "--field", "/opt/debs/"+p.Name+"_"+p.Version+".deb").Output()
		if err != nil {
			return nil, err
		}
		out[p.SHA256] = b
	}
	return out, nil
}

// telling is apt, and tells when it is asked to run and to recover.
type telling struct {
	*host.Apt
	says *os.File
}

func (a telling) Run(ctx context.Context, t host.Transaction) (string, error) {
	f, err := os.OpenFile("/var/log/runs", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.WriteString("x"); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil { // no loss of power hides a run
		return "", err
	}
	return a.Apt.Run(ctx, t)
}

func (a telling) Recover(ctx context.Context, attempt string, broken func(begun bool) ([]host.Staged, error)) (string, error) {
	fmt.Fprintln(a.says, "recovers")
	return a.Apt.Recover(ctx, attempt, broken)
}
