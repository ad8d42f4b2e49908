package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/updater"
	"github.com/fettle-project/fettle/internal/wire"
)

// alarm is the open alarm about a service on a machine.
func (s *site) updaterAlarm(b *box, name string) (patch.Alarm, bool) {
	s.t.Helper()
	all, err := s.store.ListAlarms(s.ctx(), true)
	s.must(err)
	for _, a := range all {
		if a.Key == "updater/"+string(b.id)+"/"+name {
			return a, true
		}
	}
	return patch.Alarm{}, false
}

// Another patch service is seen, ruled about, taken over, turned on again by somebody, adopted.
func TestLivingWithAnotherPatchService(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b, other := web(s), s.enrol("web-2", bookworm, "bash=1")
	desk := &updater.Desk{Store: s.store, Labels: s.book, Key: s.approver, Now: func() time.Time { return s.now }}
	s.must(s.book.Put(t.Context(), s.admin, patch.Label{Name: "mine", Members: []patch.MachineID{b.id}}))
	const uu = patch.UnattendedUpgrades
	report := func(b *box, u patch.UpdaterState, changes ...patch.PkgChange) {
		t.Helper()
		m, err := s.store.FindMachine(t.Context(), b.id)
		s.must(err)
		s.later(time.Minute)
		s.must(desk.Note(t.Context(), m, patch.Inventory{Services: []patch.UpdaterState{u}, Changes: changes}))
	}
	rule := func(verb patch.RulingVerb, name, label string) {
		t.Helper()
		s.later(time.Minute)
		_, err := desk.Put(t.Context(), s.admin, patch.Ruling{Updater: name, Label: label, Verb: verb})
		s.must(err)
	}
	on := patch.UpdaterState{Name: uu, Enabled: true, Evidence: "/etc/apt/apt.conf.d/20auto-upgrades says so"}
	report(b, on)
	report(other, on)
	if _, raised := s.updaterAlarm(b, uu); raised {
		t.Error("an alarm that nobody asked for")
	}
	rule(patch.AlertOn, patch.AnyUpdater, "all")
	if a, raised := s.updaterAlarm(b, uu); !raised || !strings.Contains(a.Text.String(), "20auto-upgrades") || !strings.Contains(a.Do.String(), "sudo tee /etc/apt/apt.conf.d/99zz-no-unattended-upgrades") {
		t.Errorf("%v %+v", raised, a)
	}
	rule(patch.TakeOver, uu, "mine")
	if _, raised := s.updaterAlarm(b, uu); raised {
		t.Error("the alarm stays while it is being taken over")
	}
	if off, err := desk.Off(t.Context(), other.id); err != nil || len(off) != 0 {
		t.Errorf("a machine without the label is told %v, %v", off, err)
	}
	e, err := desk.Order(t.Context(), b.id)
	s.must(err)
	var w wire.Stewardship
	s.must(e.Open(s.key, wire.TypeUpdaters, &w))
	if w.Machine != b.id || len(w.Off) != 1 || w.Off[0].Name != uu {
		t.Errorf("%+v", w)
	}
	first := w.Off[0].Asked
	if h, err := desk.Wanted(t.Context(), b.id); err != nil || h == "" {
		t.Errorf("%q %v", h, err)
	}
	report(b, patch.UpdaterState{Name: uu, Hand: patch.HandOff, Since: s.now})
	if _, raised := s.updaterAlarm(b, uu); raised {
		t.Error("an alarm while it is off")
	}
	again := on
	again.Hand, again.Since, again.Text = patch.HandUndone, s.now, "it is on again: our file is gone"
	report(b, again, patch.PkgChange{At: s.now.Add(-time.Minute), Action: "install", Name: uu, By: "apt-get install --reinstall unattended-upgrades by ann (1000)", Who: patch.DoerPerson})
	if a, raised := s.updaterAlarm(b, uu); !raised || !strings.Contains(a.Text.String(), "was turned off by Fettle on web-1: it is on again: our file is gone") || !strings.Contains(a.Text.String(), "ann (1000)") {
		t.Errorf("undone: %v %+v", raised, a)
	}
	rule(patch.TakeOver, uu, "mine")
	if off, _ := desk.Off(t.Context(), b.id); len(off) != 1 || !off[0].Asked.After(first) {
		t.Errorf("asked anew: %v", off)
	}
	l, err := desk.List(t.Context())
	s.must(err)
	for _, o := range l {
		if o.Name == uu && (o.On != 2 || o.Undone != 1 || len(o.Rulings) != 2 || len(o.Machines) != 2) {
			t.Errorf("%+v", o)
		}
	}
	here, err := desk.On(t.Context(), b.id)
	s.must(err)
	if len(here) != 1 || here[0].Ruling == nil || here[0].Ruling.Label != "mine" || here[0].Advice.Command == "" {
		t.Errorf("%+v", here)
	}
	rule(patch.Adopt, uu, "mine")
	if _, raised := s.updaterAlarm(b, uu); raised {
		t.Error("adopted, and an alarm all the same")
	}
	if h, err := desk.Wanted(t.Context(), b.id); err != nil || h != "" {
		t.Errorf("adopted, and still kept off: %q %v", h, err)
	}
	s.must(desk.Release(t.Context(), s.admin, uu, "mine"))
	if _, raised := s.updaterAlarm(b, uu); !raised {
		t.Error("released, and the ruling for all machines does not count again")
	}
	if err := desk.Release(t.Context(), s.admin, uu, "mine"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("released twice: %v", err)
	}
	report(b, patch.UpdaterState{Name: patch.CronApt})
	if _, raised := s.updaterAlarm(b, uu); raised {
		t.Error("it was removed from the machine, and the alarm stays")
	}
	for _, r := range []patch.Ruling{{Updater: "sshd", Label: "all", Verb: patch.TakeOver}, {Updater: uu, Label: "nowhere", Verb: patch.Adopt}, {Updater: uu, Label: "all", Verb: "kill"},
		{Updater: patch.Landscape, Label: "all", Verb: patch.TakeOver}} {
		if _, err := desk.Put(t.Context(), s.admin, r); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
