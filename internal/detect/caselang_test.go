package detect

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// reader reads the case language, which testdata/README.md describes.
type reader struct {
	t        *testing.T
	file     string
	line     int
	out      []script
	block    string
	archives map[string]candidate.Archive
}

func parseScripts(t *testing.T, file, text string) []script {
	t.Helper()
	r := reader{t: t, file: file}
	for i, line := range strings.Split(text, "\n") {
		r.line = i + 1
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case !indented && word == "case":
			r.out, r.archives = append(r.out, script{title: rest}), map[string]candidate.Archive{}
			r.last().setOS("debian-12-amd64")
		case len(r.out) == 0:
			r.fail("%q belongs to no case", line)
		case indented:
			r.inBlock(r.last(), word, strings.TrimSpace(rest), line)
		default:
			r.begin(r.last(), word, strings.TrimSpace(rest))
		}
	}
	for i := range r.out {
		slices.SortStableFunc(r.out[i].facts.Packages, func(a, b patch.Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	}
	return r.out
}

func (r *reader) last() *script { return &r.out[len(r.out)-1] }

func (r *reader) fail(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s:%d: "+format, append([]any{r.file, r.line}, args...)...)
}

// begin takes a line that is not indented.
func (r *reader) begin(s *script, word, rest string) {
	switch r.block = word; word {
	case "os":
		s.setOS(rest)
	case "catalog":
		s.os = patch.HostOS(rest)
	case "scheme":
		s.scheme = version.Scheme(rest)
	case "machine":
	case "archive":
		r.archive(r.words(rest))
	case "patch":
		s.defs = append(s.defs, Definition{ID: patch.ID(rest)})
	case "eval":
		s.evals = append(s.evals, expectation{line: r.line, id: patch.ID(rest)})
	default:
		r.fail("%q means nothing here", word)
	}
}

// inBlock takes an indented line.
func (r *reader) inBlock(s *script, word, rest, line string) {
	switch r.block {
	case "machine":
		r.machine(s, word, rest, line)
	case "patch":
		r.patch(&s.defs[len(s.defs)-1], word, rest, line)
	case "eval":
		s.evals[len(s.evals)-1].take(word, rest)
	default:
		r.fail("%q belongs to no machine, patch or eval", line)
	}
}

// setOS names the host OS of signatures and machine; its family decides how versions are ordered.
func (s *script) setOS(key string) {
	s.os, s.facts.OS.Key = patch.HostOS(key), patch.HostOS(key)
	s.facts.OS.Arch = key[strings.LastIndexByte(key, '-')+1:]
	s.scheme, s.facts.OS.Manager = version.Dpkg, "dpkg"
	for prefix, scheme := range map[string]version.Scheme{"almalinux": version.RPM, "rocky": version.RPM, "rhel": version.RPM, "fedora": version.RPM,
		"sles": version.RPM, "alpine": version.APK, "windows": version.Windows, "macos": version.MacOS} {
		if strings.HasPrefix(key, prefix+"-") {
			s.scheme, s.facts.OS.Manager = scheme, map[version.Scheme]string{version.RPM: "rpm", version.APK: "apk"}[scheme]
		}
	}
}

func (r *reader) machine(s *script, word, rest, line string) {
	words := r.words(rest)
	switch word {
	case "manager":
		s.facts.OS.Manager = rest
	case "module":
		name, stream, _ := strings.Cut(words[0], ":")
		s.facts.Modules = append(s.facts.Modules, patch.Module{Name: name, Stream: stream, State: words[len(words)-1]})
	case "has":
		s.source.items = append(s.source.items, r.item(words))
	case "cannot":
		s.source.refused = append(s.source.refused, r.item(words))
	case "policy":
		if s.facts.Apt == nil {
			s.facts.Apt = &patch.AptPolicy{}
		}
		r.apt(s.facts.Apt, words)
	default:
		s.facts.Packages = append(s.facts.Packages, r.pkg(line, s.facts.OS.Arch))
	}
}

func (r *reader) pkg(line, arch string) patch.Package {
	words := r.words(line)
	p := patch.Package{State: patch.Installed, Arch: arch}
	if name, a, ok := strings.Cut(words[0], ":"); ok {
		p.Name, p.Arch = name, a
	} else {
		p.Name = name
	}
	p.Source = p.Name
	for i, w := range words[1:] {
		option, value, _ := strings.Cut(w, "=")
		switch {
		case i == 0:
			p.Version, p.SourceVersion = w, w
		case w == "held":
			p.Held = true
		case w == "removed" || w == "broken":
			p.State = patch.PackageState(w)
		case option == "module":
			p.Module = value
		case option == "signer":
			p.Signer = value
		case option == "source":
			p.Source, p.SourceVersion, _ = strings.Cut(value, "/")
		default:
			r.fail("%q says nothing about a package", w)
		}
	}
	return p
}

func (r *reader) apt(a *patch.AptPolicy, words []string) {
	switch {
	case words[0] == "pin" && len(words) == 4:
		priority, err := strconv.Atoi(words[3])
		if err != nil {
			r.fail("%q is not a priority", words[3])
		}
		a.Pins = append(a.Pins, patch.AptPin{Packages: words[1], Pin: words[2], Priority: priority, File: "/etc/apt/preferences"})
	case words[0] == "source" && len(words) == 2:
		a.Sources = append(a.Sources, patch.AptSource{Suite: words[1]})
	case words[0] == "machine-id" && len(words) == 2:
		a.MachineID = words[1]
	case words[0] == "phasing" && len(words) == 2:
		a.Phasing = words[1]
	case words[0] == "default-release" && len(words) == 2:
		a.DefaultRelease = words[1]
	default:
		r.fail("%q is nothing that apt can be told", strings.Join(words, " "))
	}
}

// archive declares where packages come from: SUITE[/COMPONENT] WORD…
func (r *reader) archive(words []string) {
	suite, component, _ := strings.Cut(words[0], "/")
	a := candidate.Archive{Suite: suite, Component: component, Arch: r.last().facts.OS.Arch, Site: "archive.example", Release: patch.Release{Suite: suite, Codename: suite}}
	for _, w := range words[1:] {
		option, value, _ := strings.Cut(w, "=")
		switch option {
		case "not-automatic":
			a.Release.NotAutomatic = true
		case "but-automatic-upgrades":
			a.Release.ButAutomaticUpgrades = true
		case "origin":
			a.Release.Origin = value
		case "label":
			a.Release.Label = value
		default:
			r.fail("%q says nothing about an archive", w)
		}
	}
	r.archives[words[0]] = a
}

func (r *reader) patch(d *Definition, word, rest, line string) {
	switch word {
	case "unclear":
		d.Unclear = rest
	case "prerequisite":
		d.Prerequisite = r.expr(rest)
	case "installed":
		d.Installed = r.expr(rest)
	case "needed": // as OVAL says it: one tree for what must be there, one for what is wrong with it
		not := Not(*r.expr(rest))
		d.Installed = &not
	default:
		d.Packages = append(d.Packages, r.rule(line))
	}
}

func (r *reader) rule(line string) PackageRule {
	words := r.words(line)
	rule := PackageRule{}
	rule.Name, rule.Arch, _ = strings.Cut(words[0], ":")
	var version []string
	for _, w := range words[1:] {
		option, value, _ := strings.Cut(w, "=")
		switch option {
		case "module":
			rule.Module = value
		case "from":
			a, ok := r.archives[value]
			if !ok {
				r.fail("no archive is called %q", value)
			}
			rule.From = &Provenance{Archive: a, Phased: 100}
		case "phased":
			percent, err := strconv.Atoi(value)
			if err != nil || rule.From == nil {
				r.fail("phased=PERCENT follows from=ARCHIVE")
			}
			rule.From.Phased = percent
		default:
			version = append(version, w)
		}
	}
	rule.Version = strings.Join(version, " ")
	return rule
}

func (e *expectation) take(word, rest string) {
	switch word {
	case "because":
		e.because = append(e.because, rest)
	case "package":
		e.packages = append(e.packages, rest)
	case "says":
		e.says = append(e.says, rest)
	case "from":
		e.from = append(e.from, rest)
	default:
		e.verdict, e.code = word, rest
	}
}
