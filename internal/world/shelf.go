package world

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// Shelf is one revision's list with its supersedence turned round.
type Shelf struct {
	Revision patch.RevisionID
	List     List
	newer    func() map[patch.ID][]patch.ID // direct superseders
	security func() []Security
	texts    func() []string
	ranks    func() []int32
}

// Security is what reports ask of a list's security patches, without a look at the patches themselves.
type Security struct {
	Is    bool  // the column's patch is one
	Newer []int // columns of the security patches that replace it
}

// Security tells, by column, which patches are security patches; the caller must not change it.
func (s *Shelf) Security() []Security { return s.security() }

func newShelf(rev patch.RevisionID, l List) *Shelf {
	s := &Shelf{Revision: rev, List: l}
	s.security = sync.OnceValue(s.readSecurity)
	s.texts = sync.OnceValue(s.readTexts)
	s.ranks = sync.OnceValue(s.readRanks)
	s.newer = sync.OnceValue(func() map[patch.ID][]patch.ID {
		newer := map[patch.ID][]patch.ID{}
		for _, p := range l.Patches() {
			for _, old := range p.Supersedes {
				newer[old] = append(newer[old], p.ID)
			}
		}
		return newer
	})
	return s
}

// Texts gives, by column, what a search for words looks through: id, title and CVEs in lower case. The caller must not change it.
func (s *Shelf) Texts() []string { return s.texts() }

func (s *Shelf) readTexts() []string {
	patches := s.List.Patches()
	out := make([]string, len(patches))
	for i := range patches {
		out[i] = TextOf(&patches[i])
	}
	return out
}

// Ranks gives, by column, where a patch comes among all: security before other updates, then by ID. The caller must not change it.
func (s *Shelf) Ranks() []int32 { return s.ranks() }

func (s *Shelf) readRanks() []int32 {
	patches := s.List.Patches()
	columns, ranks := make([]int32, len(patches)), make([]int32, len(patches))
	for i := range columns {
		columns[i] = int32(i)
	}
	slices.SortFunc(columns, func(i, j int32) int {
		return cmp.Or(cmp.Compare(patches[i].Category, patches[j].Category), cmp.Compare(patches[i].ID, patches[j].ID))
	})
	for rank, i := range columns {
		ranks[i] = int32(rank)
	}
	return ranks
}

// TextOf is what a search for words looks through in a patch: id, title and CVEs in lower case.
func TextOf(p *patch.Patch) string {
	return strings.ToLower(string(p.ID) + "\n" + p.Title + "\n" + strings.Join(p.CVEs, "\n"))
}

func (s *Shelf) readSecurity() []Security {
	patches := s.List.Patches()
	out := make([]Security, len(patches))
	for i := range patches {
		if out[i].Is = patches[i].Category == patch.Security; !out[i].Is {
			continue
		}
		for _, id := range s.Newer(patches[i].ID) {
			if j, ok := s.List.Index(id); ok && patches[j].Category == patch.Security {
				out[i].Newer = append(out[i].Newer, j)
			}
		}
	}
	return out
}

// Shelf gives the list of a revision; an empty revision means the newest. It is nil, without error, where there is no such list.
func (v *View) Shelf(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*Shelf, error) {
	if rev == "" {
		meta := v.meta(os)
		if meta == nil {
			return nil, nil
		}
		rev = meta.ID
	}
	k := listKey{os, rev}
	if s, ok := v.lists[k]; ok {
		return s, nil
	}
	s, err := v.r.Shelf(ctx, os, rev)
	if err == nil {
		v.lists[k] = s
	}
	return s, err
}

// Shelf is View.Shelf of a revision that is named, for whoever needs nothing else of a View.
func (r *Reader) Shelf(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*Shelf, error) {
	l, err := r.Lists(ctx, os, rev)
	if patch.KindOf(err) == patch.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.shelves.of(listKey{os, rev}, l), nil
}

// shelves are those that questions were asked about lately, so that their lists need not be turned round for each question.
type shelves struct {
	mu   sync.Mutex
	kept map[listKey]*Shelf
}

const keptShelves = 16

func (c *shelves) of(k listKey, l List) *Shelf {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.kept[k]; s != nil && s.List == l {
		return s
	}
	if c.kept == nil || len(c.kept) >= keptShelves {
		c.kept = map[listKey]*Shelf{}
	}
	s := newShelf(k.rev, l)
	c.kept[k] = s
	return s
}

// Find gives a patch of the list.
func (s *Shelf) Find(id patch.ID) (patch.Patch, int, bool) {
	if s == nil {
		return patch.Patch{}, 0, false
	}
	i, ok := s.List.Index(id)
	if !ok {
		return patch.Patch{}, 0, false
	}
	return s.List.Patches()[i], i, true
}

// Newer lists every patch of the list that replaces id, directly or over others, nearest first. Feeds that say a patch replaces
// itself, or that go in circles, are survived.
func (s *Shelf) Newer(id patch.ID) []patch.ID {
	if s == nil {
		return nil
	}
	newer := s.newer()
	var found []patch.ID
	for todo := newer[id]; len(todo) > 0; {
		next := todo[0]
		todo = todo[1:]
		if next != id && !slices.Contains(found, next) {
			found = append(found, next)
			todo = append(todo[:len(todo):len(todo)], newer[next]...)
		}
	}
	return found
}
