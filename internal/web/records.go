package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// feedsPage says how fresh the appliance's knowledge is.
type feedsPage struct {
	Feeds  []patch.FeedStatus
	OSes   []ledger.OSStatus
	Good   int
	Alarms []patch.Alarm
}

func (c *console) feeds(v *visit) error {
	feeds, err := c.Records.ListFeeds(v.ctx)
	if err != nil {
		return err
	}
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	p := feedsPage{Feeds: feeds, OSes: roll.Fleet.OSes}
	for _, f := range feeds {
		if f.Good() {
			p.Good++
		}
	}
	p.Alarms = keep(roll.Fleet.Alarms, func(a patch.Alarm) bool { return a.Kind == "feed" })
	return show(c, v, "feeds", "feeds", "Feeds", p)
}

// sync starts to bring all feeds up to date; the page then shows how each fares.
func (c *console) sync(v *visit) error {
	if err := c.Sync(v.ctx, v.caller); err != nil {
		return err
	}
	return v.see("/feeds")
}

// alarmsPage lists alarms, open ones first.
type alarmsPage struct {
	Open, Cleared []patch.Alarm
}

func (c *console) alarms(v *visit) error {
	all, err := c.Records.ListAlarms(v.ctx, false)
	if err != nil {
		return err
	}
	p := alarmsPage{
		Open:    keep(all, func(a patch.Alarm) bool { return a.ClearedAt.IsZero() }),
		Cleared: head(100, keep(all, func(a patch.Alarm) bool { return !a.ClearedAt.IsZero() })),
	}
	return show(c, v, "alarms", "alarms", "Alarms", p)
}

// enrolPage makes tokens and shows the exact command.
type enrolPage struct {
	Tokens  []patch.Token
	Pending []patch.Machine
	Server  string
	Form    tokenForm
	Made    *patch.Token
	Secret  string // shown once
	Lines   installer.Lines
	Fault   *faultPage
	Now     time.Time
}

// tokenForm is a token as it was typed.
type tokenForm struct {
	Name  string
	Uses  int
	Hours int
	Admit bool
}

func (c *console) enrol(v *visit) error {
	return c.enrolAgain(v, http.StatusOK, enrolPage{Form: tokenForm{Name: "enrol-" + c.Now().In(c.Zone).Format("2006-01-02"), Uses: 1, Hours: 24}})
}

func (c *console) enrolAgain(v *visit, status int, p enrolPage) error {
	var err error
	if p.Tokens, err = c.Records.ListTokens(v.ctx); err != nil {
		return err
	}
	if p.Pending, err = c.Records.ListMachines(v.ctx, patch.MachineFilter{State: patch.Pending}); err != nil {
		return err
	}
	p.Server, p.Now = c.Enrolment, c.Now()
	f, err := c.frame(v, "enrol", "Enrol")
	if err != nil {
		return err
	}
	return c.write(v, status, "enrol", "layout", view[enrolPage]{Frame: f, Body: p})
}

// Tokens live for at most a week.
const maxTokenHours = 168

// makeToken makes a token and shows its secret this once; only a hash of it is kept.
func (c *console) makeToken(v *visit) error {
	p := enrolPage{Form: tokenForm{Name: strings.TrimSpace(v.get("name")), Uses: number(v.get("uses")), Hours: number(v.get("hours")), Admit: v.get("admit") != ""}}
	t, secret, err := c.token(v, p.Form)
	if err == nil {
		err = c.Records.PutToken(v.ctx, v.caller, t)
	}
	if err != nil {
		f := faultOf(err)
		if f.Status == http.StatusInternalServerError {
			return err
		}
		p.Fault = &f
		return c.enrolAgain(v, f.Status, p)
	}
	p.Made, p.Secret = &t, secret
	if p.Lines, err = c.Installation.Lines(secret); err != nil {
		return err
	}
	return c.enrolAgain(v, http.StatusOK, p)
}

func (c *console) token(v *visit, f tokenForm) (patch.Token, string, error) {
	switch {
	case f.Name == "" || len(f.Name) > 64:
		return patch.Token{}, "", &patch.Error{Kind: patch.Invalid, What: "a token needs a name of at most 64 characters", Do: "It is how you will recognise the machines that came with it."}
	case f.Uses < 1 || f.Uses > 10_000:
		return patch.Token{}, "", &patch.Error{Kind: patch.Invalid, What: "a token is for 1 to 10,000 machines"}
	case f.Hours < 1 || f.Hours > maxTokenHours:
		return patch.Token{}, "", &patch.Error{Kind: patch.Invalid, What: "a token works for 1 to 168 hours"}
	}
	secret, hash, err := c.NewToken()
	if err != nil {
		return patch.Token{}, "", err
	}
	now := c.Now().UTC()
	return patch.Token{Name: f.Name, Hash: hash, Uses: f.Uses, Admit: f.Admit, CreatedAt: now, CreatedBy: v.caller.Name, ExpiresAt: now.Add(time.Duration(f.Hours) * time.Hour)}, secret, nil
}

// number reads a whole number; what is none is 0, which no form allows.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return n
}

func (c *console) removeToken(v *visit) error {
	if err := c.Records.RemoveToken(v.ctx, v.caller, v.r.PathValue("token")); err != nil {
		return err
	}
	return v.see("/enrol")
}
