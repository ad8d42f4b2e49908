package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type statusCmd struct {
	Machine string `arg:"" optional:"" help:"One machine, by name or id; the fleet if left out."`
	To      string `help:"With --as-of: what has changed from then until this moment; now for now." placeholder:"TIME"`
	AsOf    string `help:"How it stood then: 2026-11-01, \"2026-11-01 18:00\", or a span such as 7d ago." placeholder:"TIME"`
}

func (statusCmd) Help() string {
	return `With --as-of, of a machine: what its newest complete detect of that time said, and what has changed since; of the fleet: the last look of that
day (UTC), as fettle report keeps it, and how far that is from the moment that you ask about.

Examples:
  fettle status
  fettle status web-14 --json
  fettle status web-14 --as-of 2026-11-01
  fettle status web-14 --as-of 7d --to now
  fettle status --as-of 30d --to 1d
  fettle status --as-of 30d`
}

func (c statusCmd) Run(ctx context.Context, s *screen) error {
	if c.To != "" {
		return c.between(ctx, s)
	}
	if c.AsOf != "" {
		return c.past(ctx, s)
	}
	if c.Machine != "" {
		return machinesShowCmd{Machine: c.Machine}.Run(ctx, s)
	}
	return ask(ctx, s, api.Path("status"), nil, func(w io.Writer, f ledger.Fleet) { printFleet(w, s.width, f) })
}

func (c statusCmd) past(ctx context.Context, s *screen) error {
	at, err := parsePast(c.AsOf, time.Now())
	if err != nil {
		return err
	}
	if c.Machine == "" {
		return c.pastFleet(ctx, s, at)
	}
	return ask(ctx, s, api.Path("machines", c.Machine, "as-of"), query{}.set("at", at.UTC().Format(time.RFC3339)), func(w io.Writer, p ledger.Past) { printPast(w, s.width, p) })
}

// pastFleet shows the last look at all labels that was kept on that day.
func (c statusCmd) pastFleet(ctx context.Context, s *screen, at time.Time) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	looks, err := looksOn(ctx, client, at)
	if err != nil {
		return err
	}
	found := api.List[api.Complying]{Items: looks, Total: len(looks)}
	return s.show(found, func(w io.Writer) {
		if len(looks) > 0 {
			line(w, "As looked at %s%s. One look a day is kept: the last of that day (UTC). A machine's own past is exact: fettle status MACHINE --as-of TIME", when(looks[0].At), apart(looks[0].At, at))
			line(w, "")
		}
		printReport(w, s.width, found.Items, false)
	})
}

// apart says how far a look is from the moment that was asked about: what happened in between makes the difference.
func apart(look, asked time.Time) string {
	switch d := look.Sub(asked).Round(time.Minute); {
	case d > 0:
		return ", " + inWords(d) + " AFTER the moment that you asked about"
	case d < 0:
		return ", " + inWords(-d) + " before the moment that you asked about"
	}
	return ""
}

// inWords says a span to the minute; of days only the hours matter.
func inWords(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return plural(days, "day", "days") + with(" ", some(hours, "hour", "hours"))
	case hours > 0:
		return plural(hours, "hour", "hours") + with(" ", some(minutes, "minute", "minutes"))
	}
	return plural(minutes, "minute", "minutes")
}

// some is a number of things, and nothing for none.
func some(n int, one, many string) string {
	if n == 0 {
		return ""
	}
	return plural(n, one, many)
}

func printPast(w io.Writer, width int, p ledger.Past) {
	line(w, "%s", clean(p.Sentence.String()))
	if len(p.Rows) > 0 {
		line(w, "")
		t := table{columns: []column{{title: "patch", flex: true}, {title: "then"}, {title: "now"}}}
		for _, r := range p.Rows {
			t.add(string(r.Patch), r.Verdict.String(), r.Now.String())
		}
		t.print(w, width)
	}
	if len(p.Since) > 0 {
		line(w, "")
		printHistory(w, p.Since[:min(len(p.Since), 20)])
		if n := len(p.Since) - 20; n > 0 {
			line(w, "… and %s more: --json has them all", thousands(n))
		}
	}
}

