package advisory

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// notice is one of Ubuntu's, in either form. Its own JSON has Releases, OSV has Affected.
type notice struct {
	ID        string  `json:"id"`
	Title     string  `json:"title"`
	Summary   string  `json:"summary"`
	Timestamp float64 `json:"timestamp"`
	// CVEs are identifiers, some of which are bugs' addresses.
	CVEs     []string `json:"cves"`
	Releases map[string]struct {
		Sources map[string]struct {
			Version string `json:"version"`
		} `json:"sources"`
	} `json:"releases"`

	Published string     `json:"published"`
	Withdrawn string     `json:"withdrawn"`
	Upstream  []string   `json:"upstream"`
	Aliases   []string   `json:"aliases"`
	Related   []string   `json:"related"`
	Affected  []affected `json:"affected"`
	Severity  []rating   `json:"severity"`
}

type rating struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"` // "Ubuntu:22.04:LTS", "Ubuntu:Pro:18.04:LTS", "Debian:12"
		Name      string `json:"name"`
	} `json:"package"`
	Ranges []struct {
		Events []struct {
			Fixed string `json:"fixed"`
		} `json:"events"`
	} `json:"ranges"`
	Severity []rating `json:"severity"`
}

// meter fails where one notice is longer than any real one.
type meter struct {
	r io.Reader
	n int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.n > maxNotice {
		return 0, patch.Errorf(patch.Exhausted, "a notice has more than %d bytes", maxNotice)
	}
	n, err := m.r.Read(p[:min(len(p), maxNotice-m.n+1)])
	m.n += n
	return n, err
}

// database begins an object whose members are notices by their numbers: {"1057-1": {…
var database = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*\{\s*"(?:USN-)?[0-9]+-[0-9]+"\s*:\s*\{`) })

// json reads a notice, several one after the other, an array of them, or a database of them.
func (out *Result) json(in *bufio.Reader) error {
	head, err := in.Peek(256)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	m := &meter{r: in}
	dec := json.NewDecoder(m)
	keyed, several := database().Match(head), len(head) > 0 && head[0] == '['
	if keyed || several {
		if _, err := dec.Token(); err != nil {
			return malformed(err)
		}
	}
	for (keyed || several) && dec.More() || !keyed && !several {
		id := ""
		if keyed {
			key, err := dec.Token()
			if err != nil {
				return malformed(err)
			}
			id, _ = key.(string)
		}
		var n notice
		err := dec.Decode(&n)
		var mistyped *json.UnmarshalTypeError
		switch {
		case errors.Is(err, io.EOF) && !keyed && !several:
			return nil
		case errors.As(err, &mistyped):
			out.Skipped++
		case err != nil:
			return malformed(err)
		default:
			if n.ID == "" {
				n.ID = id
			}
			if err := out.notice(&n); err != nil {
				return err
			}
		}
		m.n = 0
	}
	_, err = dec.Token()
	return malformed(err)
}

func malformed(err error) error {
	if err == nil || patch.KindOf(err) == patch.Exhausted {
		return err
	}
	return patch.Errorf(patch.Invalid, "the notices are not JSON: %w", err)
}

// notice makes a notice's notes.
func (out *Result) notice(n *notice) error {
	id := word(n.ID)
	if id != "" && strings.Trim(id, "0123456789-") == "" {
		id = "USN-" + id
	}
	if id == "" || n.Withdrawn != "" || len(n.Releases)+len(n.Affected) == 0 {
		out.Skipped++
		return nil
	}
	base := patch.Note{Advisory: id, Title: n.Title, Severity: worst(n.Severity), CVSS: score(n.Severity)}
	if base.Title == "" {
		base.Title = n.Summary
	}
	for _, group := range [][]string{{n.ID}, n.CVEs, n.Upstream, n.Aliases, n.Related} {
		for _, name := range group {
			if cve, ok := cveOf(name); ok && len(base.CVEs) < maxCVEs && !slices.Contains(base.CVEs, cve) {
				base.CVEs = append(base.CVEs, cve)
			}
		}
	}
	if n.Timestamp > 0 && n.Timestamp < 1e11 {
		base.Issued = time.Unix(int64(n.Timestamp), 0).UTC()
	} else if at, err := time.Parse(time.RFC3339, n.Published); err == nil {
		base.Issued = at.UTC()
	}
	if _, about := cveOf(id); about { // a CVE's own record is no advisory, but it rates
		base.Advisory, base.Title, base.Issued = "", "", time.Time{}
	}
	return out.fixes(n, base)
}

func (out *Result) fixes(n *notice, base patch.Note) error {
	add := func(release, source, version string, rated []rating) error {
		note := base
		note.Release, note.Source, note.Version = release, source, version
		if s := worst(rated); s != patch.NotGiven {
			note.Severity = s
		}
		if v := score(rated); v > 0 {
			note.CVSS = v
		}
		return out.add(note)
	}
	for _, release := range slices.Sorted(maps.Keys(n.Releases)) {
		sources := n.Releases[release].Sources
		for _, source := range slices.Sorted(maps.Keys(sources)) {
			if v := sources[source].Version; v != "" {
				if err := add(release, source, v, nil); err != nil {
					return err
				}
			}
		}
	}
	for i := range n.Affected {
		a := &n.Affected[i]
		if base.Advisory == "" { // what a CVE is rated at for the package, whichever version fixes it
			if err := add("", a.Package.Name, "", a.Severity); err != nil {
				return err
			}
		}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.Fixed == "" {
					continue
				}
				if err := add(release(a.Package.Ecosystem), a.Package.Name, e.Fixed, a.Severity); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// release is the number in an ecosystem's name; without one, the name is of no release that a machine could have.
func release(ecosystem string) string {
	parts := strings.Split(ecosystem, ":")
	for _, p := range parts[1:] {
		if p != "" && strings.Trim(p, "0123456789.") == "" {
			return p
		}
	}
	return "?"
}

// score is the highest CVSS 3 base score among ratings; 0 where none is one.
func score(ratings []rating) (highest float64) {
	for _, r := range ratings {
		if r.Type == "CVSS_V3" {
			highest = max(highest, advisory.ScoreOf(r.Score))
		}
	}
	return highest
}

// worst is the highest of the vendor's own ratings; vectors are left to those who calculate.
func worst(ratings []rating) patch.Severity {
	var s patch.Severity
	for _, r := range ratings {
		if w := severity(r.Score); rank(w) > rank(s) {
			s = w
		}
	}
	return s
}

func rank(s patch.Severity) int {
	return slices.Index([]patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}, s)
}
