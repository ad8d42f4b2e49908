// Package label knows which machines, and which patches, carry which label at the moment of asking.
//
// It owns membership: by hand, the built-in "all", and smart labels, whose CEL expression is type-checked when it is stored and evaluated,
// within a cost limit, whenever it is used: anew for each machine that has told something new since, from memory for the others. It refuses
// expressions that could read anything but the machine or the patch.
package label

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Labels is the storage of labels.
type Labels interface {
	FindLabel(ctx context.Context, name string) (patch.Label, error)
	ListLabels(ctx context.Context) ([]patch.Label, error)
	PutLabel(ctx context.Context, caller patch.Caller, l patch.Label) error
	RemoveLabel(ctx context.Context, caller patch.Caller, name string) error
}

// Fleet is the machines as they are now: a fleet.Index.
type Fleet interface {
	Look(ctx context.Context) (*fleet.Look, error)
}

// Inventories is the storage of what machines told about themselves. EachInventory is as store.Store's.
type Inventories interface {
	EachInventory(ctx context.Context, hashes []patch.Hash, take func(h patch.Hash, zstdJSON []byte)) error
}

// Membership is who carries a label now.
type Membership struct {
	Label   patch.Label       `json:"label"`
	Members []patch.MachineID `json:"members"`
	Patches []patch.ID        `json:"patches,omitempty"` // of a label of patches
	// Unjudged are machines for which a smart label could not be evaluated (no inventory yet, or an error); they are not members.
	Unjudged map[patch.MachineID]phrase.Phrase `json:"unjudged,omitempty"`
	// Faulty are patches for which a smart label could not be evaluated.
	Faulty map[patch.ID]phrase.Phrase `json:"faulty,omitempty"`
}

// Book answers who carries which label.
type Book struct {
	Labels      Labels
	Fleet       Fleet
	Inventories Inventories
	Lists       Lists       // for labels of patches
	Revisions   fleet.Lists // what verdicts are about

	memory memory
}

// Members lists the admitted machines that carry a label of machines now, sorted by ID.
func (b *Book) Members(ctx context.Context, name string) ([]patch.MachineID, error) {
	l, err := b.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Of != patch.OfMachines {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the label {1} is one of patches", l.Name), Why: "machines are named here", Do: "Name a label of machines: fettle labels"}
	}
	m, err := b.carriers(ctx, l)
	return m.Members, err
}

// Membership is Members with the label itself and the machines that could not be judged.
func (b *Book) Membership(ctx context.Context, name string) (Membership, error) {
	l, err := b.find(ctx, name)
	if err != nil {
		return Membership{}, err
	}
	return b.carriers(ctx, l)
}

func (b *Book) carriers(ctx context.Context, l patch.Label) (Membership, error) {
	if l.Of == patch.OfPatches {
		return b.judgePatches(ctx, l)
	}
	look, err := b.Fleet.Look(ctx)
	if err != nil {
		return Membership{}, err
	}
	return b.judge(ctx, l, look)
}

// Carriers gives the numbers of the machines of a look that carry a label of machines; the caller must not change it. NotFound where the label is
// gone.
func (b *Book) Carriers(ctx context.Context, name string, look *fleet.Look) (*roaring.Bitmap, error) {
	l, err := b.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Of != patch.OfMachines {
		return roaring.New(), nil
	}
	set, _, err := b.carrying(ctx, l, look)
	return set, err
}

