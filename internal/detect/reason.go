package detect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
		h, others := j.first(&r)
		text := phrase.Of("{1} is at {2}, and the patch brings {3}", h.pkg.Name, h.pkg.Version, h.fixed)
		if h.pkg.State == patch.Broken {
			text = phrase.Of("the package manager left {1} half-way at {2}, and the patch brings {3}, which is installed over it", h.pkg.Name, h.pkg.Version, h.fixed)
		}
		r.Text = also(text,
			phrase.Count(others, "one more of its packages is older too", "{n} more of its packages are older too"), others)
	case patch.ReasonHeld, patch.ReasonExcluded:
		j.each(&r, func(h *hit) bool { return h.compared == older }, func(h *hit) (expected, seen phrase.Phrase) {
			return "not held", phrase.Of("held at {1}", h.pkg.Version)
		})
		h, others := j.first(&r)
		r.Text = also(j.x.scheme.held(h), phrase.Count(others, "one more of its packages is held too", "{n} more of its packages are held too"), others)
	case patch.ReasonModuleOff:
		j.each(&r, func(h *hit) bool { return h.compared == older }, func(h *hit) (expected, seen phrase.Phrase) {
			return "its module enabled", phrase.Of("{1} of {2}, which is disabled", h.pkg.Version, wordStream(h.pkg.Module))
		})
		h, others := j.first(&r)
		r.Text = also(phrase.Of("this machine has disabled the module of {1}, which is at {2}, before the patch's {3}", h.pkg.Name, h.pkg.Version, h.fixed),
			phrase.Count(others, "one more of its packages is kept too", "{n} more of its packages are kept too"), others)
	case patch.ReasonCurrent:
		j.each(&r, func(h *hit) bool { return h.compared == current }, reached)
		h, others := j.first(&r)
		r.Text = also(phrase.Of("{1} is at {2}, which is not older than the patch's {3}", h.pkg.Name, h.pkg.Version, h.fixed),
			phrase.Count(others, "one more of its packages is up to date too", "{n} more of its packages are up to date too"), others)
	case patch.ReasonBroken:
		j.each(&r, func(h *hit) bool { return h.compared == broken || h.compared == torn }, func(h *hit) (expected, seen phrase.Phrase) {
			return "installed and configured", leftHalfWay(h)
		})
		h, others := j.first(&r)
		r.Text = also(j.x.scheme.repair(h), phrase.Count(others, "one more of its packages is half-way too", "{n} more of its packages are half-way too"), others)
	case patch.ReasonPinned, patch.ReasonPhased, patch.ReasonOptIn, patch.ReasonNotEntitled:
		j.ruledOut(&r)
	case patch.ReasonUnreadable:
		j.unreadable(&r)
	}
	r.Text = phrase.Sentence(r.Text)
	return r
}

func (j *judge) unreadable(r *patch.Reason) {
	if j.own != nil && !slices.ContainsFunc(j.hits, func(h hit) bool { return h.compared == garbled }) {
		j.ruledOut(r)
		return
	}
	j.each(r, func(h *hit) bool { return h.compared == garbled }, reached)
	h, others := j.first(r)
	r.Text = also(phrase.Of("the versions of {1} cannot be compared ({2} here, {3} in the patch), because one of them is not a version",
		h.pkg.Name, strconv.Quote(h.pkg.Version), strconv.Quote(h.fixed)),
		phrase.Count(others, "one more of its packages cannot be compared either", "{n} more of its packages cannot be compared either"), others)
}

func reached(h *hit) (expected, seen phrase.Phrase) {
	seen = phrase.Verbatim(h.pkg.Version)
	switch {
	case h.pkg.State == patch.Broken:
		seen = leftHalfWay(h)
	case h.count > 1:
		seen = phrase.Of("{1}, the newest of {2}", h.pkg.Version, int(h.count))
	}
	return phrase.Of("{1} or newer", h.fixed), seen
}

func leftHalfWay(h *hit) phrase.Phrase {
	return phrase.Of("left half-way by the package manager at {1}", h.pkg.Version)
}

