package gate

import (
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Span writes a length of time in its biggest unit: "3 days", "1 hour".
func Span(d time.Duration) string {
	units := []struct {
		one time.Duration
		of  string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, u := range units {
		if n := int(d / u.one); n > 0 {
			return Count(n, u.of, u.of+"s")
		}
	}
	return "a moment"
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

// whenTaken writes when a detect was taken and how long it lasted: "today 06:40 in 39 ms"; only when, where the machine's clock makes no sense.
func whenTaken(now, taken time.Time, r *patch.Receipt) phrase.Phrase {
	at, lasted := phrase.At(now, taken), phrase.Phrase("")
	switch d := r.Ended.Sub(r.Started); {
	case r.Started.IsZero() || d < 0 || d > time.Hour:
		return phrase.Of("{1}", at)
	case d < time.Millisecond:
		lasted = "less than 1 ms"
	case d < 10*time.Second:
		return phrase.Of("{1} in {2} ms", at, int(d.Milliseconds()))
	default:
		lasted = phrase.Of("{1}", d)
	}
	return phrase.Of("{1} in {2}", at, lasted)
}

// A decision as a clause: approved for "web" by m.keller on Mon 10:02.

func approved(now time.Time, d patch.Decision) phrase.Phrase {
	return why(d, phrase.Of(`approved for "{1}" by {2} {3}`, d.Label, by(d), on(now, d.At)))
}

func declined(now time.Time, d patch.Decision) phrase.Phrase {
	return why(d, phrase.Of(`declined for "{1}" by {2} {3}`, d.Label, by(d), on(now, d.At)))
}

func held(now time.Time, d patch.Decision) phrase.Phrase {
	return why(d, phrase.Of(`held for "{1}" by {2} {3}`, d.Label, by(d), on(now, d.At)))
}

func heldBack(now time.Time, d patch.Decision) phrase.Phrase {
	return why(d, phrase.Of(`held back for "{1}" by {2} {3}`, d.Label, by(d), on(now, d.At)))
}

func by(d patch.Decision) phrase.Phrase {
	if d.Second == "" {
		return phrase.Verbatim(d.By)
	}
	return phrase.Of("{1} and {2}", d.By, d.Second)
}

// on is a moment of the past as it follows a verb: "today 06:12", "on Mon 10:02".
func on(now, t time.Time) phrase.Phrase {
	y, m, d := now.Date()
	if !t.Before(time.Date(y, m, d-1, 0, 0, 0, 0, now.Location())) {
		return phrase.Of("{1}", phrase.At(now, t))
	}
	return phrase.Of("on {1}", phrase.At(now, t))
}

func why(d patch.Decision, text phrase.Phrase) phrase.Phrase {
	if d.Why == "" {
		return text
	}
	return phrase.Of("{1} ({2})", text, d.Why)
}

// VerdictWord is a verdict's stable name for a sentence.
func VerdictWord(v patch.Verdict) phrase.Phrase {
	switch v {
	case patch.NotApplicable:
		return "what a detect says\x04not-applicable"
	case patch.NotPatched:
		return "what a detect says\x04not-patched"
	case patch.Patched:
		return "what a detect says\x04patched"
	case patch.Faulty:
		return "what a detect says\x04error"
	}
	return "what a detect says\x04unknown"
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
	return phrase.Clause(phrase.Verbatim(s)).String()
}

// snapshotNamed names a snapshot as evidence.
func snapshotNamed(seq uint64) phrase.Phrase {
	return phrase.Of("snapshot {1}", strconv.FormatUint(seq, 10))
}

func (w *World) name() string {
	if w.Machine.Name != "" {
		return w.Machine.Name
	}
	return string(w.Machine.ID)
}

func (w *World) os() patch.HostOS {
	if w.OS != "" {
		return w.OS
	}
	return w.PatchOS
}

func (w *World) start() time.Time {
	if w.Start.IsZero() {
		return w.Now
	}
	return w.Start
}
