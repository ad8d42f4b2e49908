// Package label knows which machines, and which patches, carry which label at the moment of asking.
//
// It owns membership: by hand, the built-in "all", and smart labels, whose CEL expression is type-checked when it is stored and evaluated,
// within a cost limit, whenever it is used. It refuses to cache membership, and expressions that could read anything but the machine or the patch.
package label

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Labels is the storage of labels.
type Labels interface {
	FindLabel(ctx context.Context, name string) (patch.Label, error)
	ListLabels(ctx context.Context) ([]patch.Label, error)
	PutLabel(ctx context.Context, caller patch.Caller, l patch.Label) error
	RemoveLabel(ctx context.Context, caller patch.Caller, name string) error
}

// Machines is the storage of machines and their inventories.
type Machines interface {
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	FindInventory(ctx context.Context, hash patch.Hash) ([]byte, error)
}

// Membership is who carries a label now.
type Membership struct {
	Label   patch.Label       `json:"label"`
	Members []patch.MachineID `json:"members"`
	Patches []patch.ID        `json:"patches,omitempty"` // of a label of patches
	// Unjudged are machines for which a smart label could not be evaluated (no inventory yet, or an error); they are not members.
	Unjudged map[patch.MachineID]string `json:"unjudged,omitempty"`
	// Faulty are patches for which a smart label could not be evaluated.
	Faulty map[patch.ID]string `json:"faulty,omitempty"`
}

// Book answers who carries which label.
type Book struct {
	Labels   Labels
	Machines Machines
	Lists    Lists // for labels of patches
}

// Members lists the admitted machines that carry a label of machines now, sorted by ID.
func (b *Book) Members(ctx context.Context, name string) ([]patch.MachineID, error) {
	l, err := b.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Of != patch.OfMachines {
		return nil, &patch.Error{Kind: patch.Invalid, What: "the label " + l.Name + " is one of patches", Why: "machines are named here", Do: "Name a label of machines: fettle labels"}
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
	all, err := b.admitted(ctx)
	if err != nil {
		return Membership{}, err
	}
	return b.judge(ctx, l, all)
}

// LabelsOf lists the names of the labels that a machine carries now, sorted; every admitted machine carries "all".
func (b *Book) LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error) {
	all, err := b.admitted(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m patch.Machine) bool { return m.ID != id })
	if len(all) == 0 {
		return nil, nil
	}
	labels, err := b.Labels.ListLabels(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{patch.LabelAll}
	for _, l := range labels {
		if l.Of != patch.OfMachines {
			continue
		}
		m, err := b.judge(ctx, l, all)
		if err != nil {
			return nil, err
		}
		if len(m.Members) > 0 && l.Name != patch.LabelAll {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// List gives every label with its members now, "all" first, then by name.
func (b *Book) List(ctx context.Context) ([]Membership, error) {
	all, err := b.admitted(ctx)
	if err != nil {
		return nil, err
	}
	labels, err := b.Labels.ListLabels(ctx)
	if err != nil {
		return nil, err
	}
	labels = slices.DeleteFunc(labels, func(l patch.Label) bool { return l.Name == patch.LabelAll })
	slices.SortFunc(labels, func(x, y patch.Label) int { return strings.Compare(x.Name, y.Name) })
	out := make([]Membership, 0, len(labels)+1)
	for _, l := range append([]patch.Label{builtin()}, labels...) {
		m, err := b.judged(ctx, l, all)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
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

func (b *Book) admitted(ctx context.Context) ([]patch.Machine, error) {
	return b.Machines.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted})
}

// judged is judge, or judgePatches for a label of patches.
func (b *Book) judged(ctx context.Context, l patch.Label, among []patch.Machine) (Membership, error) {
	if l.Of == patch.OfPatches {
		return b.judgePatches(ctx, l)
	}
	return b.judge(ctx, l, among)
}

// judge tells which of the machines carry a label.
func (b *Book) judge(ctx context.Context, l patch.Label, among []patch.Machine) (Membership, error) {
	m := Membership{Label: l, Members: []patch.MachineID{}}
	if l.Expr == "" {
		for _, x := range among {
			if l.Name == patch.LabelAll || slices.Contains(l.Members, x.ID) {
				m.Members = append(m.Members, x.ID)
			}
		}
		slices.Sort(m.Members)
		return m, nil
	}
	r, err := language().Compile(l.Expr)
	if err != nil {
		return m, err
	}
	for _, x := range among {
		yes, why, err := b.smart(ctx, r, x)
		switch {
		case err != nil:
			return m, err
		case why != "":
			if m.Unjudged == nil {
				m.Unjudged = map[patch.MachineID]string{}
			}
			m.Unjudged[x.ID] = why
		case yes:
			m.Members = append(m.Members, x.ID)
		}
	}
	slices.Sort(m.Members)
	return m, nil
}

// smart evaluates a rule for one machine; why says why it could not be judged.
func (b *Book) smart(ctx context.Context, r *expr.Condition, m patch.Machine) (yes bool, why string, err error) {
	i, why, err := b.inventory(ctx, r, m)
	if err != nil || why != "" {
		return false, why, err
	}
	yes, err = r.Holds(values(m, i))
	if err != nil {
		return false, err.Error(), nil
	}
	return yes, "", nil
}

// inventory reads what a machine told about itself, where an expression asks for it; why says why it is not at hand.
func (b *Book) inventory(ctx context.Context, r interface{ Reads(string) bool }, m patch.Machine) (i patch.Inventory, why string, err error) {
	if !r.Reads("inventory") {
		return i, "", nil
	}
	if m.Inventory == "" {
		return i, "its inventory has not arrived yet", nil
	}
	blob, err := b.Machines.FindInventory(ctx, m.Inventory)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return i, "its inventory has not arrived yet", nil
	}
	if err != nil {
		return i, "", err
	}
	if err := world.Decode(blob, &i); err != nil {
		return i, "its inventory cannot be read: " + err.Error(), nil
	}
	return i, "", nil
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
