package world

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Needs calls each for what machines of a set need for a patch, once for all whose facts say the same: at least once for every different answer.
// Machines whose facts are not at hand are left out.
func (v *View) Needs(ctx context.Context, id patch.ID, set *roaring.Bitmap, each func([]patch.PlanPackage) error) error {
	look, err := v.Look(ctx)
	if err != nil {
		return err
	}
	told := map[*reading]bool{}
	s := &Sight{v: v}
	for _, seat := range seatsOf(look, set) {
		if err := s.turn(ctx, seat); err != nil {
			return err
		}
		r := s.reading(id)
		if r != nil && told[r] {
			continue
		}
		told[r] = true
		pkgs, ok, err := s.Packages(ctx, id)
		if err != nil {
			return err
		}
		if ok {
			if err := each(pkgs); err != nil {
				return err
			}
		}
	}
	return nil
}
