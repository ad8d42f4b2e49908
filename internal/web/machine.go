package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/updater"
)

// machinePage is one machine: what it is, how fresh its word is, and its ledger.
type machinePage struct {
	Machine     patch.Machine
	Labels      []string
	Receipts    []patch.Receipt
	Summary     ledger.Summary
	Rows        []ledger.Row
	Verdicts    []tab
	Policies    []tab
	Filter      rowQuery
	Pager       pager
	Inventory   *patch.Inventory
	NoInventory phrase.Phrase // why there is none
	Transitions []patch.Transition
	Alarms      []patch.Alarm
	Why         *ledger.MachineExplanation // nil while the machine waits to be admitted
	Glance      ledger.Glance              // whether its newest detect completed
	Formerly    []ledger.Former            // host OSes that it had before
	Beside      ledger.Reconciliation      // its own account beside detection
	Others      []updater.Here             // other patch services on it
	Restart     restart                    // where it owes one
}

// happening is one complete detect of a machine with the verdicts that moved at it, newest first on its page.
type happening struct {
	At      time.Time
	Seq     uint64
	Receipt *patch.Receipt // nil where it is older than those that are shown
	Moves   []patch.Transition
}

// Timeline joins what the machine's detects found changed with the detects.
func (p machinePage) Timeline() []happening {
	by := map[uint64]*happening{}
	for i, r := range p.Receipts {
		by[r.Seq] = &happening{At: r.Ended, Seq: r.Seq, Receipt: &p.Receipts[i]}
	}
	for _, t := range p.Transitions {
		if by[t.Seq] == nil {
			by[t.Seq] = &happening{At: t.At, Seq: t.Seq}
		}
		by[t.Seq].Moves = append(by[t.Seq].Moves, t)
	}
	var out []happening
	for _, h := range by {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b happening) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Seq, a.Seq)) })
	return out
}

// Newest is the receipt of the newest complete detect.
func (p machinePage) Newest() *patch.Receipt {
	if len(p.Receipts) == 0 {
		return nil
	}
	return &p.Receipts[0]
}

// rowQuery is how a ledger is narrowed, as typed.
type rowQuery struct {
	Verdict                                          string // several, with commas between them, where a number of the page leads to them
	Policy, Execution, Effect, Category, Label, Text string
	Gate, Code                                       string // the first closed gate, and why
	Deployable, Closed                               bool
	Any                                              bool // something narrows
}

func (v *visit) rowQuery() rowQuery {
	q := rowQuery{Verdict: v.get("verdict"), Policy: v.get("policy"), Execution: v.get("execution"), Effect: v.get("effect"),
		Category: v.get("category"), Label: v.get("label"), Text: v.get("q"), Gate: v.get("gate"), Code: v.get("code"), Deployable: v.get("deployable") != "", Closed: v.get("closed") != ""}
	q.Any = q != rowQuery{}
	return q
}

// filter is q as the ledger takes it; a word that is none is an error, not everything.
func (q rowQuery) filter() (ledger.RowFilter, error) {
	f := ledger.RowFilter{Category: patch.Category(q.Category), Label: q.Label, Text: q.Text, Gate: gate.Name(q.Gate), Code: q.Code, Deployable: q.Deployable, Closed: q.Closed}
	for name := range strings.SplitSeq(q.Verdict, ",") {
		if name == "" {
			continue
		}
		var d patch.Verdict
		if err := d.UnmarshalText([]byte(name)); err != nil {
			return f, err
		}
		f.Verdicts = append(f.Verdicts, d)
	}
	if q.Policy != "" {
		f.Stands = []patch.Stand{patch.Stand(q.Policy)}
	}
	if q.Execution != "" {
		f.Executions = []patch.Execution{patch.Execution(q.Execution)}
	}
	if q.Effect != "" {
		f.Effects = []patch.Effect{patch.Effect(q.Effect)}
	}
	return f, nil
}

