package label

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// ValidName says why a text cannot be a label's name; nil when it can.
func ValidName(name string) error {
	if ok, _ := regexp.MatchString(`^[a-z0-9][a-z0-9._-]{0,62}$`, name); !ok {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Format("%q cannot be a label's name", name),
			Why: "a name has 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit"}
	}
	return nil
}

// Put stores a label after checking its name, its expression and its members. A label by hand and a smart one exclude each other.
func (b *Book) Put(ctx context.Context, caller patch.Caller, l patch.Label) error {
	if err := b.check(ctx, &l); err != nil {
		return err
	}
	return b.Labels.PutLabel(ctx, caller, l)
}

// check says why a label cannot be stored, and puts its members in order.
func (b *Book) check(ctx context.Context, l *patch.Label) error {
	if err := ValidName(l.Name); err != nil {
		return err
	}
	switch {
	case l.Name == patch.LabelAll:
		return patch.Errorf(patch.Invalid, "the label %q is built in: every admitted machine carries it", patch.LabelAll)
	case l.Expr != "" && len(l.Members)+len(l.Patches) > 0:
		return patch.Errorf(patch.Invalid, "the label %q has both members and an expression: a label is by hand or smart", l.Name)
	}
	if err := b.checkKind(ctx, *l); err != nil {
		return err
	}
	l.Patches = slices.Compact(slices.Sorted(slices.Values(l.Patches)))
	l.Members = slices.Compact(slices.Sorted(slices.Values(l.Members)))
	return nil
}

// checkKind says why a label cannot be one of what it is to be: its expression or its members are of the other kind, or it is one already.
func (b *Book) checkKind(ctx context.Context, l patch.Label) error {
	old, err := b.Labels.FindLabel(ctx, l.Name)
	switch {
	case err != nil && patch.KindOf(err) != patch.NotFound:
		return err
	case err == nil && old.Of != l.Of:
		return &patch.Error{Kind: patch.Conflict, What: phrase.Format("the label %q cannot change from machines to patches or back", l.Name), Why: "decisions and rules name it", Do: "Choose another name, or remove it first."}
	}
	switch {
	case l.Of != patch.OfMachines && l.Of != patch.OfPatches:
		return patch.Errorf(patch.Invalid, "a label is of machines or of patches, not of %q", l.Of)
	case l.Of == patch.OfPatches && len(l.Members) > 0, l.Of == patch.OfMachines && len(l.Patches) > 0:
		return patch.Errorf(patch.Invalid, "the label %q is of machines or of patches, not of both", l.Name)
	case l.Expr == "":
		return b.known(ctx, l.Members)
	case l.Of == patch.OfPatches:
		_, err := criterion.Compile(smartPatches, l.Expr)
		return err
	}
	return b.Check(l.Expr)
}

func (b *Book) known(ctx context.Context, members []patch.MachineID) error {
	if len(members) == 0 {
		return nil
	}
	look, err := b.Fleet.Look(ctx)
	if err != nil {
		return err
	}
	var unknown []string
	for _, id := range members {
		if look.Find(id) == nil {
			unknown = append(unknown, string(id))
		}
	}
	if len(unknown) > 0 {
		return patch.Errorf(patch.NotFound, "no machine is called %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Remove takes a label away; decisions made for it stay as history and cover no machine any more.
func (b *Book) Remove(ctx context.Context, caller patch.Caller, name string) error {
	if name == patch.LabelAll {
		return patch.Errorf(patch.Invalid, "the label %q is built in and cannot be removed", patch.LabelAll)
	}
	return b.Labels.RemoveLabel(ctx, caller, name)
}
