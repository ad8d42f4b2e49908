package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"

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

// Hash is HashJSON where nobody needs the bytes.
func Hash(v any) (patch.Hash, error) {
	h := sha256.New()
	if err := json.NewEncoder(&unended{w: h}).Encode(v); err != nil {
		return "", patch.Errorf(patch.Internal, "cannot encode a %T: %w", v, err)
	}
	return patch.Hash(hex.EncodeToString(h.Sum(nil))), nil
}

// unended passes on all that an Encoder writes except the line feed at its end.
type unended struct {
	w     io.Writer
	ended bool
}

func (u *unended) Write(b []byte) (int, error) {
	if u.ended {
		if _, err := u.w.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
	}
	body := bytes.TrimSuffix(b, []byte{'\n'})
	u.ended = len(body) < len(b)
	if _, err := u.w.Write(body); err != nil {
		return 0, err
	}
	return len(b), nil
}
