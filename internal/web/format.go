package web

import (
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// words turns values into what a person reads, in one language.
type words struct {
	now    func() time.Time
	zone   *time.Location
	assets bundle
	lang   *phrase.Language
	all    []*phrase.Language
}

func (w words) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": w.assets.address, "gateOf": gateOf, "pick": pick, "now": w.now, "num": w.num, "size": w.lang.Size, "took": w.took, "seconds": seconds, "plural": plural, "join": strings.Join, "lower": strings.ToLower,
		"when": w.when, "near": w.near, "ago": w.ago, "full": w.full, "iso": w.iso, "day": w.day, "say": w.say, "form": w.form, "lang": func() string { return w.lang.Tag }, "languages": func() []*phrase.Language { return w.all },
		"patchURL": patchURL, "patchName": patchName, "patchVersion": patchVersion, "patchSuite": patchSuite, "machineURL": machineURL, "explainURL": explainURL, "labelURL": labelURL, "whyURL": whyURL, "deploymentURL": deploymentURL, "rollbackURL": rollbackURL, "exposedURL": exposedURL, "exposedMachinesURL": exposedMachinesURL, "ringURL": ringURL, "pairCount": countOf, "alarmURL": alarmURL, "findingURL": findingURL, "findingDo": findingDo, "eventURL": eventURL, "atGate": func(page string, name gate.Name, code string) string { return atGate(page, string(name), code) },
		"word": func(v any) string { return w.lang.Say(word(v)) }, "gateWord": func(n any) string { return w.lang.Say(gateWord(gate.Name(fmt.Sprint(n)))) }, "point": func(s string) string { return strings.ReplaceAll(s, ".", strings.Trim(w.lang.Decimal(0.5, 1), "05")) },
		"actor": func(a gate.Actor) string { return w.lang.Say(actor(a)) }, "taken": func(h patch.Hand) string { return w.lang.Say(handWord(h)) }, "ruled": func(v patch.RulingVerb) string { return w.lang.Say(rulingWord(v)) },
		"told":   func(s string) string { return w.lang.Say(phrase.Recall(s)) },
		"deed":   func(action string) string { return w.lang.Say(deedWord(action)) },
		"moved":  func(c patch.Cause) string { return w.lang.Say(c.Words()) },
		"action": func(a string) string { return w.lang.Say(patch.ActionWord(a)) },
		"markOf": markOf, "share": share, "first": first, "upper": w.upper, "rest": rest, "sum": sum, "percent": percent, "ints": func(n ...int) []int { return n }, "list": func(s ...string) []string { return s },
	}
}

// num writes a count with its thousands apart: 63,440.
func (w words) num(n any) string {
	v := reflect.ValueOf(n)
	if v.CanUint() {
		return w.lang.Number(int(v.Uint()))
	}
	return w.lang.Number(int(v.Int()))
}

// form is which of a text's forms a number takes, where the language has two.
func (w words) form(n int) int { return w.lang.Form(n) }

// took writes how long something took: 21 ms, 4.2 s, 3 min.
func (w words) took(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case d < 0:
		return "–"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return w.lang.Decimal(d.Seconds(), 1) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// when writes a moment as people say it: today 06:12, yesterday 22:01, Mon 10:02, 14 Oct 10:02, 14 Oct 2025.
func (w words) when(t time.Time) string { return w.lang.When(w.now().In(w.zone), t) }

// near is when as assets/js/30-times.js keeps it up to date, to the letter: nothing moves when that begins.
func (w words) near(t time.Time) string { return w.lang.Near(w.now().In(w.zone), t) }

// ago writes an age in one unit: 40 s, 12 min, 3 h, 5 days.
func (w words) ago(t time.Time) string {
	if t.IsZero() {
		return w.lang.Say("never")
	}
	d := w.now().Sub(t)
	switch {
	case d < 5*time.Second:
		return w.lang.Say("now")
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return w.lang.Span(d)
}

func (w words) full(t time.Time) string { return w.lang.Full(t.In(w.zone)) }
func (w words) day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return w.lang.Date(t.In(w.zone))
}

// iso is a time as programs read it, with the zone that the others are said in.
func (w words) iso(t time.Time) string { return t.In(w.zone).Format(time.RFC3339) }

func segments(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// patchSuite is where a patch comes from, as its ID begins; "" where it names none.
func patchSuite(id patch.ID) string {
	suite, _, ok := strings.Cut(string(id), "/")
	if !ok {
		return ""
	}
	return suite
}

// patchName is the source that its ID names next, and patchVersion what is left.
func patchName(id patch.ID) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(string(id), patchSuite(id)+"/"), "/")
	return name
}

func patchVersion(id patch.ID) string {
	_, version, _ := strings.Cut(strings.TrimPrefix(string(id), patchSuite(id)+"/"), "/")
	return version
}

// patchURL is a patch's page, or that of a label of patches where one is named instead.
func patchURL(id patch.ID) string {
	if name, isLabel := strings.CutPrefix(string(id), patch.LabelPrefix); isLabel {
		return labelURL(name)
	}
	return "/patches/" + segments(string(id))
}
func machineURL(id patch.MachineID) string {
	return "/machines/" + url.PathEscape(string(id))
}
func explainURL(m patch.MachineID, p patch.ID) string {
	if p == patch.Restart { // which no list has
		return machineURL(m)
	}
	return "/explain/" + url.PathEscape(string(m)) + "/" + segments(string(p))
}

// whyURL is the page that explains a patch over a label.
func whyURL(label string, p patch.ID) string {
	return "/explain-label/" + url.PathEscape(label) + "/" + segments(string(p))
}
func labelURL(name string) string    { return "/labels/" + url.PathEscape(name) }
func deploymentURL(id string) string { return "/deployments/" + url.PathEscape(id) }

// share is part of whole in per cent of a bar's width, at least a sliver where there is anything.
func share(part, whole int) int {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return max(1, part*100/whole)
}

func sum(n ...int) int {
	t := 0
	for _, x := range n {
		t += x
	}
	return t
}

func percent(part, whole int64) int {
	if whole <= 0 {
		return 0
	}
	return int(min(100, max(0, part*100/whole)))
}

func head[T any](n int, list []T) []T { return list[:min(n, len(list))] }

// first is head for templates.
func first(n int, list any) any {
	l := reflect.ValueOf(list)
	if l.Kind() != reflect.Slice || l.Len() <= n {
		return list
	}
	return l.Slice(0, n).Interface()
}
func rest(n int, total int) int { return max(0, total-n) }

func sentenceCase(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// upper begins what is said with a capital.
func (w words) upper(v any) string { return sentenceCase(fmt.Sprint(w.say(v))) }

// markOf names the glyph of a value of one of the four axes.
func markOf(v any) string {
	switch s := fmt.Sprint(v); s {
	case "not-applicable", "not-patched", "patched", "error", "unknown",
		"undecided", "approved", "declined", "held",
		"waiting", "downloading", "installing", "done", "failed", "withdrawn",
		"verified", "needs-reboot", "not-effective", "undone", "rolled-back":
		return s
	}
	return "none"
}
