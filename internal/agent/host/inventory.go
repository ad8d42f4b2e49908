package host

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectInventory reads the machine as labels and people see it. What cannot be read is left out; only a cancelled context is an error.
func CollectInventory(ctx context.Context, root string, f patch.Facts) (patch.Inventory, error) {
	return patch.Inventory{}, patch.Errorf(patch.Internal, "not built yet")
}

// BootID names the current boot; it changes with every restart of the kernel. Empty where the OS does not tell.
func BootID(root string) string { return "" }

// RebootSignal says whether the machine owes a reboot, derived live, so that it clears by itself.
func RebootSignal(root string) patch.RebootSignal { return patch.RebootSignal{} }
