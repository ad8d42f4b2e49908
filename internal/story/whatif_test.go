package story_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/whatif"
	"github.com/fettle-project/fettle/internal/world"
)

func (s *site) supposer() *whatif.Supposer {
	return &whatif.Supposer{World: s.planner.World, Labels: s.book, Rules: s.rules(), Schedules: s.calendar()}
}

func (s *site) whatIf(c whatif.Change) whatif.Answer {
	s.t.Helper()
	a, err := s.supposer().Ask(s.ctx(), c)
	s.must(err)
	return a
}

func (s *site) supposed(verb patch.Verb, label string, ids ...patch.ID) whatif.Change {
	s.t.Helper()
	r := approval.Request{Patches: ids, Label: label, Verb: verb}
	if verb == patch.Hold {
		r.Until = s.now.Add(24 * time.Hour)
	}
	ds, err := s.desk.Draft(s.ctx(), "you", r)
	s.must(err)
	return whatif.Change{Decide: ds}
}

func TestWhatIfApprove(t *testing.T) {
	s, b := ready(t)
	got := s.whatIf(s.supposed(patch.Approve, "all", perl, oldPerl, curl))
	if got.Opens.Pairs != 2 || got.Opens.Machines != 1 || got.Machines != 1 || got.Decides != 3 || !strings.Contains(got.Sentence.String(), "2 patches on 1 machine would become deployable") {
		t.Errorf("%+v", got)
	}
	if n := len(s.standing("all")); n != 0 || s.explain(b, perl).Answer.Deployable {
		t.Errorf("%d decisions were made", n)
	}
	s.decide(patch.Approve, "all", perl)
	if got = s.whatIf(s.supposed(patch.Decline, "all", perl)); got.Closes.Pairs != 1 || got.Moves[0].After.Code != gate.CodeDeclined || !got.Moves[0].Before.Deployable {
		t.Errorf("%+v", got)
	}
	if got = s.whatIf(s.supposed(patch.Clear, "all", perl)); got.Closes.Pairs != 1 || got.Moves[0].After.Gate != gate.Policy || !got.Moves[0].Before.Deployable {
		t.Errorf("taken back: %+v", got)
	}
	if got = s.whatIf(s.supposed(patch.Approve, "all", perl)); len(got.Moves) != 0 || !strings.Contains(got.Sentence.String(), "Nothing would be deployed differently on 1 machine") {
		t.Errorf("%+v", got)
	}
}