// LabelsOf lists the names of the labels that a machine carries now, sorted; every admitted machine carries "all".
func (b *Book) LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error) {
	look, err := b.Fleet.Look(ctx)
	if err != nil {
		return nil, err
	}
	seat := look.Find(id)
	if seat == nil || seat.Machine.State != patch.Admitted {
		return nil, nil
	}
	labels, err := b.Labels.ListLabels(ctx)
	if err != nil {
		return nil, err
	}
	names, subject := []string{patch.LabelAll}, &subject{seat: seat}
	for _, l := range labels {
		if l.Of != patch.OfMachines || l.Name == patch.LabelAll {
			continue
		}
		in := l.Expr == "" && slices.Contains(l.Members, id)
		if l.Expr != "" {
			if in, err = b.smart(ctx, l.Expr, subject); err != nil {
				return nil, err
			}
		}
		if in {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// List gives every label with its members now, "all" first, then by name.
func (b *Book) List(ctx context.Context) ([]Membership, error) {
	look, labels, err := b.all(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Membership, len(labels))
	g, ctx := errgroup.WithContext(ctx)
	parts := min(runtime.GOMAXPROCS(0), len(labels))
	for part := range parts { // naming the members is as much work as judging them
		g.Go(func() (err error) {
			for i := part; i < len(labels) && err == nil; i += parts {
				out[i], err = b.judged(ctx, labels[i], look)
			}
			return err
		})
	}
	return out, g.Wait()
}

// all gives every label, "all" first, then by name, and judges the smart ones of machines.
func (b *Book) all(ctx context.Context) (*fleet.Look, []patch.Label, error) {
	look, err := b.Fleet.Look(ctx)
	if err != nil {
		return nil, nil, err
	}
	labels, err := b.Labels.ListLabels(ctx)
	if err != nil {
		return nil, nil, err
	}
	labels = slices.DeleteFunc(labels, func(l patch.Label) bool { return l.Name == patch.LabelAll })
	slices.SortFunc(labels, func(x, y patch.Label) int { return strings.Compare(x.Name, y.Name) })
	return look, append([]patch.Label{builtin()}, labels...), b.refreshAll(ctx, labels, look)
}

func builtin() patch.Label {
	return patch.Label{Name: patch.LabelAll, Note: "every admitted machine"}
}

func (b *Book) find(ctx context.Context, name string) (patch.Label, error) {
	if name == patch.LabelAll {
		return builtin(), nil
	}
	return b.Labels.FindLabel(ctx, name)
}

// judged is judge, or judgePatches for a label of patches.
func (b *Book) judged(ctx context.Context, l patch.Label, look *fleet.Look) (Membership, error) {
	if l.Of == patch.OfPatches {
		return b.judgePatches(ctx, l)
	}
	return b.judge(ctx, l, look)
}

// judge tells which of the machines carry a label.
func (b *Book) judge(ctx context.Context, l patch.Label, look *fleet.Look) (Membership, error) {
	m := Membership{Label: l, Members: []patch.MachineID{}}
	set, why, err := b.carrying(ctx, l, look)
	if err != nil {
		return m, err
	}
	m.Members = look.IDs(set)
	if len(why) > 0 {
		m.Unjudged = make(map[patch.MachineID]phrase.Phrase, len(why))
	}
	for n, text := range why {
		if int(n) < look.Len() {
			m.Unjudged[look.At(n).Machine.ID] = text
		}
	}
	return m, nil
}

// carrying is judge by numbers of seats.
func (b *Book) carrying(ctx context.Context, l patch.Label, look *fleet.Look) (*roaring.Bitmap, map[uint32]phrase.Phrase, error) {
	if l.Expr != "" {
		return b.smartly(ctx, l.Expr, look)
	}
	return b.plainly(l, look), nil, nil
}

// Check says why an expression cannot be a smart label of machines; nil when it can.
func (b *Book) Check(text string) error {
	_, err := language().Compile(text)
	return err
}

// FindLabel gives a label as it is stored, or the built-in one.
func (b *Book) FindLabel(ctx context.Context, name string) (patch.Label, error) {
	return b.find(ctx, name)
}

// Would checks a label as Put does and gives those who would carry it, sorted: machines or patches, by its kind. It stores nothing.
func (b *Book) Would(ctx context.Context, l patch.Label) ([]patch.MachineID, []patch.ID, error) {
	if err := b.check(ctx, &l); err != nil {
		return nil, nil, err
	}
	m, err := b.carriers(ctx, l)
	return m.Members, m.Patches, err
}
