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

// FactsHash hashes a machine's facts, as HashJSON does, while they are collected. Everything but objects is known first.
type FactsHash struct {
	before, h hash.Hash // h has taken more, some objects, where it is there
	given     int       // of objects
	err       error
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
		hashList(h, '[', known.Packages, appendPackage)
		h.Write([]byte{']'})
	}
	modules, failed := json.Marshal(factsTail{Modules: known.Modules})
	members(h, modules)
	return &FactsHash{before: h, h: h, err: errors.Join(err, failed)}
}

// Early takes the next of the objects, from the first one on, before all are known.
func (x *FactsHash) Early(some []patch.Collected) {
	if len(some) == 0 {
		return
	}
	opens := byte(',')
	if x.given == 0 {
		copied, err := x.before.(hash.Cloner).Clone()
		if err != nil { // SHA-256 can
			return
		}
		x.h, opens = copied, '['
		x.h.Write([]byte(`,"objects":`))
	}
	hashList(x.h, opens, some, appendObject)
	x.given += len(some)
}

// Sum is the hash of the whole facts. The first of their objects, early in number, are those that Early took; otherwise early is 0.
func (x *FactsHash) Sum(whole patch.Facts, early int) (patch.Hash, error) {
	apt, err := json.Marshal(factsTail{Apt: whole.Apt})
	if err = errors.Join(err, x.err); err != nil {
		return "", patch.Errorf(patch.Internal, "cannot encode facts: %w", err)
	}
	opens := byte(',')
	if x.given == 0 || x.given != early {
		x.h, x.given, opens = x.before, 0, '['
	}
	if rest := whole.Objects[x.given:]; len(whole.Objects) > 0 {
		if x.given == 0 {
			x.h.Write([]byte(`,"objects":`))
		}
		if len(rest) > 0 {
			hashList(x.h, opens, rest, appendObject)
		}
		x.h.Write([]byte{']'})
	}
	members(x.h, apt)
	x.h.Write([]byte{'}'})
	return patch.Hash(hex.EncodeToString(x.h.Sum(nil))), nil
}

// members hashes an object's members, if it has any, behind others.
func members(h hash.Hash, object []byte) {
	if len(object) > len("{}") {
		h.Write([]byte{','})
		h.Write(object[1 : len(object)-1])
	}
}

// hashList hashes a list, without its end, some entries at a time: objects can be megabytes. It opens with a bracket, or with a comma where
// it goes on.
func hashList[T any](h hash.Hash, opens byte, all []T, one func([]byte, *T) []byte) {
	b := append(make([]byte, 0, 64<<10), opens)
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		if b = one(b, &all[i]); len(b) > 48<<10 {
			h.Write(b)
			b = b[:0]
		}
	}
	h.Write(b)
}

// factsTail is what follows OS and packages in patch.Facts, field by field.
type factsTail struct {
	Modules []patch.Module    `json:"modules,omitempty"`
	Objects []patch.Collected `json:"objects,omitempty"`
	Apt     *patch.AptPolicy  `json:"apt,omitempty"`
}
