package api

import (
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// PatchDetail is one patch with its files and the decisions that count now.
type PatchDetail struct {
	Patch     patch.PatchRow        `json:"patch"`
	Decisions []patch.Decision      `json:"decisions"`
	Payloads  []patch.StoredPayload `json:"payloads"` // that the appliance has or wants
	Summary   ledger.Summary        `json:"summary"`  // over the machines of its OS
	// Exploited are those of its CVEs that are known to be exploited. Null where no source says so: that is not "none".
	Exploited []patch.Exploit `json:"exploited"`
}

func (s *people) status(c *call) (any, error) { return s.Ledger.Status(c.Context()) }

func (s *people) listAlarms(c *call) (any, error) {
	alarms, err := s.Store.ListAlarms(c.Context(), !c.flag("all"))
	return listOf(alarms), err
}

// searchPatches gives the patches of all lists that match; GET /api/v1/counts has their numbers over the fleet.
func (s *people) searchPatches(c *call) (any, error) {
	limit, err := c.number("limit", 100, 1_000_000)
	if err != nil {
		return nil, err
	}
	offset, err := c.number("offset", 0, 1_000_000_000)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Store.SearchPatches(c.Context(), patch.PatchFilter{
		OS: patch.HostOS(c.text("os")), Text: c.text("text"), Category: patch.Category(c.text("category")), IDs: list[patch.ID](c, "id"),
		IncludeGone: c.flag("gone"), Sort: patch.PatchSort(c.text("sort")), Limit: limit, Offset: offset,
	})
	l := listOf(rows)
	l.Total = total
	return l, err
}

// patchCounts gives the patches of ?os=… with how many of its machines have which verdict, the most needed first.
func (s *people) patchCounts(c *call) (any, error) {
	f, err := rowFilter(c)
	if err != nil {
		return nil, err
	}
	counts, total, err := s.Ledger.PatchCounts(c.Context(), patch.HostOS(c.text("os")), f)
	l := listOf(counts)
	l.Total = total
	return l, err
}

func (s *people) findPatch(c *call) (any, error) {
	row, err := s.patch(c, c.PathValue("patch"))
	if err != nil {
		return nil, err
	}
	d := PatchDetail{Patch: row}
	known, err := s.KEV(c.Context())
	if err != nil {
		return nil, err
	}
	if known != nil {
		d.Exploited = []patch.Exploit{}
	}
	for _, cve := range known.Among(row.CVEs) {
		d.Exploited = append(d.Exploited, known[cve])
	}
	decisions, err := s.Store.ListDecisions(c.Context(), patch.DecisionFilter{Patch: row.ID})
	if err != nil {
		return nil, err
	}
	payloads, err := s.Store.ListPayloads(c.Context(), patch.PayloadFilter{Patch: row.ID})
	if err != nil {
		return nil, err
	}
	_, d.Summary, err = s.Ledger.PatchRows(c.Context(), row.ID, ledger.RowFilter{Limit: 1})
	d.Decisions, d.Payloads = listOf(decisions).Items, listOf(payloads).Items
	return d, err
}

// patch finds what a person named: an id, or anything that fits one patch.
func (s *people) patch(c *call, text string) (patch.PatchRow, error) {
	return s.Ledger.ResolvePatch(c.Context(), text, patch.HostOS(c.text("os")))
}

func (s *people) patchRows(c *call) (any, error) {
	row, err := s.patch(c, c.PathValue("patch"))
	if err != nil {
		return nil, err
	}
	f, err := rowFilter(c)
	if err != nil {
		return nil, err
	}
	rows, sum, err := s.Ledger.PatchRows(c.Context(), row.ID, f)
	return rowsOf(rows, sum), err
}

// patchMachines names the machines whose newest complete detect gave ?verdict=, not-patched where it is not given.
func (s *people) patchMachines(c *call) (any, error) {
	row, err := s.patch(c, c.PathValue("patch"))
	if err != nil {
		return nil, err
	}
	v := patch.NotPatched
	if text := c.text("verdict"); text != "" {
		if err := v.UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
	}
	names, err := s.Ledger.Who(c.Context(), row.ID, v)
	if err != nil {
		return nil, err
	}
	return page(c, names)
}

func (s *people) decisionHistory(c *call) (any, error) {
	row, err := s.patch(c, c.PathValue("patch"))
	if err != nil {
		return nil, err
	}
	d, err := s.Store.DecisionHistory(c.Context(), row.ID)
	return listOf(d), err
}

// explain answers for ?machine=…&patch=…, for ?label=…&patch=… and for ?machine=… alone.
func (s *people) explain(c *call) (any, error) {
	machine, label, text := c.text("machine"), c.text("label"), c.text("patch")
	if text == "" && machine != "" && label == "" {
		m, err := s.Ledger.Resolve(c.Context(), machine)
		if err != nil {
			return nil, err
		}
		return s.Ledger.ExplainMachine(c.Context(), m.ID)
	}
	if text == "" || (machine == "") == (label == "") {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot explain this", Why: "a machine, or a patch and either a machine or a label are needed"}
	}
	if label != "" {
		row, err := s.patch(c, text)
		if err != nil {
			return nil, err
		}
		return s.Ledger.ExplainLabel(c.Context(), label, row.ID)
	}
	m, err := s.Ledger.Resolve(c.Context(), machine)
	if err != nil {
		return nil, err
	}
	row, err := s.patchFor(c, text, m.OS)
	if err != nil {
		return nil, err
	}
	return s.Ledger.Explain(c.Context(), m.ID, row.ID)
}

// patchFor looks among the patches of the machine's OS first, then among all: a patch of another OS has an explanation too.
func (s *people) patchFor(c *call, text string, os patch.HostOS) (patch.PatchRow, error) {
	row, err := s.Ledger.ResolvePatch(c.Context(), text, os)
	if os != "" && patch.KindOf(err) == patch.NotFound {
		return s.Ledger.ResolvePatch(c.Context(), text, "")
	}
	return row, err
}

func (s *people) listDecisions(c *call) (any, error) {
	d, err := s.Store.ListDecisions(c.Context(), patch.DecisionFilter{Patch: patch.ID(c.text("patch")), Label: c.text("label"), OS: patch.HostOS(c.text("os"))})
	if err != nil {
		return nil, err
	}
	return page(c, d)
}

// findDecision gives a decision with who carried its label then, and who has joined and left since. A patch stands for the newest
// decision about it, which must be the only one that counts, or the one for ?label=.
func (s *people) findDecision(c *call) (any, error) {
	d, err := s.Store.FindDecision(c.Context(), c.PathValue("decision"))
	if patch.KindOf(err) == patch.NotFound && err != nil {
		d, err = s.decisionAbout(c, c.PathValue("decision"))
	}
	if err != nil {
		return nil, err
	}
	return s.Approval.Recall(c.Context(), d)
}

func (s *people) decisionAbout(c *call, text string) (patch.Decision, error) {
	row, err := s.patch(c, text)
	if err != nil {
		return patch.Decision{}, err
	}
	all, err := s.Store.ListDecisions(c.Context(), patch.DecisionFilter{Patch: row.ID, Label: c.text("label")})
	switch {
	case err != nil:
		return patch.Decision{}, err
	case len(all) == 0:
		return patch.Decision{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("nothing is decided about {1}", string(row.ID)), Do: phrase.Of("Older decisions: fettle decisions history {1}", string(row.ID))}
	case len(all) > 1:
		return patch.Decision{}, patch.Errorf(patch.Invalid, "%d decisions about %s count; name one by its id or by --label", len(all), row.ID)
	}
	return all[0], nil
}

func (s *people) decide(c *call) (any, error) {
	in, err := s.request(c)
	if err != nil {
		return nil, err
	}
	made, err := s.Approval.Submit(c.Context(), c.caller, in)
	if err != nil {
		return nil, err
	}
	s.Wanted.Beat()
	s.Pulse.Beat(patch.TopicDecisions)
	decisions := listOf(made.Decisions)
	out := Decided{Items: decisions.Items, Total: decisions.Total, Proposal: made.Proposal}
	if made.Proposal != nil {
		return outcome{http.StatusAccepted, out}, nil
	}
	return out, nil
}

// Decided are the decisions that were made, and what waits for a second person.
type Decided struct {
	Items    []patch.Decision `json:"items"`
	Total    int              `json:"total"`
	Proposal *patch.Proposal  `json:"proposal,omitempty"`
}

// listProposals gives those that wait for a second person; all=true also those that were answered.
func (s *people) listProposals(c *call) (any, error) {
	l, err := s.Store.ListProposals(c.Context(), !c.flag("all"))
	return listOf(l), err
}

func (s *people) findProposal(c *call) (any, error) {
	return s.Store.FindProposal(c.Context(), c.PathValue("proposal"))
}

// ProposalAnswer says why a proposal is confirmed or rejected.
type ProposalAnswer struct {
	Why string `json:"why,omitempty"`
}

func (s *people) confirmProposal(c *call) (any, error) {
	in, err := decode[ProposalAnswer](c)
	if err != nil {
		return nil, err
	}
	made, err := s.Approval.Confirm(c.Context(), c.caller, c.PathValue("proposal"), in.Why)
	if err != nil {
		return nil, err
	}
	s.Wanted.Beat()
	s.Pulse.Beat(patch.TopicDecisions)
	return listOf(made), nil
}

func (s *people) rejectProposal(c *call) (any, error) {
	in, err := decode[ProposalAnswer](c)
	if err != nil {
		return nil, err
	}
	return s.Approval.Reject(c.Context(), c.caller, c.PathValue("proposal"), in.Why)
}

func (s *people) preview(c *call) (any, error) {
	in, err := s.request(c)
	if err != nil {
		return nil, err
	}
	return s.Approval.Preview(c.Context(), in)
}

// request reads a decision and replaces what a person typed for a patch by its id.
func (s *people) request(c *call) (approval.Request, error) {
	in, err := decode[approval.Request](c)
	if err != nil {
		return in, err
	}
	return s.resolved(c, in)
}

func (s *people) resolved(c *call, in approval.Request) (approval.Request, error) {
	for i, p := range in.Patches {
		if strings.HasPrefix(string(p), patch.LabelPrefix) {
			continue
		}
		row, err := s.patch(c, string(p))
		if err != nil {
			return in, err
		}
		in.Patches[i] = row.ID
	}
	return in, nil
}

// lint lists what people have set up that cannot do what they meant.
func (s *people) lint(c *call) (any, error) {
	found, err := s.Linter.Lint(c.Context())
	return listOf(found), err
}