func printFleet(w io.Writer, width int, f ledger.Fleet) {
	line(w, "%s", clean(f.Sentence.String()))
	if f.Machines+f.Pending == 0 {
		line(w, "Make a token with `fettle tokens add NAME` and run the command it prints on a machine.")
	} else {
		printNumbers(w, width, f)
	}
	for _, o := range f.OSes {
		line(w, "%s", clean(osText(o)))
	}
	for _, a := range f.Alarms {
		line(w, "! %s %s", clean(sentence(a.Text.String())), clean(a.Do.String()))
	}
}

// printNumbers shows the fleet's machines by how they are, and what waits for a person.
func printNumbers(w io.Writer, width int, f ledger.Fleet) {
	line(w, "")
	t := table{columns: []column{{title: "machines"}, {title: "", right: true}, {title: "", flex: true}}}
	t.add("admitted", thousands(f.Machines), "the whole that the numbers below are of")
	t.add("confirmed patched", thousands(f.Confirmed), "complete and fresh detect, nothing missing")
	for _, r := range []struct {
		name string
		n    int
		text string
	}{
		{"needing patches", f.Needing, "complete and fresh detect, something missing"},
		{"needing you", f.NeedingPerson, "a needed patch is undecided or out of attempts"},
		{"out of attempts", f.Exhausted, "patches on machines; where: fettle machines list --show exhausted; once one is looked at: fettle deploy reset-attempts PATCH --label all --why …"},
		{"with errors", f.Erring, "at least one patch could not be judged"},
		{"behind", f.Behind, "detected with an older list; they detect again by themselves"},
		{"stale", f.Stale, "complete detect, but too old to speak of now"},
		{"detect failed", f.Failed, "the last complete one stays in force"},
		{"never detected", f.Never, "counted as unknown, never as good"},
		{"silent", f.Silent, "not seen lately"},
		{"reboot owed", f.RebootOwed, "before what is installed takes effect"},
		{"pending", f.Pending, "not admitted yet: fettle machines admit NAME"},
	} {
		if r.n > 0 {
			t.add(r.name, thousands(r.n), r.text)
		}
	}
	t.print(w, width)
	line(w, "")
	line(w, "Patches that are needed and undecided: %s. Security patches that are needed: %s. Installs that a deployment would make now: %s.",
		thousands(f.Undecided), thousands(f.Security), thousands(f.Deployable))
}

func osText(o ledger.OSStatus) string {
	machines := plural(o.Machines, "machine", "machines")
	switch {
	case o.OS == "":
		return machines + " of an OS that is not known yet."
	case o.Revision == "":
		return string(o.OS) + ", " + machines + ": no list is published for it."
	}
	return string(o.OS) + ", " + machines + ": list " + string(o.Revision) + " with " + plural(o.Patches, "patch", "patches") + ", vendor's data of " + when(o.MetadataDate) + "."
}

type alarmsCmd struct {
	All bool `help:"Also those that have cleared."`
}

func (alarmsCmd) Help() string {
	return "Exits with 1 while an alarm is open.\n\nExamples:\n  fettle alarms\n  fettle alarms --all --json"
}

func (c alarmsCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := api.Get[api.List[patch.Alarm]](ctx, client, api.Path("alarms"), query{}.set("all", strconv.FormatBool(c.All)).values())
	if err != nil {
		return err
	}
	if err := s.show(l, func(w io.Writer) { printAlarms(w, s.width, l.Items) }); err != nil {
		return err
	}
	for _, a := range l.Items {
		if a.ClearedAt.IsZero() {
			return errNo
		}
	}
	return nil
}

func printAlarms(w io.Writer, width int, alarms []patch.Alarm) {
	if len(alarms) == 0 {
		line(w, "No alarms.")
		return
	}
	t := table{columns: []column{{title: "since"}, {title: "kind"}, {title: "what", flex: true}, {title: "do", flex: true}, {title: "cleared"}}}
	for _, a := range alarms {
		cleared := ""
		if !a.ClearedAt.IsZero() {
			cleared = when(a.ClearedAt)
		}
		t.add(ago(a.RaisedAt, time.Now()), a.Kind, a.Text.String(), a.Do.String(), cleared)
	}
	t.print(w, width)
}