// Within are the questions of a page that its filter does not ask, and keeps.
func (q rowQuery) Within() []field {
	var out []field
	for _, f := range []field{{"verdict", q.Verdict}, {"gate", q.Gate}, {"code", q.Code}} {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	if q.Deployable {
		out = append(out, field{"deployable", "yes"})
	}
	return out
}

// atGate is where the rows are whose first closed gate is one, for one reason; no gate: those that are deployable.
func atGate(page, name, code string) string {
	if name == "" {
		return page + "?verdict=not-patched&deployable=yes#ledger"
	}
	return page + "?verdict=not-patched,error&gate=" + url.QueryEscape(name) + "&code=" + url.QueryEscape(code) + "#ledger"
}

const rowsSize = 50

func (c *console) machine(v *visit) error {
	id := patch.MachineID(v.r.PathValue("machine"))
	m, err := c.Records.FindMachine(v.ctx, id)
	if patch.KindOf(err) == patch.NotFound { // people type names
		if m, err = c.Explainer.Resolve(v.ctx, string(id)); err == nil {
			return v.meant(machineURL(m.ID))
		}
	}
	if err != nil {
		return err
	}
	p := machinePage{Machine: m, Filter: v.rowQuery()}
	if p.Receipts, err = c.Records.ListReceipts(v.ctx, id, 10); err != nil {
		return err
	}
	if m.State != patch.Pending {
		if err := c.machineRows(v, &p); err != nil {
			return err
		}
		why, err := c.Explainer.ExplainMachine(v.ctx, id)
		if err != nil {
			return err
		}
		p.Why = &why
	}
	if p.Labels, err = c.Labels.LabelsOf(v.ctx, id); err != nil {
		return err
	}
	p.Inventory, p.NoInventory = c.inventory(v, m)
	if m.RebootOwed {
		owed, err := c.restarts(v, []*ledger.MachineRow{{Machine: m}})
		if err != nil {
			return err
		}
		p.Restart = owed[m.ID]
	}
	p.Glance = ledger.GlanceAt(m, p.Newest(), c.Now())
	if p.Beside, err = c.Beside.Reconcile(v.ctx, id); err != nil {
		return err
	}
	if p.Formerly, err = c.Beside.Formerly(v.ctx, id); err != nil {
		return err
	}
	if p.Others, err = c.Updaters.On(v.ctx, id); err != nil {
		return err
	}
	if p.Transitions, err = c.Records.ListTransitions(v.ctx, patch.TransitionFilter{Machine: id, Limit: 30}); err != nil {
		return err
	}
	alarms, err := c.Records.ListAlarms(v.ctx, true)
	if err != nil {
		return err
	}
	p.Alarms = keep(alarms, func(a patch.Alarm) bool { return strings.Contains(a.Key, string(id)) })
	return show(c, v, "machine", "machines", phrase.Verbatim(m.Name), p)
}

func (c *console) machineRows(v *visit, p *machinePage) error {
	f, err := p.Filter.filter()
	if err != nil {
		return err
	}
	at := v.offset(rowsSize)
	f.Limit, f.Offset = rowsSize, at
	if p.Rows, p.Summary, err = c.Ledger.Rows(v.ctx, p.Machine.ID, f); err != nil {
		return err
	}
	p.Pager = v.pager(at, rowsSize, len(p.Rows), p.Summary.Matching)
	p.Verdicts = v.verdictTabs(p.Summary, p.Filter)
	p.Policies = v.policyTabs(p.Summary, p.Filter)
	return nil
}

// verdictTabs are the ways to narrow by verdict; the needed ones come first.
func (v *visit) verdictTabs(s ledger.Summary, q rowQuery) []tab {
	tabs := []tab{{Word: "All", URL: v.with("verdict", ""), Count: s.Verdicts.Total(), Current: q.Verdict == ""}}
	for _, d := range []patch.Verdict{patch.NotPatched, patch.Patched, patch.Faulty, patch.Unknown, patch.NotApplicable} {
		n := d.String()
		if s.Verdicts[d] > 0 || q.Verdict == n || d == patch.NotPatched || d == patch.Patched {
			tabs = append(tabs, tab{Word: word(n), Mark: n, URL: v.with("verdict", n), Count: s.Verdicts[d], Current: q.Verdict == n})
		}
	}
	return tabs
}

func (v *visit) policyTabs(s ledger.Summary, q rowQuery) []tab {
	counts := []struct {
		stand patch.Stand
		n     int
	}{{patch.Undecided, s.Stands.Undecided}, {patch.Approved, s.Stands.Approved}, {patch.Declined, s.Stands.Declined}, {patch.HeldBack, s.Stands.Held}}
	tabs := []tab{{Word: "any policy", URL: v.with("policy", ""), Count: s.Stands.Undecided + s.Stands.Approved + s.Stands.Declined + s.Stands.Held, Current: q.Policy == ""}}
	for _, x := range counts {
		tabs = append(tabs, tab{Word: word(x.stand), Mark: string(x.stand), URL: v.with("policy", string(x.stand)), Count: x.n, Current: q.Policy == string(x.stand)})
	}
	return tabs
}

// Inventories are small; what is bigger unpacked than this is not one.
const maxInventory = 32 << 20

// inventory reads what the machine says about itself; where that fails the page says why and shows the rest.
func (c *console) inventory(v *visit, m patch.Machine) (*patch.Inventory, phrase.Phrase) {
	if m.Inventory == "" {
		return nil, "The machine has not sent an inventory yet. It does so at its next check-in."
	}
	b, err := c.Records.FindInventory(v.ctx, m.Inventory)
	if err != nil {
		c.Log.WarnContext(v.ctx, "inventory not readable", "machine", m.ID, "error", err)
		return nil, "The stored inventory cannot be read; the appliance's log says why. The machine sends it again when it changes."
	}
	inv, err := decodeInventory(b)
	if err != nil {
		c.Log.WarnContext(v.ctx, "inventory not decodable", "machine", m.ID, "error", err)
		return nil, "The stored inventory is damaged. The machine sends it again when it changes."
	}
	return inv, ""
}

func decodeInventory(b []byte) (*patch.Inventory, error) {
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxInventory))
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot decompress an inventory: %w", err)
	}
	defer z.Close()
	var inv patch.Inventory
	if err := json.NewDecoder(io.LimitReader(z, maxInventory)).Decode(&inv); err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot decode an inventory: %w", err)
	}
	return &inv, nil
}
