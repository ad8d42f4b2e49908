package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
)

// sampleBeyond is what is approved and not eligible.
func (w *world) sampleBeyond() {
	first := w.machines[0].Machine
	named := []ledger.Named{{ID: first.ID, Name: first.Name}}
	patches := []ledger.IneligiblePatch{{Patch: w.patches[0].Patch.ID, Title: w.patches[0].Patch.Title, Machines: 18}}
	w.beyond = ledger.Ineligible{At: w.now, Sentence: phrase.Count(120, "{n} pair of a machine and a patch is approved: {1} patched, {2} eligible, {3} not eligible.", "{n} pairs of a machine and a patch are approved: {1} patched, {2} eligible, {3} not eligible.", 80, 19, 21), Approved: 120, Patched: 80, Eligible: 19, Pairs: 21, Unsaid: true,
		Groups: []ledger.IneligibleGroup{
			{Gate: gate.Prerequisites, Code: patch.ReasonNotInstalled, Title: "not applicable: not installed", Text: "none of its packages is installed", Next: "nothing unless the machine changes", Pairs: 18, Machines: 18, Named: named, Patches: patches, Of: 1},
			{Gate: gate.Snapshot, Code: gate.CodeNever, Title: "unknown: never detected", Text: "web-9 has never completed a detect", Next: "its agent detects when it runs", Actor: gate.Agent, Pairs: 3, Machines: 1, Named: named, Patches: patches, Of: 3}}}
}

// sampleFreezes is when nothing is deployed, and what that does to the calendar.
func (w *world) sampleFreezes() {
	blackout := func(name, label string, from, hours int) patch.Blackout {
		start := w.now.Add(time.Duration(from) * time.Hour)
		return patch.Blackout{Name: name, From: start, Until: start.Add(time.Duration(hours) * time.Hour), Label: label, Reason: "closing the books", Owner: "j.lind", CreatedBy: "m.keller", CreatedAt: w.ago(time.Hour)}
	}
	w.frozen = []calendar.Freeze{{Blackout: blackout("quarter", "web", -3, 30), Machines: 4, Active: true}, {Blackout: blackout("year-end", "all", 500, 300), Machines: 22}, {Blackout: blackout("fair", "db", -100, 10), Over: true}}
	span := func(from, hours int) schedule.Occurrence {
		return schedule.Occurrence{Start: w.now.Add(time.Duration(from) * time.Hour), End: w.now.Add(time.Duration(from+hours) * time.Hour)}
	}
	w.events = append(w.events, calendar.Event{Occurrence: span(500, 300), Label: "all", Machines: 22, Blackout: "year-end", Reason: "closing the books", Owner: "j.lind"},
		calendar.Event{Occurrence: span(510, 6), Schedule: "rest", Label: "all", Machines: 22, Frozen: "year-end"}, calendar.Event{Occurrence: span(800, 8), Schedule: "rest", Label: "all", Machines: 22, CatchUp: true, MovedBy: "year-end"},
		calendar.Event{Occurrence: span(495, 5), Schedule: "canary", Label: "web", Machines: 4, CutBy: "year-end"})
}

func (c clock) ListBlackouts(context.Context) ([]calendar.Freeze, error) { return c.frozen, nil }
func (c clock) DraftBlackout(_ context.Context, caller patch.Caller, in calendar.BlackoutDraft) (patch.Blackout, error) {
	if in.Reason == "" {
		return patch.Blackout{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the blackout {1}", in.Name), Why: "it has no reason", Do: "Say what it is for."}
	}
	return patch.Blackout{Name: in.Name, From: c.now, Until: c.now.Add(time.Hour), Label: in.Label, Reason: in.Reason, Owner: caller.Name}, nil
}
func (c clock) PutBlackout(ctx context.Context, caller patch.Caller, in calendar.BlackoutDraft) (patch.Blackout, error) {
	b, err := c.DraftBlackout(ctx, caller, in)
	if err == nil {
		c.frozen = append(c.frozen, calendar.Freeze{Blackout: b})
	}
	return b, err
}
func (c clock) RemoveBlackout(_ context.Context, _ patch.Caller, name string) (patch.Blackout, error) {
	for i, f := range c.frozen {
		if f.Name == name {
			c.frozen = slices.Delete(c.frozen, i, i+1)
			return f.Blackout, nil
		}
	}
	return patch.Blackout{}, patch.Errorf(patch.NotFound, "no blackout is called %q", name)
}

func TestBlackoutIsAnnouncedAndTakenBack(t *testing.T) {
	w := newWorld()
	h := w.open(t)
	form := url.Values{"name": {"year-end"}, "from": {"2026-12-20"}, "until": {"2027-01-02"}, "label": {"all"}, "owner": {"j.lind"}}
	if bad := ask(h, "POST", "/blackouts", form); bad.Code != http.StatusBadRequest || !strings.Contains(bad.Body.String(), "it has no reason") || !strings.Contains(bad.Body.String(), `value="2026-12-20"`) {
		t.Errorf("status %d", bad.Code)
	}
	form.Set("reason", "closing the books")
	if good := ask(h, "POST", "/blackouts", form); good.Code != http.StatusSeeOther || len(w.frozen) != 1 {
		t.Fatalf("status %d, %d blackouts", good.Code, len(w.frozen))
	}
	gone := ask(h, "POST", "/blackouts/year-end/remove", nil)
	if len(w.frozen) != 0 || !strings.Contains(gone.Body.String(), "Undo: put it back") || !strings.Contains(gone.Body.String(), `name="reason" value="closing the books"`) {
		t.Errorf("status %d, %d blackouts", gone.Code, len(w.frozen))
	}
	if none := ask(h, "POST", "/blackouts/none/remove", nil); none.Code != http.StatusNotFound {
		t.Errorf("status %d", none.Code)
	}
}
