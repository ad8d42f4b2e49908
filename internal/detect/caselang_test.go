package detect

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

func parseScripts(t *testing.T, file, text string) []script {
	t.Helper()
	var out []script
	var s *script
	block := ""
	for i, line := range strings.Split(text, "\n") {
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case !indented && word == "case":
			out = append(out, script{title: rest})
			s = &out[len(out)-1]
			s.setOS("debian-12-amd64")
		case s == nil:
			t.Fatalf("%s:%d: this belongs to no case", file, i+1)
		case !indented && word == "os":
			s.setOS(rest)
		case !indented && word == "scheme":
			s.scheme = version.Scheme(rest)
		case !indented && word == "machine":
			block = "machine"
		case !indented && word == "patch":
			block = "patch"
			s.defs = append(s.defs, Definition{ID: patch.ID(rest)})
		case !indented && word == "eval":
			block = "eval"
			s.evals = append(s.evals, expectation{line: i + 1, id: patch.ID(rest)})
		case indented && block == "machine" && word == "module":
			w := append(strings.Fields(rest), "")
			name, stream, _ := strings.Cut(w[0], ":")
			s.facts.Modules = append(s.facts.Modules, patch.Module{Name: name, Stream: stream, State: w[1]})
		case indented && block == "machine":
			s.facts.Packages = append(s.facts.Packages, parsePackage(t, file, i+1, line, s.facts.OS.Arch))
		case indented && block == "patch":
			parsePatchLine(t, file, i+1, line, &s.defs[len(s.defs)-1])
		case indented && block == "eval":
			s.evals[len(s.evals)-1].take(word, rest)
		default:
			t.Fatalf("%s:%d: %q means nothing here", file, i+1, line)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].facts.Packages, func(a, b patch.Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	}
	return out
}

// setOS names the host OS of signatures and machine; its family decides how versions are ordered.
func (s *script) setOS(key string) {
	s.os, s.facts.OS.Key = patch.HostOS(key), patch.HostOS(key)
	s.facts.OS.Arch = key[strings.LastIndexByte(key, '-')+1:]
	s.scheme = version.Dpkg
	for prefix, scheme := range map[string]version.Scheme{"almalinux": version.RPM, "rocky": version.RPM, "rhel": version.RPM, "fedora": version.RPM,
		"sles": version.RPM, "alpine": version.APK, "windows": version.Windows, "macos": version.MacOS} {
		if strings.HasPrefix(key, prefix+"-") {
			s.scheme = scheme
		}
	}
}

func (e *expectation) take(word, rest string) {
	switch word {
	case "because":
		e.because = append(e.because, rest)
	case "package":
		e.packages = append(e.packages, rest)
	case "says":
		e.says = append(e.says, rest)
	default:
		e.verdict, e.code = word, rest
	}
}

func parsePackage(t *testing.T, file string, line int, text, arch string) patch.Package {
	t.Helper()
	words := strings.Fields(text)
	p := patch.Package{State: patch.Installed, Arch: arch}
	if name, a, ok := strings.Cut(words[0], ":"); ok {
		p.Name, p.Arch = name, a
	} else {
		p.Name = name
	}
	for i, w := range words[1:] {
		switch {
		case i == 0:
			p.Version = w
		case w == "held":
			p.Held = true
		case strings.HasPrefix(w, "module="):
			p.Module = strings.TrimPrefix(w, "module=")
		case w == "removed" || w == "broken":
			p.State = patch.PackageState(w)
		default:
			t.Fatalf("%s:%d: %q is no state", file, line, w)
		}
	}
	p.Source, p.SourceVersion = p.Name, p.Version
	return p
}

func parsePatchLine(t *testing.T, file string, line int, text string, d *Definition) {
	t.Helper()
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "unclear":
		d.Unclear = rest
	case "prerequisite", "installed":
		p := exprParser{tokens: strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(rest))}
		e := p.expr()
		if p.bad || len(p.tokens) > 0 {
			t.Fatalf("%s:%d: %q is no expression", file, line, rest)
		}
		if word == "installed" {
			d.Installed = &e
		} else {
			d.Prerequisite = &e
		}
	default:
		name, arch, _ := strings.Cut(word, ":")
		rest, module, _ := strings.Cut(rest, " module=")
		d.Packages = append(d.Packages, PackageRule{Name: name, Arch: arch, Version: strings.TrimSpace(rest), Module: module})
	}
}

type exprParser struct {
	tokens []string
	bad    bool
}

func (p *exprParser) next() string {
	if len(p.tokens) == 0 {
		p.bad = true
		return ")"
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *exprParser) expr() Expr {
	p.bad = p.bad || p.next() != "("
	word := p.next()
	switch word {
	case "and", "or", "not", "one", "xor", "applies":
		var of []Expr
		for !p.bad && len(p.tokens) > 0 && p.tokens[0] == "(" {
			of = append(of, p.expr())
		}
		p.bad = p.bad || p.next() != ")"
		return Expr{Op: map[string]Op{"and": OpAnd, "or": OpOr, "not": OpNot, "one": OpOne, "xor": OpXor, "applies": OpApplies}[word], Of: of}
	}
	var args []string
	for a := p.next(); a != ")" && !p.bad; a = p.next() {
		args = append(args, a)
	}
	if word == "unclear" {
		return Expr{Op: OpUnclear, Text: strings.Join(args, " ")}
	}
	kind := map[string]TestKind{"installed": TestInstalled, "version": TestVersion, "held": TestHeld, "state": TestState, "movable": TestMovable}[word]
	if p.bad = p.bad || kind == 0 || len(args) == 0; p.bad {
		return Expr{}
	}
	name, arch, _ := strings.Cut(args[0], ":")
	return Is(Test{Kind: kind, Name: name, Arch: arch, Operand: strings.Join(args[1:], " ")})
}
