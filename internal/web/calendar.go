package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// calendarPage is what deploys by itself, and when.
type calendarPage struct {
	Schedules []calendar.Coming
	Events    []calendar.Event
	Days      int
	Labels    []string
	Form      scheduleForm
}

// Next is the window that is open or opens first, as far as blackouts leave it; nil where there is none.
func (p calendarPage) Next() *calendar.Event {
	for i := range p.Events {
		if e := &p.Events[i]; e.Blackout == "" && e.Frozen == "" {
			return e
		}
	}
	return nil
}

// scheduleForm is a schedule as it was typed.
type scheduleForm struct {
	Name, Label, Window, Note, Does, CatchUp, Reboot, Deadline string
	Manner                                                     mannerForm
	Fault                                                      *faultPage
}

func (v *visit) scheduleForm() scheduleForm {
	return scheduleForm{Name: strings.TrimSpace(v.get("name")), Label: v.get("label"), Window: v.get("window"), Note: v.get("note"), Does: v.get("does"), CatchUp: strings.TrimSpace(v.get("catch_up")),
		Reboot: v.get("reboot"), Deadline: strings.TrimSpace(v.get("deadline")), Manner: v.mannerForm()}
}

// schedule is what was typed.
func (f scheduleForm) schedule() (patch.Schedule, error) {
	hours, err := strconv.Atoi(f.CatchUp)
	if f.CatchUp != "" && err != nil {
		return patch.Schedule{}, &patch.Error{Kind: patch.Invalid, What: "cannot use the schedule", Why: phrase.Of(`"{1}" is not a number of hours`, phrase.Quoted(f.CatchUp))}
	}
	if f.Reboot != string(patch.RebootAsk) {
		f.Deadline = "" // whose field is not shown
	}
	s := patch.Schedule{Name: f.Name, Label: f.Label, Window: f.Window, Note: f.Note, Detect: f.Does == "detect", CatchUp: hours}
	if f.Reboot != "" && f.Reboot != string(patch.RebootNever) {
		if s.Reboot, err = rebootPolicy("cannot use the schedule", f.Reboot, f.Deadline); err != nil {
			return s, err
		}
	}
	s.Manner, err = f.Manner.manner()
	return s, err
}

const calendarDays = 30

func (c *console) calendar(v *visit) error {
	return c.calendarAgain(v, http.StatusOK, scheduleForm{Label: patch.LabelAll})
}

func (c *console) calendarAgain(v *visit, status int, f scheduleForm) (err error) {
	p := calendarPage{Days: calendarDays, Form: f}
	if p.Schedules, err = c.Calendar.List(v.ctx); err != nil {
		return err
	}
	now := c.Now()
	if p.Events, err = c.Calendar.Between(v.ctx, now, now.Add(calendarDays*24*time.Hour)); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	frame, err := c.frame(v, "calendar", "Calendar")
	if err != nil {
		return err
	}
	return c.write(v, status, "calendar", "layout", view[calendarPage]{Frame: frame, Body: p})
}

// putSchedule stores a schedule. What fails keeps what was typed.
func (c *console) putSchedule(v *visit) error {
	f := v.scheduleForm()
	s, err := f.schedule()
	if err == nil {
		_, err = c.Calendar.Put(v.ctx, v.caller, s)
	}
	if err == nil {
		return v.see("/calendar")
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		return err
	}
	f.Fault = &p
	return c.calendarAgain(v, p.Status, f)
}

// pauseSchedule keeps a schedule from acting, or lets it act again.
func (c *console) pauseSchedule(v *visit) error {
	all, err := c.Calendar.List(v.ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name != v.r.PathValue("schedule") {
			continue
		}
		s.Paused = v.get("paused") == "yes"
		if _, err := c.Calendar.Put(v.ctx, v.caller, s.Schedule); err != nil {
			return err
		}
		return v.see("/calendar")
	}
	return patch.Errorf(patch.NotFound, "no schedule is called %q", v.r.PathValue("schedule"))
}

func (c *console) removeSchedule(v *visit) error {
	if err := c.Calendar.Remove(v.ctx, v.caller, v.r.PathValue("schedule")); err != nil {
		return err
	}
	return v.see("/calendar")
}
