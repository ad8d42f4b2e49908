package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// fate is one kill: at which system call of the transaction, and of whom.
type fate struct {
	lab.KillPoint
	Victims lab.Victims
}

// outcome is what became of a machine after a kill.
type outcome struct {
	fate
	Calls  []int // of each process of a transaction that was not killed
	Killed bool
	Held   int // maintainer scripts that outlived the others
	State  string
	Wrong  []string
	Took   time.Duration
}

// A real apt transaction of a real root is killed at its system calls, evenly over all of them, and the agent brings every machine to an honest
// end: nothing lost, nothing done twice, nothing half-installed, no maintainer script beside another.
func TestKilledAtEverySystemCall(t *testing.T) {
	switch os.Getenv("FETTLE_KILLED_AS") {
	case "machine":
		machineThatIsKilled(t)
		return
	case "agent":
		agentThatIsKilled(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a real machine needs root")
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		t.Skip("SKIPPED: a real machine needs mmdebstrap")
	}
	archive, err := lab.ReadArchive(t.Context())
	must(t, err)
	base, err := lab.MakeRoot(t.Context(), lab.CacheDir(), archive, lab.RootSpec{Release: "bookworm"})
	must(t, err)
	debs := t.TempDir()
	for _, version := range []string{"1.0-1", "1.0-2"} {
		buildDebs(t, debs, version)
	}
	first := startKilled(t, base, debs)
	whole := first.suffers(t, fate{})
	var every []lab.KillPoint
	for process, n := range whole.Calls {
		for call := range n {
			every = append(every, lab.KillPoint{Task: process, Call: call + 1})
		}
	}
	if whole.Killed || len(every) < 1000 || len(whole.Wrong) > 0 || whole.State != "done" {
		t.Fatalf("the transaction without a kill: %+v", whole)
	}
	seed, points := chosen(t, every)
	t.Logf("a transaction of %d system calls of %d processes is killed at %d; again with FETTLE_KILLS_SEED=%d", len(every), len(whole.Calls), len(points), seed)
	played(t, points, first, startKilled(t, base, debs))
}

// chosen spreads FETTLE_KILLS kills evenly over the calls, from an offset that a seed gives; "all" is every one of them, but for the first
// FETTLE_KILLS_AFTER: a run that was interrupted goes on.
func chosen(t *testing.T, every []lab.KillPoint) (seed uint64, fates []fate) {
	number := func(name string, otherwise uint64) uint64 {
		if os.Getenv(name) == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
		must(t, err)
		return n
	}
	every = every[min(number("FETTLE_KILLS_AFTER", 0), uint64(len(every))):]
	n := len(every)
	if os.Getenv("FETTLE_KILLS") != "all" {
		n = int(number("FETTLE_KILLS", 36))
	}
	seed = number("FETTLE_KILLS_SEED", rand.Uint64()>>44)
	r := rand.New(rand.NewPCG(seed, 0))
	offset, turn := r.Float64(), r.IntN(3)
	for i := range n {
		at := int((float64(i) + offset) * float64(len(every)) / float64(n))
		fates = append(fates, fate{every[at], lab.Victims((i + turn) % 3)})
	}
	return seed, fates
}

// played lets machines suffer all fates side by side and judges what became of them.
func played(t *testing.T, points []fate, machines ...*killed) {
	began, next, out := time.Now(), make(chan fate), make(chan outcome)
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			for f := range next {
				out <- m.suffers(t, f)
			}
		})
	}
	go func() {
		for _, f := range points {
			next <- f
		}
		close(next)
		all.Wait()
		close(out)
	}()
	kills, held, took := 0, 0, time.Duration(0)
	ends := map[string]int{}
	for o := range out {
		took += o.Took
		ends[o.State]++
		if o.Killed {
			kills++
		}
		if o.Held > 0 {
			held++
		}
		if len(o.Wrong) > 0 {
			t.Errorf("%s killed at call %d of process %d: %s", o.Victims, o.Call, o.Task, strings.Join(o.Wrong, "\n\t"))
		}
	}
	t.Logf("%d kills in %s, %s each; %d of them outlived by a maintainer script; ended as %v",
		kills, time.Since(began).Round(time.Second), (took / time.Duration(len(points))).Round(time.Millisecond), held, ends)
	if missed := len(points) - kills; missed > len(points)/50+1 {
		t.Errorf("%d of %d points came after the transaction's end", missed, len(points))
	}
	if ends["done"] == 0 || ends["failed"] == 0 && len(points) > 100 || held == 0 && len(points) > 100 {
		t.Errorf("the kills hit only part of a transaction: %v", ends)
	}
}

