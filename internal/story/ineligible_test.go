package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// accounts holds that what is approved and not eligible is what the machines' own explanations add up to.
func (s *site) accounts(machines []patch.MachineID, patches []patch.ID) {
	s.t.Helper()
	got, err := s.ledger.Ineligible(s.ctx(), ledger.IneligibleFilter{})
	s.must(err)
	want := ledger.Ineligible{}
	groups := map[string]int{}
	for _, m := range machines {
		if one, err := s.store.FindMachine(s.ctx(), m); err != nil || one.State != patch.Admitted {
			s.must(err)
			continue
		}
		for _, p := range patches {
			ex, err := s.ledger.Explain(s.ctx(), m, p)
			s.must(err)
			if _, approved := (gate.World{Policy: ex.Row.Policy}).Approval(); !approved {
				continue
			}
			want.Approved++
			switch a := ex.Answer; {
			case a.Closed == nil:
				want.Eligible++
			case a.Closed.Code == gate.CodePatched:
				want.Patched++
			case strings.Contains("ring freeze window machine payload preflight attempts", string(a.Closed.Name)):
				want.Eligible++
			default:
				want.Pairs++
				groups[string(a.Closed.Name)+"/"+a.Closed.Code]++
			}
		}
	}
	told := map[string]int{}
	for _, g := range got.Groups {
		told[string(g.Gate)+"/"+g.Code] += g.Pairs
		n := 0
		for _, p := range g.Patches {
			n += p.Machines
		}
		if n != g.Pairs || g.Machines != len(g.Named) || g.Title == "" || g.Text == "" {
			s.t.Fatalf("%d pairs of %d patches, %d machines named of %d: %+v", g.Pairs, n, len(g.Named), g.Machines, g)
		}
		pairs := map[ledger.IneligiblePair]bool{}
		for at := 0; at < g.Pairs; at += 2 {
			_, list, err := s.ledger.IneligiblePairs(s.ctx(), ledger.IneligibleFilter{Gate: g.Gate, Code: g.Code}, at, 2)
			s.must(err)
			for _, p := range list {
				pairs[p] = true
			}
		}
		if len(pairs) != g.Pairs {
			s.t.Fatalf("%s: %d pairs are listed, page by page, of %d", g.Title, len(pairs), g.Pairs)
		}
	}
	if got.Approved != want.Approved || got.Patched != want.Patched || got.Eligible != want.Eligible || got.Pairs != want.Pairs {
		s.t.Fatalf("%s\nthe machines' own explanations: %d approved, %d patched, %d eligible, %d not", got.Sentence, want.Approved, want.Patched, want.Eligible, want.Pairs)
	}
	if d := cmp.Diff(groups, told); d != "" {
		s.t.Fatalf("the groups are not those of the machines' own explanations:\n%s", d)
	}
}

func TestApprovedAndNotEligible(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.publish(trixie, src{"trixie", "curl", "100", []string{"curl"}})
	s.enrol("stale", bookworm, "curl=1").detect()
	s.later(80 * time.Hour)
	s.enrol("needs", bookworm, "curl=7.88.1-10", "perl-base=5.36.0-7").detect()
	s.enrol("held", bookworm, "curl=7.88.1-10!").detect()
	s.enrol("without", bookworm, "bash=5.2.15-2").detect()
	s.enrol("other", trixie, "curl=100").detect()
	s.enrol("never", bookworm)
	s.decide(patch.Approve, "all", curl, oldPerl, perl, bash)
	s.decide(patch.Hold, "all", bash)
	s.decide(patch.Decline, "all", openssl)
	s.fetch(bookworm, perl)
	var machines []patch.MachineID
	all, err := s.store.ListMachines(s.ctx(), patch.MachineFilter{})
	s.must(err)
	for _, m := range all {
		machines = append(machines, m.ID)
	}
	s.accounts(machines, []patch.ID{curl, oldPerl, perl, openssl, bash})
	got, err := s.ledger.Ineligible(s.ctx(), ledger.IneligibleFilter{Patch: curl})
	s.must(err)
	if want := "6 pairs of a machine and a patch are approved: 0 patched, 1 eligible, 5 not eligible."; got.Sentence.String() != want {
		t.Errorf("got %q", got.Sentence)
	}
	if len(got.Groups) != 5 {
		t.Errorf("%d reasons for curl: %+v", len(got.Groups), got.Groups)
	}
	got, err = s.ledger.Ineligible(s.ctx(), ledger.IneligibleFilter{Code: gate.CodeSuperseded})
	s.must(err)
	if len(got.Groups) != 1 || got.Groups[0].Pairs != 1 || got.Groups[0].Named[0].Name != "needs" || got.Groups[0].Patches[0].Patch != oldPerl {
		t.Errorf("superseded: %+v", got.Groups)
	}
}

