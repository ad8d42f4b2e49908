package detect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// reason words a package set's verdict. Its clauses are the smallest set that decided; where several packages each decide by
// themselves (older, held, broken ones), each has its clause.
func (j *judge) reason(code string, rules []PackageRule) patch.Reason {
	r := patch.Reason{Code: code}
	switch code {
	case patch.ReasonNotInstalled:
		j.lookedFor(&r, rules)
	case patch.ReasonOlder:
		j.each(&r, func(h *hit) bool { return concerns(code, h) }, reached)
		r.Text = j.first(&r, "%s is at %s, and the patch brings %s", " is older too", " are older too")
	case patch.ReasonHeld, patch.ReasonExcluded:
		j.each(&r, func(h *hit) bool { return h.compared == older }, func(h *hit) (string, string) {
			return "not held", "held at " + h.pkg.Version
		})
		r.Text = j.first(&r, "%s is "+j.x.scheme.held()+" at %s, before the patch's %s", " is held too", " are held too")
	case patch.ReasonModuleOff:
		j.each(&r, func(h *hit) bool { return h.compared == older }, func(h *hit) (string, string) {
			return "its module enabled", h.pkg.Version + " of " + wordStream(h.pkg.Module) + ", which is disabled"
		})
		r.Text = j.first(&r, "This machine has disabled the module of %s, which is at %s, before the patch's %s", " is kept too", " are kept too")
	case patch.ReasonCurrent:
		j.each(&r, func(h *hit) bool { return h.compared == current }, reached)
		r.Text = j.first(&r, "%s is at %s, which is not older than the patch's %s", " is up to date too", " are up to date too")
	case patch.ReasonBroken:
		j.each(&r, func(h *hit) bool { return h.compared == broken }, func(h *hit) (string, string) {
			return "installed and configured", strings.TrimSpace("left half-way by the package manager at " + h.pkg.Version)
		})
		r.Text = j.first(&r, "The package manager left %s half-way (at %s; the patch brings %s): "+j.x.scheme.repair()+" and detect again",
			" is half-way too", " are half-way too")
	case patch.ReasonPinned, patch.ReasonPhased, patch.ReasonOptIn, patch.ReasonNotEntitled:
		j.ruledOut(&r)
	case patch.ReasonUnreadable:
		if j.own != nil && !slices.ContainsFunc(j.hits, func(h hit) bool { return h.compared == garbled }) {
			j.ruledOut(&r)
			break
		}
		j.each(&r, func(h *hit) bool { return h.compared == garbled }, reached)
		r.Text = j.first(&r, "The versions of %s cannot be compared (%q here, %q in the patch), because one of them is no version",
			" cannot be compared either", " cannot be compared either")
	}
	return r
}

func reached(h *hit) (expected, seen string) {
	seen = h.pkg.Version
	if h.count > 1 {
		seen = fmt.Sprintf("%s, the newest of %d", seen, h.count)
	}
	return h.fixed + " or newer", seen
}

func (j *judge) subject(h *hit) string { return j.x.scheme.subject(h.pkg.Name, h.pkg.Arch) }

// each makes a clause of every hit that decides.
func (j *judge) each(r *patch.Reason, decides func(*hit) bool, word func(h *hit) (expected, seen string)) {
	for i := range j.hits {
		if h := &j.hits[i]; decides(h) {
			expected, seen := word(h)
			r.Clauses = append(r.Clauses, patch.Clause{Subject: j.subject(h), Expected: expected, Seen: seen, From: j.x.scheme.source()})
		}
	}
}

// first makes the sentence: about the first deciding package, and how many others there are.
func (j *judge) first(r *patch.Reason, format, one, many string) string {
	h := &j.hits[0]
	for i := range j.hits {
		h = &j.hits[i]
		if j.subject(h) == r.Clauses[0].Subject {
			break
		}
	}
	text := fmt.Sprintf(format, h.pkg.Name, h.pkg.Version, h.fixed)
	switch n := len(r.Clauses) - 1; {
	case n == 1:
		text += "; one more of its packages" + one
	case n > 1:
		text += fmt.Sprintf("; %d more of its packages%s", n, many)
	}
	return text + "."
}

// lookedFor words that none of the packages that were looked for is there, or only in another module stream.
func (j *judge) lookedFor(r *patch.Reason, rules []PackageRule) {
	var names []string
	var other *patch.Clause
	left := false
	for i, rule := range rules {
		if i == 0 || rule.Name != rules[i-1].Name || j.x.elsewhere([]byte(rule.Name), rule.Arch, rule.Module) != nil {
			r.Clauses = append(r.Clauses, j.missing(rule, &left))
		}
		c := &r.Clauses[len(r.Clauses)-1]
		if i == 0 || rule.Name != rules[i-1].Name {
			names = append(names, rule.Name)
		}
		if other == nil && strings.HasPrefix(c.Expected, "of ") {
			other, r.Code = c, patch.ReasonModuleOther
			if j.x.disabled(rule.Module) {
				r.Code = patch.ReasonModuleOff
			}
		}
	}
	switch {
	case r.Code == patch.ReasonModuleOff:
		r.Text = fmt.Sprintf("The patch is for %s, and this machine has disabled that module; its %s is at %s.", other.Expected[3:], other.Subject, other.Seen)
	case r.Code == patch.ReasonModuleOther:
		r.Text = fmt.Sprintf("The patch is for %s, and this machine's %s is at %s.", other.Expected[3:], other.Subject, other.Seen)
	case len(names) == 1 && left:
		r.Text = "Its package " + names[0] + " was removed; only its configuration files are left."
	case len(names) == 1:
		r.Text = "Its package " + names[0] + " is not installed."
	default:
		r.Text = fmt.Sprintf("None of its %d packages is installed: %s.", len(names), enumerate(names))
	}
}

// missing makes the clause of a rule that is about no installed package.
func (j *judge) missing(rule PackageRule, left *bool) patch.Clause {
	c := patch.Clause{Subject: rule.Name, Expected: "installed", Seen: "not installed", From: j.x.scheme.source()}
	if u := j.x.elsewhere([]byte(rule.Name), rule.Arch, rule.Module); u != nil {
		c.Subject, c.Seen = j.x.scheme.subject(u.pkg.Name, u.pkg.Arch), u.where()
		c.Expected = "of " + wordStream(rule.Module)
	}
	for i := range j.hits {
		if j.hits[i].pkg.Name == rule.Name {
			c.Seen, *left = "removed, only its configuration files are left", true
		}
	}
	return c
}

// enumerate lists a few names and counts the rest.
func enumerate(names []string) string {
	const few = 4
	if len(names) == 1 {
		return names[0]
	}
	if len(names) <= few+1 {
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
