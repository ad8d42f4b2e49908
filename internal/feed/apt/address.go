package apt

import (
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MachineKeyrings lists the keyrings that this machine's own apt trusts, as far as they exist.
func MachineKeyrings() []string {
	var paths []string
	for _, p := range []string{"/usr/share/keyrings/debian-archive-keyring.gpg", "/etc/apt/trusted.gpg.d"} {
		if _, err := os.Stat(p); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// checkFeed gives the address of the suite's directory, with a slash at the end.
func checkFeed(f patch.Feed) (string, error) {
	bad := func(why phrase.Phrase) error {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} cannot be fetched", f.Name), Why: why, Do: "Correct the feed."}
	}
	u, err := url.Parse(f.URI)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", bad("its URI is not of the form https://host/path")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", bad("its URI holds a password, a query or a fragment")
	case !debian.ValidSuite(f.Suite):
		return "", bad(phrase.Format("%.60q is not the name of a suite; repositories without suites are not supported", f.Suite))
	case !debian.ValidArch(f.Arch):
		return "", bad(phrase.Format("%.60q is not an architecture", f.Arch))
	case len(f.Components) == 0 || slices.ContainsFunc(f.Components, func(c string) bool { return !debian.ValidSuite(c) }):
		return "", bad("its components are missing or malformed")
	}
	return strings.TrimRight(f.URI, "/") + "/dists/" + f.Suite + "/", nil
}

// ParseSources is ParseSource for lines that name several architectures, as [arch=amd64,i386]: one feed for each. The first is the
// machines' own, which is arch where the line names it; the others are foreign architectures of the same machines.
func ParseSources(line, arch string) ([]patch.Feed, error) {
	before, list, found := strings.Cut(line, "arch=")
	end := strings.IndexAny(list, " ]")
	if !found || end < 0 || !strings.Contains(list[:end], ",") {
		f, err := ParseSource(line, arch)
		return []patch.Feed{f}, err
	}
	names := strings.Split(list[:end], ",")
	if own := slices.Index(names, arch); own > 0 {
		names[0], names[own] = names[own], names[0]
	}
	feeds := make([]patch.Feed, len(names))
	for i, name := range names {
		f, err := ParseSource(before+"arch="+name+list[end:], arch)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			f.Name += "-" + name
		}
		feeds[i] = f
	}
	return feeds, nil
}

// ParseSource reads a one-line source, "deb [options] URI SUITE COMPONENT…", as a feed. Of the options arch and signed-by count.
func ParseSource(line, arch string) (patch.Feed, error) {
	bad := func(err error) (patch.Feed, error) {
		return patch.Feed{}, &patch.Error{Kind: patch.Invalid, What: phrase.Format("%.120q is not an apt source", line), Err: err, Do: `Write it as "deb URI SUITE COMPONENT…".`}
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
	if !ok {
		return bad(errors.New(`it does not begin with "deb"`))
	}
	f := patch.Feed{Kind: Kind, Arch: arch}
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "[") {
		options, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return bad(errors.New("its options have no end"))
		}
		for option := range strings.FieldsSeq(options) {
			switch k, v, _ := strings.Cut(option, "="); k {
			case "arch":
				f.Arch = v
			case "signed-by":
				f.Keyring = strings.ReplaceAll(v, ",", string(os.PathListSeparator))
			}
		}
		rest = after
	}
	words := strings.Fields(rest)
	if len(words) < 3 {
		return bad(errors.New("it does not name a URI, a suite and a component"))
	}
	f.URI, f.Suite, f.Components = strings.TrimRight(words[0], "/"), words[1], words[2:]
	f.Name = Name(f)
	if _, err := checkFeed(f); err != nil {
		return bad(err)
	}
	return f, nil
}

// Name gives a feed a name of its own from its address: host, path and suite.
func Name(f patch.Feed) string {
	_, rest, _ := strings.Cut(f.URI, "://")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(rest+" "+f.Suite))
	return name
}
