package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// Offer is a release whose archives the appliance's own machine is configured with: the addresses are its administrator's.
type Offer struct {
	Release string   // "bookworm"
	Lines   []string // as apt writes them
}

// Installation says what a machine needs to get the agent from here.
type Installation interface {
	Lines(token string) (installer.Lines, error)
}

// startPage leads from nothing to the first explained machine. What is done is read anew each time: nothing is remembered.
type startPage struct {
	Feeds    []patch.FeedStatus
	Read     int // feeds that were read once, or oftener
	Patches  int // on all lists together
	Machines []*ledger.MachineRow
	Pending  []patch.Machine
	First    *ledger.MachineRow // the first machine that has detected
	Answer   string             // the address of an explanation about it
	About    string             // the patch that it is about
	Lacks    bool               // and that the machine lacks

	Offers []Offer
	Form   startForm
	Fault  *faultPage
	Made   *patch.Token
	Lines  installer.Lines // with the token in them: shown once
	Server string
}

// startForm is what was typed.
type startForm struct {
	Releases []string
	Line     string
}

// Done reports whether the first machine has been judged.
func (p startPage) Done() bool { return p.First != nil }

func (c *console) start(v *visit) error {
	p, err := c.startPage(v)
	if err != nil {
		return err
	}
	if v.partial() {
		return showPart(c, v, "start", "steps", p)
	}
	return show(c, v, "start", "start", "Getting started", p)
}

func (c *console) startPage(v *visit) (p startPage, err error) {
	p.Server = c.Enrolment
	if p.Feeds, err = c.Records.ListFeeds(v.ctx); err != nil {
		return p, err
	}
	for _, f := range p.Feeds {
		if f.LastGood != nil {
			p.Read++
		}
	}
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return p, err
	}
	for _, os := range roll.Fleet.OSes {
		p.Patches += os.Patches
	}
	for i := range roll.Machines {
		m := &roll.Machines[i]
		switch {
		case m.State == patch.Pending:
			p.Pending = append(p.Pending, m.Machine)
		case m.State != patch.Admitted:
			continue
		case m.Receipt != nil && p.First == nil:
			p.First = m
		}
		p.Machines = append(p.Machines, m)
	}
	if p.First != nil {
		err = c.startAnswer(v, &p)
	}
	if err == nil && len(p.Feeds) == 0 && c.Offers != nil {
		p.Offers, err = c.Offers(v.ctx)
	}
	return p, err
}

// startAnswer finds the patch whose explanation says most: one that the machine lacks, else any.
func (c *console) startAnswer(v *visit, p *startPage) error {
	for _, verdicts := range [][]patch.Verdict{{patch.NotPatched}, nil} {
		rows, _, err := c.Ledger.Rows(v.ctx, p.First.ID, ledger.RowFilter{Verdicts: verdicts, Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			p.Answer, p.About, p.Lacks = explainURL(p.First.ID, rows[0].Patch.ID), cmp.Or(rows[0].Patch.Source, rows[0].Patch.Title), len(verdicts) > 0
			return nil
		}
	}
	return nil
}

// startFeeds subscribes to what was chosen and begins to read it.
func (c *console) startFeeds(v *visit) error {
	form := startForm{Line: strings.TrimSpace(v.get("line"))} // get parses the form
	form.Releases = v.r.PostForm["release"]
	offers, err := c.Offers(v.ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, o := range offers {
		for _, name := range form.Releases {
			if o.Release == name {
				lines = append(lines, o.Lines...)
			}
		}
	}
	if form.Line != "" {
		lines = append(lines, form.Line)
	}
	err = c.subscribe(v, lines)
	if err == nil {
		return v.see("/start")
	}
	fault := faultOf(err)
	if fault.Status == http.StatusInternalServerError {
		return err
	}
	p, err := c.startPage(v)
	if err != nil {
		return err
	}
	p.Form, p.Fault = form, &fault
	return c.startAgain(v, fault.Status, p)
}

func (c *console) subscribe(v *visit, lines []string) error {
	if len(lines) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "nothing is chosen", Do: "Tick a release, or write an archive as apt does."}
	}
	if err := c.Subscribe(v.ctx, v.caller, lines); err != nil {
		return err
	}
	return c.Sync(v.ctx, v.caller)
}

func (c *console) startAgain(v *visit, status int, p startPage) error {
	f, err := c.frame(v, "start", "Getting started")
	if err != nil {
		return err
	}
	return c.write(v, status, "start", "layout", view[startPage]{Frame: f, Body: p})
}

// startToken makes a token for one machine and shows the lines with it, once.
func (c *console) startToken(v *visit) error {
	t, secret, err := c.token(v, tokenForm{Name: "first-" + c.Now().UTC().Format("2006-01-02-150405"), Uses: 1, Hours: 24, Admit: v.get("admit") != ""})
	if err != nil {
		return err
	}
	if err := c.Records.PutToken(v.ctx, v.caller, t); err != nil {
		return err
	}
	p, err := c.startPage(v)
	if err != nil {
		return err
	}
	p.Made = &t
	if p.Lines, err = c.Installation.Lines(secret); err != nil {
		return err
	}
	if p.Lines == (installer.Lines{}) {
		p.Lines.Linux = "echo '" + secret + "' | sudo fettle-agent enrol --server " + c.Enrolment + " --token - && sudo fettle-agent service install"
	}
	return c.startAgain(v, http.StatusOK, p)
}

// isNew reports whether no machine has ever been judged here. Once it is not, it is never looked at again.
func (c *console) isNew(ctx context.Context) bool {
	if c.begun.Load() {
		return false
	}
	roll, err := c.Roll(ctx)
	if err != nil {
		return false
	}
	for _, m := range roll.Machines {
		if m.Receipt != nil {
			c.begun.Store(true)
			return false
		}
	}
	return true
}

// mayStart reports whether somebody can take the first steps.
func mayStart(caller patch.Caller) bool {
	return auth.Allow(caller, auth.ManageFeeds) == nil && auth.Allow(caller, auth.ManageTokens) == nil
}
