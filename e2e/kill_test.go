package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Whatever is killed, the appliance or the whole machine, and at whatever step: a deployment comes to an honest end, nothing is executed
// twice, and nothing is left half-installed.
func TestKilled(t *testing.T) {
	needRoot(t)
	s := newSite(t)
	s.cli("catalog", "sync")
	t.Run("the appliance, again and again", func(t *testing.T) { killAppliance(t, s.on(t)) })
	// Steps are lines that dpkg writes to its log; none is in the middle of fetching.
	steps := []int{0, 2, 30}
	if os.Getenv("FETTLE_TORTURE") != "" {
		steps = nil
		for n := range 40 {
			steps = append(steps, n)
		}
	}
	for _, n := range steps {
		t.Run(fmt.Sprintf("the machine, after %d steps of dpkg", n), func(t *testing.T) { killMachine(t, s.on(t), n) })
	}
}

func killAppliance(t *testing.T, s *site) {
	b := s.join("kept-up")
	ids := b.needs("perl", "python3.11", "xz-utils", "expat", "openssl")
	s.approve(ids...)
	plan, _ := s.plan(b)
	d := s.apply(plan)
	for _, cut := range []struct {
		when string
		so   func(story) bool
		away time.Duration
	}{
		{"at once", func(story) bool { return true }, 500 * time.Millisecond},
		{"while the agent fetches", func(st story) bool { return st.orders > 0 }, 2 * time.Second},
		{"while the agent installs", func(st story) bool { return len(st.intents) > len(st.ended) }, time.Second},
		{"between two installations", func(st story) bool { return len(st.ended) > 1 }, time.Second},
	} {
		var st story
		until(t, cut.when, func() bool { st = b.journal(); return cut.so(st) })
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		t.Logf("killed %s: %d begun, %d ended of %d", cut.when, len(st.intents), len(st.ended), len(ids))
		if len(st.ended) == len(ids) {
			t.Errorf("%s: everything had ended before", cut.when)
		}
		time.Sleep(cut.away)
		if err := s.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p := s.ended(d)
	p.verified(t)
	if p.Counts.Total != len(ids) {
		t.Errorf("%d attempts for %d patches", p.Counts.Total, len(ids))
	}
	for _, id := range ids {
		if r := b.row(id); r.Verdict != "patched" || r.Effect != "verified" {
			t.Errorf("%+v", r)
		}
	}
	b.onceEach(p)
	s.cli("audit", "verify")
}

func killMachine(t *testing.T, s *site, steps int) {
	b := s.join(fmt.Sprintf("cut-%d", steps))
	base := b.dpkgSteps()
	ids := b.needs("perl", "xz-utils", "expat")
	s.approve(ids...)
	var args []string
	for _, id := range ids {
		args = append(args, "--patch", id)
	}
	plan, _ := s.plan(b, args...)
	d := s.apply(plan)
	if steps == 0 {
		until(t, "the agent has the order", func() bool { return b.journal().orders > 0 })
	} else {
		b.sh("end=$(($(date +%%s)+40)); until [ $(wc -l </var/log/dpkg.log) -ge %d ] || [ $(date +%%s) -ge $end ]; do sleep 0.005; done", base+steps)
	}
	b.Kill()
	b.Stop()
	b.boot()
	t.Logf("after the power loss dpkg --audit said: %.120q", b.sh("dpkg --audit"))
	p := s.ended(d)
	b.snapshot(2)
	for _, a := range p.attempts() {
		r := b.row(a.Patch)
		t.Logf("%s: %s %s %s: %s", a.Patch, a.State, a.Cause, a.Effect, a.Text)
		switch {
		case a.State == "done" && a.Effect == "verified" && r.Verdict == "patched":
		case a.State == "failed" && a.Cause == "interrupted" && r.Verdict == "not-patched":
		default:
			t.Errorf("%s ended as %s %s %s, and detect says %s", a.Patch, a.State, a.Cause, a.Effect, r.Verdict)
		}
	}
	if audit := b.sh("dpkg --audit"); audit != "" {
		t.Errorf("left half-installed: %s", audit)
	}
	b.onceEach(p)
}

func (b *box) dpkgSteps() (n int) {
	b.s.t.Helper()
	if _, err := fmt.Sscan(b.sh("touch /var/log/dpkg.log; wc -l </var/log/dpkg.log"), &n); err != nil {
		b.s.t.Fatal(err)
	}
	return n
}

// story is what an agent's journal tells.
type story struct {
	orders         int
	intents, ended map[string]int // by attempt
}

// journal reads the agent's journal: after checksum and length, each line is one event.
func (b *box) journal() story {
	b.s.t.Helper()
	st := story{intents: map[string]int{}, ended: map[string]int{}}
	for line := range bytes.Lines([]byte(b.sh("cat /var/lib/fettle-agent/journal"))) {
		parts := bytes.SplitN(line, []byte(" "), 3)
		var e struct {
			Order  *struct{ ID string }
			Intent *struct{ Attempts []string }
			Result *struct {
				Attempt, State string
				Adds           bool
			}
		}
		if len(parts) != 3 || json.Unmarshal(parts[2], &e) != nil {
			continue // the end is being written
		}
		switch {
		case e.Order != nil:
			st.orders++
		case e.Intent != nil:
			st.intents[e.Intent.Attempts[0]]++
		case e.Result != nil && !e.Result.Adds && (e.Result.State == "done" || e.Result.State == "failed"):
			st.ended[e.Result.Attempt]++
		}
	}
	return st
}

// onceEach holds what the machine did against its deployment: one outcome each, at most one execution each, by the agent's own journal and
// by apt's.
func (b *box) onceEach(p progress) {
	b.s.t.Helper()
	st, history := b.journal(), b.sh("cat /var/log/apt/history.log 2>/dev/null || true")
	for _, a := range p.attempts() {
		if n := st.ended[a.ID]; n != 1 {
			b.s.t.Errorf("%s has %d outcomes in the journal", a.Patch, n)
		}
		if n := st.intents[a.ID]; n > 1 {
			b.s.t.Errorf("%s was begun %d times by the journal", a.Patch, n)
		}
		if n := strings.Count(history, "Fettle::Attempt="+a.ID); n > 1 || n != st.intents[a.ID] && a.Cause != "interrupted" && a.Text != "finished after an interruption" {
			b.s.t.Errorf("%s was executed %d times by apt's history, and intended %d times", a.Patch, n, st.intents[a.ID])
		}
	}
}
