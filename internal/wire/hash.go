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
	head, err := json.Marshal(patch.Facts{OS: known.OS, Packages: known.Packages})
	h := sha256.New()
	if err == nil {
		h.Write(head[:len(head)-1]) // without its closing brace
	}
	return func(whole patch.Facts) (patch.Hash, error) {
		before, failed := json.Marshal(factsTail{Modules: whole.Modules})
		after, failedToo := json.Marshal(factsTail{Apt: whole.Apt})
		if err := errors.Join(err, failed, failedToo); err != nil {
			return "", patch.Errorf(patch.Internal, "cannot encode facts: %w", err)
		}
		members(h, before)
		if len(whole.Objects) > 0 {
			hashObjects(h, whole.Objects)
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

// hashObjects hashes the member objects, some at a time: all of them are megabytes.
func hashObjects(h hash.Hash, all []patch.Collected) {
	h.Write([]byte(`,"objects":[`))
	b := make([]byte, 0, 64<<10)
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		if b = appendObject(b, &all[i]); len(b) > 48<<10 {
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
