package api

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// ScheduleRequest creates or changes a schedule.
type ScheduleRequest struct {
	Label   string `json:"label"`
	Window  string `json:"window"`                   // "second tuesday + 3 days 22:00-04:00"
	Detect  bool   `json:"detect,omitempty"`         // only have the machines detect
	CatchUp int    `json:"catch_up_hours,omitempty"` // for how many hours a missed window is made up for
	// Reboot says when the machines may be restarted after what it deploys; nil: never.
	Reboot *patch.RebootPolicy `json:"reboot,omitempty"`
	// Manner is how the machines go about what it deploys; nil: nothing beside installing.
	Manner *patch.Manner `json:"manner,omitempty"`
	Note   string        `json:"note,omitempty"`
	Paused bool          `json:"paused,omitempty"`
}

func (s *people) listSchedules(c *call) (any, error) {
	l, err := s.Calendar.List(c.Context())
	return listOf(l), err
}

func (s *people) putSchedule(c *call) (any, error) {
	in, err := decode[ScheduleRequest](c)
	if err != nil {
		return nil, err
	}
	return s.Calendar.Put(c.Context(), c.caller, in.schedule(c.PathValue("schedule")))
}

func (r ScheduleRequest) schedule(name string) patch.Schedule {
	return patch.Schedule{Name: name, Label: r.Label, Window: r.Window, Detect: r.Detect, CatchUp: r.CatchUp, Reboot: r.Reboot, Manner: r.Manner, Note: r.Note, Paused: r.Paused}
}

func (s *people) removeSchedule(c *call) (any, error) {
	return nil, s.Calendar.Remove(c.Context(), c.caller, c.PathValue("schedule"))
}

// longestCalendar is how far a calendar looks ahead, in days.
const longestCalendar = 366

// calendar lists the windows of the next ?days=30 days.
func (s *people) calendar(c *call) (any, error) {
	days, err := c.number("days", 30, longestCalendar)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	l, err := s.Calendar.Between(c.Context(), now, now.Add(time.Duration(days)*24*time.Hour))
	return listOf(l), err
}
