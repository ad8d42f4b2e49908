package agent

import (
	"encoding/base64"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Token is what an administrator copies to a machine: a secret for the appliance, and the hash of the CA that the appliance must show.
type Token struct {
	Secret string
	CA     patch.Hash
}

// ParseToken reads "fettle1.<base64url secret>.<CA sha256 hex>".
func ParseToken(s string) (Token, error) {
	parts := strings.Split(strings.TrimSpace(s), ".")
	if len(parts) != 3 || parts[0] != "fettle1" {
		return Token{}, &patch.Error{Kind: patch.Invalid, What: "this is not an enrolment token", Why: "it must look like fettle1.SECRET.HASH",
			Do: "Copy the whole line that `fettle tokens add` printed."}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || len(raw) < 16 {
		return Token{}, &patch.Error{Kind: patch.Invalid, What: "the enrolment token is cut or mistyped in its secret part", Do: "Copy it again."}
	}
	if !patch.Hash(parts[2]).Valid() {
		return Token{}, &patch.Error{Kind: patch.Invalid, What: "the enrolment token is cut or mistyped in its last part", Do: "Copy it again."}
	}
	return Token{Secret: parts[1], CA: patch.Hash(parts[2])}, nil
}