func (j *judge) subject(h *hit) string { return j.x.scheme.subject(h.pkg.Name, h.pkg.Arch) }

// each makes a clause of every hit that decides.
func (j *judge) each(r *patch.Reason, decides func(*hit) bool, word func(h *hit) (expected, seen phrase.Phrase)) {
	for i := range j.hits {
		if h := &j.hits[i]; decides(h) {
			expected, seen := word(h)
			r.Clauses = append(r.Clauses, patch.Clause{Subject: j.subject(h), Expected: expected, Seen: seen, From: j.x.scheme.source()})
		}
	}
}

// first is the package that the sentence is about, the first that decided, and how many others decided too.
func (j *judge) first(r *patch.Reason) (h *hit, others int) {
	for i := range j.hits {
		h = &j.hits[i]
		if j.subject(h) == r.Clauses[0].Subject {
			break
		}
	}
	return h, len(r.Clauses) - 1
}

// also adds to what is said of one package how many others are like it.
func also(first, too phrase.Phrase, others int) phrase.Phrase {
	if others == 0 {
		return first
	}
	return phrase.Of("{1}; {2}", first, too)
}

// lookedFor words that none of the packages that were looked for is there, or only in another module stream.
func (j *judge) lookedFor(r *patch.Reason, rules []PackageRule) {
	var names []string
	var other *patch.Clause
	var wanted string // the stream that a rule asks for, and another one is there
	left := false
	for i, rule := range rules {
		u := j.x.elsewhere([]byte(rule.Name), rule.Arch, rule.Module)
		if i == 0 || rule.Name != rules[i-1].Name || u != nil {
			r.Clauses = append(r.Clauses, j.missing(rule, u, &left))
		}
		if i == 0 || rule.Name != rules[i-1].Name {
			names = append(names, rule.Name)
		}
		if other == nil && u != nil {
			c := r.Clauses[len(r.Clauses)-1]
			other, wanted, r.Code = &c, rule.Module, patch.ReasonModuleOther
			if j.x.disabled(rule.Module) {
				r.Code = patch.ReasonModuleOff
			}
		}
	}
	switch {
	case r.Code == patch.ReasonModuleOff:
		r.Text = phrase.Of("the patch is for {1}, and this machine has disabled that module; its {2} is at {3}", wordStream(wanted), other.Subject, other.Seen)
	case r.Code == patch.ReasonModuleOther:
		r.Text = phrase.Of("the patch is for {1}, and this machine's {2} is at {3}", wordStream(wanted), other.Subject, other.Seen)
	case len(names) == 1 && left:
		r.Text = phrase.Of("its package {1} was removed; only its configuration files are left", names[0])
	case len(names) == 1:
		r.Text = phrase.Of("its package {1} is not installed", names[0])
	default:
		r.Text = phrase.Of("none of its {1} packages is installed: {2}", len(names), enumerate(names))
	}
}

// missing makes the clause of a rule that is about no installed package; u is one of its name in another module stream, if there is one.
func (j *judge) missing(rule PackageRule, u *unit, left *bool) patch.Clause {
	c := patch.Clause{Subject: rule.Name, Expected: patch.WordInstalled, Seen: patch.WordNotInstalled, From: j.x.scheme.source()}
	if u != nil {
		c.Subject, c.Seen = j.x.scheme.subject(u.pkg.Name, u.pkg.Arch), u.where()
		c.Expected = phrase.Of("of {1}", wordStream(rule.Module))
	}
	for i := range j.hits {
		if j.hits[i].pkg.Name == rule.Name {
			c.Seen, *left = "removed, only its configuration files are left", true
		}
	}
	return c
}

// enumerate lists a few names and counts the rest.
func enumerate(names []string) phrase.Phrase {
	const few = 4
	if len(names) == 1 {
		return phrase.Verbatim(names[0])
	}
	if len(names) <= few+1 {
		return phrase.Of("{1} and {2}", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
	}
	return phrase.Of("{1} and {2} more", strings.Join(names[:few], ", "), len(names)-few)
}
