package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
)

// List is a decoded list. It is immutable and safe for concurrent use; its order is the order of signatures and vectors.
type List struct {
	os      patch.HostOS
	patches []patch.Patch
	index   map[patch.ID]int
}

// OS is the host OS that the list is for.
func (l *List) OS() patch.HostOS { return l.os }

// Len is the number of patches.
func (l *List) Len() int { return len(l.patches) }

// At gives patch i.
func (l *List) At(i int) *patch.Patch { return &l.patches[i] }

// Patches gives all of them, in the list's order; the caller must not change them.
func (l *List) Patches() []patch.Patch { return l.patches }

// Index finds a patch by its ID.
func (l *List) Index(id patch.ID) (int, bool) { i, ok := l.index[id]; return i, ok }

// byID gives the places of all patches in the order of their IDs, for telling people.
func (l *List) byID() []int {
	order := make([]int, l.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(l.patches[a].ID, l.patches[b].ID) })
	return order
}

// run reads what columns.runs wrote.
type run struct {
	c    *cursor
	v    uint64
	left uint64
}

func (r *run) next() uint64 {
	if r.left == 0 {
		r.v, r.left = r.c.number(), r.c.number()
		if r.left == 0 {
			r.c.bad = true
			return 0
		}
	}
	r.left--
	return r.v
}

func pick[T any](c *cursor, list []T, i uint64) (v T) {
	if i >= uint64(len(list)) {
		c.bad = true
		return v
	}
	return list[i]
}

func front(c *cursor, base string, n uint64) string {
	if n > uint64(len(base)) {
		c.bad = true
		return ""
	}
	rest := c.text()
	switch {
	case rest == "":
		return base[:n]
	case n == 0:
		return rest
	}
	return base[:n] + rest
}

// DecodeList reads a list file. Every count, index and length in it is checked, and no ID may come twice.
func DecodeList(b []byte) (*List, error) {
	cols, err := unpack(b, listMagic, listColumns)
	if err != nil {
		if cols, err = unpack(b, listMagic, lScore); err != nil {
			return nil, err
		}
	}
	d := listDecoder{cols: cols, scored: len(cols) > lScore}
	l := d.list()
	for i := range cols {
		if !cols[i].done() {
			return nil, fmt.Errorf("column %d: %w", i, errFormat)
		}
	}
	return l, nil
}

type listDecoder struct {
	cols           []cursor
	suites, arches []string
	dates          []uint64
	suite, own     run
	category, sev  run
	score          run
	scored         bool // the list has scores
	source         string
	id             patch.ID
}

func (d *listDecoder) list() *List {
	head := &d.cols[lHead]
	l := &List{os: patch.HostOS(head.text())}
	n := head.count(min(maxPatches, len(d.cols[lFiles].rest)))
	for _, t := range []*[]string{&d.suites, &d.arches} {
		for range head.count(len(head.rest)) {
			*t = append(*t, head.text())
		}
	}
	for range head.count(len(head.rest)) {
		d.dates = append(d.dates, head.number())
	}
	if d.scored {
		d.score.c = &d.cols[lScore]
	}
	d.suite.c, d.own.c, d.category.c, d.sev.c = &d.cols[lSuite], &d.cols[lEscaped], &d.cols[lCategory], &d.cols[lSeverity]
	l.patches, l.index = make([]patch.Patch, n), make(map[patch.ID]int, n)
	for i := range l.patches {
		p := &l.patches[i]
		d.patch(p)
		l.index[p.ID] = i
	}
	head.bad = head.bad || len(l.index) != n
	for i := range l.patches {
		d.supersedes(l, i)
	}
	return l
}

func (d *listDecoder) patch(p *patch.Patch) {
	p.Suite = pick(&d.cols[lSuite], d.suites, d.suite.next())
	d.names(p)
	p.Category = pick(&d.cols[lCategory], categories, d.category.next())
	p.Severity = pick(&d.cols[lSeverity], severities, d.sev.next())
	if d.scored {
		tenths := d.score.next()
		d.score.c.bad = d.score.c.bad || tenths > 100
		p.CVSS = float64(tenths) / 10
	}
	for range d.cols[lCVEs].count(len(d.cols[lYear].rest)) {
		p.CVEs = append(p.CVEs, d.cve())
	}
	p.Advisory = d.cols[lAdvisory].text()
	p.Released = released(int64(pick(&d.cols[lDated], d.dates, d.cols[lDated].number())))
	p.Title = unpackTitle(p, d.cols[lSummary].text())
	d.payloads(p)
}

// names reads ID, source and version.
func (d *listDecoder) names(p *patch.Patch) {
	alone := d.own.next() == 1
	if alone {
		d.id = d.nextID()
		p.ID = d.id
	}
	p.Source = front(&d.cols[lSource], d.source, d.cols[lSource].number())
	d.source = p.Source
	p.Version = d.cols[lVersion].text()
	if len(p.Source) > maxNaming || len(p.Version) > maxNaming || len(p.Suite) > maxNaming {
		d.cols[lSource].bad = true
	}
	if alone {
		p.Version = versionOf(p.ID, p.Version)
		return
	}
	p.ID = patch.ID(p.Suite + "/" + p.Source + "/" + p.Version)
}

// nextID reads an ID that stands alone.
func (d *listDecoder) nextID() patch.ID {
	c := &d.cols[lID]
	switch kind := c.number(); kind {
	case idText:
		return patch.ID(c.text())
	case idNumber:
		low, middle, high := d.cols[lIDLow].take(1), d.cols[lIDMiddle].take(1), d.cols[lIDHigh].number()
		if low == "" || middle == "" || high > 1<<40 {
			c.bad = true
			return ""
		}
		return numberedID(c, d.id, high<<16|uint64(middle[0])<<8|uint64(low[0]))
	default:
		_, digits := countedID(d.id)
		before, err := strconv.ParseUint(digits, 10, 60)
		c.bad = c.bad || err != nil || kind > idNumber+maxStep
		return numberedID(c, d.id, before+kind-idNumber)
	}
}

func (d *listDecoder) payloads(p *patch.Patch) {
	n := d.cols[lFiles].count(min(maxFiles, len(d.cols[lSize].rest)))
	if n == 0 {
		return
	}
	p.Payloads = make([]patch.Payload, n)
	for i := range p.Payloads {
		f := &p.Payloads[i]
		f.Name = front(&d.cols[lName], p.Source, d.cols[lName].number())
		f.Arch = pick(&d.cols[lArch], d.arches, d.cols[lArch].number())
		f.Version = p.Version
		if n := d.cols[lRebuild].number(); n > 0 {
			f.Version = front(&d.cols[lRebuild], p.Version, n-1)
		}
		f.Size = int64(d.cols[lSize].number() & (1<<62 - 1))
	}
}

func (d *listDecoder) supersedes(l *List, i int) {
	c := &d.cols[lOlder]
	for range c.count(len(c.rest)) {
		z := c.number()
		j := int64(i) + (int64(z>>1) ^ -int64(z&1))
		if j < 0 || j >= int64(len(l.patches)) || j == int64(i) {
			c.bad = true
			return
		}
		l.patches[i].Supersedes = append(l.patches[i].Supersedes, l.patches[j].ID)
	}
}
