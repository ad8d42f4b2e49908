package host

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// rpm is killed at its system calls whatever they are, evenly over all of them, in all of its processes: a fifth as many as FETTLE_KILLS, or "all".
func TestRpmIsKilledAtEverySystemCall(t *testing.T) {
	if os.Getenv("FETTLE_RPM_KILLED") == "" {
		needRPM(t)
		if os.Geteuid() != 0 {
			t.Skip("SKIPPED: needs root")
		}
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestRpmIsKilledAtEverySystemCall$", "-test.v", "-test.timeout=0")
		cmd.Env = append(os.Environ(), "FETTLE_RPM_KILLED=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("kills in ")) {
			t.Errorf("%v", err)
		}
		t.Logf("%s", out)
		return
	}
	runtime.LockOSThread() // the kernel knows a tracer by its thread
	for _, err := range []error{syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("proc", "/proc", "proc", 0, "")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := newMortalRPM(t)
	killer := lab.Killer{Begins: func(argv []string) bool { return argv[0] == "/usr/bin/rpm" }, Script: func([]string) bool { return false }}
	suffers := func(at lab.KillPoint, victims lab.Victims) (calls []int, killed bool) {
		argv, log := m.anew()
		defer log.Close()
		cmd := exec.Command("/usr/bin/env", argv...) // the killer counts from the first program that is started by another
		cmd.Stdout, cmd.Stderr = log, log
		calls, killed, err := killer.Run(cmd, at, victims)
		if err != nil {
			t.Fatal(err)
		}
		return calls, killed
	}
	whole, _ := suffers(lab.KillPoint{}, lab.Everything)
	if !m.heals("no call") {
		t.Fatal("without a kill nothing was done")
	}
	var every []lab.KillPoint
	for process, n := range whole {
		for call := range n {
			every = append(every, lab.KillPoint{Task: process, Call: call + 1})
		}
	}
	n, offset := rpmKills(t, len(every))
	kills, damaged, began := 0, 0, time.Now()
	for i := range n {
		at := every[int((float64(i)+offset)*float64(len(every))/float64(n))]
		victims := []lab.Victims{lab.TheProgram, lab.Everything}[i%2]
		if _, killed := suffers(at, victims); killed {
			kills++
		}
		if m.heals(fmt.Sprintf("call %d of process %d, %s", at.Call, at.Task, victims)) {
			damaged++
		}
	}
	t.Logf("%d kills in %s, at %d of the %d system calls of %d processes; %d of them while it changed the machine; again with FETTLE_KILLS_SEED=%s",
		kills, time.Since(began).Round(time.Second), n, len(every), len(whole), damaged, os.Getenv("FETTLE_KILLS_SEED"))
	if len(every) < 1000 || kills < n-n/50-1 || damaged == 0 || slices.Max(whole) == 0 {
		t.Errorf("the kills hit only part of a transaction")
	}
}

// rpmKills says how many of the calls are killed at, and from which offset.
func rpmKills(t *testing.T, calls int) (n int, offset float64) {
	t.Helper()
	switch kills := os.Getenv("FETTLE_KILLS"); kills {
	case "":
		n = 4
	case "all":
		return calls, 0
	default:
		k, err := strconv.Atoi(kills)
		if err != nil {
			t.Fatal(err)
		}
		n = max(4, k/5)
	}
	seed, err := strconv.ParseUint(os.Getenv("FETTLE_KILLS_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64() >> 44
		os.Setenv("FETTLE_KILLS_SEED", strconv.FormatUint(seed, 10))
	}
	return n, rand.New(rand.NewPCG(seed, 1)).Float64()
}
