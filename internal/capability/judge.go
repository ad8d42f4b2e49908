package capability

import (
	"iter"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Holder is a package that may satisfy needs.
type Holder struct {
	Name, Version string
	Provides      string // capabilities, one a line; a file of a directory for programs as "bin/name"
	Leaves        bool   // it may be gone when the need is judged, or have become another version
}

// Answer says whether something is there.
type Answer int

// Maybe is nothing to rely on.
const (
	No Answer = iota
	Maybe
	Yes
)

// Provided visits the capabilities of a field Provides.
func Provided(field string) iter.Seq[patch.Relation] {
	return func(yield func(patch.Relation) bool) {
		for line := range strings.SplitSeq(field, "\n") {
			if line != "" && !yield(Relation(line)) {
				return
			}
		}
	}
}

// Program is how a file is kept as a capability: by its name alone, since directories for programs are links to each other on many systems. Other
// files are not kept.
func Program(file string) (capability string, ok bool) {
	dir, name := path.Split(file)
	switch path.Base(dir) {
	case "bin", "sbin":
		return "bin/" + name, name != "" && strings.HasPrefix(file, "/")
	}
	return "", false
}

// Own tells whether a capability is one that every package of a name has by itself, so that it is not kept: "name", "name(x86-64)",
// "config(name)".
func Own(name, capability string) bool {
	rest, found := strings.CutPrefix(capability, name)
	return found && (rest == "" || rest[0] == '(' && strings.HasSuffix(rest, "-64)")) || capability == "config("+name+")"
}

// Untold tells whether nobody can say for sure that a capability is missing: rpm's own, those that are not kept, and files outside the
// directories for programs.
func Untold(name string) bool {
	if strings.HasPrefix(name, "/") {
		_, ok := Program(name)
		return !ok
	}
	return strings.HasPrefix(name, "rpmlib(") || Bundled(name)
}

// Bundled tells the capabilities that no package asks for: they are notes.
func Bundled(name string) bool { return strings.HasPrefix(name, "bundled(") }

// Key is the name under which what satisfies a relation is found among the provided.
func Key(r patch.Relation) string {
	if p, ok := Program(r.Name); ok {
		return p
	}
	return r.Name
}

// Bearers are the names of packages that may satisfy a relation by themselves.
func Bearers(r patch.Relation) []string {
	before, inner, ok := strings.Cut(strings.TrimSuffix(r.Name, ")"), "(")
	switch {
	case !ok:
		return []string{r.Name}
	case before == "config":
		return []string{r.Name, inner}
	}
	return []string{r.Name, before}
}

// has says whether a package satisfies a relation.
func (h *Holder) has(r patch.Relation) Answer {
	if Untold(r.Name) {
		return Maybe
	}
	if r.Name == h.Name {
		if version.RPMOverlap("=", h.Version, r.Op, r.Version) {
			return Yes
		}
	} else if Own(h.Name, r.Name) && version.RPMOverlap("=", h.Version, r.Op, r.Version) {
		return Maybe // of another architecture it is another capability
	}
	key := Key(r)
	if !strings.Contains(h.Provides, key) {
		return No
	}
	for p := range Provided(h.Provides) {
		switch {
		case p.Name != key && p.Name != r.Name:
		case key != r.Name && p.Name == key:
			return Maybe // a program of that name, in whatever directory
		case version.RPMOverlap(p.Op, p.Version, r.Op, r.Version):
			return Yes
		}
	}
	return No
}

// alone says whether one package satisfies an expression by itself.
func (n *Need) alone(h *Holder) Answer {
	switch n.op {
	case "":
		return h.has(n.r)
	case "with", "or":
		out := n.of[0].alone(h)
		for i := range n.of[1:] {
			a := n.of[i+1].alone(h)
			if n.op == "with" {
				out = min(out, a)
			} else {
				out = max(out, a)
			}
		}
		return out
	case "without":
		return min(n.of[0].alone(h), not(n.of[1].alone(h)))
	}
	return Maybe
}

func not(a Answer) Answer { return Yes - a }

// Judge says whether the need is satisfied by some packages together.
func (n *Need) Judge(all []Holder) Answer {
	of := func(i int) Answer {
		if i >= len(n.of) {
			return No
		}
		return n.of[i].Judge(all)
	}
	switch n.op {
	case "and":
		out := Yes
		for i := range n.of {
			out = min(out, of(i))
		}
		return out
	case "or":
		out := No
		for i := range n.of {
			out = max(out, of(i))
		}
		return out
	case "if":
		if len(n.of) == 3 {
			return min(max(of(0), not(of(1))), max(of(2), of(1)))
		}
		return max(of(0), not(of(1)))
	case "unless":
		return max(min(of(0), not(of(1))), min(of(2), of(1)))
	}
	if n.op == "" && Untold(n.r.Name) {
		return Maybe
	}
	out := No
	for i := range all {
		a := n.alone(&all[i])
		if a == Yes && all[i].Leaves {
			a = Maybe
		}
		if out = max(out, a); out == Yes {
			return out
		}
	}
	return out
}
