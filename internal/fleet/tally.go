package fleet

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// List is one revision's list, in the order of its verdicts.
type List interface {
	Patches() []patch.Patch
	Index(id patch.ID) (int, bool)
}

// Lists gives the list of one revision of a host OS; NotFound where it is lost.
type Lists func(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (List, error)

// Tally counts, for each patch of an OS's list of that revision, the admitted machines of the OS by verdict, and says how many machines these
// are. Machines that detected with another list count where that one has the patch; all others are unknown.
func (x *Index) Tally(ctx context.Context, os patch.HostOS, revision patch.RevisionID) ([]patch.Counts, int, error) {
	for {
		p, err := x.pairs(ctx, os, revision)
		if err != nil {
			return nil, 0, err
		}
		if out, machines, ok := x.tally(p); ok {
			return out, machines, nil
		}
	}
}

// tally is not ok where a detect with a list that p does not know has come meanwhile.
func (x *Index) tally(p pairing) (out []patch.Counts, machines int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if m := x.running[p.os]; m != nil {
		machines = int(m.GetCardinality())
	}
	out = make([]patch.Counts, p.columns)
	var judged []int32 // by column, beyond those of the list itself
	here := 0
	for _, s := range x.sheets {
		if s.os != p.os {
			continue
		}
		to, known := p.by[s.revision]
		switch {
		case !known:
			return nil, 0, false
		case s.revision != p.revision:
			if judged == nil {
				judged = make([]int32, p.columns)
			}
			s.tallyThrough(to, out, judged)
		case s.columns == p.columns:
			here += int(s.machines.GetCardinality())
			s.tally(out)
		}
	}
	complete(out, judged, here, machines)
	return out, machines, true
}

// tally adds a sheet of the same list.
func (s *sheet) tally(out []patch.Counts) {
	not, yes, bad := s.counts[0], s.counts[1], s.counts[2]
	for i := range out {
		out[i][patch.NotPatched] += int(not[i])
		out[i][patch.Patched] += int(yes[i])
		out[i][patch.Faulty] += int(bad[i])
	}
}

// tallyThrough adds a sheet of another list; known counts the machines that have some verdict.
func (s *sheet) tallyThrough(columns []int32, out []patch.Counts, known []int32) {
	n := int32(s.machines.GetCardinality())
	for i, c := range columns {
		if c < 0 || int(c) >= s.columns {
			continue
		}
		known[i] += n
		for v := range s.counts {
			out[i][v+1] += int(s.counts[v][c])
		}
	}
}

// complete tells those who are not applicable from those of whom nothing is known.
func complete(out []patch.Counts, judged []int32, here, machines int) {
	for i := range out {
		c := &out[i]
		n := here
		if judged != nil {
			n += int(judged[i])
		}
		c[patch.NotApplicable] = n - c[patch.NotPatched] - c[patch.Patched] - c[patch.Faulty]
		c[patch.Unknown] = machines - n
	}
}

// pairing leads from one list to the lists that machines of its OS have detected with.
type pairing struct {
	os       patch.HostOS
	revision patch.RevisionID
	columns  int
	by       map[patch.RevisionID][]int32 // see Way; empty where that list is lost, nil for the list itself
}

// pairs follows the store and pairs a list with those of all revisions that some machine of the OS has detected with.
func (x *Index) pairs(ctx context.Context, os patch.HostOS, revision patch.RevisionID) (pairing, error) {
	if err := x.follow(ctx); err != nil {
		return pairing{}, err
	}
	list, err := x.lists(ctx, os, revision)
	if err != nil {
		return pairing{}, err
	}
	p := pairing{os: os, revision: revision, columns: len(list.Patches()), by: map[patch.RevisionID][]int32{revision: nil}}
	for _, k := range x.kept(os) {
		if _, known := p.by[k.revision]; known {
			continue
		}
		to, err := x.Way(ctx, os, revision, k.revision)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return p, err
		}
		p.by[k.revision] = to
	}
	return p, nil
}

// kept are the sheets of an OS, or of all where it is empty.
func (x *Index) kept(os patch.HostOS) []sheetKey {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []sheetKey
	for k := range x.sheets {
		if k.os == os || os == "" {
			out = append(out, k)
		}
	}
	return out
}

type wayKey struct {
	os       patch.HostOS
	from, to patch.RevisionID
}

const keptWays = 32

// Way leads from each column of one list to the column of the same patch in another; -1 where that one does not carry it. The caller must not
// change it.
func (x *Index) Way(ctx context.Context, os patch.HostOS, from, to patch.RevisionID) ([]int32, error) {
	k := wayKey{os, from, to}
	x.mu.RLock()
	w, ok := x.ways[k]
	x.mu.RUnlock()
	if ok {
		return w, nil
	}
	a, err := x.lists(ctx, os, from)
	if err != nil {
		return nil, err
	}
	b, err := x.lists(ctx, os, to)
	if err != nil {
		return nil, err
	}
	w = make([]int32, len(a.Patches()))
	for i, p := range a.Patches() {
		w[i] = -1
		if j, ok := b.Index(p.ID); ok {
			w[i] = int32(j)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.ways) >= keptWays {
		clear(x.ways)
	}
	x.ways[k] = w
	return w, nil
}
