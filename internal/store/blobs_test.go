package store

import (
	"fmt"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Inventories that are a machine's newest, or that it is about to send, stay; those that were replaced go; facts are none of them.
func TestReplacedInventoriesAreForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		facts, body := compressed(t, `{"os":{}}`)
		must(t, s.PutFacts(ctx, "m-1", facts, body))
		must(t, s.PutFacts(ctx, "m-2", facts, body))
		var sent []patch.Hash
		for i := range 4 {
			h, body := compressed(t, fmt.Sprintf(`{"hostname":"h-%d"}`, i))
			id := patch.MachineID(fmt.Sprintf("m-%d", 1+i/2))
			must(t, s.PutCheckin(ctx, id, patch.CheckinUpdate{At: then, Counter: uint64(i + 1), Inventory: h}))
			must(t, s.PutInventory(ctx, id, h, body))
			sent = append(sent, h)
		}
		must(t, s.PutCheckin(ctx, "m-2", patch.CheckinUpdate{At: then, Counter: 9, Inventory: sent[2]})) // it goes back to what it had
		if n := got[int64](t)(s.ForgetInventories(ctx)); n != 1 {
			t.Errorf("%d inventories were forgotten", n)
		}
		_, err := s.FindInventory(ctx, sent[0])
		wantKind(t, err, patch.NotFound)
		for _, h := range sent[1:] {
			got[[]byte](t)(s.FindInventory(ctx, h))
		}
		got[[]byte](t)(s.FindFacts(ctx, facts))
	})
}
