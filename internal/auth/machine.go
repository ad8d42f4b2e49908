package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// MachineIDOf derives a machine's identity from its public key: "m-" and 26 lower-case base32 digits of the first 128 bits of the
// SHA-256 over the key's SubjectPublicKeyInfo. Only ECDSA P-256 keys are taken.
func MachineIDOf(public any) (patch.MachineID, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return "", patch.Errorf(patch.Invalid, "a machine's key must be ECDSA P-256")
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", patch.Errorf(patch.Invalid, "cannot read a machine's key: %w", err)
	}
	sum := sha256.Sum256(der)
	return patch.MachineID("m-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))), nil
}

const maxCSR = 4 << 10

// ReadCSR reads a DER PKCS#10 request and proves that its sender holds the key. Nothing else in the request is used.
func ReadCSR(der []byte) (*x509.CertificateRequest, patch.MachineID, error) {
	csr, id, err := ReadHeldCSR(der)
	if err != nil {
		return nil, "", err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, "", patch.Errorf(patch.Invalid, "the certificate request is not signed with its own key: %w", err)
	}
	return csr, id, nil
}

// ReadHeldCSR is ReadCSR for a key that the sender's connection has proved already. The caller compares the two.
func ReadHeldCSR(der []byte) (*x509.CertificateRequest, patch.MachineID, error) {
	if len(der) == 0 || len(der) > maxCSR {
		return nil, "", patch.Errorf(patch.Invalid, "a certificate request has 1 to %d bytes, this one has %d", maxCSR, len(der))
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, "", patch.Errorf(patch.Invalid, "cannot read the certificate request: %w", err)
	}
	id, err := MachineIDOf(csr.PublicKey)
	return csr, id, err
}
