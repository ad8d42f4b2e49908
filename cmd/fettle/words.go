package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// when shows a moment in the reader's own time zone.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// ago shows how long ago a moment was.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < 0:
		return when(t)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days ago"
}

// size shows bytes as people read them.
func size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// thousands groups digits: 63,440.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural gives "1 patch" or "3 patches".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// sentence makes one of a clause: with a capital and a full stop.
func sentence(clause string) string {
	clause = strings.TrimRight(strings.TrimSpace(clause), ".")
	if clause == "" {
		return ""
	}
	if first, _, _ := strings.Cut(clause, " "); strings.Contains(first, "/") {
		return clause + "." // a patch's name, which is typed as it is
	}
	return strings.ToUpper(clause[:1]) + clause[1:] + "."
}

// with gives lead and text, or nothing where there is no text.
func with(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

// otherThan is a name where it is not the one that is said already.
func otherThan(said, name string) string {
	if name == said {
		return ""
	}
	return name
}

// short shows the beginning of an id that is enough to type.
func short(id patch.MachineID) string {
	if len(id) > 12 {
		return string(id[:12])
	}
	return string(id)
}

// parseMoment reads a time as people type it: RFC 3339, a day, a day with a time, or a span from now such as 3d or 12h.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if days, d, ok := parseSpan(text); ok {
		return now.AddDate(0, 0, days).Add(d), nil
	}
	return time.Time{}, usagef("cannot understand the time %q: write 2026-12-01, \"2026-12-01 18:00\", an RFC 3339 time, or a span such as 12h or 3d", text)
}

// parseSpan reads 3d or 12h.
func parseSpan(text string) (days int, d time.Duration, ok bool) {
	if n, whole := strings.CutSuffix(text, "d"); whole {
		if days, err := strconv.Atoi(n); err == nil {
			return days, 0, days > 0
		}
	}
	d, err := time.ParseDuration(text)
	return 0, d, err == nil && d > 0
}

// parseBack is parseMoment with spans that count back from now.
func parseBack(text string, now time.Time) (time.Time, error) {
	if days, d, ok := parseSpan(strings.TrimSuffix(text, " ago")); ok {
		return now.AddDate(0, 0, -days).Add(-d), nil
	}
	return parseMoment(text, now)
}

// parsePast is parseBack of a moment that must have passed.
func parsePast(text string, now time.Time) (time.Time, error) {
	t, err := parseBack(text, now)
	if err == nil && t.After(now) {
		return t, usagef("%q is in the future: name a moment that has passed, or a span such as 7d, which is 7 days ago", text)
	}
	return t, err
}

// query collects parameters; empty ones are left out.
type query url.Values

func (q query) set(name string, values ...string) query {
	for _, v := range values {
		if v != "" && v != "false" && v != "0" {
			url.Values(q).Add(name, v)
		}
	}
	return q
}

func (q query) values() url.Values { return url.Values(q) }