// countsAlike holds that machines counted together have the numbers that each has when it is counted alone, and that the fleet is their sum.
func (s *site) countsAlike() {
	s.t.Helper()
	few := s.ledger.Few
	s.ledger.Few = 1
	rows, err := s.ledger.Machines(s.ctx(), patch.MachineFilter{})
	s.ledger.Few = few
	s.must(err)
	fleet, err := s.ledger.Status(s.ctx())
	s.must(err)
	deployable, machines := 0, 0
	undecided := map[patch.ID]bool{}
	for _, r := range rows {
		alone, err := s.ledger.Machine(s.ctx(), r.ID)
		s.must(err)
		if d := cmp.Diff(alone, r); d != "" {
			s.t.Fatalf("%s is counted otherwise with others:\n%s", r.Name, d)
		}
		if r.State != patch.Admitted {
			continue
		}
		every, _, err := s.ledger.Rows(s.ctx(), r.ID, ledger.RowFilter{})
		s.must(err)
		var verdicts patch.Counts
		for _, row := range every {
			if row.Closed == nil {
				verdicts[row.Verdict]++
			}
		}
		if verdicts != r.Verdicts {
			s.t.Fatalf("%s has %v of each verdict, its rows say %v", r.Name, r.Verdicts, verdicts)
		}
		machines++
		deployable += r.Deployable
		mine, _, err := s.ledger.Rows(s.ctx(), r.ID, ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}})
		s.must(err)
		n := 0
		for _, row := range mine {
			if row.Deployable {
				n++
			}
			if row.Policy.Stand == patch.Undecided {
				undecided[row.Patch.ID] = true
			}
		}
		if n != r.Deployable || len(mine) != r.Needed {
			s.t.Fatalf("%s: %d of %d needed patches are deployable, its rows say %d of %d", r.Name, r.Deployable, r.Needed, n, len(mine))
		}
	}
	if fleet.Machines != machines || fleet.Deployable != deployable || fleet.Undecided != len(undecided) {
		s.t.Fatalf("the fleet has %d machines, %d deployable, %d undecided; its machines say %d, %d, %d", fleet.Machines, fleet.Deployable, fleet.Undecided, machines, deployable, len(undecided))
	}
}

