package agent

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// services is a machine with other patch services on it, of which it counts what is done to it.
type services struct {
	liveSteward
	mu   sync.Mutex
	done []string
}

func (s *services) note(deed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, deed)
}

func (s *services) deeds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.done)
}

func (s *services) TakeOver(ctx context.Context, name string, plan host.TakenOver) error {
	s.note("off " + name)
	return s.liveSteward.TakeOver(ctx, name, plan)
}

func (s *services) GiveBack(ctx context.Context, name string, made host.TakenOver) error {
	s.note("back " + name)
	return s.liveSteward.GiveBack(ctx, name, made)
}

// busy is a session on a machine where cron-apt and unattended-upgrades are on.
func busy(t *testing.T) (*session, *services, *box, func(name, text string)) {
	t.Helper()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";")
	b := newBox("cron-apt", "unattended-upgrades")
	cfg := enrolled(t, newKeys(t), b, "https://127.0.0.1:1")
	s := &services{liveSteward: liveSteward{root}}
	cfg.Steward = s
	return open(t, cfg), s, b, write
}

func (s *session) hands(t *testing.T, b *box, act bool) string {
	t.Helper()
	f, err := b.Facts(t.Context())
	must(t, err)
	states, err := s.tend(t.Context(), f.Packages, act)
	must(t, err)
	var out []string
	for _, u := range states {
		out = append(out, fmt.Sprintf("%s %v %s", u.Name, u.Enabled, u.Hand))
	}
	return strings.Join(out, ", ")
}

func stewardship(at time.Time, names ...string) wire.Stewardship {
	w := wire.Stewardship{Machine: "m1", Issued: at}
	for _, n := range names {
		w.Off = append(w.Off, wire.Off{Name: n, Asked: at})
	}
	return w
}

