package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type schedulesCmd struct {
	List   schedulesListCmd   `cmd:"" default:"1" help:"List schedules with their next windows."`
	Put    schedulesPutCmd    `cmd:"" aliases:"add" help:"Create a schedule, or replace one."`
	Pause  schedulesPauseCmd  `cmd:"" help:"Keep a schedule from acting; what it has begun goes on."`
	Resume schedulesResumeCmd `cmd:"" help:"Let a paused schedule act again."`
	Remove schedulesRemoveCmd `cmd:"" help:"Remove a schedule; what it has deployed stays."`
}

type schedulesListCmd struct{}

func (schedulesListCmd) Help() string { return "Example:\n  fettle schedules --json" }

func (schedulesListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("schedules"), nil, func(w io.Writer, l api.List[calendar.Coming]) {
		if len(l.Items) == 0 {
			line(w, "Nothing happens by itself. Make a schedule: fettle schedules put nightly --label all --window \"every day 22:00-04:00\"")
			return
		}
		t := table{columns: []column{{title: "schedule"}, {title: "does"}, {title: "label"}, {title: "machines", right: true}, {title: "window", flex: true}, {title: "next"}, {title: "note", flex: true}}}
		for _, c := range l.Items {
			t.add(c.Name, scheduleDoes(c), c.Label, strconv.Itoa(c.Machines), c.Window, nextWindow(c), c.Note)
		}
		t.print(w, s.width)
		for _, c := range l.Items {
			for _, text := range c.Manner.Lines() {
				line(w, "  %s: %s", clean(c.Name), clean(text))
			}
		}
	})
}

func scheduleDoes(c calendar.Coming) string {
	does := "deploys"
	if c.Detect {
		does = "detects"
	}
	if c.CatchUp > 0 {
		does += ", catches up within " + strconv.Itoa(c.CatchUp) + " h"
	}
	if c.Reboot != nil {
		does += ", restarts " + string(c.Reboot.Mode)
	}
	return does
}

func nextWindow(c calendar.Coming) string {
	switch {
	case c.Paused:
		return "paused"
	case c.Next.Start.IsZero():
		return "never again"
	case c.Open:
		return "open now, until " + when(c.Next.End)
	}
	text := when(c.Next.Start)
	if c.MovedBy != "" {
		text += ", because of the blackout " + c.MovedBy
	}
	if c.Zoneless > 0 {
		text += ", by the organisation's clock on " + plural(c.Zoneless, "machine whose zone is not known", "machines whose zone is not known")
	}
	return text
}

// newSchedule is a schedule as it shall be.
type newSchedule struct {
	Schedule string   `arg:"" help:"Its name."`
	Label    string   `required:"" short:"l" help:"The machines to deploy to." placeholder:"LABEL"`
	Window   []string `required:"" sep:"none" short:"w" help:"When: days, start-end and, if need be, a time zone." placeholder:"WINDOW"`
	Detect   bool     `help:"Only have the machines detect, each once in every window."`
	CatchUp  int      `help:"Make up for a window within so many hours after its end on machines that were away for all of it; 0: they wait for the next window." placeholder:"HOURS"`
	Note     string   `help:"What it is for." placeholder:"TEXT"`
	Paused   bool     `help:"Do not act yet."`
	rebootFlags
	mannerFlags
}

type schedulesPutCmd struct {
	newSchedule
	Preview bool `help:"Only show what it would change."`
}

func (schedulesPutCmd) Help() string {
	return `When a window opens, Fettle deploys what is approved for the label's machines and eligible on them, and it does so again for what comes
while the window is open. Nothing starts that would not be deployed by hand, and nothing outside the window.

A window is written as: DAYS START-END [ZONE] [except DATES]. The zone "machine" is each machine's own, as its inventory tells it; where
that is not known, the organisation's is taken, and "fettle schedules" and explain say so.
  every day 22:00-04:00                             mon-fri 12:00-13:00
  second tuesday + 3 days 22:00-04:00               last sunday 02:00-06:00 Europe/Berlin
  day 31 or last 23:00-01:00                        every day 22:00-04:00 except 2026-12-20..2027-01-06

Examples:
  fettle schedules put canary --label canary --window "second tuesday 20:00-23:00"
  fettle schedules put web --label web --window "every day 22:00-04:00" --reboot if-needed
  fettle schedules put shop --label shop --window "every day 02:00-05:00" --hook-before drain --hook-after fill --not-while backup --restart-service nginx
  fettle schedules put offices --label offices --window "mon-fri 12:00-13:00 machine" --catch-up 8
  fettle schedules add morning --detect --label all --window "mon-fri 06:00-08:00"
  fettle schedules put rest --label all --window "second tuesday + 3 days 22:00-04:00" --note "the monthly round"`
}

