package auth

import (
	"crypto/x509"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Recognising a certificate is no easier to deceive than proving it: one of another CA for the same key and name is refused, before and
// after the true one was seen, and what was refused is not remembered.
func TestRecognisedCertificates(t *testing.T) {
	uses := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	ours, err := newCA("ours", uses, noon)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newCA("ours", uses, noon)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	id, err := MachineIDOf(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(ca *CA) *x509.Certificate {
		der, err := ca.IssueClient(&key.PublicKey, id, noon)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	good, forged := issue(ours), issue(theirs)
	for range 3 {
		if _, err := ours.MachineOf(forged); patch.KindOf(err) != patch.Untrusted {
			t.Errorf("a certificate of another CA: %v", err)
		}
		if got, err := ours.MachineOf(good); got != id || err != nil {
			t.Errorf("%s, %v", got, err)
		}
	}
	for range 2*maxRecognised + 2 {
		ours.known.put([32]byte{1, byte(len(ours.known.new)), byte(len(ours.known.new) >> 8), byte(len(ours.known.new) >> 16)}, "m-other")
	}
	if n := len(ours.known.new) + len(ours.known.old); n > 2*maxRecognised {
		t.Errorf("%d certificates are remembered", n)
	}
	if got, err := ours.MachineOf(good); got != id || err != nil {
		t.Errorf("after it was forgotten: %s, %v", got, err)
	}
}
