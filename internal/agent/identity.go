package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// identity is what enrolment gave: who this machine is, whom it talks to, and the keys it believes.
type identity struct {
	Server      string          `json:"server"` // https URL
	Machine     patch.MachineID `json:"machine"`
	Certificate []byte          `json:"certificate"`
	CA          []byte          `json:"ca"`
	CatalogKey  []byte          `json:"catalog_key"`
	ApproverKey []byte          `json:"approver_key"`
	EnrolledAt  time.Time       `json:"enrolled_at"`
	Request     []byte          `json:"request,omitempty"` // for a certificate; it is the same every time, as the key is

	key *ecdsa.PrivateKey

	leaf, ca *x509.Certificate // of the bytes that were found right last
}

func notEnrolled() error {
	return &patch.Error{Kind: patch.NotFound, What: "this machine is not enrolled", Do: "Run `fettle-agent enrol --server URL --token TOKEN`."}
}

// loadIdentity reads key and identity; a machine without them is not enrolled.
func loadIdentity(l layout) (*identity, error) {
	var id identity
	found, err := l.readJSON(l.identity(), &id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notEnrolled()
	}
	if id.key, err = l.loadKey(); err != nil {
		return nil, err
	}
	return &id, nil
}

func (l layout) loadKey() (*ecdsa.PrivateKey, error) {
	b, err := readFile(l.on(), l.key())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notEnrolled()
	}
	if err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot read the machine's key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, patch.Errorf(patch.Internal, "%s holds no key", l.key())
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the machine's key: %w", err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, patch.Errorf(patch.Internal, "%s holds a key of another kind", l.key())
	}
	return ec, nil
}

// makeKey gives the machine's key, made here on the first call; it never leaves the machine.
func (l layout) makeKey() (*ecdsa.PrivateKey, error) {
	key, err := l.loadKey()
	if err == nil || patch.KindOf(err) != patch.NotFound {
		return key, err
	}
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot encode the key: %w", err)
	}
	if err := replaceFile(l.on(), l.key(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot keep the key: %w", err)
	}
	return key, nil
}

func makeCSR(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "fettle-agent"}}, key)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a certificate request: %w", err)
	}
	return der, nil
}

// check holds what an appliance gave against our own key and its CA.
func (id *identity) check() (leaf, ca *x509.Certificate, err error) {
	if id.leaf != nil && bytes.Equal(id.leaf.Raw, id.Certificate) && bytes.Equal(id.ca.Raw, id.CA) {
		return id.leaf, id.ca, nil
	}
	if ca = id.ca; ca == nil || !bytes.Equal(ca.Raw, id.CA) {
		if ca, err = x509.ParseCertificate(id.CA); err != nil {
			return nil, nil, patch.Errorf(patch.Untrusted, "cannot read the appliance's CA: %w", err)
		}
	}
	leaf, err = x509.ParseCertificate(id.Certificate)
	if err != nil {
		return nil, nil, patch.Errorf(patch.Untrusted, "cannot read this machine's certificate: %w", err)
	}
	if pub, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(&id.key.PublicKey) {
		return nil, nil, patch.Errorf(patch.Untrusted, "the certificate is for another key than this machine's")
	}
	if err := leaf.CheckSignatureFrom(ca); err != nil {
		return nil, nil, patch.Errorf(patch.Untrusted, "the certificate was not made by the pinned CA: %w", err)
	}
	id.leaf, id.ca = leaf, ca
	return leaf, ca, nil
}

// renewAt is half the certificate's life.
func renewAt(leaf *x509.Certificate) time.Time {
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
}

// tlsConfig is TLS 1.3 with the pinned CA and nothing else. now is this machine's clock, and known the latest time that the appliance has told.
func (id *identity) tlsConfig(now, known func() time.Time) (*tls.Config, error) {
	leaf, ca, err := id.check()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(id.Server)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot read the appliance's address: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	cert := tls.Certificate{Certificate: [][]byte{id.Certificate}, PrivateKey: id.key, Leaf: leaf}
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // replaced by VerifyConnection, which also knows what time it is where this machine's clock does not
		VerifyConnection: func(s tls.ConnectionState) error {
			return verifyServer(s.PeerCertificates, roots, u.Hostname(), now(), latest(known(), leaf.NotBefore))
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &cert, nil
		},
		ClientSessionCache: tls.NewLRUClientSessionCache(2),
	}, nil
}

// verifyServer holds the appliance's certificate against the pinned CA, its address and the time. A clock that is dead or was set wrong must not keep a machine
// from telling so: it is not earlier than known, or than when the CA made this certificate; and where the certificate is over by the clock, that it was not
// by the latest time known is enough. That may be wrong too, where the appliance's clock was ahead once: then this machine's own decides. What is not from the
// pinned CA is refused whatever the time.
func verifyServer(chain []*x509.Certificate, roots *x509.CertPool, hostname string, now, known time.Time) error {
	if len(chain) == 0 {
		return patch.Errorf(patch.Untrusted, "the appliance shows no certificate")
	}
	known = latest(known, chain[0].NotBefore)
	at := func(t time.Time) error {
		_, err := chain[0].Verify(x509.VerifyOptions{DNSName: hostname, Roots: roots, CurrentTime: t, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		return err
	}
	err := at(latest(now, known))
	for _, t := range []time.Time{known, now} {
		if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			err = at(t)
		}
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
