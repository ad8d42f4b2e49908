package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxDocument bounds facts and inventories, decompressed. A machine of 10,000 packages has 2 MB of facts.
const maxDocument = 64 << 20

// PutFacts stores a machine's facts under their content address. Machines with equal facts share one copy, so the address is
// checked against the bytes: otherwise one machine could plant facts that another one's verdicts are explained with.
func (s *Store) PutFacts(ctx context.Context, id patch.MachineID, h patch.Hash, zstdJSON []byte) error {
	return fault(s.putBlob(ctx, "facts", id, h, zstdJSON), "cannot store the facts of the machine %s", id)
}

// FindFacts gives zstd JSON of patch.Facts, or NotFound.
func (s *Store) FindFacts(ctx context.Context, h patch.Hash) ([]byte, error) {
	var body []byte
	err := s.read().row(ctx, `SELECT body FROM facts WHERE hash = $1`, []any{h}, &body)
	return body, missing(err, "the appliance has no facts %s", h)
}

// HasFacts reports whether facts are stored under a content address.
func (s *Store) HasFacts(ctx context.Context, h patch.Hash) (bool, error) {
	if s.crowd != nil {
		there, err := s.crowd.facts.ask(ctx, h)
		return there, fault(err, "cannot look for the facts %s", h)
	}
	there, ends := s.known.hasFacts(h)
	if there {
		return true, nil
	}
	var n int
	err := s.read().row(ctx, `SELECT COUNT(*) FROM facts WHERE hash = $1`, []any{h}, &n)
	if n > 0 {
		s.known.keepFacts(h, ends)
	}
	return n > 0, fault(err, "cannot look for the facts %s", h)
}

// PutInventory stores a machine's inventory under its content address, checked as PutFacts does.
func (s *Store) PutInventory(ctx context.Context, id patch.MachineID, h patch.Hash, zstdJSON []byte) error {
	return fault(s.putBlob(ctx, "inventory", id, h, zstdJSON), "cannot store the inventory of the machine %s", id)
}

// FindInventory gives zstd JSON of patch.Inventory, or NotFound.
func (s *Store) FindInventory(ctx context.Context, h patch.Hash) ([]byte, error) {
	var body []byte
	err := s.read().row(ctx, `SELECT body FROM inventories WHERE hash = $1`, []any{h}, &body)
	return body, missing(err, "the appliance has no inventory %s", h)
}

// EachInventory calls take with those of some inventories that are stored, as FindInventory gives them, in no order. The bytes are gone when take
// returns.
func (s *Store) EachInventory(ctx context.Context, hashes []patch.Hash, take func(h patch.Hash, zstdJSON []byte)) error {
	w := where{engine: s.engine}
	if err := addOneOf(&w, `hash`, hashes); err != nil {
		return err
	}
	_, err := list(ctx, s.read(), func(r scanner) (none struct{}, err error) {
		var h string
		var body sql.RawBytes
		if err := r.Scan(&h, &body); err != nil {
			return none, err
		}
		take(patch.Hash(h), body)
		return none, nil
	}, `SELECT hash, body FROM inventories`+w.String(), w.args...)
	return fault(err, "cannot read inventories")
}

// UseFacts makes facts that are stored already, because another machine of the same image sent them, a machine's newest if that is what its newest
// check-in announced; it reports whether they are stored.
func (s *Store) UseFacts(ctx context.Context, id patch.MachineID, h patch.Hash) (bool, error) {
	there, err := s.HasFacts(ctx, h)
	if err != nil || !there {
		return false, err
	}
	err = s.write(ctx, func(x session) error {
		known := x.touched.find(id)
		n, err := x.exec(ctx, `UPDATE machines SET facts = $2, changed = `+x.engine.changed+` WHERE id = $1 AND said_facts = $2 AND facts <> $2`, id, h)
		if err == nil {
			x.touched.becomesBy(id, known, n, func(m *patch.Machine) { m.Facts = h })
		}
		return err
	})
	return err == nil, fault(err, "cannot note the facts of the machine %s", id)
}

// putBlob keeps the document, and makes it the machine's newest if that is what its newest check-in announced: check-ins are counted,
// so an old document that is sent again changes nothing.
func (s *Store) putBlob(ctx context.Context, column string, id patch.MachineID, h patch.Hash, body []byte) error {
	if err := checkContent(h, body); err != nil {
		return err
	}
	table := map[string]string{"facts": "facts", "inventory": "inventories"}[column]
	return s.write(ctx, func(x session) error {
		if _, err := lockMachine(ctx, x, id); err != nil {
			return err
		}
		if _, err := x.exec(ctx, `INSERT INTO `+table+` (hash, body) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, h, body); err != nil {
			return err
		}
		known := x.touched.find(id)
		n, err := x.exec(ctx, `UPDATE machines SET `+column+` = $2, changed = `+x.engine.changed+` WHERE id = $1 AND said_`+column+` IN ('', $2) AND `+column+` <> $2`, id, h)
		if err == nil {
			x.touched.becomesBy(id, known, n, func(m *patch.Machine) {
				if column == "facts" {
					m.Facts = h
				} else {
					m.Inventory = h
				}
			})
		}
		return err
	})
}

// checkContent compares a content address with what the bytes decompress to, without ever holding all of it.
func checkContent(h patch.Hash, body []byte) error {
	dec, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(16<<20))
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot decompress the document: %w", err)
	}
	defer dec.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(dec, maxDocument+1))
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot decompress the document: %w", err)
	}
	if n > maxDocument {
		return patch.Errorf(patch.Invalid, "the document has more than %d bytes", maxDocument)
	}
	if got := patch.Hash(hex.EncodeToString(sum.Sum(nil))); got != h {
		return patch.Errorf(patch.Untrusted, "the document's hash is %s, not %s", got, h)
	}
	return nil
}

// forgottenAtOnce documents are removed in one transaction: others wait so long.
const forgottenAtOnce = 2000

// ForgetInventories removes inventories that no machine has or has announced any more, and gives how many there were. For facts see
// KeepFacts: verdicts are explained with them.
func (s *Store) ForgetInventories(ctx context.Context) (removed int64, err error) {
	for {
		var n int64
		err := s.write(ctx, func(x session) (err error) {
			n, err = x.exec(ctx, `DELETE FROM inventories WHERE hash IN (SELECT hash FROM
				(SELECT hash FROM inventories EXCEPT SELECT inventory FROM machines EXCEPT SELECT said_inventory FROM machines) gone LIMIT $1)`, forgottenAtOnce)
			return err
		})
		if err != nil {
			return removed, fault(err, "cannot forget old inventories")
		}
		if removed += n; n < forgottenAtOnce {
			return removed, nil
		}
	}
}
