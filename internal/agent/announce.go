package agent

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// announce tells whoever works on the machine, and sets the moment: at once where nobody does.
func (s *session) announce(due rebootDue, now time.Time) error {
	terminals := s.cfg.Terminals()
	at := now
	if len(terminals) > 0 {
		at = now.Add(time.Duration(due.Policy.Warn) * time.Minute)
		if due.Policy.Mode == patch.RebootAsk {
			at = laterOf(at, due.Policy.DeadlineOf(due.Since))
		}
	}
	if end := due.Window.NotAfter; !end.IsZero() && at.After(end.Add(-rebootReserve)) {
		at = laterOf(now, end.Add(-rebootReserve-time.Second))
	}
	s.cfg.Announce(terminals, s.notice(due, at, now))
	return s.due(func(d *rebootDue) { d.At, d.Told, d.Waits = at, warning(at.Sub(now)-justTold), "" })
}

// notice is what people are told of a restart that comes at a moment.
func (s *session) notice(due rebootDue, at, now time.Time) string {
	text := "This machine restarts " + whenIs(at, now) + s.whatFor() + "."
	if due.Policy.Message != "" {
		text += "\n" + due.Policy.Message
	}
	if due.Policy.Mode == patch.RebootAsk {
		text += "\nRestart now: fettle-agent reboot now." + due.offer(now)
	}
	return text
}

// offer says how a restart is put off; empty where it cannot be any more.
func (due rebootDue) offer(now time.Time) string {
	if _, err := due.putOff(now); err != nil {
		return " It cannot be put off any more."
	}
	return fmt.Sprintf("\nBe asked again in %s (%d of %d times left): fettle-agent reboot snooze.", spell(time.Duration(due.Policy.Snooze)*time.Minute),
		due.Policy.Snoozes-due.Put, due.Policy.Snoozes)
}

// countdown are the minutes before a restart at which whoever works there is told once more.
func countdown() []int { return []int{60, 15, 5, 1} }

// warning is the newest warning of the countdown that is due when so much time is left; 0 where none is yet.
func warning(left time.Duration) (minutes int) {
	for _, m := range countdown() {
		if left <= time.Duration(m)*time.Minute {
			minutes = m
		}
	}
	return minutes
}

// countDown repeats an announcement while its moment comes nearer: people come to a machine after it was made, and forget.
func (s *session) countDown(due rebootDue, now time.Time) error {
	w := warning(due.At.Sub(now))
	if w == 0 || due.Told != 0 && w >= due.Told {
		return nil
	}
	text := "This machine restarts " + whenIs(due.At, now) + s.whatFor() + ". Save your work."
	if due.Policy.Mode == patch.RebootAsk {
		text += due.offer(now)
	}
	s.cfg.Announce(s.cfg.Terminals(), text)
	return s.due(func(d *rebootDue) { d.Told = w })
}

// whatFor says what a restart is for; one that is forced need not be for updates.
func (s *session) whatFor() string {
	if s.cfg.Host.Reboot().Owed {
		return " to finish installing updates"
	}
	return ""
}

func whenIs(at, now time.Time) string {
	if at.Sub(now) < time.Second {
		return "now"
	}
	return "in " + spell(at.Sub(now)) + " (at " + clockOf(at, now) + ")"
}

// clockOf is a moment as the clock on the machine's wall has it, with the day where that is another one.
func clockOf(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("Mon 2 Jan 15:04")
}

// spell says a span in words, to the minute, and the last one to the second.
func spell(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d seconds", max(int(d.Seconds()), 1))
	}
	var parts []string
	minutes := int(d.Round(time.Minute) / time.Minute)
	for _, u := range []struct {
		n    int
		word string
	}{{minutes / 60, "hour"}, {minutes % 60, "minute"}} {
		switch {
		case u.n == 1:
			parts = append(parts, "1 "+u.word)
		case u.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", u.n, u.word))
		}
	}
	return strings.Join(parts, " ")
}
