package ledger

import (
	"context"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// histories are what inventories say about package changes. Every snapshot that changed something asks for its machine's, and an inventory never
// changes under its address: what was once read is good for ever. The zero value is ready.
type histories struct {
	mu    sync.Mutex
	known map[patch.Hash][]patch.PkgChange
	bytes int // of all of them, about
}

const (
	mostHistories = 16 << 20  // bytes that are kept, of 100,000 machines that tell none too; then all are forgotten
	oneHistory    = 256 << 10 // what is longer is read each time
)

func (h *histories) find(of patch.Hash) (changes []patch.PkgChange, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changes, ok = h.known[of]
	return changes, ok
}

func (h *histories) keep(of patch.Hash, changes []patch.PkgChange) {
	size := weightOf(changes)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.known[of]; there || size > oneHistory {
		return
	}
	if h.bytes += size; h.known == nil || h.bytes > mostHistories {
		h.known, h.bytes = map[patch.Hash][]patch.PkgChange{}, size
	}
	h.known[of] = changes
}

// weightOf is about how many bytes of memory a history takes, its place included.
func weightOf(changes []patch.PkgChange) int {
	n := 160
	for _, c := range changes {
		n += 160 + len(c.Action) + len(c.Name) + len(c.Arch) + len(c.From) + len(c.To) + len(c.By) + len(c.Who) + len(c.Evidence)
	}
	return n
}

// Learn takes the history of an inventory that was just read and stored: the machine's next detect will ask for it.
func (l *Ledger) Learn(inventory patch.Hash, changes []patch.PkgChange) {
	l.histories.keep(inventory, changes)
}

// changesOn gives the machine's own history of package changes out of its inventory; without it changes stay unnamed. Nobody may write to it.
func (l *Ledger) changesOn(ctx context.Context, m patch.Machine) []patch.PkgChange {
	if m.Inventory == "" {
		return nil
	}
	if changes, ok := l.histories.find(m.Inventory); ok {
		return changes
	}
	var i struct {
		Changes []patch.PkgChange `json:"changes"`
	}
	b, err := l.Store.FindInventory(ctx, m.Inventory)
	if err == nil {
		err = world.Decode(b, &i)
	}
	if err == nil {
		l.histories.keep(m.Inventory, i.Changes)
	} else if patch.KindOf(err) != patch.NotFound {
		l.Log.WarnContext(ctx, "inventory cannot be read", "machine", m.ID, "error", err)
	}
	return i.Changes
}
