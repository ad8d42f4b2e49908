package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type machinesCmd struct {
	List      machinesListCmd      `cmd:"" default:"withargs" help:"List machines with their freshness."`
	Show      machinesShowCmd      `cmd:"" help:"Show one machine."`
	Rows      machinesRowsCmd      `cmd:"" help:"Read one machine's ledger: a row for every patch of its OS."`
	Reconcile machinesReconcileCmd `cmd:"" help:"Hold a machine's own history of installed patches against its detect."`
	Admit     machinesAdmitCmd     `cmd:"" help:"Let a machine take part."`
	Revoke    machinesRevokeCmd    `cmd:"" help:"Shut a machine out; its history stays."`
	Detect    machinesDetectCmd    `cmd:"" help:"Ask a machine to detect now."`
}

type machinesListCmd struct {
	Text   string `arg:"" optional:"" help:"Part of a name or an address, or the beginning of an id."`
	Show   string `enum:"confirmed,needing,lacking,stuck,exhausted,pending,never,stale,silent,failed,reboot,revoked," default:"" placeholder:"WORD" help:"Only these: confirmed, needing, lacking (security patches, by a fresh detect), stuck, exhausted (with a patch that is out of attempts), pending, never (detected), stale, silent (not seen for 7 days), failed (detect), reboot (owed) or revoked."`
	State  string `enum:"pending,admitted,revoked," default:"" placeholder:"WORD" help:"Only machines in this state: pending, admitted or revoked."`
	OS     string `help:"Only machines of this host OS, e.g. debian-12-amd64." placeholder:"OS"`
	Label  string `short:"l" help:"Only machines that carry this label." placeholder:"LABEL"`
	Sort   string `default:"name" help:"What comes first: name, os, detect, need, security, undecided, patched, errors or seen; -need for the other way round."`
	Limit  int    `default:"100" help:"At most so many; 0 for all."`
	Offset int    `help:"Leave out the first so many." placeholder:"N"`
}

func (machinesListCmd) Help() string {
	return `Examples:
  fettle machines
  fettle machines list web- --show stale --sort seen
  fettle machines list --show needing --sort=-security
  fettle machines list --state pending
  fettle machines list --label web --limit 0 --json`
}

func (c machinesListCmd) Run(ctx context.Context, s *screen) error {
	q := query{}.set("text", c.Text).set("show", c.Show).set("state", c.State).set("os", c.OS).set("label", c.Label).set("sort", c.Sort).
		set("limit", strconv.Itoa(c.Limit)).set("offset", strconv.Itoa(c.Offset))
	return ask(ctx, s, api.Path("machines"), q, func(w io.Writer, l api.List[ledger.MachineRow]) { c.print(w, s.width, l) })
}

func (c machinesListCmd) print(w io.Writer, width int, l api.List[ledger.MachineRow]) {
	if len(l.Items) == 0 {
		if c.Text+c.Show+c.State+c.OS+c.Label != "" || c.Offset > 0 {
			line(w, "No machine is like that.")
			return
		}
		line(w, "No machines. Make a token with `fettle tokens add NAME` and run the command it prints on a machine.")
		return
	}
	t := table{columns: []column{{title: "machine", flex: true}, {title: "id"}, {title: "state"}, {title: "os", flex: true}, {title: "detect"}, {title: "needed", right: true}, {title: "security", right: true}, {title: "seen"}}}
	for _, m := range l.Items {
		t.add(m.Name, short(m.ID), string(m.State), string(m.OS), string(m.Freshness), strconv.Itoa(m.Needed), strconv.Itoa(m.Security), ago(m.SeenAt, time.Now()))
	}
	t.print(w, width)
	if len(l.Items) < l.Total {
		line(w, "%s shown of %s.", thousands(len(l.Items)), plural(l.Total, "machine", "machines"))
	}
}

type machinesShowCmd struct {
	Machine string `arg:"" help:"Name, id, or the beginning of either."`
}

func (machinesShowCmd) Help() string {
	return "Example:\n  fettle machines show web-14"
}

func (c machinesShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("machines", c.Machine), nil, func(w io.Writer, d api.MachineDetail) {
		printMachine(w, d)
	})
}

