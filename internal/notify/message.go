package notify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
)

// aboutTest is the subject of a test: nobody can leave it out.
const aboutTest patch.Subject = "test"

// message is a delivery in words.
type message struct {
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

// words makes a message of a delivery. Every text in it was once a machine's, a feed's or a person's: it is one line of printable characters.
func words(d patch.Delivery, console string) message {
	n := len(d.Notices) + d.More
	m := message{id: d.ID, subject: d.Subject, title: "Fettle: " + headline(d.Subject, n), more: d.More, link: console + pageOf(d.Subject)}
	for _, x := range d.Notices {
		m.lines = append(m.lines, line{plain(x.Text), plain(x.Reason), console + x.Path})
	}
	return m
}

func headline(t patch.Subject, n int) string {
	one, many := "notice", "notices"
	switch t {
	case aboutTest:
		return "this is a test"
	case patch.AboutHalt:
		one, many = "a patch is halted", "patches are halted"
	case patch.AboutAlarm:
		one, many = "an alarm is raised", "alarms are raised"
	case patch.AboutExploited:
		one, many = "a patch for something that is being exploited is missing", "patches for what is being exploited are missing"
	case patch.AboutDecision:
		one, many = "something needs a decision", "things need a decision"
	case patch.AboutStuck:
		one, many = "a deployment is stuck", "deployments are stuck"
	case patch.AboutFeed:
		one, many = "a feed failed", "feeds failed"
	case patch.AboutMachine:
		one, many = "a machine needs a look", "machines need a look"
	case patch.AboutHold:
		one, many = "a hold ends soon", "holds end soon"
	}
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %s", n, many)
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
	if m.more > 0 {
		fmt.Fprintf(&b, "… and %d more: %s\n\n", m.more, m.link)
	}
	fmt.Fprintf(&b, "-- \nFettle sends this where its administrators asked for it: Settings in the console. Message %s.\n", m.id)
	return b.String()
}