func TestWhatIfLabel(t *testing.T) {
	s, b := ready(t)
	other := s.enrol("web-2", bookworm, "curl=7.88.1-10")
	other.detect()
	s.hand("few", b.id)
	s.decide(patch.Approve, "few", curl)
	got := s.whatIf(whatif.Change{Label: &patch.Label{Name: "few", Expr: `machine.name == "web-2"`}})
	if got.Label.Before != 1 || got.Label.After != 1 || !slices.Equal(got.Label.Enter.Names, []string{"web-2"}) || !slices.Equal(got.Label.Leave.Names, []string{b.name}) ||
		got.Opens.Pairs != 1 || got.Closes.Pairs != 1 || got.Machines != 2 {
		t.Errorf("%+v %+v", got.Label, got)
	}
	if got = s.whatIf(whatif.Change{RemoveLabel: "few"}); got.Closes.Pairs != 1 || got.Label.After != 0 {
		t.Errorf("%+v", got)
	}
	s.patchLabel("core", "", perl)
	s.rule(s.rules(), patch.Rule{Name: "core", Label: "all", Verb: patch.Approve, Patches: "core"})
	got = s.whatIf(whatif.Change{Label: &patch.Label{Name: "core", Of: patch.OfPatches, Expr: `patch.source in ["perl", "openssl"]`}})
	if !slices.Contains(got.Label.Enter.Names, string(openssl)) || got.Opens.Pairs != 1 || got.Decides != 1 {
		t.Errorf("%+v", got)
	}
	for name, c := range map[string]whatif.Change{
		"a name that cannot be":  {Label: &patch.Label{Name: "F E W"}},
		"the built-in one":       {RemoveLabel: "all"},
		"one that is not there":  {RemoveLabel: "none"},
		"nothing":                {},
		"a schedule of no label": {Schedule: &patch.Schedule{Name: "x", Label: "none", Window: "daily 22:00-23:00"}},
		"no such schedule":       {RemoveSchedule: "x"},
		"a rule that cannot be":  {Rule: &patch.Rule{Name: "x", Label: "all", Verb: patch.Hold}},
	} {
		if _, err := s.supposer().Ask(t.Context(), c); err == nil || patch.KindOf(err) == patch.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIfSchedule(t *testing.T) {
	s, _ := ready(t, perl, curl)
	got := s.whatIf(whatif.Change{Schedule: &patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-23:00"}})
	if got.Shifts.Pairs != 2 || got.Moves[0].After.Text.String() != "the schedule nightly installs it" || got.Moves[0].After.At.Hour() != 22 || got.Moves[0].Before.Text.String() != "the next deployment installs it" {
		t.Errorf("%+v", got)
	}
	s.schedule(s.calendar(), patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-23:00"})
	if got = s.whatIf(whatif.Change{Schedule: &patch.Schedule{Name: "nightly", Label: "all", Window: "daily 21:00-23:00"}}); got.Shifts.Pairs != 2 {
		t.Errorf("another time: %+v", got)
	}
	if got = s.whatIf(whatif.Change{RemoveSchedule: "nightly"}); got.Shifts.Pairs != 2 || got.Moves[0].After.Text.String() != "the next deployment installs it" {
		t.Errorf("removed: %+v", got)
	}
}

func TestWhatIfCatalog(t *testing.T) {
	s, b := ready(t, perl, curl)
	s.publish(bookworm, story()...)
	before := *s.cat.newest[bookworm]
	next := slices.DeleteFunc(story(), func(x src) bool { return x.id() == curl })
	s.publish(bookworm, append(next, src{"bookworm-security", "perl", "5.36.0-9", []string{"perl-base"}})...)
	waiting := s.cat.newest[bookworm]
	s.cat.newest[bookworm] = &before // as if the new one waited for a person
	b.detect()
	x := s.supposer()
	x.Held = func(context.Context, whatif.Revision) (whatif.Waiting, error) {
		return whatif.Waiting{Meta: waiting.meta, List: waiting, Signatures: waiting.sigs, Payloads: func(id patch.ID) ([]patch.PayloadFile, error) { return waiting.files[id], nil }}, nil
	}
	got, err := x.Ask(t.Context(), whatif.Change{Publish: &whatif.Revision{OS: bookworm}})
	s.must(err)
	if got.Closes.Pairs != 1 || got.Moves[0].Patch != curl || got.Moves[0].After.Gate != gate.List || got.Machines != 1 {
		t.Errorf("%+v", got)
	}
	if m, _ := s.cat.Meta(bookworm); m.ID != before.meta.ID {
		t.Error("it was published")
	}
}

// place is where a patch stands on a machine, and whether an approval covers it.
type place struct {
	whatif.Standing
	Approved bool
}

// everywhere says where every listed patch stands on every machine now.
func (c *chaos) everywhere() map[string]place {
	c.t.Helper()
	v, err := c.planner.World.View(c.ctx())
	c.must(err)
	out := map[string]place{}
	for _, b := range c.boxes {
		s, err := v.Sight(c.ctx(), b.id)
		c.must(err)
		for _, x := range c.lists[s.OS] {
			w, err := s.World(c.ctx(), world.Ask{Patch: x.id()})
			c.must(err)
			a := gate.Walk(w)
			_, approved := w.Approval()
			st := whatif.Standing{Deployable: a.Deployable, Text: a.Next, At: a.NextAt}
			if !a.Deployable {
				st = whatif.Standing{Gate: a.Closed.Name, Code: a.Closed.Code}
			}
			out[fmt.Sprint(b.name, " ", x.id())] = place{st, approved}
		}
	}
	return out
}

// changeAny picks a change, and a way to make it.
func (c *chaos) changeAny() (whatif.Change, func()) {
	switch c.IntN(8) {
	case 0:
		l := patch.Label{Name: "first", Members: []patch.MachineID{c.boxes[c.IntN(3)].id, c.boxes[c.IntN(3)].id}, CreatedAt: c.now}
		return whatif.Change{Label: &l}, func() { c.must(c.book.Put(c.ctx(), c.admin, l)) }
	case 1:
		l := patch.Label{Name: "odd", Expr: fmt.Sprintf(`machine.name != "m%d"`, c.IntN(4)), CreatedAt: c.now}
		return whatif.Change{Label: &l}, func() { c.must(c.book.Put(c.ctx(), c.admin, l)) }
	case 2:
		return whatif.Change{RemoveLabel: "first"}, func() { c.must(c.book.Remove(c.ctx(), c.admin, "first")) }
	case 3:
		r := patch.Rule{Name: "some", Label: c.labels[c.IntN(3)], Verb: []patch.Verb{patch.Approve, patch.Decline}[c.IntN(2)], Expr: fmt.Sprintf("patch.source != %q", c.lists[bookworm][c.IntN(len(c.lists[bookworm]))].name)}
		return whatif.Change{Rule: &r}, func() { c.rule(c.rules(), r) }
	case 4:
		v := patch.Schedule{Name: "nightly", Label: c.labels[c.IntN(3)], Window: fmt.Sprintf("daily %02d:00-%02d:00", c.IntN(12), 12+c.IntN(12)), Paused: c.IntN(4) == 0}
		return whatif.Change{Schedule: &v}, func() { c.schedule(c.calendar(), v) }
	}
	verbs := []patch.Verb{patch.Approve, patch.Approve, patch.Decline, patch.Hold, patch.Clear}
	r := approval.Request{Patches: []patch.ID{c.any(), c.any()}, Label: c.labels[c.IntN(3)], Verb: verbs[c.IntN(len(verbs))]}
	if r.Verb == patch.Hold {
		r.Why, r.Until = "chance", c.now.Add(time.Duration(1+c.IntN(48))*time.Hour)
	}
	ds, err := c.desk.Draft(c.ctx(), "you", r)
	c.must(err)
	return whatif.Change{Decide: ds}, func() {
		_, err := c.desk.Decide(c.ctx(), c.admin, r)
		c.must(err)
	}
}

// In any world, what is supposed is what comes of it, for every machine and every patch.
func TestWhatIfIsWhatHappens(t *testing.T) {
	moved := 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newChaos(t, seed+100)
			c.Rand = rand.New(rand.NewPCG(seed, 7))
			for range 20 {
				for range 4 {
					c.step()
				}
				c.later(time.Millisecond)
				c.must(c.rules().Run(c.ctx()))
				c.later(time.Millisecond)
				change, do := c.changeAny()
				before := c.everywhere()
				answer := c.whatIf(change)
				if d := cmp.Diff(before, c.everywhere()); d != "" {
					t.Fatalf("asking changed something:\n%s", d)
				}
				do()
				got, want := told(c, answer), between(before, c.everywhere())
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%+v\nwhat happened (-) and what was said (+):\n%s", change, d)
				}
				moved += len(want)
				c.must(c.book.Put(c.ctx(), c.admin, patch.Label{Name: "first", Members: []patch.MachineID{c.boxes[c.IntN(3)].id}, CreatedAt: c.now}))
			}
		})
	}
	if moved < 30 {
		t.Errorf("only %d pairs moved: the test sees too little", moved)
	}
}

func between(before, after map[string]place) map[string][2]whatif.Standing {
	out := map[string][2]whatif.Standing{}
	for k, was := range before {
		if is := after[k]; was.Standing != is.Standing && (was.Approved || is.Approved) {
			out[k] = [2]whatif.Standing{was.Standing, is.Standing}
		}
	}
	return out
}

func told(c *chaos, a whatif.Answer) map[string][2]whatif.Standing {
	out := map[string][2]whatif.Standing{}
	pairs := 0
	for _, m := range a.Moves {
		for _, s := range []*whatif.Standing{&m.Before, &m.After} {
			if !s.Deployable {
				s.Text = ""
			}
		}
		for _, name := range m.Names {
			pairs++
			if slices.ContainsFunc(slices.Concat(c.lists[bookworm], c.lists[trixie]), func(x src) bool { return x.id() == m.Patch }) {
				out[fmt.Sprint(name, " ", m.Patch)] = [2]whatif.Standing{m.Before, m.After}
			}
		}
	}
	if n := a.Opens.Pairs + a.Fetches.Pairs + a.Closes.Pairs + a.Shifts.Pairs + a.Others.Pairs; n != pairs {
		c.t.Fatalf("%d pairs are counted, %d are named", n, pairs)
	}
	return out
}
