package label

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Shelf is the newest list of one host OS.
type Shelf struct {
	OS      patch.HostOS
	Patches []patch.Patch
}

// Lists is what labels of patches are judged over: the newest list of every host OS, and the CVEs that are known to be exploited.
type Lists struct {
	Newest func(ctx context.Context) ([]Shelf, error)
	KEV    func(ctx context.Context) (patch.Exploits, error) // nil: no source is subscribed
	Now    func() time.Time
}

// Patches lists the patches that carry a label of patches now, by ID. By hand they may have left every list; a smart label has listed ones
// only.
func (b *Book) Patches(ctx context.Context, name string) ([]patch.ID, error) {
	l, err := b.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Of != patch.OfPatches {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the label {1} is one of machines", l.Name), Why: "patches are named here", Do: "Make one of patches: fettle labels put --help"}
	}
	m, err := b.judgePatches(ctx, l)
	return m.Patches, err
}

// what names the use of a condition in what people read.
const smartPatches phrase.Phrase = "a smart label of patches"

// judgePatches tells which patches carry a label.
func (b *Book) judgePatches(ctx context.Context, l patch.Label) (Membership, error) {
	m := Membership{Label: l, Members: []patch.MachineID{}, Patches: []patch.ID{}}
	if l.Expr == "" {
		m.Patches = append(m.Patches, slices.Sorted(slices.Values(l.Patches))...)
		return m, nil
	}
	c, err := criterion.Compile(smartPatches, l.Expr)
	if err != nil {
		return m, err
	}
	err = b.subjects(ctx, func(s criterion.Subject) {
		switch yes, err := c.Holds(s); {
		case err != nil:
			if m.Faulty == nil {
				m.Faulty = map[patch.ID]phrase.Phrase{}
			}
			m.Faulty[s.Patch.ID] = patch.Said(err)
		case yes:
			m.Patches = append(m.Patches, s.Patch.ID)
		}
	})
	slices.Sort(m.Patches)
	m.Patches = slices.Compact(m.Patches)
	return m, err
}

// subjects gives every listed patch of every host OS.
func (b *Book) subjects(ctx context.Context, each func(criterion.Subject)) error {
	if b.Lists.Newest == nil {
		return nil
	}
	shelves, err := b.Lists.Newest(ctx)
	if err != nil {
		return err
	}
	s := criterion.Subject{Now: b.Lists.Now()}
	if b.Lists.KEV != nil {
		if s.KEV, err = b.Lists.KEV(ctx); err != nil {
			return err
		}
	}
	for _, shelf := range shelves {
		s.OS = shelf.OS
		for _, p := range shelf.Patches {
			s.Patch = p
			each(s)
		}
	}
	return nil
}
