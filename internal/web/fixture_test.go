package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/updater"
	"github.com/fettle-project/fettle/internal/whatif"
)

// world is an appliance in memory with fixed answers: the states that pages must be able to show.
type world struct {
	settings

	rolledBack []patch.Rollback // what was applied
	restarted  []patch.Plan

	now       time.Time
	machines  []ledger.MachineRow
	patches   []ledger.PatchCount
	sorted    patch.PatchSort // how the patches were last asked for
	rows      []ledger.Row
	fleet     ledger.Fleet
	summary   ledger.Summary
	labels    []label.Membership
	decisions []patch.Decision
	receipts  []patch.Receipt
	moves     []patch.Transition
	inventory *patch.Inventory
	payloads  []patch.StoredPayload
	uncounted bool // how labels stand was not asked yet

	installed     []patch.InstalledPatch
	installations []patch.Installation

	feeds     []patch.FeedStatus
	alarms    []patch.Alarm
	entries   []patch.AuditEntry
	tokens    []patch.Token
	progress  []deploy.Progress
	explained ledger.Explanation
	byLabel   ledger.LabelExplanation
	byMachine ledger.MachineExplanation
	preview   approval.Preview
	coming    []calendar.Coming
	events    []calendar.Event
	ruleList  []patch.Rule
	outlook   approval.Outlook
	complying []patch.Compliance
	findings  []lint.Finding
	plan      patch.Plan
	trial     label.Trial
	proposed  []patch.Proposal
	changes   whatif.Answer
	services  []updater.Overview
	here      []updater.Here
	beside    ledger.Reconciliation
	former    []ledger.Former
	stuck     deploy.Explanation
	beyond    ledger.Ineligible
	frozen    []calendar.Freeze
	kev       patch.Exploits
	broken    error // of the audit chain
	asked     []approval.Request
	views     []patch.View
	revisions []patch.RevisionMeta
	differ    catalog.Diff
	detecting []patch.MachineID // were asked to detect
	role      patch.Role
	heard     [][]patch.Topic // what whoever listens is told
	onlooked  int             // how often a page asked by itself
	resets    []patch.Reset
	hoops     []ring.Standing
	lists     map[patch.Hash][]byte // that addresses name
	rolled    []string
	left      int // after so many of them the session has ended; 0: never
}

func (w *world) Rows(_ context.Context, _ patch.MachineID, f ledger.RowFilter) ([]ledger.Row, ledger.Summary, error) {
	return w.filtered(f)
}

