package catalog

import (
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// A list file is listMagic and one zstd frame of columns. Strings that repeat their neighbours are stored as what differs; titles
// and IDs, which follow from the rest, are not stored at all. The patches of archives have IDs made of suite, source and version;
// those of advisories have IDs of their own, which count, and name the same sources and versions again and again.
const (
	listMagic  = "FTLLIST3"
	listLevel  = zstd.SpeedBestCompression
	maxPatches = 4_000_000
	maxFiles   = 4_000_000
	maxNaming  = 1024 // source, version or suite
)

// Columns of a list. The numbers are part of the format.
const (
	lHead     = iota // host OS; number of patches; suites; architectures; distinct dates in order
	lSuite           // runs: suite, how many patches
	lSource          // shared with the source before; rest
	lVersion         // text; idVersion: the number at the end of the ID
	lEscaped         // runs of flags: how many patches alternately without and with an ID of its own
	lID              // of those with one: 0: the text; 1: as the ID before, but with another number at its end; else 1 + by how much that number grows
	lIDLow           // such a number: its low 8 bits
	lIDMiddle        // the next 8 bits
	lIDHigh          // the rest
	lCategory        // runs: category, how many patches
	lSeverity        // runs: severity, how many patches
	lCVEs            // how many
	lYear            // CVE: year from 1998 on; 0: the next text of lCVEText
	lLow             // CVE: low 8 bits of its number
	lHigh            // CVE: the rest of its number
	lCVEText         // texts of other identifiers
	lAdvisory        // text
	lDated           // index of the date
	lSummary         // text: what follows source and version in the title, or titleMark and a title of its own
	lOlder           // how many; distance to each patch it supersedes, zigzag
	lFiles           // how many payloads
	lName            // payload: shared with the source; rest
	lArch            // payload: index of the architecture
	lRebuild         // payload: 0 where its version is the source's, else 1 + shared; rest
	lSize            // payload: bytes
	lScore           // runs: ten times the CVSS score, 0 unknown; how many patches. Where no score is known the column is not there
	listColumns
)

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// table numbers distinct values in order of appearance.
type table[T comparable] struct {
	index  map[T]int
	values []T
}

func (t *table[T]) number(v T) uint64 {
	if i, ok := t.index[v]; ok {
		return uint64(i)
	}
	if t.index == nil {
		t.index = map[T]int{}
	}
	t.index[v] = len(t.values)
	t.values = append(t.values, v)
	return uint64(len(t.values) - 1)
}

// runs writes a value per patch as pairs of value and length.
func (c columns) runs(col, n int, value func(i int) uint64) {
	for i := 0; i < n; {
		v, j := value(i), i+1
		for j < n && value(j) == v {
			j++
		}
		c.number(col, v)
		c.number(col, uint64(j-i))
		i = j
	}
}

var (
	categories = []patch.Category{patch.Update, patch.Security}
	severities = []patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}
)

func indexOf[T comparable](list []T, v T) uint64 {
	for i := range list {
		if list[i] == v {
			return uint64(i)
		}
	}
	return 0
}

// listEncoder writes a list's columns.
type listEncoder struct {
	columns
	suites, arches table[string]
	dates          table[int64]
	index          map[patch.ID]int
	source         string
	id             patch.ID // the newest one that stands alone
}

// encodeList writes a list in the order given.
func encodeList(os patch.HostOS, patches []patch.Patch) ([]byte, error) {
	c := listEncoder{columns: make(columns, listColumns), index: make(map[patch.ID]int, len(patches))}
	var dates []int64
	for i := range patches {
		c.index[patches[i].ID] = i
		dates = append(dates, patches[i].Released.Unix())
	}
	slices.Sort(dates)
	for _, d := range slices.Compact(dates) { // in order, so that a new day changes no number
		c.dates.number(d)
	}
	for i := range patches {
		c.patch(i, &patches[i])
	}
	c.runs(lSuite, len(patches), func(i int) uint64 { return c.suites.number(patches[i].Suite) })
	c.runs(lEscaped, len(patches), func(i int) uint64 { return flag(standsAlone(&patches[i])) })
	c.runs(lCategory, len(patches), func(i int) uint64 { return indexOf(categories, patches[i].Category) })
	c.runs(lSeverity, len(patches), func(i int) uint64 { return indexOf(severities, patches[i].Severity) })
	c.text(lHead, string(os))
	c.number(lHead, uint64(len(patches)))
	for _, t := range [][]string{c.suites.values, c.arches.values} {
		c.number(lHead, uint64(len(t)))
		for _, s := range t {
			c.text(lHead, s)
		}
	}
	c.number(lHead, uint64(len(c.dates.values)))
	for _, d := range c.dates.values {
		c.number(lHead, uint64(d))
	}
	if !slices.ContainsFunc(patches, func(p patch.Patch) bool { return p.CVSS > 0 }) {
		return c.columns[:lScore].pack(listMagic, listLevel)
	}
	c.runs(lScore, len(patches), func(i int) uint64 { return uint64(math.Round(patches[i].CVSS * 10)) })
	return c.pack(listMagic, listLevel)
}

func (c *listEncoder) patch(i int, p *patch.Patch) {
	version := p.Version
	if standsAlone(p) {
		c.putID(p.ID)
		version = withoutNumber(p)
	}
	n := shared(c.source, p.Source)
	c.number(lSource, uint64(n))
	c.text(lSource, p.Source[n:])
	c.source = p.Source
	c.text(lVersion, version)
	c.number(lCVEs, uint64(len(p.CVEs)))
	for _, cve := range p.CVEs {
		c.cve(cve)
	}
	c.text(lAdvisory, p.Advisory)
	c.number(lDated, c.dates.number(p.Released.Unix()))
	c.text(lSummary, packTitle(p))
	c.number(lOlder, uint64(len(p.Supersedes)))
	for _, id := range p.Supersedes {
		d := int64(c.index[id] - i)
		c.number(lOlder, uint64(d<<1)^uint64(d>>63))
	}
	c.payloads(p, &c.arches)
}

func (c columns) payloads(p *patch.Patch, arches *table[string]) {
	c.number(lFiles, uint64(len(p.Payloads)))
	for _, f := range p.Payloads {
		n := shared(p.Source, f.Name)
		c.number(lName, uint64(n))
		c.text(lName, f.Name[n:])
		c.number(lArch, arches.number(f.Arch))
		if f.Version == p.Version {
			c.number(lRebuild, 0)
		} else {
			n := shared(p.Version, f.Version)
			c.number(lRebuild, uint64(n+1))
			c.text(lRebuild, f.Version[n:])
		}
		c.number(lSize, uint64(f.Size))
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// standsAlone tells an ID that does not follow from suite, source and version.
func standsAlone(p *patch.Patch) bool {
	return string(p.ID) != p.Suite+"/"+p.Source+"/"+p.Version
}

// released keeps the zero time.
func released(unix int64) time.Time {
	if unix == (time.Time{}).Unix() {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
