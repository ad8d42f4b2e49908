package oval

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// Metadata is what a definition says for people.
type Metadata struct {
	Title    string
	Severity patch.Severity
	CVSS     float64  // the highest base score of its CVEs; 0 where the vendor gives none
	CVEs     []string // sorted, each once
	// Advisory is the vendor's own name of it: "USN-5900-2", "RHSA-2024:1234"; empty where there is none.
	Advisory  string
	Family    string   // of the affected systems: "unix", "windows"
	Platforms []string // the vendor's words: "Debian GNU/Linux 12"
	Products  []string
	Released  time.Time
}

const (
	maxTitle     = 300
	maxCVEs      = 2000
	maxPlatforms = 200
)

var cveID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,10}$`) })

func (p *parser) metadata(e *element) Metadata {
	m := Metadata{Title: clip(e.child("title").words(), maxTitle)}
	for i := range e.of {
		switch c := &e.of[i]; c.name {
		case "affected":
			m.Family = p.word(c.attr("family"))
			m.Platforms = append(m.Platforms, p.texts(c, "platform")...)
			m.Products = append(m.Products, p.texts(c, "product")...)
		case "reference":
			m.refer(c.attr("source"), c.attr("ref_id"))
		}
	}
	m.vendor(e, 0)
	slices.Sort(m.CVEs)
	m.CVEs = slices.Compact(m.CVEs)
	return m
}

func (p *parser) texts(e *element, name string) []string {
	var out []string
	for i := range e.of {
		if e.of[i].name == name && len(out) < maxPlatforms {
			out = append(out, p.word(clip(e.of[i].words(), maxTitle)))
		}
	}
	return out
}

func (m *Metadata) refer(source, id string) {
	switch {
	case cveID().MatchString(id):
		m.addCVE(id)
	case m.Advisory == "" && id != "" && len(id) < 64 && !strings.EqualFold(source, "CVE"):
		m.Advisory = id
	}
}

func (m *Metadata) addCVE(id string) {
	if len(m.CVEs) < maxCVEs {
		m.CVEs = append(m.CVEs, id)
	}
}

// vendor looks for what vendors add to the metadata in elements of their own: severities, dates and CVEs.
//
//	Ubuntu, Red Hat, Oracle, SUSE   advisory/severity, advisory/issued@date, advisory/cve
//	Red Hat, Oracle, SUSE           advisory/cve@cvss3: "7.5/CVSS:3.1/…"
//	Ubuntu                          advisory/cve@cvss_score
//	Debian                          debian/date
//	Azure Linux                     severity, advisory_date
//	MITRE's repository              oval_repository/dates/submitted@date
func (m *Metadata) vendor(e *element, depth int) {
	for i := range e.of {
		c := &e.of[i]
		switch c.name {
		case "severity":
			m.Severity = worse(m.Severity, severity(c.words()))
		case "cve":
			if id := c.words(); cveID().MatchString(id) {
				m.addCVE(id)
			}
			if m.Severity == patch.NotGiven {
				m.Severity = severity(c.attr("priority"))
			}
			m.CVSS = max(m.CVSS, advisory.ScoreOf(c.attr("cvss3")), advisory.ScoreOf(c.attr("cvss_score")))
		case "issued", "submitted":
			m.dated(c.attr("date"))
		case "date", "advisory_date", "public_date":
			m.dated(c.words())
		}
		if depth < 3 {
			m.vendor(c, depth+1)
		}
	}
}

func (m *Metadata) dated(s string) {
	if m.Released.IsZero() {
		m.Released = moment(s)
	}
}

// moment reads a time as vendors write it; zero where it is none.
func moment(s string) time.Time {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// severity gives one of our words for a vendor's.
func severity(word string) patch.Severity {
	switch strings.ToLower(word) {
	case "negligible", "minor": // Ubuntu, SUSE
		return patch.Low
	}
	return advisory.Severity(word)
}

func worse(a, b patch.Severity) patch.Severity {
	order := []patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}

// clip bounds a text for people.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
