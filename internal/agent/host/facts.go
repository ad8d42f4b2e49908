package host

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectFacts reads what a detect judges from the machine whose root directory is root ("/" for the running one).
// A package database that is missing, truncated or garbled is an error: there are no partial facts.
func CollectFacts(ctx context.Context, root string) (patch.Facts, error) {
	return patch.Facts{}, patch.Errorf(patch.Internal, "not built yet")
}