// killed is a machine in namespaces of its own, which suffers one fate after the other, each on a fresh disk.
type killed struct {
	in  *json.Encoder
	out *bufio.Scanner
}

func startKilled(t *testing.T, base, debs string) *killed {
	t.Helper()
	return startMachine(t, "TestKilledAtEverySystemCall", "FETTLE_KILLED_AS=machine", "FETTLE_KILLED_BASE="+base, "FETTLE_KILLED_DEBS="+debs, "FETTLE_KILLED_DISK="+t.TempDir())
}

// startMachine starts the test in namespaces of its own, as the first process of a machine.
func startMachine(t *testing.T, test string, env ...string) *killed {
	t.Helper()
	in, toIt, err := os.Pipe()
	must(t, err)
	fromIt, out, err := os.Pipe()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = in, []*os.File{out}, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET}
	must(t, cmd.Start())
	in.Close()
	out.Close()
	t.Cleanup(func() { toIt.Close(); fromIt.Close(); cancel(); cmd.Wait() })
	lines := bufio.NewScanner(fromIt)
	lines.Buffer(nil, 1<<20)
	return &killed{json.NewEncoder(toIt), lines}
}

func (k *killed) suffers(t *testing.T, f fate) (o outcome) {
	o.fate = f
	if err := k.in.Encode(f); err != nil || !k.out.Scan() {
		o.Wrong = append(o.Wrong, fmt.Sprintf("the machine is lost: %v %v", err, k.out.Err()))
	} else if err := json.Unmarshal(k.out.Bytes(), &o); err != nil {
		o.Wrong = append(o.Wrong, err.Error())
	}
	return o
}

// script is every maintainer script of the packages: it says when another one still runs (of a zombie there is no exe), and changes something in
// several steps. What a script that was killed alone had started is dpkg's to leave behind.
const script = `#!/bin/sh
set -e
[ ! -e /var/lib/scripts.pid ] || read -r other </var/lib/scripts.pid || :
[ ! -e "/proc/${other:-none}/exe" ] || echo "$0 $*" >>/var/lib/scripts.beside
echo $$ >/var/lib/scripts.pid
mkdir -p /var/lib/tide
for step in 1 2 3; do echo "$step" >/var/lib/tide/step.new; mv /var/lib/tide/step.new /var/lib/tide/step; done
`

// buildDebs builds two packages of one source, with files, a conffile and all maintainer scripts.
func buildDebs(t *testing.T, dir, version string) {
	t.Helper()
	for name, depends := range map[string]string{"tide": "Depends: tide-data (= " + version + ")\n", "tide-data": ""} {
		tree := t.TempDir()
		put := func(path, text string, mode os.FileMode) {
			path = filepath.Join(tree, path)
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.WriteFile(path, []byte(text), mode))
		}
		put("DEBIAN/control", fmt.Sprintf("Package: %s\nSource: tide\nVersion: %s\nArchitecture: amd64\nMaintainer: a <a@example.org>\n%sDescription: %s\n", name, version, depends, name), 0o644)
		put("DEBIAN/conffiles", "/etc/"+name+".conf\n", 0o644)
		for _, s := range []string{"preinst", "postinst", "prerm", "postrm"} {
			put("DEBIAN/"+s, script, 0o755)
		}
		put("etc/"+name+".conf", "version "+version+"\n", 0o644)
		for i := range 3 {
			put(fmt.Sprintf("usr/share/%s/%d", name, i), strings.Repeat(version+"\n", 3000), 0o644)
		}
		file := filepath.Join(dir, name+"_"+version+".deb")
		out, err := exec.Command("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, file).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}
