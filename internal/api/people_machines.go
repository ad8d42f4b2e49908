package api

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MachineDetail is one machine with what people ask about it first.
type MachineDetail struct {
	Machine   ledger.MachineRow `json:"machine"`
	Labels    []string          `json:"labels"`
	Inventory *patch.Inventory  `json:"inventory,omitempty"`
	Online    bool              `json:"online"`   // it waits in its long poll now
	Detect    ledger.Glance     `json:"detect"`   // whether its newest detect completed, in one glance
	Formerly  []ledger.Former   `json:"formerly"` // host OSes that it had before
}

// Rows is a page of the ledger with the numbers of all of it.
type Rows struct {
	Items   []ledger.Row   `json:"items"`
	Total   int            `json:"total"` // that match the filter
	Summary ledger.Summary `json:"summary"`
}

// WriteJSON writes the page as json.Marshal would, row by row.
func (r Rows) WriteJSON(to io.Writer) error {
	return writeItems(to, r, Rows{Total: r.Total, Summary: r.Summary}, r.Items)
}

func (s *people) listMachines(c *call) (any, error) {
	limit, offset, err := paging(c)
	if err != nil {
		return nil, err
	}
	q := ledger.MachineQuestion{Show: c.text("show"), Text: c.text("text"), Sort: c.text("sort")}
	q.MachineFilter = patch.MachineFilter{State: patch.MachineState(c.text("state")), OS: patch.HostOS(c.text("os")), Label: c.text("label")}
	rows, total, err := s.Ledger.ListMachines(c.Context(), q, offset, limit)
	if err != nil {
		return nil, err
	}
	return List[ledger.MachineRow]{Items: listOf(rows).Items, Total: total}, nil
}

func (s *people) findMachine(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	d := MachineDetail{Online: s.Hub.Online(m.ID)}
	if d.Machine, err = s.Ledger.Machine(c.Context(), m.ID); err != nil {
		return nil, err
	}
	if d.Formerly, err = s.Ledger.Formerly(c.Context(), m.ID); err != nil {
		return nil, err
	}
	d.Detect = ledger.GlanceAt(d.Machine.Machine, d.Machine.Receipt, s.Now())
	if d.Labels, err = s.Labels.LabelsOf(c.Context(), m.ID); err != nil {
		return nil, err
	}
	if m.Inventory != "" {
		inv, err := stored[patch.Inventory](s.Store.FindInventory(c.Context(), m.Inventory))
		if err != nil {
			return nil, err
		}
		d.Inventory = &inv
	}
	return d, nil
}

// reconcile lays a machine's inventory beside its detection.
func (s *people) reconcile(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	return s.Ledger.Reconcile(c.Context(), m.ID)
}

// stored unpacks what a machine uploaded.
func stored[T any](packed []byte, err error) (T, error) {
	var v T
	if err != nil {
		return v, err
	}
	plain, err := unpack(packed, unpackedLimit)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(plain, &v); err != nil {
		return v, patch.Errorf(patch.Internal, "cannot read what is stored: %w", err)
	}
	return v, nil
}

func (s *people) findInventory(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	if m.Inventory == "" {
		return nil, nothingYet(m, "inventory")
	}
	return stored[patch.Inventory](s.Store.FindInventory(c.Context(), m.Inventory))
}

func (s *people) findFacts(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	if m.Facts == "" {
		return nil, nothingYet(m, "facts")
	}
	return stored[patch.Facts](s.Store.FindFacts(c.Context(), m.Facts))
}

func nothingYet(m patch.Machine, what string) error {
	return &patch.Error{Kind: patch.NotFound, What: phrase.Of("{1} has not sent its {2} yet", m.Name, what), Do: "It does so at one of its next check-ins, once it is admitted."}
}

func (s *people) machineRows(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	f, err := rowFilter(c)
	if err != nil {
		return nil, err
	}
	rows, sum, err := s.Ledger.Rows(c.Context(), m.ID, f)
	return rowsOf(rows, sum), err
}

func rowsOf(rows []ledger.Row, sum ledger.Summary) Rows {
	return Rows{Items: listOf(rows).Items, Total: sum.Matching, Summary: sum}
}

// rowFilter reads verdict, policy, execution, effect (each may be repeated), category, gate, code, label, text, deployable, closed.
func rowFilter(c *call) (ledger.RowFilter, error) {
	f := ledger.RowFilter{
		Stands: list[patch.Stand](c, "policy"), Executions: list[patch.Execution](c, "execution"), Effects: list[patch.Effect](c, "effect"),
		Category: patch.Category(c.text("category")), Severity: patch.Severity(c.text("severity")), Gate: gate.Name(c.text("gate")), Code: c.text("code"), Label: c.text("label"), Text: c.text("text"),
		Deployable: c.flag("deployable"), Closed: c.flag("closed"), Sort: patch.PatchSort(c.text("sort")),
	}
	for _, name := range list[string](c, "verdict") {
		var v patch.Verdict
		if err := v.UnmarshalText([]byte(name)); err != nil {
			return f, err
		}
		f.Verdicts = append(f.Verdicts, v)
	}
	var err error
	if f.Limit, err = c.number("limit", 0, 1_000_000); err != nil {
		return f, err
	}
	f.Offset, err = c.number("offset", 0, 1_000_000_000)
	return f, err
}

