package debian

import (
	"iter"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Clause is one member of a dependency field (deb-control(5)): its alternatives, of which one is enough.
type Clause []patch.Relation

// String gives the clause as Debian writes it.
func (c Clause) String() string {
	parts := make([]string, len(c))
	for i, r := range c {
		parts[i] = Written(r)
	}
	return strings.Join(parts, " | ")
}

// Written gives a relation as Debian writes it: "libfoo (>= 2.1)".
func Written(r patch.Relation) string {
	if r.Op == "" {
		return r.Name
	}
	return r.Name + " (" + r.Op + " " + r.Version + ")"
}

// Holds says whether a version satisfies a relation, as dpkg compares. An empty version, that of a virtual package without one, satisfies
// only a relation that asks for none. What is no operator holds for nothing; the obsolete < and > mean <= and >=.
func Holds(r patch.Relation, v string) bool {
	if r.Op == "" || v == "" {
		return r.Op == ""
	}
	c := version.DpkgCompare(v, r.Version)
	switch r.Op {
	case "=":
		return c == 0
	case ">=", ">":
		return c >= 0
	case "<=", "<":
		return c <= 0
	case ">>":
		return c > 0
	case "<<":
		return c < 0
	}
	return false
}

// Provides says whether a package whose field Provides is given satisfies a relation by it. A relation that asks for a version is satisfied
// only by a package that provides one, and Debian knows exact ones only.
func Provides(field string, r patch.Relation) bool {
	if !strings.Contains(field, r.Name) {
		return false
	}
	for name, v := range Provided(field) {
		if name == r.Name && Holds(r, v) {
			return true
		}
	}
	return false
}

// Provided visits what a field Provides names, each with its version; empty where it has none.
func Provided(field string) iter.Seq2[string, string] {
	return func(yield func(name, version string) bool) {
		if field == "" {
			return
		}
		for member := range strings.SplitSeq(field, ",") {
			p, ok := ParseRelation(member)
			if ok && (p.Op == "" || p.Op == "=") && !yield(p.Name, p.Version) {
				return
			}
		}
	}
}

// ParseClauses reads a dependency field. A clause that is not understood completely is left out: nothing can be said about it.
// Architecture qualifiers are dropped, so that a package of any architecture satisfies a relation.
func ParseClauses(field string) (out []Clause) {
	for member := range strings.SplitSeq(field, ",") {
		if c := parseClause(member); c != nil {
			out = append(out, c)
		}
	}
	return out
}

func parseClause(member string) (c Clause) {
	for alternative := range strings.SplitSeq(member, "|") {
		r, ok := ParseRelation(alternative)
		if !ok {
			return nil
		}
		c = append(c, r)
	}
	return c
}

// ParseRelation reads one alternative of a clause: "libfoo:any (>= 2.1)".
func ParseRelation(s string) (r patch.Relation, ok bool) {
	s = strings.TrimSpace(s)
	name, bound, bounded := strings.Cut(s, "(")
	name, arch, _ := strings.Cut(strings.TrimSpace(name), ":")
	r.Name = name
	if !ValidName(name) || arch != "" && !ValidArch(arch) {
		return r, false
	}
	if !bounded {
		return r, true
	}
	bound, closed := strings.CutSuffix(bound, ")")
	bound = strings.TrimSpace(bound)
	n := len(bound) - len(strings.TrimLeft(bound, "<>="))
	r.Op, r.Version = bound[:n], strings.TrimSpace(bound[n:])
	switch r.Op {
	case "=", ">=", ">", ">>", "<=", "<", "<<":
		return r, closed && ValidVersion(r.Version)
	}
	return r, false
}
