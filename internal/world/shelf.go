package world

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Shelf is one revision's list with its supersedence turned round.
type Shelf struct {
	Revision patch.RevisionID
	List     List
	newer    map[patch.ID][]patch.ID // direct superseders; made when first asked for
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
	l, err := v.r.Lists(ctx, os, rev)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	var s *Shelf
	if err == nil {
		s = &Shelf{Revision: rev, List: l}
	}
	v.lists[k] = s
	return s, nil
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
	if s.newer == nil {
		s.newer = map[patch.ID][]patch.ID{}
		for _, p := range s.List.Patches() {
			for _, old := range p.Supersedes {
				s.newer[old] = append(s.newer[old], p.ID)
			}
		}
	}
	var found []patch.ID
	for todo := s.newer[id]; len(todo) > 0; {
		next := todo[0]
		todo = todo[1:]
		if next != id && !slices.Contains(found, next) {
			found = append(found, next)
			todo = append(todo[:len(todo):len(todo)], s.newer[next]...)
		}
	}
	return found
}