func (s *people) listReceipts(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 50, 10_000)
	if err != nil {
		return nil, err
	}
	receipts, err := s.Store.ListReceipts(c.Context(), m.ID, limit)
	return listOf(receipts), err
}

func (s *people) listTransitions(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	since, err := c.moment("since")
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 200, 100_000)
	if err != nil {
		return nil, err
	}
	if p := patch.ID(c.text("patch")); p != "" {
		t, err := s.Ledger.History(c.Context(), m.ID, p)
		t = slices.DeleteFunc(t, func(t patch.Transition) bool { return t.At.Before(since) })
		if limit > 0 && limit < len(t) {
			t = t[:limit]
		}
		return listOf(t), err
	}
	t, err := s.Store.ListTransitions(c.Context(), patch.TransitionFilter{Machine: m.ID, Since: since, Limit: limit})
	return listOf(t), err
}

func (s *people) setMachineState(to patch.MachineState) func(*call) (any, error) {
	return func(c *call) (any, error) {
		m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
		if err != nil {
			return nil, err
		}
		if err := s.Store.SetMachineState(c.Context(), c.caller, m.ID, to); err != nil {
			return nil, err
		}
		if to == patch.Revoked {
			s.Hub.Forget(m.ID)
		} else {
			s.Hub.Poke(m.ID)
		}
		s.noteFacts(c.Context(), m.ID)
		s.Wanted.Beat()
		return s.Store.FindMachine(c.Context(), m.ID)
	}
}

// Asked is the answer to a request that a machine carries out when it comes.
type Asked struct {
	Machine patch.MachineID `json:"machine"`
	Online  bool            `json:"online"` // it waits for word now, so it begins at once
}

func (s *people) askDetect(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	if m.State != patch.Admitted {
		return nil, &patch.Error{Kind: patch.Conflict, What: phrase.Of("{1} cannot detect", m.Name), Why: phrase.Of("it is {1}", string(m.State)), Do: phrase.Of("Admit it first with `fettle machines admit {1}`.", m.Name)}
	}
	if err := s.Store.PutAudit(c.Context(), c.caller, "machine.detect", string(m.ID), nil); err != nil {
		return nil, err
	}
	online := s.Hub.Online(m.ID)
	s.Hub.AskDetect(m.ID)
	return outcome{http.StatusAccepted, Asked{Machine: m.ID, Online: online}}, nil
}

// TokenRequest makes an enrolment token.
type TokenRequest struct {
	Name  string `json:"name"`
	Uses  int    `json:"uses"`
	Hours int    `json:"hours"` // how long it works; at most 168
	Admit bool   `json:"admit"` // machines need no further yes
}

// TokenReply shows a token's secret, once.
type TokenReply struct {
	Token  string      `json:"token"`   // "fettle1.…": give it to fettle-agent enrol
	Info   patch.Token `json:"info"`    // what is kept of it
	Server string      `json:"server"`  // the agent listener's address
	Enrol  string      `json:"command"` // the command to run on a machine that has the agent
	// Install are the lines that bring the agent there and enrol it.
	Install installer.Lines `json:"install"`
}

func (s *people) listTokens(c *call) (any, error) {
	tokens, err := s.Store.ListTokens(c.Context())
	return listOf(tokens), err
}

func (s *people) putToken(c *call) (any, error) {
	in, err := decode[TokenRequest](c)
	if err != nil {
		return nil, err
	}
	secret, hash, err := auth.NewToken(s.Issuer.Certificate)
	if err != nil {
		return nil, err
	}
	t, err := in.token(hash, c.caller.Name, s.Now())
	if err != nil {
		return nil, err
	}
	if err := s.Store.PutToken(c.Context(), c.caller, t); err != nil {
		return nil, err
	}
	lines, err := s.lines(secret)
	if err != nil {
		return nil, err
	}
	return outcome{http.StatusCreated, TokenReply{
		Token: secret, Info: t, Server: s.Enrolment, Enrol: "echo '" + secret + "' | sudo fettle-agent enrol --server " + s.Enrolment + " --token -", Install: lines,
	}}, nil
}

func (s *people) removeToken(c *call) (any, error) {
	return nil, s.Store.RemoveToken(c.Context(), c.caller, c.PathValue("token"))
}
