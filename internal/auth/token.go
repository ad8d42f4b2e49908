package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

const (
	tokenPrefix = "fettle1"
	secretLen   = 32
)

// NewToken makes an enrolment token that pins the agent listener's CA: "fettle1.<base64url secret>.<CA's SHA-256>". Its text is
// shown once; the hash is what is stored.
func NewToken(ca *x509.Certificate) (text string, hash patch.Hash, err error) {
	raw := make([]byte, secretLen)
	if _, err := rand.Read(raw); err != nil {
		return "", "", patch.Errorf(patch.Internal, "cannot make a token: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return tokenPrefix + "." + secret + "." + string(CertificateHash(ca)), hashOf(secret), nil
}

// ParseToken splits a token into its secret part, which is what enrolment sends, and the CA's hash.
func ParseToken(text string) (secret string, ca patch.Hash, err error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 || parts[0] != tokenPrefix || !patch.Hash(parts[2]).Valid() {
		return "", "", &patch.Error{Kind: patch.Invalid, What: "this is not an enrolment token", Why: "it does not look like fettle1.<secret>.<hash>",
			Do: "Copy the whole line that `fettle tokens add` printed."}
	}
	if _, err := TokenHash(parts[1]); err != nil {
		return "", "", err
	}
	return parts[1], patch.Hash(parts[2]), nil
}

// TokenHash gives the hash under which a token's secret part is stored. What has not the shape of a secret is Invalid, before
// anything is looked up.
func TokenHash(secret string) (patch.Hash, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != secretLen {
		return "", &patch.Error{Kind: patch.Invalid, What: "cannot use the enrolment token", Why: "its secret part is cut or garbled",
			Do: "Copy the whole token again."}
	}
	return hashOf(secret), nil
}

// CertificateHash is the SHA-256 of a certificate's DER bytes: a CA's fingerprint.
func CertificateHash(cert *x509.Certificate) patch.Hash {
	sum := sha256.Sum256(cert.Raw)
	return patch.Hash(hex.EncodeToString(sum[:]))
}