func (c schedulesPutCmd) Run(ctx context.Context, s *screen) error {
	if c.Preview {
		return whatIfScheduleCmd{c.newSchedule}.Run(ctx, s)
	}
	r, err := c.request()
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	v, err := api.Do[patch.Schedule](ctx, client, http.MethodPut, api.Path("schedules", c.Schedule), nil, r)
	if err != nil {
		return err
	}
	all, err := api.Get[api.List[calendar.Coming]](ctx, client, api.Path("schedules"), nil)
	if err != nil {
		return err
	}
	return s.show(v, func(w io.Writer) {
		printSchedule(w, v)
		for _, c := range all.Items {
			if c.Name == v.Name && !c.Paused {
				line(w, "  window: %s", clean(nextWindow(c)))
			}
		}
	})
}

func (c newSchedule) request() (api.ScheduleRequest, error) {
	reboot, err := c.reboot()
	if err != nil {
		return api.ScheduleRequest{}, err
	}
	manner, err := c.manner()
	return api.ScheduleRequest{Reboot: reboot, Manner: manner, Label: c.Label, Window: strings.Join(c.Window, " "), Detect: c.Detect, CatchUp: c.CatchUp, Note: c.Note, Paused: c.Paused}, err
}

func printSchedule(w io.Writer, v patch.Schedule) {
	state := "acts by itself"
	if v.Paused {
		state = "is paused"
	}
	line(w, "%s %s: %s, for the label %s.", clean(v.Name), state, clean(v.Window), clean(v.Label))
	for _, l := range v.Manner.Lines() {
		line(w, "  %s", clean(l))
	}
}

type schedulesPauseCmd struct {
	Schedule string `arg:"" help:"Its name."`
}

func (schedulesPauseCmd) Help() string { return "Example:\n  fettle schedules pause nightly" }

func (c schedulesPauseCmd) Run(ctx context.Context, s *screen) error {
	return pause(ctx, s, c.Schedule, true)
}

type schedulesResumeCmd struct {
	Schedule string `arg:"" help:"Its name."`
}

func (schedulesResumeCmd) Help() string { return "Example:\n  fettle schedules resume nightly" }

func (c schedulesResumeCmd) Run(ctx context.Context, s *screen) error {
	return pause(ctx, s, c.Schedule, false)
}

func pause(ctx context.Context, s *screen, name string, paused bool) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := api.Get[api.List[calendar.Coming]](ctx, client, api.Path("schedules"), nil)
	if err != nil {
		return err
	}
	for _, v := range all.Items {
		if v.Name == name {
			return tell(ctx, s, http.MethodPut, api.Path("schedules", name), api.ScheduleRequest{Label: v.Label, Window: v.Window, Detect: v.Detect, CatchUp: v.CatchUp, Reboot: v.Reboot, Manner: v.Manner, Note: v.Note, Paused: paused}, printSchedule)
		}
	}
	return &patch.Error{Kind: patch.NotFound, What: phrase.Of(`no schedule is called "{1}"`, phrase.Quoted(name)), Do: "List them: fettle schedules"}
}

type schedulesRemoveCmd struct {
	Schedule string `arg:"" help:"Its name."`
}

func (schedulesRemoveCmd) Help() string { return "Example:\n  fettle schedules remove nightly" }

func (c schedulesRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("schedules", c.Schedule), "The schedule "+clean(c.Schedule)+" is removed.")
}

type calendarCmd struct {
	Days int `default:"30" help:"How many days to look ahead."`
}

func (calendarCmd) Help() string {
	return "Examples:\n  fettle calendar\n  fettle calendar --days 90 --json"
}

func (c calendarCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("calendar"), query{"days": {strconv.Itoa(c.Days)}}, func(w io.Writer, l api.List[calendar.Event]) {
		if len(l.Items) == 0 {
			line(w, "Nothing happens by itself in the next %s. Schedules: fettle schedules", plural(c.Days, "day", "days"))
			return
		}
		t := table{columns: []column{{title: "from"}, {title: "to"}, {title: "does", flex: true}, {title: "schedule"}, {title: "label"}, {title: "machines", right: true}}}
		for _, e := range l.Items {
			t.add(day(e.Start), day(e.End), eventDoes(e), e.Schedule, e.Label, strconv.Itoa(e.Machines))
		}
		t.print(w, s.width)
	})
}

// eventDoes says what happens in a window.
func eventDoes(e calendar.Event) string {
	zone := ""
	if e.Zone != "" {
		zone = " in " + e.Zone
	}
	does := "deploys" + zone
	switch {
	case e.Blackout != "":
		return "BLACKOUT " + e.Blackout + ", by " + e.Owner + ": " + e.Reason
	case e.Frozen != "":
		return "nothing" + zone + ": the blackout " + e.Frozen + " takes it"
	case e.CatchUp:
		does = "makes up" + zone + " for what the blackout " + e.MovedBy + " took"
	case e.CutBy != "":
		does += ", cut by the blackout " + e.CutBy
	case e.Detect:
		return "detects" + zone
	}
	return strings.Join(append([]string{does}, e.Manner.Lines()...), ". ")
}

func day(t time.Time) string { return t.Local().Format("Mon 2006-01-02 15:04") }
