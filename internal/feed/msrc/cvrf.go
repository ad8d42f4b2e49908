package msrc

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
)

// cvrfWords is a text, which Microsoft wraps in an object in JSON.
type cvrfWords struct {
	Value string `xml:",chardata"`
}

// cvrfVulnerability is one vulnerability of a CVRF document: what of it tells about updates.
type cvrfVulnerability struct {
	CVE          string            `xml:"CVE"`
	Threats      []cvrfThreat      `xml:"Threats>Threat"`
	Remediations []cvrfRemediation `xml:"Remediations>Remediation"`
	Scores       []cvrfScore       `xml:"CVSSScoreSets>ScoreSet" json:"CVSSScoreSets"`
}

// cvrfScore is a rating of some products, or of all.
type cvrfScore struct {
	Base      score    `xml:"BaseScore" json:"BaseScore"`
	BaseV3    score    `xml:"BaseScoreV3" json:"BaseScoreV3"`
	ProductID []string `xml:"ProductID"`
}

// score reads a number from an element's text or from JSON; whatever is none is 0, and spoils no document.
type score float64

// UnmarshalText reads an element.
func (s *score) UnmarshalText(b []byte) error {
	*s = score(advisory.ScoreOf(string(b)))
	return nil
}

// UnmarshalJSON reads a number, or one in quotes.
func (s *score) UnmarshalJSON(b []byte) error { return s.UnmarshalText(bytes.Trim(b, `"`)) }

// scores are the highest base scores by product; that of "" stands for all products.
func (v *cvrfVulnerability) scores() map[string]float64 {
	out := map[string]float64{}
	for _, s := range v.Scores {
		ids := s.ProductID
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			out[id] = max(out[id], float64(s.Base), float64(s.BaseV3))
		}
	}
	return out
}

type cvrfThreat struct {
	Type        json.RawMessage `xml:"-"` // 3 in JSON
	TypeName    string          `xml:"Type,attr" json:"-"`
	Description cvrfWords       `xml:"Description"`
	ProductID   []string        `xml:"ProductID"`
}

type cvrfRemediation struct {
	Type        json.RawMessage `xml:"-"` // 2 in JSON
	TypeName    string          `xml:"Type,attr" json:"-"`
	Description cvrfWords       `xml:"Description"`
	Supercedes  string          `xml:"Supercedence" json:"Supercedence"`
	SubType     string          `xml:"SubType"`
	FixedBuild  string          `xml:"FixedBuild"`
	ProductID   []string        `xml:"ProductID"`
}

type cvrfProduct struct {
	ProductID string `xml:"ProductID,attr"`
	Value     string `xml:",chardata"`
}

// pending is a document while it is read: products may be named after what is said of them.
type pending struct {
	products map[string]string
	released time.Time
	fixes    []fix // product is the ID until the end
	kept     int
}

func (p *pending) vulnerability(v *cvrfVulnerability) error {
	severities := map[string]string{}
	for i := range v.Threats {
		if t := &v.Threats[i]; t.TypeName == "Severity" || strings.Trim(string(t.Type), `"`) == "3" {
			for _, id := range t.ProductID {
				severities[id] = t.Description.Value
			}
		}
	}
	scores := v.scores()
	for i := range v.Remediations {
		r := &v.Remediations[i]
		if kind := strings.Trim(string(r.Type), `"`); r.TypeName != "Vendor Fix" && kind != "2" {
			continue
		}
		for _, id := range r.ProductID {
			f := fix{product: id, kb: clip(r.Description.Value, 100), build: strings.TrimSpace(r.FixedBuild), kind: r.SubType, cve: clip(v.CVE, 30), severity: severity(severities[id]), cvss: max(scores[id], scores[""]), released: p.released}
			if r.Supercedes != "" {
				f.replaces = []string{clip(r.Supercedes, 400)}
			}
			p.fixes = append(p.fixes, f)
			if p.kept += 300; p.kept > maxKept {
				return errTooMuch
			}
		}
	}
	return nil
}

func (p *pending) product(id, name string) error {
	if p.products == nil {
		p.products = map[string]string{}
	}
	p.products[id] = clip(name, 300)
	if p.kept += 200 + len(name); p.kept > maxKept {
		return errTooMuch
	}
	return nil
}

// finish adds what a document said.
func (p *pending) finish(s *Set) error {
	for _, f := range p.fixes {
		f.product, f.released = p.products[f.product], p.released
		if err := s.add(f); err != nil {
			return err
		}
	}
	return nil
}

// meter stops a decoder that reads too much for one value.
type meter struct {
	r     io.Reader
	value int
	total int64
}

func (m *meter) Read(b []byte) (int, error) {
	if m.value > maxValue || m.total > maxDocument {
		return 0, errTooMuch
	}
	n, err := m.r.Read(b)
	m.value += n
	m.total += int64(n)
	return n, err
}

// cvrfJSON reads a document member by member, so that only one vulnerability is in memory.
func (p *pending) cvrfJSON(m *meter, dec *json.Decoder, member string) error {
	switch member {
	case "DocumentTracking":
		var t struct{ InitialReleaseDate, CurrentReleaseDate string }
		if err := dec.Decode(&t); err != nil {
			return err
		}
		p.released = moment(t.InitialReleaseDate)
		if p.released.IsZero() {
			p.released = moment(t.CurrentReleaseDate)
		}
		return nil
	case "ProductTree":
		var t struct{ FullProductName []cvrfProduct }
		if err := dec.Decode(&t); err != nil {
			return err
		}
		for _, f := range t.FullProductName {
			if err := p.product(f.ProductID, f.Value); err != nil {
				return err
			}
		}
		return nil
	case "Vulnerability":
		return elements(m, dec, func() error {
			var v cvrfVulnerability
			if err := dec.Decode(&v); err != nil {
				return err
			}
			return p.vulnerability(&v)
		})
	}
	var skipped json.RawMessage
	return dec.Decode(&skipped)
}

// elements reads an array, one element at a time.
func elements(m *meter, dec *json.Decoder, each func() error) error {
	t, err := dec.Token()
	if t != json.Delim('[') || err != nil {
		return errShape(err)
	}
	for dec.More() {
		m.value = 0
		if err := each(); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func (p *pending) cvrfXML(m *meter) error {
	dec := xml.NewDecoder(m)
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		m.value = 0
		t, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "InitialReleaseDate":
			var d string
			if err = dec.DecodeElement(&d, &start); err == nil {
				p.released = moment(d)
			}
		case "FullProductName":
			var f cvrfProduct
			if err = dec.DecodeElement(&f, &start); err == nil {
				err = p.product(f.ProductID, strings.TrimSpace(f.Value))
			}
		case "Vulnerability":
			var v cvrfVulnerability
			if err = dec.DecodeElement(&v, &start); err == nil {
				err = p.vulnerability(&v)
			}
		}
		if err != nil {
			return err
		}
	}
}

func moment(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
