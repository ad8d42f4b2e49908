package auth

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

const (
	caLife     = 20 * 365 * 24 * time.Hour
	clientLife = 7 * 24 * time.Hour // unless the CA names another one
	serverLife = 90 * 24 * time.Hour
	// clockSkew is how far a machine's clock may be behind the appliance's.
	clockSkew = time.Hour
)

// CA signs certificates of one listener. It is safe for concurrent use.
type CA struct {
	Certificate *x509.Certificate
	Life        time.Duration // of the certificates of machines; 0: a week
	key         *ecdsa.PrivateKey
	known       recognised
}

// newCA makes a CA that may sign leaves only, and only for the uses given.
func newCA(name string, uses []x509.ExtKeyUsage, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a key for the %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: uses,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make the %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{Certificate: cert, key: key}, err
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// IssueClient gives a machine its certificate (DER): for as long as the CA says, for client authentication and nothing else, named by the hash of
// its key. An ID that is not the key's is refused.
func (ca *CA) IssueClient(public any, id patch.MachineID, now time.Time) ([]byte, error) {
	want, err := MachineIDOf(public)
	if err != nil {
		return nil, err
	}
	if id != want {
		return nil, patch.Errorf(patch.Forbidden, "the key belongs to the machine %s, not %s", want, id)
	}
	der, err := ca.sign(public, &x509.Certificate{
		Subject: pkix.Name{CommonName: string(id)}, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(cmp.Or(ca.Life, clientLife)),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot sign the certificate of the machine %s: %w", id, err)
	}
	ca.known.put(sha256.Sum256(der), id) // what was just signed needs no proof
	return der, nil
}

func (ca *CA) sign(public any, template *x509.Certificate) ([]byte, error) {
	template.SerialNumber, template.BasicConstraintsValid = serial(), true
	return x509.CreateCertificate(rand.Reader, template, ca.Certificate, public, ca.key)
}
