package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
)

// HashJSON gives v's canonical JSON (encoding/json's own: fields in order, map keys sorted, no white space) and its SHA-256.
// Both sides hash Facts and Inventory with it.
func HashJSON(v any) (patch.Hash, []byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", nil, patch.Errorf(patch.Internal, "cannot encode a %T: %w", v, err)
	}
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:])), b, nil
}

// FactsHash hashes a machine's facts, as HashJSON does, while they are collected. Everything but objects is known first.
type FactsHash struct {
	h   hash.Hash
	err error
}

// HashFacts begins with what is known before objects are collected; they are told from what is in known.Objects.
func HashFacts(known patch.Facts) *FactsHash {
	os, err := json.Marshal(known.OS)
	h := sha256.New()
	h.Write(append([]byte(`{"os":`), os...))
	h.Write([]byte(`,"packages":`))
	if known.Packages == nil {
		h.Write([]byte("null"))
	} else {
		hashList(h, known.Packages, appendPackage)
	}
	modules, failed := json.Marshal(factsTail{Modules: known.Modules})
	members(h, modules)
	return &FactsHash{h: h, err: errors.Join(err, failed)}
}

// Sum is the hash of the whole facts, once. Told is the JSON of their objects, in order, where whole does not hold these: see AppendObject.
func (x *FactsHash) Sum(whole patch.Facts, told iter.Seq[[]byte]) (patch.Hash, error) {
	apt, err := json.Marshal(factsTail{Apt: whole.Apt})
	if err = errors.Join(err, x.err); err != nil {
		return "", patch.Errorf(patch.Internal, "cannot encode facts: %w", err)
	}
	if len(whole.Objects) > 0 {
		x.h.Write([]byte(`,"objects":`))
		hashList(x.h, whole.Objects, AppendObject)
	} else if told != nil {
		x.told(told)
	}
	members(x.h, apt)
	x.h.Write([]byte{'}'})
	return patch.Hash(hex.EncodeToString(x.h.Sum(nil))), nil
}

func (x *FactsHash) told(objects iter.Seq[[]byte]) {
	before := []byte(`,"objects":[`)
	for b := range objects {
		x.h.Write(before)
		x.h.Write(b)
		before = before[:1] // the comma
	}
	if len(before) == 1 {
		x.h.Write([]byte{']'})
	}
}

// members hashes an object's members, if it has any, behind others.
func members(h hash.Hash, object []byte) {
	if len(object) > len("{}") {
		h.Write([]byte{','})
		h.Write(object[1 : len(object)-1])
	}
}

// hashList hashes a list, some entries at a time: objects can be megabytes.
func hashList[T any](h hash.Hash, all []T, one func([]byte, *T) []byte) {
	b := append(make([]byte, 0, 64<<10), '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		if b = one(b, &all[i]); len(b) > 48<<10 {
			h.Write(b)
			b = b[:0]
		}
	}
	h.Write(append(b, ']'))
}

// factsTail is what follows OS and packages in patch.Facts, field by field.
type factsTail struct {
	Modules []patch.Module    `json:"modules,omitempty"`
	Objects []patch.Collected `json:"objects,omitempty"`
	Apt     *patch.AptPolicy  `json:"apt,omitempty"`
}