// previewsAlike holds that a preview says of its machines together what the gates say of each.
func (s *site) previewsAlike(verb patch.Verb, label string, ids ...patch.ID) {
	s.t.Helper()
	r := approval.Request{Patches: ids, Label: label, Verb: verb}
	if verb == patch.Hold {
		r.Until = s.now.Add(time.Hour)
	}
	got, err := s.desk.Preview(s.ctx(), r)
	s.must(err)
	members, err := s.book.Members(s.ctx(), label)
	s.must(err)
	v, err := s.planner.World.View(s.ctx())
	s.must(err)
	var assume []patch.Decision
	for _, id := range ids {
		assume = append(assume, patch.Decision{ID: "preview", Patch: id, Label: label, Verb: verb, Until: r.Until, At: s.now})
	}
	for _, p := range got.Patches {
		id, want := p.Patch.ID, map[string]int{}
		for _, m := range members {
			sight, err := v.Sight(s.ctx(), m)
			s.must(err)
			w, err := sight.World(s.ctx(), world.Ask{Patch: id, Assume: assume, Deep: true})
			s.must(err)
			a := gate.Walk(w)
			want["total"]++
			switch snapshot := a.Gate(gate.Snapshot).Code; {
			case !w.Listed:
				want["other"]++
			case snapshot == gate.CodeStale || snapshot == gate.CodeDetectFailed:
				want["stale"]++
			case snapshot == gate.CodeNever || w.Verdict >= patch.Unknown:
				want["unknown"]++
			case w.Verdict == patch.Patched:
				want["patched"]++
			case w.Verdict == patch.Faulty:
				want["error"]++
			case w.Verdict == patch.NotApplicable:
				want["not "+a.Gate(gate.Prerequisites).Code]++
			default:
				want["eligible"]++
				if a.Deployable || a.Closed.Code == gate.CodeFetching && len(a.AlsoClosed()) == 0 {
					want["deployable"]++
				} else {
					want["stays "+a.Closed.Code]++
				}
			}
		}
		told := map[string]int{"total": p.Total, "other": p.OtherOS.Count, "stale": p.Stale.Count, "unknown": p.Unknown.Count, "patched": p.Patched.Count, "error": p.Error.Count, "eligible": p.Eligible.Count, "deployable": p.Deployable.Count}
		for _, n := range p.NotApplicable {
			told["not "+n.Code] += n.Count
		}
		for _, n := range p.StaysClosed {
			told["stays "+n.Code] += n.Count
		}
		for k, n := range told {
			if n == 0 {
				delete(told, k)
			}
		}
		if d := cmp.Diff(want, told); d != "" {
			s.t.Fatalf("%s %s for %q: the preview differs from its machines:\n%s", verb, id, label, d)
		}
	}
}

// lintsAlike holds that lint counts what waits for a decision, and what is ready and never deployed, as the machines' own ledgers do.
func (s *site) lintsAlike(machines []patch.MachineID) {
	s.t.Helper()
	found, err := s.linter().Lint(s.ctx())
	s.must(err)
	told := map[string]string{}
	for _, f := range found {
		told[f.Code] = f.Text.String()
	}
	schedules, err := s.store.ListSchedules(s.ctx())
	s.must(err)
	covered := map[patch.MachineID]bool{}
	for _, p := range schedules {
		ids, err := s.book.Members(s.ctx(), p.Label)
		s.must(err)
		for _, id := range ids {
			covered[id] = covered[id] || !p.Paused && !p.Detect
		}
	}
	waiting, idle := map[patch.ID]bool{}, 0
	for _, id := range machines {
		m, err := s.store.FindMachine(s.ctx(), id)
		s.must(err)
		snap, err := s.store.NewestSnapshot(s.ctx(), id)
		if meta, ok := s.cat.Meta(m.OS); m.State != patch.Admitted || err != nil || !ok || snap.Revision != meta.ID || snap.OS != m.OS {
			continue
		}
		rows, _, err := s.ledger.Rows(s.ctx(), id, ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}})
		s.must(err)
		ready := false
		for _, r := range rows {
			ready = ready || r.Deployable
			if r.Policy.Stand == patch.Undecided {
				waiting[r.Patch.ID] = true
			}
		}
		if ready && !covered[id] {
			idle++
		}
	}
	if text := told[lint.Waiting]; (text == "") != (len(waiting) == 0) || text != "" && !strings.HasPrefix(text, gate.Count(len(waiting), "patch is", "patches are")) {
		s.t.Fatalf("%d patches wait for a decision, lint says %q", len(waiting), text)
	}
	if text := told[lint.NotScheduled]; (text == "") != (idle == 0) || text != "" && !strings.Contains(text, "ready on "+gate.Count(idle, "machine", "machines")) {
		s.t.Fatalf("approved patches are ready on %d machines without a schedule, lint says %q", idle, text)
	}
}
