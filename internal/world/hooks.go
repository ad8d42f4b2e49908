package world

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// standing is what blocks a machine as far as it keeps a patch from it. A hook that failed says something about orders that name it, and nothing
// about others. The question names its order's manner; where it names none, the order is the one that the patch waits in, if it does.
func (v *View) standing(ctx context.Context, a Ask, mine []patch.Attempt, block *patch.Attempt) (*patch.Attempt, error) {
	if block == nil || block.Cause != patch.FailHook {
		return block, nil
	}
	asked := a.Manner.Hooks()
	for _, one := range mine {
		if a.Manner != nil || one.State.Ended() {
			continue
		}
		hooks, err := v.hooks(ctx, one.Deployment)
		if err != nil {
			return nil, err
		}
		asked = append(asked, hooks...)
	}
	if len(asked) == 0 {
		return nil, nil
	}
	failed, err := v.hooks(ctx, block.Deployment)
	if err != nil || !slices.ContainsFunc(failed, func(name string) bool { return slices.Contains(asked, name) }) {
		return nil, err
	}
	return block, nil
}

// hooks are those that a deployment's orders name.
func (v *View) hooks(ctx context.Context, deployment string) ([]string, error) {
	dep, err := v.head(ctx, deployment)
	return dep.Plan.Manner.Hooks(), err
}
