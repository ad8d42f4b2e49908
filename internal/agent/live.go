package agent

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/probe"
)

// LiveHost is a machine by its root directory; "/" for the one that runs.
type LiveHost struct{ Root string }

// Facts reads what a detect judges.
func (h LiveHost) Facts(ctx context.Context) (patch.Facts, error) {
	return host.CollectFacts(ctx, h.Root)
}

// Collect asks the machine what signatures name beyond packages.
func (h LiveHost) Collect(ctx context.Context, sigs *detect.Signatures, f *patch.Facts) error {
	m, err := probe.Open(h.Root)
	if err != nil {
		return err
	}
	defer m.Close()
	return sigs.Collect(ctx, f, m)
}

// Inventory reads the machine as labels and people see it.
func (h LiveHost) Inventory(ctx context.Context, f patch.Facts) (patch.Inventory, error) {
	return host.CollectInventory(ctx, h.Root, f)
}

// Boot names the current boot.
func (h LiveHost) Boot() string { return host.BootID(h.Root) }

// Lists is of when the machine's own package lists are.
func (h LiveHost) Lists() time.Time { return host.ListsAt(h.Root) }

// Reboot says whether a reboot is owed, live.
func (h LiveHost) Reboot() patch.RebootSignal { return host.RebootSignal(h.Root) }
