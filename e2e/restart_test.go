package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// Whoever works on a machine is asked before it restarts, on their own terminal, and answers there without being an administrator: they are told what comes of
// it, and the appliance tells whose answer it waits for and until when. Not for ever: past the deadline the machine restarts.
func TestRestartIsAskedFor(t *testing.T) {
	needRoot(t)
	a := newShop(t, []debtest.Package{owing("shop-core")})
	s := newYard(t, a)
	old := []debtest.Package{ware("shop-core", "1.0-1", "")}
	b := s.stocked(a, "web-1", old, "useradd -m ada", terminals)
	late := s.stocked(a, "web-2", old, "useradd -m bob", terminals)
	id := wareID("shop-core")
	s.approve(id)
	ada, bob := b.sits("ada"), late.sits("bob")
	ask := []string{"--patch", id, "--reboot", "ask", "--reboot-message", "Patch day: ring 4711.", "--reboot-snooze", "30m", "--reboot-snoozes", "1"}
	plan, _ := s.planFor(append(ask, "--machine", "web-1", "--reboot-deadline", "2h")...)
	d := s.apply(plan)
	plan, _ = s.planFor(append(ask, "--machine", "web-2", "--reboot-deadline", "1m")...)
	s.apply(plan)
	s.ended(d)

	ada.reads("*** This machine restarts in 2 hours (at ", "Patch day: ring 4711.", "Restart now: fettle-agent reboot now.", "Be asked again in 30 minutes (1 of 1 times left): fettle-agent reboot snooze.")
	until(t, "the appliance says that somebody is asked", func() bool {
		return strings.Contains(s.cli("machines", "show", "web-1"), "and whoever works there is asked (put off 0 of 1 times)")
	})
	ada.types("/opt/lab/fettle-agent reboot snooze")
	ada.reads("The restart is put off until ", "(1 of 1 times). It comes at ", " at the latest.")
	const off = "waits: put off until "
	until(t, "the appliance says who put it off, and until when", func() bool { return strings.Contains(s.cli("machines", "show", "web-1"), off) })
	for _, out := range []string{s.cli("machines", "show", "web-1"), s.cli("explain", "web-1", id), s.cli("explain", "--deployment", d), s.cli("deploy", "show", d), b.sh("%s status", b.spec.Program())} {
		says(t, strings.Join(strings.Fields(out), " "), off, "by ada (1 of 1); at the latest it comes at ")
	}
	ada.types("/opt/lab/fettle-agent reboot snooze")
	ada.reads("the restart is put off until ", " already")
	ada.types("/opt/lab/fettle-agent reboot now")
	ada.reads("others work on this machine too, so only an administrator restarts it now")

	if out := b.sh("%s reboot now", b.spec.Program()); out != "The machine restarts in a moment.\n" {
		t.Errorf("%q", out)
	}
	b.rebooted()
	until(t, "nothing is owed any more", func() bool {
		return strings.Contains(s.cli("explain", "--deployment", d), "Nothing is stuck: 1 of 1 installed, 1 verified by detect.")
	})

	bob.reads("This machine restarts in ", " seconds (at ")
	late.rebooted()
	until(t, "it was restarted at its deadline", func() bool { return strings.Contains(s.cli("explain", "web-2", id), "none is owed for it") })
	for _, m := range []*box{b, late} {
		if out := m.sh("cat /var/tmp/reboots"); out != "reboot\n" {
			t.Errorf("%s restarted: %q", m.spec.Hostname, out)
		}
	}
}

// At most as many machines of a ring restart at once as it says, one after the other in the order in which they asked; who waits says for whom, and
// which place it has.
func TestRestartsTakeTurns(t *testing.T) {
	needRoot(t)
	a := newShop(t, []debtest.Package{owing("shop-core")})
	s := newYard(t, a)
	names := []string{"web-1", "web-2", "web-3"}
	boxes := map[string]*box{}
	for _, n := range names {
		boxes[n] = s.stocked(a, n, []debtest.Package{ware("shop-core", "1.0-1", "")}, "true", "")
	}
	s.cli("rings", "put", "web", "--label", "all", "--position", "1", "--reboots", "1")
	id := wareID("shop-core")
	s.approve(id)
	plan, _ := s.planFor("--label", "all", "--patch", id, "--reboot", "if-needed")
	d := s.apply(plan)

	var down, most atomic.Int32
	var all sync.WaitGroup
	hold := make(chan struct{}) // the first one stays down until it was seen what the others say
	var first sync.Once
	var who atomic.Value
	for _, b := range boxes {
		all.Go(func() {
			<-b.Done()
			n := down.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			first.Do(func() { who.Store(b.spec.Hostname); <-hold })
			b.Stop()
			b.boot()
			until(t, b.spec.Hostname+" is back", func() bool { return !strings.Contains(s.cli("explain", b.spec.Hostname, id), "owes a reboot") })
			down.Add(-1)
		})
	}
	until(t, "the first one restarts", func() bool { return who.Load() != nil })
	since := regexp.MustCompile(` \(\d\d:\d\dZ\) restarts now`) // the one that was let go
	cli := func(args ...string) string { return since.ReplaceAllString(s.cli(args...), " restarts now") }
	wait := fmt.Sprintf("%s restarts now, and 1 of the ring web may at once; it is number ", who.Load())
	for _, place := range []string{"1 of 2 that wait", "2 of 2 that wait"} {
		until(t, "somebody is number "+place, func() bool {
			return strings.Contains(cli("machines", "show", names[0])+cli("machines", "show", names[1])+cli("machines", "show", names[2]), wait+place)
		})
	}
	says(t, s.cli("machines", "show", who.Load().(string)), "under way since ")
	says(t, cli("deploy", "show", d), wait+"1 of 2 that wait", wait+"2 of 2 that wait")
	says(t, s.cli("explain", "--deployment", d), "Nothing is left to install: 3 of 3 installed, 3 verified by detect. 3 wait for restarts")
	time.Sleep(3 * time.Second)
	close(hold)
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d restarted at once", most.Load())
	}
	for _, b := range boxes {
		if out := b.sh("cat /var/tmp/reboots"); out != "reboot\n" {
			t.Errorf("%s restarted: %q", b.spec.Hostname, out)
		}
	}
}
