package detect

import (
	"fmt"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// reason words a package set's verdict. Its clauses are the smallest set that decided; where several packages each decide by
// themselves (older, held, broken ones), each has its clause.
func (j *judge) reason(code string, names []string) patch.Reason {
	r := patch.Reason{Code: code}
	switch code {
	case patch.ReasonNotInstalled:
		j.lookedFor(&r, names)
	case patch.ReasonOlder:
		j.each(&r, func(h *hit) bool { return h.compared == older && !h.pkg.Held }, reached)
		r.Text = j.first(&r, "%s is at %s, and the patch brings %s", " is older too", " are older too")
	case patch.ReasonHeld:
		j.each(&r, func(h *hit) bool { return h.compared == older }, func(h *hit) (string, string) {
			return "not held", "held at " + h.pkg.Version
		})
		r.Text = j.first(&r, "%s is held on this machine (apt-mark hold) at %s, before the patch's %s", " is held too", " are held too")
	case patch.ReasonCurrent:
		j.each(&r, func(h *hit) bool { return h.compared == current }, reached)
		r.Text = j.first(&r, "%s is at %s, which is not older than the patch's %s", " is up to date too", " are up to date too")
	case patch.ReasonBroken:
		j.each(&r, func(h *hit) bool { return h.compared == broken }, func(h *hit) (string, string) {
			return "installed and configured", strings.TrimSpace("left half-way by the package manager at " + h.pkg.Version)
		})
		r.Text = j.first(&r, "The package manager left %s half-way (at %s; the patch brings %s): run \"dpkg --configure -a\" and detect again",
			" is half-way too", " are half-way too")
	case patch.ReasonUnreadable:
		j.each(&r, func(h *hit) bool { return h.compared == garbled }, reached)
		r.Text = j.first(&r, "The versions of %s cannot be compared (%q here, %q in the patch), because one of them is no Debian version",
			" cannot be compared either", " cannot be compared either")
	}
	return r
}

func reached(h *hit) (expected, seen string) { return h.fixed + " or newer", h.pkg.Version }

// each makes a clause of every hit that decides.
func (j *judge) each(r *patch.Reason, decides func(*hit) bool, word func(h *hit) (expected, seen string)) {
	for i := range j.hits {
		if h := &j.hits[i]; decides(h) {
			expected, seen := word(h)
			r.Clauses = append(r.Clauses, patch.Clause{Subject: h.pkg.Name + ":" + h.pkg.Arch, Expected: expected, Seen: seen, From: statusFile})
		}
	}
}

// first makes the sentence: about the first deciding package, and how many others there are.
func (j *judge) first(r *patch.Reason, format, one, many string) string {
	h := &j.hits[0]
	for i := range j.hits {
		h = &j.hits[i]
		if h.pkg.Name+":"+h.pkg.Arch == r.Clauses[0].Subject {
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

func (j *judge) lookedFor(r *patch.Reason, names []string) {
	left := false
	for _, name := range names {
		c := patch.Clause{Subject: name, Expected: "installed", Seen: "not installed", From: statusFile}
		for i := range j.hits {
			if j.hits[i].pkg.Name == name {
				c.Seen, left = "removed, only its configuration files are left", true
			}
		}
		r.Clauses = append(r.Clauses, c)
	}
	switch {
	case len(names) == 1 && left:
		r.Text = "Its package " + names[0] + " was removed; only its configuration files are left."
	case len(names) == 1:
		r.Text = "Its package " + names[0] + " is not installed."
	default:
		r.Text = fmt.Sprintf("None of its %d packages is installed: %s.", len(names), enumerate(names))
	}
}

// enumerate lists a few names and counts the rest.
func enumerate(names []string) string {
	const few = 4
	if len(names) <= few+1 {
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
