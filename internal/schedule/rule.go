package schedule

import (
	"slices"
	"time"
)

// Rule is a recurring window. The zero Rule is no window; Parse makes one, String writes it back.
type Rule struct {
	days   days
	start  int    // minutes after midnight, 0 to 1439
	end    int    // minutes after midnight; at or before start: on the next day. 1440 is the end of the day
	zone   string // IANA name; empty: the organisation's own; machineZone: each machine's own
	except []span
}

// days says on which days a window begins.
type days struct {
	weekdays []time.Weekday // nil: any; sorted
	nth      []int          // 1 to 5 of these weekdays in the month, -1 the last; nil: every
	dates    []int          // days of the month, 1 to 31; nil: by weekday
	orLast   bool           // a month that is too short has the window on its last day
	plus     int            // days later
}

// span is a range of dates, both inclusive.
type span struct{ from, to date }

// date counts days; comparing dates needs no zone.
type date struct{ time.Time }

func dateOf(year int, month time.Month, day int) date {
	return date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

func (d date) add(n int) date { return date{d.AddDate(0, 0, n)} }

// on reports whether a window begins on d.
func (r Rule) on(d date) bool {
	base := d.add(-r.days.plus)
	if !r.days.match(base) {
		return false
	}
	return !slices.ContainsFunc(r.except, func(s span) bool { return !d.Before(s.from.Time) && !d.After(s.to.Time) })
}

func (d days) match(on date) bool {
	last := dateOf(on.Year(), on.Month()+1, 0).Day()
	if d.dates != nil {
		return slices.Contains(d.dates, on.Day()) || d.orLast && on.Day() == last && slices.ContainsFunc(d.dates, func(n int) bool { return n > last })
	}
	if d.weekdays != nil && !slices.Contains(d.weekdays, on.Weekday()) {
		return false
	}
	if d.nth == nil {
		return true
	}
	return slices.Contains(d.nth, (on.Day()-1)/7+1) || slices.Contains(d.nth, -1) && on.Day()+7 > last
}

// Occurrence is one window: installs may start from Start on and must have ended before End.
type Occurrence struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Shortest is how much of a window must be left for something to be begun in it; in a shorter one nothing ever is.
const Shortest = 5 * time.Minute

// Contains reports whether t lies in the window: Start does, End does not.
func (o Occurrence) Contains(t time.Time) bool { return !t.Before(o.Start) && t.Before(o.End) }

// Without gives what is left of a window in which some times are taken, in order; nothing where they take all of it.
func (o Occurrence) Without(taken []Occurrence) []Occurrence {
	left := []Occurrence{o}
	for _, t := range taken {
		var next []Occurrence
		for _, part := range left {
			if !t.Start.Before(part.End) || !t.End.After(part.Start) {
				next = append(next, part)
				continue
			}
			if t.Start.After(part.Start) {
				next = append(next, Occurrence{part.Start, t.Start})
			}
			if t.End.Before(part.End) {
				next = append(next, Occurrence{t.End, part.End})
			}
		}
		left = next
	}
	return left
}

// machineZone is written for windows in each machine's own time zone.
const machineZone = "machine"

// OfMachine reports whether the window is in each machine's own time zone: then that zone takes the place of the organisation's.
func (r Rule) OfMachine() bool { return r.zone == machineZone }

// Last gives the newest window that has ended at t, if it ended within the time before it.
func (r Rule) Last(t time.Time, within time.Duration, organisation *time.Location) (last Occurrence, ok bool) {
	for o := range r.From(t.Add(-within), organisation) {
		if o.End.After(t) {
			break
		}
		last, ok = o, true
	}
	return last, ok
}

func (r Rule) location(organisation *time.Location) *time.Location {
	if r.zone == "" || r.zone == machineZone {
		return organisation
	}
	loc, err := time.LoadLocation(r.zone)
	if err != nil { // Parse has loaded it once
		return organisation
	}
	return loc
}

// searchDays is how far ahead a next window is looked for: a fifth weekday on a leap day comes within 40 years.
const searchDays = 366 * 41

// At gives the window that is open at t, or the next one to open after it; ok is false where none is left. organisation is the zone of
// rules that name none.
func (r Rule) At(t time.Time, organisation *time.Location) (o Occurrence, ok bool) {
	for o := range r.From(t, organisation) {
		return o, true
	}
	return Occurrence{}, false
}

// From gives the windows that end after t, in order: the one that is open, if any, then all to come. It ends by itself only after
// decades without one.
func (r Rule) From(t time.Time, organisation *time.Location) func(yield func(Occurrence) bool) {
	return func(yield func(Occurrence) bool) {
		if r.IsZero() {
			return
		}
		loc := r.location(organisation)
		local := t.In(loc)
		day := dateOf(local.Year(), local.Month(), local.Day()).add(-2)
		for quiet := 0; quiet < searchDays; quiet, day = quiet+1, day.add(1) {
			if !r.on(day) {
				continue
			}
			o := r.occurrence(day, loc)
			if !o.End.After(t) || !o.End.After(o.Start) {
				continue
			}
			if !yield(o) {
				return
			}
			quiet = 0
		}
	}
}

// Between gives the windows that touch [from, to), at most limit.
func (r Rule) Between(from, to time.Time, organisation *time.Location, limit int) []Occurrence {
	var out []Occurrence
	for o := range r.From(from, organisation) {
		if !o.Start.Before(to) || len(out) == limit {
			break
		}
		out = append(out, o)
	}
	return out
}

func (r Rule) occurrence(d date, loc *time.Location) Occurrence {
	end, after := r.end, d
	if end <= r.start {
		after = d.add(1)
	}
	return Occurrence{Start: wall(d, r.start, loc, false), End: wall(after, end, loc, true)}
}

// wall is the moment of a wall-clock time: where there are two, the first or the last; where there is none, the moment at which the
// clock jumps over it.
func wall(d date, minute int, loc *time.Location, last bool) time.Time {
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, minute, 0, 0, loc)
	want := dateOf(d.Year(), d.Month(), d.Day()).Add(time.Duration(minute) * time.Minute)
	shown := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	}
	if !shown(t).Equal(want) {
		return jump(t, loc)
	}
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if !last {
			shift = -shift
		}
		if other := t.Add(shift); shown(other).Equal(want) {
			return other
		}
	}
	return t
}

// jump finds the moment near t at which the clock goes forward.
func jump(t time.Time, loc *time.Location) time.Time {
	low, high := t.Add(-3*time.Hour), t.Add(3*time.Hour)
	_, before := low.In(loc).Zone()
	for high.Sub(low) > time.Second {
		mid := low.Add(high.Sub(low) / 2)
		if _, offset := mid.In(loc).Zone(); offset == before {
			low = mid
		} else {
			high = mid
		}
	}
	return high.Truncate(time.Second).In(loc)
}
