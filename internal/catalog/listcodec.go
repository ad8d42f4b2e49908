package catalog

import (
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// A list file is listMagic and one zstd frame of columns. Strings that repeat their neighbours are stored as what differs; titles
// and IDs, which follow from the rest, are not stored at all.
const (
	listMagic  = "FTLLIST1"
	maxPatches = 4_000_000
	maxFiles   = 4_000_000
)

// Columns of a list. The numbers are part of the format.
const (
	lHead     = iota // host OS; number of patches; suites; architectures; distinct dates
	lSuite           // runs: suite, how many patches
	lSource          // shared with the source before; rest
	lVersion         // text
	lEscaped         // runs of flags: how many patches alternately without and with an ID of its own
	lID              // the IDs of those
	lCategory        // runs: category, how many patches
	lSeverity        // runs: severity, how many patches
	lCVEs            // how many; texts
	lDated           // index of the date
	lSummary         // text
	lOlder           // how many; distance to each patch it supersedes, zigzag
	lFiles           // how many payloads
	lName            // payload: shared with the source; rest
	lArch            // payload: index of the architecture
	lRebuild         // payload: 0 where its version is the source's, else 1 + shared; rest
	lSize            // payload: bytes
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

// encodeList writes a list; patches are sorted by ID.
func encodeList(os patch.HostOS, patches []patch.Patch) ([]byte, error) {
	c := make(columns, listColumns)
	var suites, arches table[string]
	var dates table[int64]
	index := make(map[patch.ID]int, len(patches))
	for i := range patches {
		index[patches[i].ID] = i
	}
	previous := ""
	for i := range patches {
		p := &patches[i]
		n := shared(previous, p.Source)
		c.number(lSource, uint64(n))
		c.text(lSource, p.Source[n:])
		previous = p.Source
		c.text(lVersion, p.Version)
		if standsAlone(p) {
			c.text(lID, string(p.ID))
		}
		c.number(lCVEs, uint64(len(p.CVEs)))
		for _, cve := range p.CVEs {
			c.text(lCVEs, cve)
		}
		c.number(lDated, dates.number(p.Released.Unix()))
		c.text(lSummary, strings.TrimPrefix(strings.TrimPrefix(p.Title, title(p.Source, p.Version, "")), ": "))
		c.number(lOlder, uint64(len(p.Supersedes)))
		for _, id := range p.Supersedes {
			d := int64(index[id] - i)
			c.number(lOlder, uint64(d<<1)^uint64(d>>63))
		}
		c.payloads(p, &arches)
	}
	c.runs(lSuite, len(patches), func(i int) uint64 { return suites.number(patches[i].Suite) })
	c.runs(lEscaped, len(patches), func(i int) uint64 { return flag(standsAlone(&patches[i])) })
	c.runs(lCategory, len(patches), func(i int) uint64 { return indexOf(categories, patches[i].Category) })
	c.runs(lSeverity, len(patches), func(i int) uint64 { return indexOf(severities, patches[i].Severity) })
	c.text(lHead, string(os))
	c.number(lHead, uint64(len(patches)))
	for _, t := range [][]string{suites.values, arches.values} {
		c.number(lHead, uint64(len(t)))
		for _, s := range t {
			c.text(lHead, s)
		}
	}
	c.number(lHead, uint64(len(dates.values)))
	for _, d := range dates.values {
		c.number(lHead, uint64(d))
	}
	return c.pack(listMagic, zstd.SpeedBestCompression)
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
