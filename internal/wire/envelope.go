package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

// Envelope carries bytes with the signature over them, in the manner of DSSE: the type is signed too, so that a signature over
// a revision can never pass as one over an order.
type Envelope struct {
	Type      string `json:"type"` // TypeRevision, TypeOrder or TypeUpdaters
	Payload   []byte `json:"payload"`
	KeyID     string `json:"keyid"` // first 16 hex digits of the key's SHA-256; a hint, never trusted
	Signature []byte `json:"signature"`
}

// Types of envelopes.
const (
	TypeRevision = "fettle/revision/1"
	TypeOrder    = "fettle/order/1"
	TypeUpdaters = "fettle/updaters/1"
)

func preAuth(typ string, payload []byte) []byte {
	b := make([]byte, 0, len(typ)+len(payload)+24)
	b = append(b, "fettle-envelope"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(typ)))
	b = append(b, typ...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(payload)))
	return append(b, payload...)
}

// KeyID names a public key for people and logs.
func KeyID(key ed25519.PublicKey) string {
	h := sha256.Sum256(key)
	return hex.EncodeToString(h[:8])
}

// Seal signs v's JSON as type typ.
func Seal(key ed25519.PrivateKey, typ string, v any) (Envelope, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Envelope{}, patch.Errorf(patch.Internal, "cannot encode a %s: %w", typ, err)
	}
	return Envelope{Type: typ, Payload: b, KeyID: KeyID(key.Public().(ed25519.PublicKey)), Signature: ed25519.Sign(key, preAuth(typ, b))}, nil
}

// Open verifies e against the pinned key and the expected type and decodes its payload into v. Nothing is decoded before the signature holds.
func (e Envelope) Open(key ed25519.PublicKey, typ string, v any) error {
	if e.Type != typ {
		return patch.Errorf(patch.Untrusted, "expected a signed %s and got a %q", typ, e.Type)
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, preAuth(typ, e.Payload), e.Signature) {
		return patch.Errorf(patch.Untrusted, "the signature of this %s does not verify with the pinned key %s", typ, KeyID(key))
	}
	if err := json.Unmarshal(e.Payload, v); err != nil {
		return patch.Errorf(patch.Invalid, "cannot decode a signed %s: %w", typ, err)
	}
	return nil
}