// PatchRows are those of one patch: a machine whose row in the sample says what is so for it has that one.
func (w *world) PatchRows(_ context.Context, id patch.ID, f ledger.RowFilter) ([]ledger.Row, ledger.Summary, error) {
	p := slices.IndexFunc(w.patches, func(c ledger.PatchCount) bool { return c.Patch.ID == id })
	if p < 0 || p >= len(sampleNeeds) || len(w.machines) < admitted {
		return w.filtered(f)
	}
	c := w.patches[p]
	one := *w
	one.rows = nil
	one.summary = ledger.Summary{Total: admitted, Verdicts: c.Verdicts, Needed: c.Verdicts[patch.NotPatched], Undecided: c.Undecided, Deployable: c.Deployable}
	for m := range admitted {
		r, v, stand := w.rows[m%len(w.rows)], w.verdict(p, m), patch.Undecided
		if w.decides(&c, w.machines[m].ID) {
			stand = standOf(c.Decisions[0].Verb)
		}
		if m == 0 {
			r = w.rows[p]
		} else if r.Verdict != v || r.Policy.Stand != stand {
			r = ledger.Row{Verdict: v, Policy: patch.Policy{Stand: stand}, Execution: patch.ExecNone, Standing: phrase.Phrase(v.String()), Receipt: r.Receipt}
		}
		switch r.Policy.Stand {
		case patch.Approved:
			one.summary.Stands.Approved++
		case patch.Declined:
			one.summary.Stands.Declined++
		case patch.HeldBack:
			one.summary.Stands.Held++
		default:
			one.summary.Stands.Undecided++
		}
		r.Machine, r.MachineName, r.OS, r.Patch = w.machines[m].ID, w.machines[m].Name, w.machines[m].OS, c.Patch
		one.rows = append(one.rows, r)
	}
	return one.filtered(f)
}
func (w *world) filtered(f ledger.RowFilter) ([]ledger.Row, ledger.Summary, error) {
	rows := keep(w.rows, func(r ledger.Row) bool {
		return (len(f.Verdicts) == 0 || r.Verdict == f.Verdicts[0]) && (len(f.Stands) == 0 || r.Policy.Stand == f.Stands[0]) && (f.Text == "" || strings.Contains(string(r.Patch.ID), f.Text))
	})
	s := w.summary
	s.Matching = len(rows)
	if len(f.Verdicts) == 0 && len(f.Stands) == 0 && f.Text == "" {
		s.Matching = s.Total
	}
	return page(rows, min(f.Offset, max(0, len(rows)-f.Limit)), f.Limit), s, nil
}
func (w *world) PatchCounts(_ context.Context, os patch.HostOS, f ledger.RowFilter) ([]ledger.PatchCount, int, error) {
	if strings.HasPrefix(string(os), "plan9") {
		return nil, 0, patch.Errorf(patch.NotFound, "no catalog is published for %s", os)
	}
	w.sorted = f.Sort
	list := keep(w.patches, func(n ledger.PatchCount) bool {
		return (len(f.Verdicts) == 0 || n.Verdicts[f.Verdicts[0]] > 0) && (len(f.Stands) == 0 || w.stands(&n, f.Stands[0])) && (f.Category == "" || n.Patch.Category == f.Category) && (f.Severity == "" || n.Patch.Severity == f.Severity) &&
			(f.Text == "" || strings.Contains(string(n.Patch.ID)+" "+strings.Join(n.Patch.CVEs, " "), f.Text))
	})
	if f.Limit > 0 {
		return page(list, f.Offset, f.Limit), len(list), nil
	}
	return list, len(list), nil
}

// stands reports whether a patch is undecided where it is needed, or decided that way for some label.
func (w *world) stands(c *ledger.PatchCount, s patch.Stand) bool {
	if s == patch.Undecided {
		return c.Undecided > 0
	}
	return slices.ContainsFunc(c.Decisions, func(d patch.Decision) bool { return standOf(d.Verb) == s })
}

