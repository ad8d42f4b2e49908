package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// maxText bounds what a person may write.
const maxText = 400

var (
	weekdayNames = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	nthNames     = [...]string{"first", "second", "third", "fourth", "fifth"}
)

// Parse reads a window as a person writes it; see the package comment. Its errors say what was not understood and show an example.
func Parse(text string) (Rule, error) {
	p := parser{words: strings.Fields(strings.ToLower(text)), written: strings.Fields(text)}
	if len(text) > maxText {
		return Rule{}, refuse(text[:40]+"…", "it is too long")
	}
	r, err := p.rule()
	if err != nil {
		return Rule{}, refuse(text, patch.Said(err))
	}
	return r, nil
}

func refuse(text string, why phrase.Phrase) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Format("cannot read the window %q", text), Why: why,
		Do: `Write days, times and, if need be, a zone: "every day 22:00-04:00", "second tuesday + 3 days 22:00-04:00 Europe/Berlin", "every day 01:00-05:00 machine".`}
}

type parser struct {
	words, written []string
	at             int
}

func (p *parser) peek() string {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return ""
}

func (p *parser) take(words ...string) bool {
	if slices.Contains(words, p.peek()) && p.peek() != "" {
		p.at++
		return true
	}
	return false
}

func (p *parser) rule() (r Rule, err error) {
	if r.days, err = p.days(); err != nil {
		return r, err
	}
	if r.start, r.end, err = p.times(); err != nil {
		return r, err
	}
	if w := p.peek(); w != "" && w != "except" {
		if r.zone, err = zone(w, p.written[p.at]); err != nil {
			return r, err
		}
		p.at++
	}
	if p.take("except") {
		if r.except, err = p.spans(); err != nil {
			return r, err
		}
	}
	if w := p.peek(); w != "" {
		return r, fmt.Errorf("%q is not understood", w)
	}
	return r, nil
}

func zone(word, written string) (string, error) {
	switch word {
	case "local":
		return "", fmt.Errorf(`"local" is ambiguous; write nothing for the appliance's own zone, "machine" for each machine's own, or a name such as Europe/Berlin`)
	case machineZone:
		return machineZone, nil
	}
	if _, err := time.LoadLocation(written); err != nil {
		return "", fmt.Errorf("%q is not a time zone", written)
	}
	return written, nil
}

func (p *parser) days() (d days, err error) {
	switch {
	case p.peek() == "":
		return d, fmt.Errorf("it is empty")
	case p.take("daily"):
	case p.take("every"):
		if !p.take("day") {
			if d.weekdays, err = weekdays(p.peek()); err != nil {
				return d, err
			}
			p.at++
		}
	case p.take("day"):
		if d.dates, err = numbers(p.peek()); err != nil {
			return d, err
		}
		p.at++
		if p.take("or") {
			if !p.take("last") {
				return d, fmt.Errorf(`after "or" only "last" can follow`)
			}
			d.orLast = true
		}
	case p.peek() == "last" && p.at+1 < len(p.words) && p.words[p.at+1] == "day":
		p.at += 2
		d.dates, d.orLast = []int{31}, true
	default:
		if d.nth, err = ordinals(p.peek()); err != nil {
			return d, err
		}
		if d.nth != nil {
			p.at++
		}
		if d.weekdays, err = weekdays(p.peek()); err != nil {
			return d, err
		}
		p.at++
	}
	return d, p.plus(&d)
}

func (p *parser) plus(d *days) error {
	if !p.take("+") {
		return nil
	}
	n, err := strconv.Atoi(p.peek())
	if err != nil || n < 1 || n > 27 {
		return fmt.Errorf(`after "+" a number of days from 1 to 27 must follow`)
	}
	p.at++
	if !p.take("day", "days") {
		return fmt.Errorf(`after "+ %d" the word "days" must follow`, n)
	}
	d.plus = n
	return nil
}

// ordinals reads "second", "first,third", "last"; nil where the word is none.
func ordinals(word string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(word, ",") {
		n := slices.Index(nthNames[:], part) + 1
		if part == "last" {
			n = -1
		}
		switch {
		case n == 0 && out == nil:
			return nil, nil
		case n == 0:
			return nil, fmt.Errorf("%q is not first, second, third, fourth, fifth or last", part)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// weekdays reads "tuesday", "mon,wed", "mon-fri".
func weekdays(word string) ([]time.Weekday, error) {
	var out []time.Weekday
	for part := range strings.SplitSeq(word, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := weekday(from)
		if err != nil {
			return nil, err
		}
		b := a
		if isRange {
			if b, err = weekday(to); err != nil {
				return nil, err
			}
		}
		for out = append(out, a); a != b; out = append(out, a) {
			a = (a + 1) % 7
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func weekday(word string) (time.Weekday, error) {
	word = strings.TrimSuffix(word, ".")
	for i, name := range weekdayNames {
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			return time.Weekday(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a day", word)
}

func numbers(word string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(word, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 31 {
			return nil, fmt.Errorf("%q is not a day of a month", part)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (p *parser) times() (start, end int, err error) {
	from, to, ok := strings.Cut(p.peek(), "-")
	if p.peek() == "" || !ok {
		return 0, 0, fmt.Errorf("it has no start and end such as 22:00-04:00")
	}
	if start, err = minutes(from); err == nil {
		end, err = minutes(to)
	}
	switch {
	case err != nil:
		return 0, 0, err
	case start == 1440:
		return 0, 0, fmt.Errorf("a window cannot start at 24:00")
	case start == end:
		return 0, 0, fmt.Errorf("it ends when it starts; a whole day is 00:00-24:00")
	}
	p.at++
	return start, end, nil
}

func minutes(word string) (int, error) {
	h, m, ok := strings.Cut(word, ":")
	hours, err1 := strconv.ParseUint(h, 10, 8)
	mins, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || hours > 24 || mins > 59 || hours == 24 && mins > 0 {
		return 0, fmt.Errorf("%q is not a time of day", word)
	}
	return int(hours)*60 + int(mins), nil
}

func (p *parser) spans() ([]span, error) {
	var out []span
	for part := range strings.SplitSeq(p.peek(), ",") {
		from, to, isRange := strings.Cut(part, "..")
		if !isRange {
			to = from
		}
		a, err := time.Parse(time.DateOnly, from)
		if err != nil {
			return nil, fmt.Errorf("%q is not a date such as 2026-12-24", from)
		}
		b, err := time.Parse(time.DateOnly, to)
		if err != nil || b.Before(a) {
			return nil, fmt.Errorf("%q is not a range of dates such as 2026-12-24..2027-01-02", part)
		}
		out = append(out, span{date{a}, date{b}})
	}
	p.at++
	return out, nil
}
