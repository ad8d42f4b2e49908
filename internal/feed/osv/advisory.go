package osv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// MaxAdvisory bounds one JSON file in bytes; the largest real one of a distribution has 2 MB.
const MaxAdvisory = 8 << 20

// maxCommas bounds how many values a file can hold, before memory is taken for them.
const maxCommas = 200_000

// Advisory is one OSV entry, as far as it matters here.
type Advisory struct {
	ID        string     `json:"id"`
	Summary   string     `json:"summary"`
	Aliases   []string   `json:"aliases"`
	Related   []string   `json:"related"`
	Upstream  []string   `json:"upstream"`
	Published time.Time  `json:"published"`
	Modified  time.Time  `json:"modified"`
	Withdrawn *time.Time `json:"withdrawn"`
	Affected  []Affected `json:"affected"`
	Severity  []Severity `json:"severity"`
	Database  Database   `json:"database_specific"`
}

// Database is what some databases add: the vendor's word for the severity.
type Database struct {
	Severity string `json:"severity"`
}

// Severity is a rating, "CVSS_V3" with a vector.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Affected is one package that an advisory is about.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges []Range `json:"ranges"`
	Arch   struct {
		Arch string `json:"arch"`
	} `json:"ecosystem_specific"`
}

// Range is a sequence of versions in which the fault comes and goes.
type Range struct {
	Type   string  `json:"type"` // "ECOSYSTEM", "SEMVER", "GIT"
	Events []Event `json:"events"`
}

// Event is one turn of a range: exactly one field is set.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// Parse reads one JSON file.
func Parse(r io.Reader) (Advisory, error) {
	var a Advisory
	b, err := io.ReadAll(io.LimitReader(r, MaxAdvisory+1))
	if err != nil {
		return a, err
	}
	if len(b) > MaxAdvisory {
		return a, patch.Errorf(patch.Exhausted, "the file has more than %d bytes", MaxAdvisory)
	}
	if bytes.Count(b, []byte{','}) > maxCommas {
		return a, patch.Errorf(patch.Exhausted, "the file holds more than %d values", maxCommas)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, patch.Errorf(patch.Invalid, "the file is not an OSV advisory: %w", err)
	}
	if a.ID = word(a.ID); a.ID == "" {
		return a, patch.Errorf(patch.Invalid, "the advisory has no usable identifier")
	}
	return a, nil
}

// window is a span of versions that have the fault: from introduced ("" for ever) up to, and without, fixed.
type window struct{ introduced, fixed string }

// windows reads a package's ranges. A span that nothing ends is no patch and left out. Ranges that are not of the distribution's own
// versions are an error.
func (a *Affected) windows() ([]window, error) {
	var all []window
	for _, r := range a.Ranges {
		if r.Type != "ECOSYSTEM" {
			return nil, fmt.Errorf("it tells the affected versions of %s as %.20q, not in the distribution's own versions", line(a.Package.Name), r.Type)
		}
		open := false
		var w window
		for _, e := range r.Events {
			switch {
			case e.Introduced != "":
				open, w = true, window{introduced: e.Introduced}
				if w.introduced == "0" {
					w.introduced = ""
				}
			case e.Fixed != "" && open:
				w.fixed, open = e.Fixed, false
				all = append(all, w)
			case e.Fixed != "":
				return nil, fmt.Errorf("it gives a fixed version of %s before the version that brought the fault", line(a.Package.Name))
			}
		}
	}
	return all, nil
}

// severity gives the vendor's word, from wherever the advisory has it.
func (a *Advisory) severity() patch.Severity {
	for _, s := range []patch.Severity{advisory.Severity(a.Database.Severity), advisory.SeverityOfTitle(a.Summary)} {
		if s != patch.NotGiven {
			return s
		}
	}
	for _, s := range a.Severity {
		if strings.EqualFold(s.Type, "Ubuntu") || s.Type == "" {
			continue
		}
		if rated := rate(s.Score); rated != patch.NotGiven {
			return rated
		}
	}
	return patch.NotGiven
}

// cves are the CVEs among all the names that the advisory knows.
func (a *Advisory) cves() []string {
	var all []string
	for _, list := range [][]string{a.Aliases, a.Related, a.Upstream} {
		for _, name := range list {
			if strings.HasPrefix(name, "CVE-") && word(name) != "" {
				all = append(all, name)
			}
		}
	}
	return all
}

// security tells whether it is about a vulnerability: databases of advisories hold bug fixes and enhancements as well.
func (a *Advisory) security() bool {
	id := strings.ToUpper(a.ID)
	for _, mark := range []string{"BA-", "EA-", "-RU-", "-FU-", "-OU-"} {
		if strings.Contains(id, mark) {
			return false
		}
	}
	return true
}

// word keeps a name as it is, if it can be one, else nothing.
func word(s string) string {
	if len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return s
}

// line makes one short line of a vendor's text.
func line(s string) string {
	const short = 300
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), short)], ""))
	return strings.Join(strings.Fields(s), " ")
}
