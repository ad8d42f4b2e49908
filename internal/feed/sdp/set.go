package sdp

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Set is packages that may refer to each other: all that one catalog, or several files, hold.
type Set struct {
	Packages []*Package
	// Notes say, for people, what could not be read at all.
	Notes []string

	byID     map[string]*Package // by lower-case ID; the first of several
	leaves   map[string]detect.Expr
	resolved map[*Package]*resolved
	kept     int // bytes, roughly
	size     int // of all resolved packages' expressions
}

// add takes a package in; size is about what it takes.
func (s *Set) add(p *Package, size int) error {
	if s.byID == nil {
		s.byID = map[string]*Package{}
	}
	if s.kept += size; s.kept > maxKept {
		return errTooMuch
	}
	id := strings.ToLower(p.ID)
	switch {
	case p.ID == "":
		s.note("a package without a PackageID was left out: nothing can name it")
		return nil
	case s.byID[id] != nil:
		s.note("there are two packages %s", p.ID)
		return nil
	}
	s.byID[id] = p
	s.Packages = append(s.Packages, p)
	return nil
}

// Read adds the packages of one document: an .sdp file, or a catalog of many.
func (s *Set) Read(name string, in io.Reader) error {
	r := newReader(decoded(in))
	if s.leaves == nil {
		s.leaves = map[string]detect.Expr{}
	}
	err := r.packages(func(e *element, whole bool) error {
		p, bytes := parse(e, whole, s.leaves)
		return s.add(p, bytes)
	})
	if err == nil {
		return nil
	}
	do := "Get the file again from where it came from."
	if errors.Is(err, errTooMuch) || errors.Is(err, errTooLong) {
		do = "Split the catalog by product."
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the software packages in {1}", name), Err: err, Do: phrase.Verbatim(do)}
}

// Unclear counts the packages of which something is not understood.
func (s *Set) Unclear() (n int) {
	for _, p := range s.Packages {
		if len(p.Faults) > 0 {
			n++
		}
	}
	return n
}

// Dated is when the newest package was made.
func (s *Set) Dated() (t time.Time) {
	for _, p := range s.Packages {
		if p.Created.After(t) {
			t = p.Created
		}
	}
	return t
}

// Rules are a package's conditions with all that they refer to.
type Rules struct {
	// Prerequisite is whether the package is meant for the machine at all: each of its prerequisites is installed.
	Prerequisite detect.Expr
	Installed    detect.Expr
	Superseded   detect.Expr // something newer is there already
	Installable  detect.Expr
	// Told is false where nothing in the package says how to tell whether it is installed.
	Told bool
}

// Limits of what a package's conditions become with all that they refer to, and of all packages' together.
const (
	maxSize  = 20_000
	maxSizes = 3_000_000
)

// resolved is a package whose references have been followed, or are just being.
type resolved struct {
	rules Rules
	busy  bool
}

// Rules resolves a package's conditions within the set.
func (s *Set) Rules(p *Package) Rules {
	if known := s.resolved[p]; known != nil {
		if known.busy {
			return unclearRules("its prerequisites or bundles refer to each other in a circle")
		}
		return known.rules
	}
	if s.resolved == nil {
		s.resolved = map[*Package]*resolved{}
	}
	now := &resolved{busy: true}
	s.resolved[p] = now
	r := s.rules(p)
	r.Prerequisite = s.prerequisite(p)
	left := maxSize
	for _, x := range []*detect.Expr{&r.Prerequisite, &r.Installed, &r.Superseded, &r.Installable} {
		left = count(x, left)
	}
	if s.size += maxSize - left; left <= 0 || s.size > maxSizes {
		r = unclearRules("with all that it refers to it has more rules than this program reads")
	}
	now.rules, now.busy = r, false
	return r
}

func unclearRules(why string) Rules {
	x := detect.Expr{Op: detect.OpUnclear, Text: why}
	return Rules{Prerequisite: x, Installed: x, Superseded: x, Installable: x, Told: true}
}

// count takes the nodes of an expression off what is left.
func count(x *detect.Expr, left int) int {
	left--
	for i := range x.Of {
		if left <= 0 {
			break
		}
		left = count(&x.Of[i], left)
	}
	return left
}

// prerequisite asks, for every AtLeastOne, whether one of its packages is installed. One that the set does not have cannot be judged.
func (s *Set) prerequisite(p *Package) detect.Expr {
	all := detect.And()
	for _, any := range p.Prerequisites {
		one := detect.Or()
		for _, id := range any {
			other := s.byID[strings.ToLower(id)]
			if other == nil {
				one.Of = append(one.Of, detect.Expr{Op: detect.OpUnclear, Text: "it needs the package " + clip(id, 60) + ", which the catalog does not have"})
				continue
			}
			r := s.Rules(other)
			one.Of = append(one.Of, only(detect.And(r.Prerequisite, r.Installed)))
		}
		all.Of = append(all.Of, only(one))
	}
	return only(all)
}

// rules joins the conditions of a package, its items and its bundled packages.
func (s *Set) rules(p *Package) Rules {
	own := detect.And()
	if p.installable != nil {
		own = *p.installable
	}
	if len(p.Items)+len(p.Bundles) == 0 {
		r := Rules{Installed: detect.Or(), Superseded: detect.Or(), Installable: own}
		if p.installed != nil {
			r.Installed, r.Told = *p.installed, true
		}
		return r
	}
	var parts []Rules
	for i := range p.Items {
		parts = append(parts, p.item(&p.Items[i], own))
	}
	for _, id := range p.Bundles {
		parts = append(parts, s.bundled(id, own))
	}
	return together(parts)
}

// item is what holds for one item: the package's rules and its own. An item without rules has the package's.
func (p *Package) item(i *Item, own detect.Expr) Rules {
	if !i.rules.given {
		r := Rules{Installed: detect.Or(), Superseded: detect.Or(), Installable: own}
		if p.installed != nil {
			r.Installed, r.Told = *p.installed, true
		}
		return r
	}
	r := Rules{Installed: orFalse(i.rules.installed), Superseded: orFalse(i.rules.superseded), Told: i.rules.installed != nil}
	if p.installed != nil {
		r.Installed = detect.And(*p.installed, r.Installed)
	}
	r.Installable = orFalse(i.rules.installable)
	if p.installable != nil {
		r.Installable = detect.And(own, r.Installable)
	}
	return r
}

func (s *Set) bundled(id string, own detect.Expr) Rules {
	other := s.byID[strings.ToLower(id)]
	if other == nil {
		return unclearRules("it bundles the package " + clip(id, 60) + ", which the catalog does not have")
	}
	r := s.Rules(other)
	r.Installable = detect.And(own, r.Prerequisite, r.Installable)
	return r
}

func orFalse(x *detect.Expr) detect.Expr {
	if x == nil {
		return detect.Or()
	}
	return *x
}

// together: a package is installable if one of its parts is, and installed if one is and every installable one is.
func together(parts []Rules) Rules {
	if len(parts) == 1 {
		return parts[0]
	}
	out := Rules{Superseded: detect.Or(), Installable: detect.Or()}
	some, every := detect.Or(), detect.And()
	for _, r := range parts {
		out.Told = out.Told || r.Told
		out.Installable.Of = append(out.Installable.Of, r.Installable)
		out.Superseded.Of = append(out.Superseded.Of, r.Superseded)
		some.Of = append(some.Of, r.Installed)
		every.Of = append(every.Of, detect.Or(r.Installed, r.Superseded, detect.Not(r.Installable)))
	}
	out.Installed = detect.And(some, every)
	return out
}
