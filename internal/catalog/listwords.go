package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// firstYear is one before the oldest year of a CVE.
const firstYear = 1998

// cve writes one identifier: as numbers where it is a CVE in its canonical form.
func (c *listEncoder) cve(s string) {
	year, number := cveNumbers(s)
	if year == 0 {
		c.number(lYear, 0)
		c.text(lCVEText, s)
		return
	}
	c.number(lYear, year)
	c.columns[lLow] = append(c.columns[lLow], byte(number))
	c.number(lHigh, number>>8)
}

func (d *listDecoder) cve() string {
	year := d.cols[lYear].number()
	if year == 0 {
		return d.cols[lCVEText].text()
	}
	low := d.cols[lLow].take(1)
	high := d.cols[lHigh].number()
	if low == "" || year > 1000 || high > 1<<40 {
		d.cols[lLow].bad = true
		return ""
	}
	return cveName(year, high<<8|uint64(low[0]))
}

func cveName(year, number uint64) string { return fmt.Sprintf("CVE-%04d-%04d", firstYear+year, number) }

// cveNumbers takes a CVE apart; 0 for what cveName would not write back.
func cveNumbers(s string) (year, number uint64) {
	y, n, _ := strings.Cut(strings.TrimPrefix(s, "CVE-"), "-")
	year, errYear := strconv.ParseUint(y, 10, 16)
	number, errNumber := strconv.ParseUint(n, 10, 40)
	if errYear != nil || errNumber != nil || year <= firstYear || year > firstYear+1000 || cveName(year-firstYear, number) != s {
		return 0, 0
	}
	return year - firstYear, number
}

// idVersion stands for a version that is the number at the end of the ID: advisories have no other.
const idVersion = "\x01"

// withoutNumber is the version of a patch that stands alone, as the list keeps it.
func withoutNumber(p *patch.Patch) string {
	if _, digits := countedID(p.ID); digits != "" && digits == p.Version {
		return idVersion
	}
	return p.Version
}

// versionOf is withoutNumber's inverse.
func versionOf(id patch.ID, version string) string {
	if version == idVersion {
		_, version = countedID(id)
	}
	return version
}

// countedID splits the decimal number off the end of an ID.
func countedID(id patch.ID) (head, digits string) {
	head = strings.TrimRight(string(id), "0123456789")
	return head, string(id)[len(head):]
}

// How the lID column gives an ID; what is greater is a step from the number of the ID before, plus idNumber.
const (
	idText   = 0
	idNumber = 1
	maxStep  = 64
)

// countsOn tells by which number next differs from previous, if it differs in nothing else.
func countsOn(previous, next patch.ID) (before, number uint64, ok bool) {
	head, digits := countedID(next)
	was, old := countedID(previous)
	n, err := strconv.ParseUint(digits, 10, 56)
	m, errBefore := strconv.ParseUint(old, 10, 56)
	return m, n, err == nil && errBefore == nil && head == was && len(digits) == len(old)
}

// numberedID is countsOn's inverse.
func numberedID(c *cursor, previous patch.ID, number uint64) patch.ID {
	head, before := countedID(previous)
	digits := strconv.FormatUint(number, 10)
	if c.bad = c.bad || len(digits) > len(before); c.bad {
		return ""
	}
	return patch.ID(head + strings.Repeat("0", len(before)-len(digits)) + digits)
}

// putID writes an ID that stands alone.
func (c *listEncoder) putID(id patch.ID) {
	before, number, ok := countsOn(c.id, id)
	switch {
	case !ok:
		c.number(lID, idText)
		c.text(lID, string(id))
	case number > before && number-before <= maxStep:
		c.number(lID, idNumber+number-before)
	default:
		c.number(lID, idNumber)
		c.columns[lIDLow] = append(c.columns[lIDLow], byte(number))
		c.columns[lIDMiddle] = append(c.columns[lIDMiddle], byte(number>>8))
		c.number(lIDHigh, number>>16)
	}
	c.id = id
}

// Marks in the summary column. A title holds no control characters, so they cannot be part of one.
const (
	titleMark   = "\x01" // before a title that does not begin with source and version
	sourceMark  = "\x02"
	versionMark = "\x03"
	cveMark     = "\x04" // the first CVE
)

// packTitle gives what the summary column holds of a title.
func packTitle(p *patch.Patch) string {
	name := title(p.Source, p.Version, "")
	if p.Title == name {
		return ""
	}
	if rest, ok := strings.CutPrefix(p.Title, name+": "); ok && rest != "" && !strings.HasPrefix(rest, titleMark) {
		return rest
	}
	s := p.Title
	if len(p.CVEs) > 0 && p.CVEs[0] != "" {
		s = strings.Replace(s, p.CVEs[0], cveMark, 1)
	}
	if p.Source != "" {
		s = strings.Replace(s, p.Source, sourceMark, 1)
	}
	if p.Version != "" {
		s = strings.Replace(s, p.Version, versionMark, 1)
	}
	if unpackTitle(p, titleMark+s) != p.Title {
		s = p.Title
	}
	return titleMark + s
}

func unpackTitle(p *patch.Patch, s string) string {
	if s == "" {
		return title(p.Source, p.Version, "")
	}
	s, own := strings.CutPrefix(s, titleMark)
	if !own {
		return title(p.Source, p.Version, s)
	}
	if !strings.ContainsAny(s, sourceMark+versionMark+cveMark) {
		return s
	}
	s = strings.Replace(s, sourceMark, p.Source, 1)
	s = strings.Replace(s, versionMark, p.Version, 1)
	if len(p.CVEs) > 0 {
		s = strings.Replace(s, cveMark, p.CVEs[0], 1)
	}
	return s
}
