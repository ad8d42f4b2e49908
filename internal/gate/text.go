package gate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// clock writes a time as a person says it at now: "today 06:12", "Mon 10:02", "2026-11-02 10:02".
func clock(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	t = t.In(now.Location())
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch {
	case day(t) == day(now):
		return "today " + t.Format("15:04")
	case day(t) == day(now.AddDate(0, 0, -1)):
		return "yesterday " + t.Format("15:04")
	case day(t) == day(now.AddDate(0, 0, 1)):
		return "tomorrow " + t.Format("15:04")
	case t.Sub(now).Abs() < 6*24*time.Hour:
		return t.Format("Mon 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// Span writes a length of time in its biggest unit: "3 days", "1 hour".
func Span(d time.Duration) string {
	units := []struct {
		one time.Duration
		of  string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, u := range units {
		if n := int(d / u.one); n > 0 {
			return count(n, u.of)
		}
	}
	return "a moment"
}

func count(n int, of string) string {
	return Count(n, of, of+"s")
}

// Count writes a number of things as every sentence about gates does: "1 patch", "34,589 patches".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Number groups a number's digits: 34,589.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// took writes how long a detect lasted: " in 39 ms"; nothing where the machine's clock makes no sense of it.
func took(r patch.Receipt) string {
	switch d := r.Ended.Sub(r.Started); {
	case r.Started.IsZero() || d < 0 || d > time.Hour:
		return ""
	case d < time.Millisecond:
		return " in less than 1 ms"
	case d < 10*time.Second:
		return " in " + Number(int(d.Milliseconds())) + " ms"
	default:
		return " in " + Span(d)
	}
}

func size(n int64) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// who writes a decision as a clause: approved for "web" by m.keller on Mon 10:02.
func who(now time.Time, done string, d patch.Decision) string {
	on := clock(now, d.At)
	if !strings.HasPrefix(on, "today") && !strings.HasPrefix(on, "yesterday") {
		on = "on " + on
	}
	by := d.By
	if d.Second != "" {
		by += " and " + d.Second
	}
	s := fmt.Sprintf("%s for %q by %s %s", done, d.Label, by, on)
	if d.Why != "" {
		s += " (" + d.Why + ")"
	}
	return s
}

// Sentence makes one of a clause.
func Sentence(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ".")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// clause makes one of a sentence: without full stop, and without its capital unless it is an abbreviation.
func clause(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// snapshotNamed names a snapshot as evidence.
func snapshotNamed(seq uint64) phrase.Phrase {
	return phrase.Of("snapshot {1}", strconv.FormatUint(seq, 10))
}

func (w World) name() string {
	if w.Machine.Name != "" {
		return w.Machine.Name
	}
	return string(w.Machine.ID)
}

func (w World) os() patch.HostOS {
	if w.OS != "" {
		return w.OS
	}
	return w.PatchOS
}

func (w World) start() time.Time {
	if w.Start.IsZero() {
		return w.Now
	}
	return w.Start
}
