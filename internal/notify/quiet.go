package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// quietText checks quiet hours and writes them in one way: "22:00-07:00". Empty means none.
func quietText(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	from, to, err := quietHours(s)
	if err != nil || from == to {
		return "", refuse("quiet hours must look like 22:00-07:00", "Leave them out for none.")
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60), nil
}

// quietHours reads the two ends in minutes of the day.
func quietHours(s string) (from, to int, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		return 0, 0, fmt.Errorf("%q has no dash", s)
	}
	if from, err = minuteOf(a); err != nil {
		return 0, 0, err
	}
	to, err = minuteOf(b)
	return from, to, err
}

func minuteOf(s string) (int, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	return t.Hour()*60 + t.Minute(), err
}

// isQuiet reports whether digests of a channel wait at a moment, by the clock on the wall of its zone.
func isQuiet(c patch.Channel, now time.Time, organisation *time.Location) bool {
	if c.Quiet == "" {
		return false
	}
	zone := organisation
	if z, err := time.LoadLocation(c.Zone); err == nil && c.Zone != "" {
		zone = z
	}
	from, to, err := quietHours(c.Quiet)
	if err != nil {
		return false // settle has checked it
	}
	at := now.In(zone).Hour()*60 + now.In(zone).Minute()
	if from < to {
		return from <= at && at < to
	}
	return at >= from || at < to
}

// settling is how long a subject's first notice waits for others that come with it, and the least time between two messages about something
// that is told at once.
const settling = time.Minute

// isDue reports whether what has waited since a moment is told now, last being when the channel was last told of the subject.
func isDue(c patch.Channel, t patch.Subject, since, last, now time.Time, organisation *time.Location) bool {
	if t.AtOnce() {
		return last.IsZero() || !now.Before(last.Add(settling))
	}
	if isQuiet(c, now, organisation) || now.Before(since.Add(settling)) {
		return false
	}
	return last.IsZero() || !now.Before(last.Add(time.Duration(c.Window)*time.Minute))
}