// One thing a cycle; what is undone is reported and left alone; asked anew it is done once more; given back it is as it was.
func TestTakeOverNeverFights(t *testing.T) {
	s, made, b, write := busy(t)
	at := time.Now().UTC()
	expect := func(what, want string, act bool, deeds int) {
		t.Helper()
		if got := s.hands(t, b, act); got != want || len(made.done) != deeds {
			t.Fatalf("%s: %s after %v, want %s after %d deeds", what, got, made.done, want, deeds)
		}
	}
	expect("nobody asked", "cron-apt true , unattended-upgrades true ", true, 0)
	must(t, s.charged(stewardship(at, "unattended-upgrades", "cron-apt"), "m1"))
	expect("a detect only looks", "cron-apt true waiting, unattended-upgrades true waiting", false, 0)
	expect("first cycle", "cron-apt false off, unattended-upgrades true waiting", true, 1)
	expect("second cycle", "cron-apt false off, unattended-upgrades false off", true, 2)
	for range 3 {
		expect("nothing more to do", "cron-apt false off, unattended-upgrades false off", true, 2)
	}
	write("etc/apt/apt.conf.d/99zzzz-local", "APT::Periodic::Unattended-Upgrade \"1\";")
	expect("turned on again, seen by a detect", "cron-apt false off, unattended-upgrades true undone", false, 2)
	for range 5 {
		expect("it does not fight", "cron-apt false off, unattended-upgrades true undone", true, 2)
	}
	must(t, s.charged(stewardship(at, "unattended-upgrades", "cron-apt"), "m1"))
	expect("the same request again changes nothing", "cron-apt false off, unattended-upgrades true undone", true, 2)
	w := stewardship(at, "unattended-upgrades", "cron-apt")
	w.Off[0].Asked, w.Issued = at.Add(time.Minute), at.Add(time.Minute)
	must(t, s.charged(w, "m1"))
	expect("asked anew, it cannot: another file wins", "cron-apt false off, unattended-upgrades true failed", true, 3)
	expect("and is not tried again by itself", "cron-apt false off, unattended-upgrades true failed", true, 3)
	must(t, os.Remove(filepath.Join(made.root, "etc/apt/apt.conf.d/99zzzz-local")))
	expect("the file is gone: it is off", "cron-apt false off, unattended-upgrades false off", true, 3)
	must(t, s.charged(stewardship(at.Add(time.Hour)), "m1"))
	expect("released: one a cycle", "cron-apt true , unattended-upgrades false off", true, 4)
	expect("and the other", "cron-apt true , unattended-upgrades true ", true, 5)
	if left, _ := filepath.Glob(filepath.Join(made.root, "etc/*/*/*fettle*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUndoneSaysHow(t *testing.T) {
	s, made, b, _ := busy(t)
	must(t, s.charged(stewardship(time.Now(), "unattended-upgrades"), "m1"))
	s.hands(t, b, true)
	must(t, os.Remove(filepath.Join(made.root, "etc/apt/apt.conf.d/99zz-fettle-unattended-upgrades")))
	f, _ := b.Facts(t.Context())
	states, err := s.tend(t.Context(), f.Packages, false)
	must(t, err)
	u := states[1]
	want := `it is on again: /etc/apt/apt.conf.d/20auto-upgrades sets APT::Periodic::Unattended-Upgrade "1"; /etc/apt/apt.conf.d/99zz-fettle-unattended-upgrades is gone`
	if u.Hand != patch.HandUndone || u.Text != want {
		t.Errorf("%s: %s", u.Hand, u.Text)
	}
}

func TestOwnerVetoesTakeOver(t *testing.T) {
	for words, vetoed := range map[string]bool{"": false, "no-reboot": false, "no-takeover": true, "detect-only": true, "no-deploy": true, "gibberish": true} {
		s, made, b, _ := busy(t)
		must(t, os.WriteFile(s.cfg.PolicyFile, []byte(words+"\n"), 0o644))
		must(t, s.charged(stewardship(time.Now(), "cron-apt"), "m1"))
		got := s.hands(t, b, true)
		if vetoed != strings.HasPrefix(got, "cron-apt true vetoed") || vetoed == (len(made.done) > 0) {
			t.Errorf("%q: %s, %v", words, got, made.done)
		}
	}
	if ok, _ := (Policy{Words: []string{PolicyNoTakeover}}).Deploys(); !ok {
		t.Error("leaving other services alone forbids deploys")
	}
}

// Only the approver's word for this machine counts, and never an older one.
func TestStewardshipIsHeldAgainstWhatItMustBe(t *testing.T) {
	s, _, _, _ := busy(t)
	now := time.Now().UTC()
	must(t, s.charged(stewardship(now, "cron-apt"), "m1"))
	many := stewardship(now)
	for i := range maxOff + 1 {
		many.Off = append(many.Off, wire.Off{Name: fmt.Sprint("s", i)})
	}
	other := stewardship(now)
	other.Machine = "m2"
	for name, w := range map[string]wire.Stewardship{"older": stewardship(now.Add(-time.Second)), "another machine's": other, "too many": many,
		"a path": stewardship(now, "../x"), "an option": stewardship(now, "-o")} {
		if err := s.charged(w, "m1"); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if h, err := s.offHash(); err != nil || h == "" {
		t.Error("what was refused replaced what was kept", err)
	}
	must(t, s.charged(stewardship(now, "no-such-service"), "m1"))
}

// Over the protocol: the appliance's wish is fetched, verified, done and reported.
func TestStewardshipOverTheWire(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "etc/cron-apt"), 0o755))
	a, b := newAppliance(t), newBox("cron-apt")
	d := newDeb("curl", "1.0-1", "1.0-2")
	a.publish(t, time.Now(), d)
	made := &services{liveSteward: liveSteward{root}}
	wish := stewardship(time.Now().UTC(), "cron-apt")
	want, err := wire.HashOff(wish.Off)
	must(t, err)
	a.wanted = want
	forged, err := wire.Seal(a.catalog, wire.TypeUpdaters, wish)
	must(t, err)
	a.wish = &forged
	cfg := a.joined(t, b)
	cfg.Steward = made
	running(t, cfg)
	a.until(t, "a refused wish", func() bool { return a.wishes > 1 })
	if len(made.deeds()) > 0 {
		t.Fatalf("a forged wish was followed: %v", made.deeds())
	}
	good, err := wire.Seal(a.approver, wire.TypeUpdaters, wish)
	must(t, err)
	a.mu.Lock()
	a.wish = &good
	a.mu.Unlock()
	a.until(t, "the wish being done", func() bool {
		n := len(a.checkins)
		return n > 0 && a.checkins[n-1].Updaters == want && slices.Equal(made.deeds(), []string{"off cron-apt"})
	})
	if _, err := os.Stat(filepath.Join(root, "etc/cron-apt/refrain")); err != nil {
		t.Error(err)
	}
}

func (a *appliance) serveWish(w http.ResponseWriter, _ *http.Request) {
	a.wishes++
	reply(w, a.wish)
}