func printMachine(w io.Writer, d api.MachineDetail) {
	m := d.Machine
	line(w, "%s  %s", clean(m.Name), clean(string(m.OS)))
	line(w, "%s", clean(sentence(m.Text.String())))
	line(w, "")
	f := fields{w}
	f.put("id", string(m.ID))
	f.put("state", string(m.State))
	f.put("enrolled", when(m.EnrolledAt)+with(" with token ", m.EnrolledBy))
	f.put("seen", ago(m.SeenAt, time.Now())+with(" from ", m.Address))
	f.put("agent", m.AgentVersion)
	f.put("labels", strings.Join(d.Labels, ", "))
	f.put("complete?", d.Detect.Sentence.String())
	for _, x := range d.Detect.Details {
		f.put("  "+x.Name.String(), x.Text.String())
	}
	f.put("verdicts", countsText(m.Verdicts))
	for _, x := range d.Formerly {
		f.put("before", string(x.OS)+" until "+when(x.Until)+", then "+string(x.Next)+": "+countsText(x.Verdicts)+" (fettle status "+m.Name+" --as-of TIME, fettle machines rows "+m.Name+" --closed)")
	}
	f.put("owner's policy", m.Policy)
	switch {
	case strings.HasPrefix(m.Busy, "reboot "):
		f.put("reboot", strings.TrimPrefix(m.Busy, "reboot "))
	case m.RebootOwed:
		f.put("reboot", "owed; nothing that was deployed restarts it")
	}
	if !strings.HasPrefix(m.Busy, "reboot ") {
		f.put("now", m.Busy)
	}
	if inv := d.Inventory; inv != nil {
		f.put("system", inv.OS.Pretty)
		f.put("kernel", kernelText(inv.Kernel))
		f.put("hardware", hardwareText(inv.Hardware))
		for i, o := range inv.OldCode {
			title := ""
			if i == 0 {
				title = "runs old code"
			}
			f.put(title, o.String())
		}
		f.put("other updaters", strings.Join(inv.Updaters, ", "))
	}
}

func kernelText(k patch.Kernel) string {
	switch k.Installed {
	case k.Running:
		return k.Running
	case "":
		return k.Running + "; no kernel package is installed"
	}
	return k.Running + " runs, " + k.Installed + " is installed"
}

