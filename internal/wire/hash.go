package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"

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

// HashFacts is the hash of a machine's facts, as HashJSON gives it, in two steps: nearly all of the work is done at once, over what is known before objects are
// collected, and the function that it gives takes the whole facts. OS and packages must be the same in both.
func HashFacts(known patch.Facts) func(whole patch.Facts) (patch.Hash, error) {
	os, err := json.Marshal(known.OS)
	h := sha256.New()
	h.Write(append([]byte(`{"os":`), os...))
	h.Write([]byte(`,"packages":`))
	if known.Packages == nil {
		h.Write([]byte("null"))
	} else {
		hashList(h, known.Packages, appendPackage)
	}
	return func(whole patch.Facts) (patch.Hash, error) {
		before, failed := json.Marshal(factsTail{Modules: whole.Modules})
		after, failedToo := json.Marshal(factsTail{Apt: whole.Apt})
		if err := errors.Join(err, failed, failedToo); err != nil {
			return "", patch.Errorf(patch.Internal, "cannot encode facts: %w", err)
		}
		members(h, before)
		if len(whole.Objects) > 0 {
			h.Write([]byte(`,"objects":`))
			hashList(h, whole.Objects, appendObject)
		}
		members(h, after)
		h.Write([]byte{'}'})
		return patch.Hash(hex.EncodeToString(h.Sum(nil))), nil
	}
}

// members hashes an object's members, if it has any, behind others.
func members(h hash.Hash, object []byte) {
	if len(object) > len("{}") {
		h.Write([]byte{','})
		h.Write(object[1 : len(object)-1])
	}
}

// hashList hashes a list some entries at a time: objects can be megabytes.
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
