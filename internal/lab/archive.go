package lab

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Archive is the Debian archive as this machine's own apt configuration names it.
type Archive struct {
	Sources []Source
	// IgnoreExpiry is set where the machine's apt does not check Valid-Until, as with a frozen mirror.
	IgnoreExpiry bool
}

// Source is one suite of an archive with its components.
type Source struct {
	URI        string
	Suite      string
	Components []string
}

// Line is the source in apt's one-line form.
func (s Source) Line() string {
	return fmt.Sprintf("deb %s %s %s", s.URI, s.Suite, strings.Join(s.Components, " "))
}

// ReadArchive asks apt for the binary indexes that this machine is configured with.
func ReadArchive(ctx context.Context) (Archive, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Identifier: Packages").Output()
	if err != nil {
		return Archive{}, fmt.Errorf("cannot read this machine's apt sources: %w", err)
	}
	var a Archive
	at := map[string]int{}
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		if len(f) != 3 {
			continue
		}
		key := f[0] + " " + f[1]
		i, known := at[key]
		if !known {
			i = len(a.Sources)
			at[key] = i
			a.Sources = append(a.Sources, Source{URI: strings.TrimSuffix(f[0], "/"), Suite: f[1]})
		}
		a.Sources[i].Components = append(a.Sources[i].Components, f[2])
	}
	a.IgnoreExpiry = expiryIgnored(ctx)
	return a, nil
}

func expiryIgnored(ctx context.Context) bool {
	out, err := exec.CommandContext(ctx, "apt-config", "dump", "Acquire::Check-Valid-Until").Output()
	if err != nil {
		return false
	}
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		if _, v, ok := strings.Cut(sc.Text(), `"`); ok {
			switch strings.ToLower(strings.Trim(v, `";`)) {
			case "false", "no", "0", "off":
				return true
			}
		}
	}
	return false
}

// Suite finds one suite's source with only its component main.
func (a Archive) Suite(name string) (Source, error) {
	for _, s := range a.Sources {
		if s.Suite == name {
			return Source{URI: s.URI, Suite: s.Suite, Components: []string{"main"}}, nil
		}
	}
	return Source{}, fmt.Errorf("this machine's apt sources have no suite %q: add it to /etc/apt/sources.list.d and run apt-get update", name)
}

// Suites finds a release's three suites: the release, its security and its updates.
func (a Archive) Suites(release string) ([]Source, error) {
	var out []Source
	for _, name := range []string{release, release + "-security", release + "-updates"} {
		s, err := a.Suite(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