func hardwareText(h patch.Hardware) string {
	parts := []string{strings.TrimSpace(h.Vendor + " " + h.Model), h.CPU}
	if h.Cores > 0 {
		parts = append(parts, plural(h.Cores, "core", "cores"))
	}
	if h.MemoryMB > 0 {
		parts = append(parts, size(h.MemoryMB<<20)+" of memory")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" }), ", ")
}

func countsText(c patch.Counts) string {
	return thousands(c[patch.NotPatched]) + " not patched, " + thousands(c[patch.Patched]) + " patched, " + thousands(c[patch.NotApplicable]) + " not applicable, " +
		thousands(c[patch.Faulty]) + " error, " + thousands(c[patch.Unknown]) + " unknown"
}

type machinesRowsCmd struct {
	Machine    string   `arg:"" help:"Name, id, or the beginning of either."`
	Verdict    []string `short:"v" help:"Only these verdicts: not-patched, patched, not-applicable, error, unknown."`
	Policy     []string `short:"p" help:"Only these: approved, declined, undecided, held."`
	Category   string   `enum:"security,update," default:"" placeholder:"WORD" help:"Only security or only update."`
	Deployable bool     `help:"Only what a plan would include now."`
	Closed     bool     `help:"Also rows that left the machine's list."`
	Text       string   `short:"t" help:"Only rows whose id, title or CVE contains this." placeholder:"TEXT"`
	Limit      int      `default:"50" help:"At most so many rows; 0 for all."`
}

func (machinesRowsCmd) Help() string {
	return `Examples:
  fettle machines rows web-14 --verdict not-patched
  fettle machines rows web-14 --policy approved --deployable
  fettle machines rows web-14 --limit 0 --json`
}

func (c machinesRowsCmd) Run(ctx context.Context, s *screen) error {
	q := query{}.set("verdict", c.Verdict...).set("policy", c.Policy...).set("category", c.Category).set("deployable", strconv.FormatBool(c.Deployable)).
		set("closed", strconv.FormatBool(c.Closed)).set("text", c.Text).set("limit", strconv.Itoa(c.Limit))
	return ask(ctx, s, api.Path("machines", c.Machine, "rows"), q, func(w io.Writer, r api.Rows) { printRows(w, s.width, r, false) })
}

// printRows prints ledger rows with their four axes side by side.
func printRows(w io.Writer, width int, r api.Rows, machines bool) {
	first := column{title: "patch", flex: true}
	if machines {
		first = column{title: "machine", flex: true}
	}
	t := table{columns: []column{first, {title: "verdict"}, {title: "policy"}, {title: "execution"}, {title: "effect"}, {title: "why", flex: true}}}
	for _, x := range r.Items {
		name := string(x.Patch.ID)
		if machines {
			name = x.MachineName
		}
		t.add(name, x.Verdict.String(), string(x.Policy.Stand), string(x.Execution), string(x.Effect), rowText(x))
	}
	if len(t.rows) > 0 {
		t.print(w, width)
	}
	shown := ""
	if len(r.Items) < r.Total {
		shown = ", and " + thousands(len(r.Items)) + " are shown (--limit 0 shows all)"
	}
	line(w, "%s of %s match%s. All rows: %s.", thousands(r.Total), plural(r.Summary.Total, "row", "rows"), shown, countsText(r.Summary.Verdicts))
}

func rowText(x ledger.Row) string {
	switch {
	case x.Closed != nil:
		return x.Closed.Note.String()
	case x.Deployable:
		return "deployable"
	case x.Text != "":
		return x.Text.String()
	}
	return x.Reason.Text.String()
}

type machinesReconcileCmd struct {
	Machine string `arg:"" help:"Name, id, or the beginning of either."`
	Check   bool   `help:"Exit with 1 where they disagree."`
}

func (machinesReconcileCmd) Help() string {
	return `"Installed patches (via inventory)" is what the machine's own package manager has in its history. It is laid beside what detection says, and never
mixed into it: each disagreement says which side is newer, who probably wrote it, and what it means.

Example:
  fettle machines reconcile web-14`
}

func (c machinesReconcileCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	r, err := api.Get[ledger.Reconciliation](ctx, client, api.Path("machines", c.Machine, "reconciliation"), nil)
	if err != nil {
		return err
	}
	if err := s.show(r, func(w io.Writer) { printReconciliation(w, r) }); err != nil {
		return err
	}
	if c.Check && len(r.Items) > 0 {
		return errNo
	}
	return nil
}

func printReconciliation(w io.Writer, r ledger.Reconciliation) {
	line(w, "%s", clean(r.Sentence.String()))
	for _, d := range r.Items {
		line(w, "")
		line(w, "%s: %s by detection, %s by inventory; newer: %s", clean(string(d.Patch)), d.Verdict, clean(d.Change.Action+" of "+d.Change.Name+with(" ", d.Change.To)), d.Newer)
		f := fields{w}
		f.put("means", d.Meaning.String())
		f.put("written by", d.Writer)
		f.put("evidence", d.Change.Evidence)
		f.put("do", d.Do.String())
	}
}

type machinesAdmitCmd struct {
	Machine []string `arg:"" help:"Names, ids, or the beginnings of either."`
}

func (machinesAdmitCmd) Help() string { return "Example:\n  fettle machines admit web-14 web-15" }

func (c machinesAdmitCmd) Run(ctx context.Context, s *screen) error {
	return setMachines(ctx, s, c.Machine, "admit", "admitted")
}

type machinesRevokeCmd struct {
	Machine []string `arg:"" help:"Names, ids, or the beginnings of either."`
}

func (machinesRevokeCmd) Help() string { return "Example:\n  fettle machines revoke web-14" }

func (c machinesRevokeCmd) Run(ctx context.Context, s *screen) error {
	return setMachines(ctx, s, c.Machine, "revoke", "revoked")
}

func setMachines(ctx context.Context, s *screen, names []string, verb, done string) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, name := range names {
		m, err := api.Do[patch.Machine](ctx, client, http.MethodPost, api.Path("machines", name, verb), nil, nil)
		if err != nil {
			return err
		}
		if err := s.show(m, func(w io.Writer) { line(w, "%s is %s.", clean(m.Name), done) }); err != nil {
			return err
		}
	}
	return nil
}

type machinesDetectCmd struct {
	Machine string `arg:"" help:"Name, id, or the beginning of either."`
}

func (machinesDetectCmd) Help() string { return "Example:\n  fettle machines detect web-14" }

func (c machinesDetectCmd) Run(ctx context.Context, s *screen) error {
	return tell(ctx, s, http.MethodPost, api.Path("machines", c.Machine, "detect"), nil, func(w io.Writer, a api.Asked) {
		if a.Online {
			line(w, "The machine has been told and detects now.")
			return
		}
		line(w, "The machine is not connected now; it detects at its next check-in.")
	})
}