func standOf(v patch.Verb) patch.Stand {
	return map[patch.Verb]patch.Stand{patch.Approve: patch.Approved, patch.Decline: patch.Declined, patch.Hold: patch.HeldBack}[v]
}
func (w *world) PatchTotals(ctx context.Context, os patch.HostOS, filters []ledger.RowFilter) ([]int, error) {
	var out []int
	for _, f := range filters {
		_, n, err := w.PatchCounts(ctx, os, f)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
func (w *world) Roll(context.Context) (*ledger.Roll, error) {
	waiting := ledger.Waiting{}
	for _, p := range w.patches {
		if p.Undecided > 0 {
			if waiting[p.OS] == nil {
				waiting[p.OS] = map[patch.ID]bool{}
			}
			waiting[p.OS][p.Patch.ID] = true
		}
	}
	return &ledger.Roll{Machines: w.machines, Fleet: w.fleet, Waiting: waiting}, nil
}
func (w *world) Ineligible(context.Context, ledger.IneligibleFilter) (ledger.Ineligible, error) {
	return w.beyond, nil
}
func (w *world) ineligibleGroup(f ledger.IneligibleFilter) (g ledger.IneligibleGroup) {
	for _, g := range w.beyond.Groups {
		if g.Gate == f.Gate && g.Code == f.Code {
			return g
		}
	}
	return g
}
func (w *world) IneligiblePairs(_ context.Context, f ledger.IneligibleFilter, offset, limit int) (ledger.IneligibleGroup, []ledger.IneligiblePair, error) {
	g := w.ineligibleGroup(f)
	var pairs []ledger.IneligiblePair
	for _, p := range g.Patches {
		for _, m := range g.Named {
			pairs = append(pairs, ledger.IneligiblePair{Machine: m, Patch: p.Patch})
		}
	}
	return g, page(pairs, offset, limit), nil
}
func (w *world) IneligibleMachines(_ context.Context, f ledger.IneligibleFilter) (ledger.IneligibleGroup, []patch.MachineID, error) {
	g := w.ineligibleGroup(f)
	var ids []patch.MachineID
	for _, m := range g.Named {
		ids = append(ids, m.ID)
	}
	return g, ids, nil
}
func (w *world) InstalledOn(_ context.Context, f patch.InstalledFilter, offset, limit int) ([]patch.Installation, int, error) {
	return page(w.installations, offset, limit), len(w.installations), nil
}
func (w *world) Explain(_ context.Context, _ patch.MachineID, p patch.ID) (ledger.Explanation, error) {
	if len(w.rows) == 0 || strings.HasSuffix(string(p), "/none") {
		return ledger.Explanation{}, patch.Errorf(patch.NotFound, "no patch is called %s", p)
	}
	e := w.explained
	if len(w.rows) > 3 && p == w.rows[3].Patch.ID { // Fettle installed it
		e.Row, e.Attempts = w.rows[3], []patch.Attempt{{ID: "b", Deployment: w.progress[1].Deployment.ID, Patch: p, Number: 1, State: patch.ExecDone, Effect: patch.EffectVerified, VerifiedSeq: 309, Text: "installed in 3.1 s"}}
	}
	return e, nil
}
func (w *world) ExplainMachine(context.Context, patch.MachineID) (ledger.MachineExplanation, error) {
	return w.byMachine, nil
}
func (w *world) ExplainLabel(context.Context, string, patch.ID) (ledger.LabelExplanation, error) {
	return w.byLabel, nil
}
func (w *world) ExplainGroup(_ context.Context, _ string, _ patch.ID, of ledger.GroupRef, offset, limit int) (ledger.LabelExplanation, error) {
	e := w.byLabel
	e.Groups = keep(e.Groups, func(g ledger.Group) bool { return g.Gate == of.Gate && g.Code == of.Code && g.Standing == of.Standing })
	for i := range e.Groups {
		e.Groups[i].Machines = page(e.Groups[i].Machines, offset, limit)
	}
	return e, nil
}
func (w *world) Resolve(_ context.Context, text string) (patch.Machine, error) {
	for _, m := range w.machines {
		if m.Name == text || string(m.ID) == text {
			return m.Machine, nil
		}
	}
	return patch.Machine{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no machine is called {1}", text), Do: "Look at the Machines page for its name."}
}
func (w *world) ResolvePatch(_ context.Context, text string, _ patch.HostOS) (patch.PatchRow, error) {
	for _, n := range w.patches {
		if n.Patch.Source == text || string(n.Patch.ID) == text {
			return patch.PatchRow{Patch: n.Patch, OS: n.OS}, nil
		}
	}
	return patch.PatchRow{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no patch is called {1}", text)}
}
func (w *world) Preview(_ context.Context, r approval.Request) (approval.Preview, error) {
	if r.Label == "nobody" {
		return approval.Preview{}, &patch.Error{Kind: patch.Invalid, What: "no label is called nobody", Do: "Make it first."}
	}
	p := w.preview
	p.Request = r
	if !strings.ContainsAny(p.Sentence.String(), "<\"") {
		p.Sentence = phrase.Verbatim(sentenceCase(string(r.Verb)) + fmt.Sprintf(" %d %s for label %s", len(r.Patches), plural(len(r.Patches), "patch", "patches"), r.Label) + p.Sentence.String())
	}
	return p, nil
}
func (w *world) Submit(_ context.Context, c patch.Caller, r approval.Request) (approval.Outcome, error) {
	if r.Why == "refuse" {
		return approval.Outcome{}, &patch.Error{Kind: patch.Conflict, What: "cannot decide", Why: "the label is gone", Do: "Choose another one."}
	}
	w.asked = append(w.asked, r)
	w.now = w.now.Add(time.Second)
	var out []patch.Decision
	for i, p := range r.Patches {
		d := patch.Decision{ID: fmt.Sprint("d", len(w.asked), i), Patch: p, Label: r.Label, Verb: r.Verb, Until: r.Until, By: c.Name, At: w.now, Why: r.Why}
		out = append(out, d)
	}
	w.decisions = append(slices.Clone(out), w.decisions...)
	return approval.Outcome{Decisions: out}, nil
}
func (w *world) Draft(_ context.Context, by string, r approval.Request) ([]patch.Decision, error) {
	return []patch.Decision{{ID: "draft", Patch: r.Patches[0], Label: r.Label, Verb: r.Verb, By: by}}, nil
}
func (w *world) Confirm(_ context.Context, c patch.Caller, id, _ string) ([]patch.Decision, error) {
	if _, err := w.Reject(context.Background(), c, id, ""); err != nil {
		return nil, err
	}
	w.proposed[0].State = patch.Confirmed
	return nil, nil
}
func (w *world) Reject(_ context.Context, c patch.Caller, id, _ string) (patch.Proposal, error) {
	if len(w.proposed) == 0 || w.proposed[0].ID != id {
		return patch.Proposal{}, patch.Errorf(patch.NotFound, "no proposal is called %q", id)
	}
	w.proposed[0].State, w.proposed[0].AnsweredBy = patch.Rejected, c.Name
	return w.proposed[0], nil
}
func (w *world) ListProposals(_ context.Context, open bool) ([]patch.Proposal, error) {
	return keep(w.proposed, func(p patch.Proposal) bool { return !open || p.State == patch.Proposed }), nil
}
func (w *world) Ask(_ context.Context, c whatif.Change) (whatif.Answer, error) {
	if c.Label != nil && c.Label.Name == "" {
		return whatif.Answer{}, patch.Errorf(patch.Invalid, "a label needs a name")
	}
	return w.changes, nil
}
func (w *world) Make(_ context.Context, _ patch.Caller, r plan.Request) (patch.Plan, error) {
	if r.Restarts {
		return w.restartsOf(r), nil
	}
	if r.Rollback == nil {
		return w.plan, nil
	}
	if err := r.Rollback.Check(w.now); err != nil {
		return patch.Plan{}, err
	}
	p := w.plan
	p.Rollback = r.Rollback
	p.Hash = plan.Hash(p)
	return p, nil
}

// restartsOf is a plan of restarts alone for the sample's first machines.
func (w *world) restartsOf(r plan.Request) patch.Plan {
	p := patch.Plan{Label: r.Label, Window: r.Window, Reboot: r.Reboot, Restarts: true}
	for i, m := range w.machines {
		one := patch.MachinePlan{Machine: m.ID, Name: m.Name, OS: m.OS}
		if i < 2 {
			one.Items = []patch.PlanItem{{Patch: patch.Restart, Title: "Restart", Outcome: patch.WillRestart}}
			one.Expected = patch.Expected{Restart: true, Why: "it owes one"}
		} else {
			one.Left = []patch.LeftOut{{Patch: patch.Restart, Gate: "owed/not-owed", Text: "it owes no restart", Outcome: patch.NotOwed}}
		}
		p.Machines = append(p.Machines, one)
	}
	p.Hash = plan.Hash(p)
	return p
}

func (w *world) Apply(_ context.Context, _ patch.Caller, p patch.Plan) (patch.Deployment, error) {
	if r := p.Rollback; r != nil {
		if err := r.Check(w.now); err != nil {
			return patch.Deployment{}, err
		}
		if plan.Hash(p) != p.Hash {
			return patch.Deployment{}, patch.Errorf(patch.Conflict, "this is not the plan that was made")
		}
		w.rolledBack = append(w.rolledBack, *r)
	}
	if p.Restarts {
		w.restarted = append(w.restarted, p)
	}
	return w.progress[0].Deployment, nil
}
func (w *world) Halt(context.Context, patch.Caller, string) (patch.Deployment, error) {
	return w.progress[0].Deployment, nil
}
func (w *world) WatchPart(_ context.Context, id string, want deploy.Part) (deploy.Progress, int, error) {
	for _, p := range w.progress {
		if p.Deployment.ID == id {
			all := keep(p.Machines, func(m deploy.MachineProgress) bool {
				return slices.ContainsFunc(m.Items, func(i deploy.ItemProgress) bool { return want.Stage.In(i.Attempt) })
			})
			p.Machines = nil
			if want.Limit > 0 {
				p.Machines = page(all, want.Offset, want.Limit)
			}
			return p, len(all), nil
		}
	}
	return deploy.Progress{}, 0, patch.Errorf(patch.NotFound, "no deployment is called %s", id)
}

// shelf answers for labels and deployments, whose lists have the same name.
type shelf struct{ *world }

func (s shelf) Sizes(context.Context) (out []label.Size, err error) {
	for _, m := range s.labels {
		out = append(out, label.Size{Label: m.Label, Machines: len(m.Members), Patches: len(m.Patches), Unjudged: len(m.Unjudged) + len(m.Faulty)})
	}
	return out, nil
}

func (s shelf) LabelsOf(_ context.Context, id patch.MachineID) (names []string, err error) {
	for _, m := range s.labels {
		if slices.Contains(m.Members, id) {
			names = append(names, m.Label.Name)
		}
	}
	return names, nil
}
func (s shelf) Membership(_ context.Context, name string) (label.Membership, error) {
	for _, l := range s.labels {
		if l.Label.Name == name {
			return l, nil
		}
	}
	return label.Membership{}, patch.Errorf(patch.NotFound, "no label is called %s", name)
}
func (s shelf) Test(_ context.Context, p label.Probe) (label.Trial, error) {
	if strings.Contains(p.Expr, "nonsense") {
		return label.Trial{}, &patch.Error{Kind: patch.Invalid, What: "the expression does not compile", Why: "undeclared reference to 'nonsense'"}
	}
	return s.trial, nil
}
func (s shelf) Put(_ context.Context, _ patch.Caller, l patch.Label) error {
	for i := range s.labels {
		if s.labels[i].Label.Name == l.Name {
			s.labels[i].Label = l
			return nil
		}
	}
	s.world.labels = append(s.labels, label.Membership{Label: l, Members: l.Members})
	return nil
}
func (s shelf) Remove(context.Context, patch.Caller, string) error { return nil }

// garage answers about other patch services, pier about stuck deployments.
type garage struct{ *world }

func (g garage) List(context.Context) ([]updater.Overview, error) { return g.services, nil }
func (g garage) Machines(_ context.Context, service, _ string, offset, limit int) ([]patch.MachineUpdater, int, error) {
	for _, o := range g.services {
		if o.Name == service {
			return page(o.Machines, offset, limit), len(o.Machines), nil
		}
	}
	return nil, 0, nil
}
func (g garage) On(context.Context, patch.MachineID) ([]updater.Here, error) {
	return g.here, nil
}
func (g garage) Put(_ context.Context, _ patch.Caller, r patch.Ruling) (patch.Ruling, error) {
	if r.Verb == "" {
		return r, patch.Errorf(patch.Invalid, "nothing is wanted")
	}
	return r, nil
}
func (g garage) Release(context.Context, patch.Caller, string, string) error { return nil }

type pier struct{ *world }

func (p pier) ExplainFirst(_ context.Context, id string, _ int) (deploy.Explanation, error) {
	e := p.stuck
	e.At, e.Deployment = p.now, id
	return e, nil
}
func (p pier) ExplainWait(ctx context.Context, id string, at gate.Name, code string, offset, limit int) (deploy.Explanation, error) {
	e, _ := p.ExplainFirst(ctx, id, 0)
	e.Groups = keep(e.Groups, func(g deploy.Wait) bool { return g.Gate == at && g.Code == code })
	for i := range e.Groups {
		e.Groups[i].Attempts = page(e.Groups[i].Attempts, offset, limit)
	}
	return e, nil
}

func (w *world) Reconcile(context.Context, patch.MachineID) (ledger.Reconciliation, error) {
	return w.beside, nil
}
func (w *world) Formerly(context.Context, patch.MachineID) ([]ledger.Former, error) {
	return w.former, nil
}

type dock struct{ *world }

func (d dock) ResetAttempts(_ context.Context, c patch.Caller, r deploy.ResetRequest) ([]patch.Reset, error) {
	if r.Machine == "" {
		return nil, patch.Errorf(patch.Conflict, "no machine of %s is out of attempts", r.Label)
	}
	d.resets = append(d.resets, patch.Reset{Machine: r.Machine, Patch: r.Patch, By: c.Name, Why: r.Why})
	return d.resets, nil
}
func (d dock) List(context.Context, int) ([]deploy.Progress, error) { return d.progress, nil }

func (w *world) FindMachine(_ context.Context, id patch.MachineID) (patch.Machine, error) {
	for _, m := range w.machines {
		if m.ID == id {
			return m.Machine, nil
		}
	}
	return patch.Machine{}, patch.Errorf(patch.NotFound, "no machine has the id %s", id)
}
func (w *world) ListMachines(_ context.Context, f patch.MachineFilter) ([]patch.Machine, error) {
	var out []patch.Machine
	for _, m := range w.machines {
		if f.State == "" || m.State == f.State {
			out = append(out, m.Machine)
		}
	}
	return out, nil
}
func (w *world) SetMachineState(context.Context, patch.Caller, patch.MachineID, patch.MachineState) error {
	return nil
}
func (w *world) FindInventory(context.Context, patch.Hash) ([]byte, error) {
	b, err := json.Marshal(w.inventory)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(b, nil), z.Close()
}
func (w *world) ListReceipts(context.Context, patch.MachineID, int) ([]patch.Receipt, error) {
	return w.receipts, nil
}
func (w *world) ListTransitions(context.Context, patch.TransitionFilter) ([]patch.Transition, error) {
	return w.moves, nil
}
func (w *world) ListDecisions(_ context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	return keep(w.decisions, func(d patch.Decision) bool { return f.Label == "" || d.Label == f.Label }), nil
}
func (w *world) FindDecision(_ context.Context, id string) (patch.Decision, error) {
	for _, d := range w.decisions {
		if d.ID == id {
			return d, nil
		}
	}
	return patch.Decision{}, patch.Errorf(patch.NotFound, "no decision is called %q", id)
}
func (w *world) InstalledPatches(_ context.Context, from, until time.Time) ([]patch.InstalledPatch, error) {
	return keep(w.installed, func(x patch.InstalledPatch) bool { return !x.Last.Before(from) && x.First.Before(until) }), nil
}
func (w *world) Installations(context.Context, time.Time, time.Time) ([]patch.Installation, error) {
	return w.installations, nil
}
func (w *world) DecisionHistory(_ context.Context, id patch.ID) ([]patch.Decision, error) {
	return keep(w.decisions, func(d patch.Decision) bool { return d.Patch == id }), nil
}
func (w *world) SearchAudit(_ context.Context, f patch.AuditFilter) ([]patch.AuditEntry, error) {
	return keep(w.entries, func(e patch.AuditEntry) bool {
		return !e.At.Before(f.From) && (f.Until.IsZero() || e.At.Before(f.Until)) && (f.Text == "" || contains(e.Who+" "+e.Action+" "+e.Object+" "+e.Detail, f.Text))
	}), nil
}
func (w *world) ListRevisions(context.Context, patch.HostOS) ([]patch.RevisionMeta, error) {
	return w.revisions, nil
}
func (w *world) Diff(_ context.Context, _ patch.HostOS, from, _ patch.RevisionID) (catalog.Diff, error) {
	if from == "none" {
		return catalog.Diff{}, patch.Errorf(patch.NotFound, "no revision begins with none")
	}
	return w.differ, nil
}
func (w *world) Chain(context.Context) (Chain, error) {
	c := Chain{At: w.now}
	if w.broken != nil {
		c.Broken = w.broken.Error()
	}
	return c, nil
}
func (w *world) ListFeeds(context.Context) ([]patch.FeedStatus, error) { return w.feeds, nil }
func (w *world) ListAlarms(_ context.Context, open bool) ([]patch.Alarm, error) {
	return keep(w.alarms, func(a patch.Alarm) bool { return !open || a.ClearedAt.IsZero() }), nil
}
func (w *world) ListTokens(context.Context) ([]patch.Token, error)         { return w.tokens, nil }
func (w *world) PutToken(context.Context, patch.Caller, patch.Token) error { return nil }
func (w *world) ListViews(_ context.Context, page, owner string) ([]patch.View, error) {
	return keep(w.views, func(v patch.View) bool { return v.Page == page && (v.Owner == owner || v.Shared) }), nil
}
func (w *world) PutView(_ context.Context, _ patch.Caller, v patch.View) error {
	w.views = append(w.views, v)
	return nil
}
func (w *world) RemoveView(_ context.Context, _ patch.Caller, owner, page, name string) error {
	before := len(w.views)
	w.views = keep(w.views, func(v patch.View) bool { return v.Page != page || v.Owner != owner || v.Name != name })
	if len(w.views) == before {
		return patch.Errorf(patch.NotFound, "there is no such view")
	}
	return nil
}
func (w *world) RemoveToken(context.Context, patch.Caller, string) error { return nil }
func (w *world) FindPatch(_ context.Context, id patch.ID) (patch.PatchRow, error) {
	for _, n := range w.patches {
		if n.Patch.ID == id {
			return patch.PatchRow{Patch: n.Patch, OS: n.OS, FirstRevision: "4f1c09d2aa7e31b6"}, nil
		}
	}
	return patch.PatchRow{}, patch.Errorf(patch.NotFound, "no patch is called %s", id)
}
func (w *world) SearchPatches(_ context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	var out []patch.PatchRow
	for _, n := range w.patches {
		if strings.Contains(string(n.Patch.ID)+strings.Join(n.Patch.CVEs, " "), f.Text) || strings.ContainsAny(n.Patch.Title, "<") {
			out = append(out, patch.PatchRow{Patch: n.Patch, OS: n.OS})
		}
	}
	return head(f.Limit, out), len(out), nil
}
func (w *world) ListPayloads(context.Context, patch.PayloadFilter) ([]patch.StoredPayload, error) {
	return w.payloads, nil
}

const goodSecret, otherSecret, goodPassword = "a-secret-of-a-session", "the-secret-of-another", "correct horse"

// SignIn knows one person; "slow" is in a back-off.
func (w *world) SignIn(_ context.Context, name, password, _, _ string) (string, patch.Session, patch.User, error) {
	if name == "slow" {
		return "", patch.Session{}, patch.User{}, &patch.Error{Kind: patch.Exhausted, What: "too many wrong attempts", Why: "sign-in for this name is paused for 28 seconds", Do: "Wait, then try again. The pause doubles with each wrong attempt."}
	}
	if name != "m.keller" || password != goodPassword {
		return "", patch.Session{}, patch.User{}, &patch.Error{Kind: patch.Unauthenticated, What: "the name or the password is wrong", Do: "Try again."}
	}
	return goodSecret, patch.Session{User: name, ExpiresAt: w.now.AddDate(30, 0, 0)}, patch.User{Name: name, Role: patch.Admin}, nil
}
func (w *world) Caller(_ context.Context, secret, from, via string) (patch.Caller, error) {
	name := map[string]string{goodSecret: "m.keller", otherSecret: "j.ortiz"}[secret]
	if name == "" {
		return patch.Caller{}, patch.Errorf(patch.Unauthenticated, "nobody is signed in")
	}
	return patch.Caller{Name: name, Role: w.role, From: from, Via: via}, nil
}
func (w *world) Onlooker(ctx context.Context, secret, from, via string) (patch.Caller, error) {
	if w.onlooked++; w.left > 0 && w.onlooked > w.left {
		secret = ""
	}
	return w.Caller(ctx, secret, from, via)
}
func (w *world) SignOut(context.Context, patch.Caller, string) error { return nil }

// clock is the calendar of a world.
type clock struct{ *world }

func (c clock) List(context.Context) ([]calendar.Coming, error) { return c.coming, nil }
func (c clock) Between(_ context.Context, from, until time.Time) ([]calendar.Event, error) {
	return keep(c.events, func(e calendar.Event) bool { return e.Start.Before(until) && e.End.After(from) }), nil
}
func (c clock) Put(_ context.Context, _ patch.Caller, s patch.Schedule) (patch.Schedule, error) {
	if _, err := schedule.Parse(s.Window); err != nil {
		return s, err
	}
	for i := range c.coming {
		if c.coming[i].Name == s.Name {
			c.coming[i].Schedule = s
			return s, nil
		}
	}
	c.world.coming = append(c.coming, calendar.Coming{Schedule: s})
	return s, nil
}
func (c clock) Remove(_ context.Context, _ patch.Caller, name string) error {
	c.world.coming = keep(c.coming, func(s calendar.Coming) bool { return s.Name != name })
	return nil
}

// bench is the rules of a world.
type bench struct{ *world }

func (b bench) List(context.Context) ([]patch.Rule, error) { return b.ruleList, nil }
func (b bench) Look(_ context.Context, r patch.Rule) (approval.Outlook, error) {
	if r.SoakDays < 0 {
		return approval.Outlook{}, patch.Errorf(patch.Invalid, "a patch can be made to wait from 0 to 365 days")
	}
	return b.outlook, nil
}
func (b bench) Put(_ context.Context, _ patch.Caller, r patch.Rule) (patch.Rule, error) {
	b.world.ruleList = append(b.ruleList, r)
	return r, nil
}
func (b bench) Remove(_ context.Context, _ patch.Caller, name string, _ bool) (int, error) {
	b.world.ruleList = keep(b.ruleList, func(r patch.Rule) bool { return r.Name != name })
	return 0, nil
}

func (w *world) Compliance(context.Context) ([]patch.Compliance, error) {
	w.uncounted = false
	return w.complying, nil
}
func (w *world) ComplianceKnown() bool { return !w.uncounted }
func (w *world) History(_ context.Context, label string, _ time.Time) ([]patch.Compliance, error) {
	if label != patch.LabelAll || len(w.complying) == 0 {
		return nil, nil
	}
	var days []patch.Compliance
	for ago := range 14 {
		day := w.complying[0]
		day.At = w.now.AddDate(0, 0, ago-13)
		day.Confirmed -= (13 - ago) / 2
		day.Needing += (13 - ago) / 2
		day.Exposures = slices.Clone(day.Exposures)
		for i := range day.Exposures {
			day.Exposures[i].Patches += (13 - ago) % 5
		}
		days = append(days, day)
	}
	return days, nil
}
func (w *world) Exploited(context.Context) (patch.Exploits, error) { return w.kev, nil }
func (w *world) Lint(context.Context) ([]lint.Finding, error)      { return w.findings, nil }

func (w *world) config() Config {
	return Config{
		Roll:  w.Roll,
		Chain: w.Chain,
		Diff:  w.Diff, DiffWhole: w.Diff,
		Calendar: clock{w}, Freezes: clock{w}, Rules: bench{w}, Reporter: w, Updaters: garage{w}, Beside: w, Beyond: w, Stuck: pier{w},
		Ledger: w, Explainer: w, Approvals: w, Seconds: w, WhatIf: w, Planner: w, Rings: hoops{w}, Deployments: dock{w}, Labels: shelf{w}, Records: w, Door: w,
		NewToken: func() (string, patch.Hash, error) {
			return "fettle1.c2VjcmV0LXNlY3JldC1zZWNyZXQ.9f31…", patch.Hash(strings.Repeat("ab", 32)), nil
		},
		Enrolment: "https://patches.example.org:8461",
		People:    office{w}, Channels: office{w}, DeliveryLog: office{w}.deliveries, Installation: office{w}, Offers: office{w}.offers, Subscribe: office{w}.subscribe,
		AskDetect: func(context.Context, patch.Caller, patch.MachineID) (bool, error) { return true, nil },
		AskDetects: func(_ context.Context, _ patch.Caller, ids []patch.MachineID) (int, error) {
			w.detecting = append(w.detecting, ids...)
			return len(ids) - 1, nil
		},
		Sync: func(context.Context, patch.Caller) error { return nil }, Changed: func() {},
		KeepList: func(_ context.Context, list []byte) (patch.Hash, error) {
			w.lists[content.Sum(list)] = list
			return content.Sum(list), nil
		},
		List: func(h patch.Hash) ([]byte, error) {
			if list, ok := w.lists[h]; ok {
				return list, nil
			}
			return nil, patch.Errorf(patch.NotFound, "there is no file with the hash %s", h)
		},
		Listen: func(context.Context, []patch.Topic, time.Duration) iter.Seq[[]patch.Topic] {
			return slices.Values(w.heard)
		},
		Now: func() time.Time { return w.now }, Zone: time.UTC, Log: slog.New(slog.DiscardHandler),
	}
}

func newWorld() *world {
	return &world{now: time.Date(2026, 11, 23, 8, 40, 0, 0, time.UTC), role: patch.Admin, lists: map[patch.Hash][]byte{}, fleet: ledger.Fleet{At: time.Date(2026, 11, 23, 8, 40, 0, 0, time.UTC)},
		labels: []label.Membership{{Label: patch.Label{Name: patch.LabelAll}}}}
}
