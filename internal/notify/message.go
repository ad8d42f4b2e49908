package notify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// aboutTest is the subject of a test: nobody can leave it out.
const aboutTest patch.Subject = "test"

// message is a delivery in words.
type message struct {
	lang    *phrase.Language
	id      string
	subject patch.Subject
	title   string
	lines   []line
	more    int
	link    string // the console's page about all of it
}

// line is one notice in words.
type line struct{ text, reason, link string }

// shown is how many notices a message tells one by one.
const shown = 25

const maxText = 500 // bytes of any text in a message

// words makes a message of a delivery, in a language. Every text in it was once a machine's, a feed's or a person's: it is one line of printable
// characters.
func words(l *phrase.Language, d patch.Delivery, console string) message {
	n := len(d.Notices) + d.More
	m := message{lang: l, id: d.ID, subject: d.Subject, title: "Fettle: " + l.Say(headline(d.Subject, n)), more: d.More, link: console + pageOf(d.Subject)}
	for _, x := range d.Notices {
		m.lines = append(m.lines, line{plain(l.Say(x.Text)), plain(l.Say(x.Reason)), console + x.Path})
	}
	return m
}

func headline(t patch.Subject, n int) phrase.Phrase {
	switch t {
	case aboutTest:
		return "this is a test"
	case patch.AboutHalt:
		return phrase.Count(n, "a patch is halted", "{n} patches are halted")
	case patch.AboutAlarm:
		return phrase.Count(n, "an alarm is raised", "{n} alarms are raised")
	case patch.AboutExploited:
		return phrase.Count(n, "a patch for something that is being exploited is missing", "{n} patches for what is being exploited are missing")
	case patch.AboutDecision:
		return phrase.Count(n, "something needs a decision", "{n} things need a decision")
	case patch.AboutStuck:
		return phrase.Count(n, "a deployment is stuck", "{n} deployments are stuck")
	case patch.AboutFeed:
		return phrase.Count(n, "a feed failed", "{n} feeds failed")
	case patch.AboutMachine:
		return phrase.Count(n, "a machine needs a look", "{n} machines need a look")
	case patch.AboutHold:
		return phrase.Count(n, "a hold ends soon", "{n} holds end soon")
	}
	return phrase.Count(n, "notice", "{n} notices")
}

// rest says how many notices a message only counts; empty where it tells all.
func (m message) rest() string {
	if m.more == 0 {
		return ""
	}
	return m.lang.Say(phrase.Of("… and {1} more", m.more))
}

func pageOf(t patch.Subject) string {
	switch t {
	case patch.AboutExploited, patch.AboutDecision, patch.AboutHold:
		return "/"
	case patch.AboutStuck:
		return "/deployments"
	case patch.AboutFeed:
		return "/feeds"
	case patch.AboutMachine:
		return "/machines"
	}
	return "/alarms"
}

// plain makes one line of printable characters of a text, and cuts a long one.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= maxText {
		return s
	}
	i := maxText
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i] + "…"
}

// text is the message for a person who reads plain text.
func (m message) text() string {
	var b strings.Builder
	for _, l := range m.lines {
		fmt.Fprintf(&b, "* %s\n", l.text)
		if l.reason != "" {
			fmt.Fprintf(&b, "  %s\n", l.reason)
		}
		fmt.Fprintf(&b, "  %s\n\n", l.link)
	}
	if rest := m.rest(); rest != "" {
		fmt.Fprintf(&b, "%s: %s\n\n", rest, m.link)
	}
	fmt.Fprintf(&b, "-- \n%s\n", m.lang.Say(phrase.Of("Fettle sends this where its administrators asked for it: Settings in the console. Message {1}.", m.id)))
	return b.String()
}
