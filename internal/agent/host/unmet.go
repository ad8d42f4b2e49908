package host

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// statusFile is the live package database.
const statusFile = "/var/lib/dpkg/status"

// node is one package as the explanation of a failed simulation sees it.
type node struct {
	name, version string
	held, ours    bool // ours: from the order, not from the machine
	needs, breaks []debian.Clause
	provides      string
}

func readNode(paragraph []byte) node {
	n := node{name: fieldOf(paragraph, "Package"), version: fieldOf(paragraph, "Version")}
	n.needs = append(debian.ParseClauses(fieldOf(paragraph, "Pre-Depends")), debian.ParseClauses(fieldOf(paragraph, "Depends"))...)
	n.breaks = append(debian.ParseClauses(fieldOf(paragraph, "Breaks")), debian.ParseClauses(fieldOf(paragraph, "Conflicts"))...)
	n.provides = fieldOf(paragraph, "Provides")
	return n
}

// fieldOf gives a field of a paragraph with its continuation lines joined.
func fieldOf(paragraph []byte, name string) string {
	var out []byte
	in := false
	for line := range bytes.Lines(paragraph) {
		if line[0] == ' ' || line[0] == '\t' {
			if in {
				out = append(append(out, ' '), bytes.TrimSpace(line)...)
			}
			continue
		}
		key, value, _ := bytes.Cut(line, []byte(":"))
		if in = bytes.EqualFold(key, []byte(name)); in {
			out = bytes.TrimSpace(value)
		}
	}
	return string(out)
}

// puzzle is the machine with the wanted packages laid over it.
type puzzle struct {
	world   map[string]node // by name; other architectures are left out
	allowed map[string]node
}

// unmet says which package stands in the way of installing want, in one sentence; it brings along what is allowed, as apt would.
// It is an explanation of apt's refusal and never a permission. Empty means that it found nothing.
func unmet(status, native string, want, allowed []Staged) string {
	p := puzzle{world: map[string]node{}, allowed: map[string]node{}}
	b, err := os.ReadFile(status)
	if err != nil {
		return ""
	}
	for paragraph := range bytes.SplitSeq(b, []byte("\n\n")) {
		arch, state := fieldOf(paragraph, "Architecture"), fieldOf(paragraph, "Status")
		if !bytes.HasSuffix([]byte(state), []byte(" installed")) || arch != native && arch != "all" {
			continue
		}
		n := readNode(paragraph)
		n.held = bytes.HasPrefix([]byte(state), []byte("hold "))
		p.world[n.name] = n
	}
	for _, s := range allowed {
		n := readNode(s.Stanza)
		n.ours = true
		p.allowed[n.name] = n
	}
	for _, s := range want {
		p.world[s.Name] = p.allowed[s.Name]
	}
	for range len(allowed) + 1 {
		why, moved := p.turn()
		if !moved {
			return why
		}
	}
	return ""
}

// turn looks for the first thing that does not fit. Where the order has the answer it is laid over the world, and moved is true.
func (p *puzzle) turn() (why string, moved bool) {
	names := make([]string, 0, len(p.world))
	for name := range p.world {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		n := p.world[name]
		for _, c := range n.needs {
			if (n.ours || p.touches(c)) && !p.satisfied(c) {
				return p.resolveNeed(n, c)
			}
		}
		for _, c := range n.breaks {
			if other, ok := p.world[c[0].Name]; ok && (n.ours || other.ours) && other.name != n.name && debian.Holds(c[0], other.version) {
				return p.resolveBreak(n, other, c[0])
			}
		}
	}
	return "", false
}

// touches says whether a clause is about a package that comes from the order.
func (p *puzzle) touches(c debian.Clause) bool {
	return slices.ContainsFunc(c, func(r patch.Relation) bool { return p.world[r.Name].ours })
}

func (p *puzzle) satisfied(c debian.Clause) bool {
	for _, r := range c {
		if n, ok := p.world[r.Name]; ok && debian.Holds(r, n.version) {
			return true
		}
		for _, n := range p.world {
			if debian.Provides(n.provides, r) {
				return true
			}
		}
	}
	return false
}

func (p *puzzle) resolveNeed(n node, c debian.Clause) (string, bool) {
	for _, r := range c {
		if from, ok := p.allowed[r.Name]; ok && !p.world[r.Name].ours && debian.Holds(r, from.version) && !p.world[r.Name].held {
			p.world[r.Name] = from
			return "", true
		}
	}
	if n.ours {
		if old, ok := p.world[c[0].Name]; ok && old.held {
			return fmt.Sprintf("%s %s needs %s, and %s is held on this machine (apt-mark hold) at %s", n.name, n.version, c, old.name, old.version), false
		}
		return fmt.Sprintf("%s %s needs %s, which is not in this order", n.name, n.version, c), false
	}
	return p.follow(n, fmt.Sprintf("%s %s, which is installed, needs %s", n.name, n.version, c))
}

// follow replaces an installed package that stands in the way by its update of the same order, or says that there is none.
func (p *puzzle) follow(n node, why string) (string, bool) {
	next, ok := p.allowed[n.name]
	switch {
	case n.held:
		return why + ", and it is held on this machine (apt-mark hold)", false
	case !ok || version.DpkgCompare(next.version, n.version) <= 0:
		return why + ", and an update of " + n.name + " is not in this order", false
	}
	p.world[n.name] = next
	return "", true
}

func (p *puzzle) resolveBreak(n, other node, r patch.Relation) (string, bool) {
	if n.ours && !other.ours {
		return p.follow(other, fmt.Sprintf("%s %s does not go together with %s, and %s is installed", n.name, n.version, debian.Written(r), other.version))
	}
	return p.follow(n, fmt.Sprintf("%s %s, which is installed, does not go together with %s %s", n.name, n.version, other.name, other.version))
}
