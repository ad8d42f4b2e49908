// Package kev reads catalogs of known exploited vulnerabilities, as CISA publishes them: known_exploited_vulnerabilities.json, or the same as
// CSV. It says which CVEs are known to be exploited, since when, and until when they should be mended.
//
// It judges nothing and belongs to no host OS: whoever looks at a patch asks whether one of its CVEs is known. The file carries no signature,
// so it comes over https or from the appliance itself. An entry that cannot be understood is left out and counted; a file that is cut, or
// that holds fewer entries than it says, is refused as a whole.
package kev

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits of one catalog.
const (
	maxFile    = 16 << 20 // bytes; the real one has 1.5 million
	maxEntries = 200_000
)

// Catalog is what a file says.
type Catalog struct {
	Exploits patch.Exploits
	Dated    time.Time // when it was released; of a CSV the newest entry's date
	Skipped  int       // entries without a CVE that can be one
}

var cveName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,12}$`) })

// Read reads a catalog as JSON or CSV, whichever it is.
func Read(r io.Reader) (Catalog, error) {
	in := bufio.NewReader(&meter{r: r, left: maxFile})
	for {
		b, err := in.Peek(1)
		if err != nil {
			return Catalog{}, malformed("it is empty", err)
		}
		if !slices.Contains([]byte(" \t\r\n\xef\xbb\xbf"), b[0]) {
			break
		}
		_, _ = in.ReadByte()
	}
	c := Catalog{Exploits: patch.Exploits{}}
	b, _ := in.Peek(1)
	var err error
	if b[0] == '{' {
		err = c.json(in)
	} else {
		err = c.csv(in)
	}
	if err == nil && len(c.Exploits) == 0 {
		err = malformed("it names no CVE", nil)
	}
	return c, err
}

func malformed(why string, err error) error {
	return &patch.Error{Kind: patch.Invalid, What: "cannot read the catalog of known exploited vulnerabilities", Why: phrase.Verbatim(why), Err: err}
}

// meter ends a file that is longer than any real one.
type meter struct {
	r    io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, patch.Errorf(patch.Exhausted, "it has more than %d bytes", maxFile)
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// entry is one vulnerability, in the words of the JSON schema and of the CSV's header.
type entry struct {
	CVE        string `json:"cveID"`
	Added      string `json:"dateAdded"`
	Due        string `json:"dueDate"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

func (c *Catalog) add(e entry) error {
	cve := strings.ToUpper(strings.TrimSpace(e.CVE))
	if !cveName().MatchString(cve) {
		c.Skipped++
		return nil
	}
	if len(c.Exploits) == maxEntries {
		return malformed(fmt.Sprintf("it has more than %d entries", maxEntries), nil)
	}
	x := patch.Exploit{CVE: cve, Added: date(e.Added), Due: date(e.Due), Ransomware: strings.EqualFold(strings.TrimSpace(e.Ransomware), "known")}
	if old, twice := c.Exploits[cve]; twice && !old.Due.IsZero() && (x.Due.IsZero() || old.Due.Before(x.Due)) {
		return nil // the earlier date counts
	}
	c.Exploits[cve] = x
	return nil
}

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(s))
	if err != nil || t.Year() < 1999 {
		return time.Time{}
	}
	return t
}

// json walks the document's members; those that are not looked at are skipped.
func (c *Catalog) json(in io.Reader) error {
	dec := json.NewDecoder(in)
	if _, err := dec.Token(); err != nil {
		return malformed("it is not JSON", err)
	}
	said, found := -1, 0
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return malformed("it is cut or no JSON", err)
		}
		switch key {
		case "count":
			err = dec.Decode(&said)
		case "dateReleased":
			var text string
			if err = dec.Decode(&text); err == nil {
				c.Dated, _ = time.Parse(time.RFC3339, text)
			}
		case "vulnerabilities":
			found, err = c.vulnerabilities(dec)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return malformed("it is cut or no JSON", err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return malformed("it is cut", err)
	}
	if said >= 0 && said != found {
		return malformed(fmt.Sprintf("it says that it has %d entries, and has %d", said, found), nil)
	}
	return nil
}

func (c *Catalog) vulnerabilities(dec *json.Decoder) (n int, err error) {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return 0, errors.Join(errors.New("the vulnerabilities are no list"), err)
	}
	for dec.More() {
		var e entry
		err := dec.Decode(&e)
		var mistyped *json.UnmarshalTypeError
		switch n++; {
		case errors.As(err, &mistyped):
			c.Skipped++
			continue
		case err != nil:
			return n, err
		}
		if err := c.add(e); err != nil {
			return n, err
		}
	}
	_, err = dec.Token()
	return n, err
}

func (c *Catalog) csv(in io.Reader) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
	head, err := r.Read()
	if err != nil {
		return malformed("it has no header", err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.TrimSpace(name)] = i
	}
	if _, ok := at["cveID"]; !ok {
		return malformed("it is neither the JSON catalog nor a CSV with a column cveID", nil)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformed("it is cut or no CSV", err)
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(row) {
				return row[i]
			}
			return ""
		}
		e := entry{cell("cveID"), cell("dateAdded"), cell("dueDate"), cell("knownRansomwareCampaignUse")}
		if added := date(e.Added); added.After(c.Dated) {
			c.Dated = added
		}
		if err := c.add(e); err != nil {
			return err
		}
	}
}
