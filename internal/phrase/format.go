package phrase

import (
	"strconv"
	"time"
)

// What a language's writing of numbers and times is made of, as texts that translators see.
const (
	never        Phrase = "never"
	own          Phrase = "this language's own name\x04English"
	decimalPoint Phrase = "decimal point\x04."
	thousands    Phrase = "thousands separator\x04,"
)

func weekdays() [7]Phrase { return [...]Phrase{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"} }

func months() [12]Phrase {
	return [...]Phrase{"Jan", "Feb", "Mar", "Apr", "short month\x04May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
}

func fullWeekdays() [7]Phrase {
	return [...]Phrase{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
}

func fullMonths() [12]Phrase {
	return [...]Phrase{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
}

// Number groups a number's digits: 34,589.
func (l *Language) Number(n int) string {
	var room [40]byte
	b := strconv.AppendInt(room[:0], int64(n), 10)
	sign := ""
	if n < 0 {
		b, sign = b[1:], "−"
	}
	if len(b) <= 3 {
		return sign + string(b)
	}
	out := append(make([]byte, 0, 40), sign...)
	for i, c := range b {
		if i > 0 && (len(b)-i)%3 == 0 {
			out = append(out, l.group...)
		}
		out = append(out, c)
	}
	return string(out)
}

// Size writes bytes in decimal units, as vendors and disks count them: 7.4 MB.
func (l *Language) Size(n int64) string {
	f := float64(n)
	for _, unit := range []string{"B", "kB", "MB", "GB", "TB"} {
		if f < 999.5 {
			if unit == "B" || f >= 99.5 {
				return l.Decimal(f, 0) + " " + unit
			}
			return l.Decimal(f, 1) + " " + unit
		}
		f /= 1000
	}
	return l.Decimal(f, 0) + " PB"
}

// Decimal writes a number with so many digits after the point.
func (l *Language) Decimal(f float64, digits int) string {
	s := strconv.FormatFloat(f, 'f', digits, 64)
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i] + l.point + s[i+1:]
		}
	}
	return s
}

// Span writes a length of time in its biggest unit: "3 days", "1 hour".
func (l *Language) Span(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		return l.Say(Count(int(d/(24*time.Hour)), "{n} day", "{n} days"))
	case d >= time.Hour:
		return l.Say(Count(int(d/time.Hour), "{n} hour", "{n} hours"))
	case d >= time.Minute:
		return l.Say(Count(int(d/time.Minute), "{n} minute", "{n} minutes"))
	case d >= time.Second:
		return l.Say(Count(int(d/time.Second), "{n} second", "{n} seconds"))
	}
	return l.Say("a moment")
}

// When writes a moment as people say it at now, in now's zone: today 06:12, yesterday 22:01, Mon 10:02, 14 Oct 10:02, 14 Oct 2025.
func (l *Language) When(now, t time.Time) string {
	if t.IsZero() {
		return l.Say(never)
	}
	t = t.In(now.Location())
	clock := t.Format("15:04")
	switch days := civil(now) - civil(t); {
	case days == 0:
		return l.Say(Of("today {1}", clock))
	case days == 1:
		return l.Say(Of("yesterday {1}", clock))
	case days == -1:
		return l.Say(Of("tomorrow {1}", clock))
	case days > -7 && days < 7:
		return l.Say(Of("weekday and time\x04{1} {2}", l.days[t.Weekday()], clock))
	case t.Year() == now.Year():
		return l.Say(Of("day, month and time\x04{1} {2} {3}", strconv.Itoa(t.Day()), l.month[t.Month()-1], clock))
	}
	return l.Date(t)
}

// Near is When for who reads it at now: what is less than an hour away is said as that: now, 5 minutes ago, in 5 minutes.
func (l *Language) Near(now, t time.Time) string {
	gone := now.Sub(t)
	minutes := max(1, int(gone.Abs().Round(time.Minute)/time.Minute))
	switch {
	case t.IsZero() || gone.Abs() >= time.Hour-30*time.Second:
		return l.When(now, t)
	case gone.Abs() < 45*time.Second:
		return l.Say("now")
	case gone > 0:
		return l.Say(Count(minutes, "{n} minute ago", "{n} minutes ago"))
	}
	return l.Say(Count(minutes, "in {n} minute", "in {n} minutes"))
}

// Moment writes a minute with its day and zone: 14 Oct 2025 10:02 UTC.
func (l *Language) Moment(t time.Time) string {
	zone := "UTC"
	if _, offset := t.Zone(); offset != 0 {
		zone = t.Format("-07:00")
	}
	return l.Say(Of("day with year, time and zone\x04{1} {2} {3}", l.Date(t), t.Format("15:04"), zone))
}

// Date writes a day: 14 Oct 2025.
func (l *Language) Date(t time.Time) string {
	return l.Say(Of("day, month and year\x04{1} {2} {3}", strconv.Itoa(t.Day()), l.month[t.Month()-1], strconv.Itoa(t.Year())))
}

// Month names the month of a moment: October 2026.
func Month(t time.Time) Phrase {
	return Of("month and year\x04{1} {2}", fullMonths()[t.Month()-1], strconv.Itoa(t.Year()))
}

// Full writes a moment with all that is known of it: Monday 2 January 2006, 15:04:05 CET.
func (l *Language) Full(t time.Time) string {
	return l.Say(Of("weekday, date and time\x04{1} {2} {3} {4}, {5}", fullWeekdays()[t.Weekday()], strconv.Itoa(t.Day()), fullMonths()[t.Month()-1], strconv.Itoa(t.Year()), t.Format("15:04:05 MST")))
}

// civil counts the days of the calendar.
func civil(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
