package host

import (
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/version"
)

// relation is one alternative of a dependency: "libfoo (>= 2.1)".
type relation struct {
	name, op, version string
}

// String gives the relation as Debian writes it.
func (r relation) String() string {
	if r.op == "" {
		return r.name
	}
	return r.name + " (" + r.op + " " + r.version + ")"
}

// met says whether a version satisfies the relation. A virtual package without a version satisfies only an unversioned one.
func (r relation) met(v string) bool {
	if r.op == "" {
		return true
	}
	if v == "" {
		return false
	}
	c := version.DpkgCompare(v, r.version)
	switch r.op {
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
	default:
		return false
	}
}

// clause is a comma-separated member of a dependency field: its alternatives.
type clause []relation

// String gives the clause as Debian writes it.
func (c clause) String() string {
	parts := make([]string, len(c))
	for i, r := range c {
		parts[i] = r.String()
	}
	return strings.Join(parts, " | ")
}

// readClauses reads a dependency field. Architecture qualifiers are left out: this is for explaining, apt is the judge.
func readClauses(field string) []clause {
	var out []clause
	for member := range strings.SplitSeq(field, ",") {
		var c clause
		for alternative := range strings.SplitSeq(member, "|") {
			if r, ok := readRelation(strings.TrimSpace(alternative)); ok {
				c = append(c, r)
			}
		}
		if len(c) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func readRelation(s string) (relation, bool) {
	name, rest, _ := strings.Cut(s, "(")
	name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
	name, _, _ = strings.Cut(name, ":")
	r := relation{name: name}
	inside, _, ok := strings.Cut(rest, ")")
	if ok {
		inside = strings.TrimSpace(inside)
		n := len(inside) - len(strings.TrimLeft(inside, "<>="))
		r.op, r.version = inside[:n], strings.TrimSpace(inside[n:])
	}
	return r, debian.ValidName(r.name)
}
