package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// shelf has inventories, and counts who asks.
type shelf struct {
	Store
	of    map[patch.Hash]string
	asked int
}

func (s *shelf) FindInventory(_ context.Context, h patch.Hash) ([]byte, error) {
	s.asked++
	text, ok := s.of[h]
	if !ok {
		return nil, patch.Errorf(patch.NotFound, "no inventory %s", h)
	}
	enc, err := zstd.NewWriter(nil)
	return enc.EncodeAll([]byte(text), nil), err
}

func TestHistoriesAreReadOnce(t *testing.T) {
	s := &shelf{of: map[patch.Hash]string{"a": `{"changes":[{"name":"perl"}]}`, "broken": `{"changes":7}`}}
	l := &Ledger{Store: s, Log: slog.New(slog.DiscardHandler)}
	on := func(h patch.Hash) (names []string) {
		for _, c := range l.changesOn(t.Context(), patch.Machine{Inventory: h}) {
			names = append(names, c.Name)
		}
		return names
	}
	l.Learn("b", []patch.PkgChange{{Name: "bash"}})
	for _, c := range []struct {
		inventory patch.Hash
		want      string
		asked     int // once more than before
	}{{"a", "[perl]", 1}, {"a", "[perl]", 0}, {"b", "[bash]", 0}, {"late", "[]", 1}, {"late", "[]", 1}, {"broken", "[]", 1}, {"broken", "[]", 1}, {"", "[]", 0}} {
		before := s.asked
		if got := fmt.Sprint(on(c.inventory)); got != c.want || s.asked-before != c.asked {
			t.Errorf("%q: %s, asked %d times; want %s, %d", c.inventory, got, s.asked-before, c.want, c.asked)
		}
	}
	s.of["late"] = `{"changes":[{"name":"late"}]}`
	if got := fmt.Sprint(on("late")); got != "[late]" {
		t.Errorf("an inventory that came later says %s", got)
	}
}

func TestHistoriesAreBounded(t *testing.T) {
	var h histories
	kept := 0
	for i := range 400 {
		of := patch.Hash(fmt.Sprint(i))
		h.keep(of, []patch.PkgChange{{Evidence: strings.Repeat("x", 1<<10*(i%300))}})
		total := 0
		for _, c := range h.known {
			total += weightOf(c)
		}
		if _, ok := h.find(of); ok != (i%300 < 256) || total != h.bytes || total > mostHistories {
			t.Fatalf("after %d: there %t, %d bytes, said to be %d", i, ok, total, h.bytes)
		}
		kept = max(kept, len(h.known))
	}
	if kept < 8 {
		t.Errorf("%d histories at most are kept", kept)
	}
}
