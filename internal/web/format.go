package web

import (
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// words turns values into what a person reads.
type words struct {
	now    func() time.Time
	zone   *time.Location
	assets bundle
}

func (w words) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": w.assets.address, "gateOf": gateOf, "pick": pick, "now": w.now, "num": num, "size": size, "took": took, "seconds": seconds, "plural": plural, "join": strings.Join, "lower": strings.ToLower,
		"when": w.when, "ago": w.ago, "full": w.full, "iso": iso, "day": w.day,
		"patchURL": patchURL, "machineURL": machineURL, "explainURL": explainURL, "labelURL": labelURL, "whyURL": whyURL, "deploymentURL": deploymentURL,
		"word": word, "markOf": markOf, "share": share, "first": first, "upper": sentenceCase, "rest": rest, "sum": sum, "percent": percent, "ints": func(n ...int) []int { return n }, "list": func(s ...string) []string { return s },
	}
}

// num writes a count with its thousands apart: 63,440.
func num(n any) string {
	s := fmt.Sprint(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if neg {
		return "−" + s
	}
	return s
}

// size writes bytes in decimal units, as vendors and disks count them.
func size(b int64) string {
	f := float64(b)
	for _, u := range []string{"B", "kB", "MB", "GB", "TB"} {
		if f < 999.5 {
			if u == "B" || f >= 99.5 {
				return fmt.Sprintf("%.0f %s", f, u)
			}
			return fmt.Sprintf("%.1f %s", f, u)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.0f PB", f)
}

// took writes how long something took: 21 ms, 4.2 s, 3 min.
func took(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case d < 0:
		return "–"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
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
func (w words) when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	t = t.In(w.zone)
	now := w.now().In(w.zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, w.zone)
	days := int(midnight.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, w.zone)).Hours()/24 + 0.5)
	if t.After(midnight.AddDate(0, 0, 1)) || t.Equal(midnight.AddDate(0, 0, 1)) {
		days = -int(t.Sub(midnight).Hours() / 24)
	}
	switch {
	case days == 0:
		return "today " + t.Format("15:04")
	case days == 1:
		return "yesterday " + t.Format("15:04")
	case days == -1:
		return "tomorrow " + t.Format("15:04")
	case days > 1 && days < 7, days < -1 && days > -7:
		return t.Format("Mon 15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}

// ago writes an age in one unit: 40 s, 12 min, 3 h, 5 days.
func (w words) ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := w.now().Sub(t)
	switch {
	case d < 5*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return num(int(d.Hours()/24)) + " days"
}

func (w words) full(t time.Time) string {
	return t.In(w.zone).Format("Monday 2 January 2006, 15:04:05 MST")
}
func (w words) day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(w.zone).Format("2 Jan 2006")
}
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func segments(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
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
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// word is the plain word for a value of one of the four axes.
func word(v any) string {
	switch s := fmt.Sprint(v); s {
	case "":
		return "–"
	case "not-applicable", "not-patched", "needs-reboot", "not-effective":
		return strings.ReplaceAll(s, "-", " ")
	case "none":
		return "–"
	default:
		return s
	}
}

// markOf names the glyph of a value of one of the four axes.
func markOf(v any) string {
	switch s := fmt.Sprint(v); s {
	case "not-applicable", "not-patched", "patched", "error", "unknown",
		"undecided", "approved", "declined", "held",
		"waiting", "downloading", "installing", "done", "failed", "withdrawn",
		"verified", "needs-reboot", "not-effective", "undone":
		return s
	}
	return "none"
}
