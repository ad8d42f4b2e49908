// Package label knows which machines carry which label at the moment of asking.
//
// It owns membership: by hand, the built-in "all", and smart labels, whose CEL expression is type-checked when it is stored and evaluated,
// within a cost limit, whenever it is used. It refuses to cache membership, and expressions that could read anything but the machine.
package label

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
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
	// Unjudged are machines for which a smart label could not be evaluated (no inventory yet, or an error); they are not members.
	Unjudged map[patch.MachineID]string `json:"unjudged,omitempty"`
}

// Book answers who carries which label.
type Book struct {
	Labels   Labels
	Machines Machines
}

// Members lists the admitted machines that carry a label now, sorted by ID.
func (b *Book) Members(ctx context.Context, name string) ([]patch.MachineID, error) {
	m, err := b.Membership(ctx, name)
	return m.Members, err
}

// Membership is Members with the label itself and the machines that could not be judged.
func (b *Book) Membership(ctx context.Context, name string) (Membership, error) {
	return Membership{}, patch.Errorf(patch.Internal, "not built yet")
}

// LabelsOf lists the names of the labels that a machine carries now, sorted; every machine carries "all".
func (b *Book) LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// List gives every label with its members now, "all" first.
func (b *Book) List(ctx context.Context) ([]Membership, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Check says why an expression cannot be a smart label; nil when it can.
func (b *Book) Check(expr string) error { return patch.Errorf(patch.Internal, "not built yet") }

// Try evaluates an expression over all machines without storing it.
func (b *Book) Try(ctx context.Context, expr string) (Membership, error) {
	return Membership{}, patch.Errorf(patch.Internal, "not built yet")
}

// Put stores a label after checking its name, its expression and its members.
func (b *Book) Put(ctx context.Context, caller patch.Caller, l patch.Label) error {
	return patch.Errorf(patch.Internal, "not built yet")
}

// Remove takes a label away; decisions made for it stay as history and cover no machine any more.
func (b *Book) Remove(ctx context.Context, caller patch.Caller, name string) error {
	return patch.Errorf(patch.Internal, "not built yet")
}
