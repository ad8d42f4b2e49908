package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestMachineID(t *testing.T) {
	key := newKey(t)
	id, err := MachineIDOf(&key.PublicKey)
	if err != nil || len(id) != 28 || !strings.HasPrefix(string(id), "m-") || string(id) != strings.ToLower(string(id)) {
		t.Fatalf("ID is %q, %v", id, err)
	}
	if again, _ := MachineIDOf(&key.PublicKey); again != id {
		t.Error("one key has two IDs")
	}
	if other, _ := MachineIDOf(&newKey(t).PublicKey); other == id {
		t.Error("two keys have one ID")
	}
	weak, _ := rsa.GenerateKey(rand.Reader, 2048)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for _, k := range []any{nil, "key", &weak.PublicKey, &p384.PublicKey} {
		_, err := MachineIDOf(k)
		wantKind(t, err, patch.Invalid)
	}
}

func csrOf(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "m-someone-else"}, DNSNames: []string{"appliance"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestReadCSR(t *testing.T) {
	key := newKey(t)
	der := csrOf(t, key)
	csr, id, err := ReadCSR(der)
	if want, _ := MachineIDOf(&key.PublicKey); err != nil || id != want || csr == nil {
		t.Fatalf("got %q, %v", id, err)
	}
	forged := append([]byte{}, der...)
	forged[len(forged)-1] ^= 1
	weak, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, bad := range map[string][]byte{"empty": nil, "cut": der[:40], "not signed by its key": forged, "rsa": csrOf(t, weak), "huge": make([]byte, 1<<20)} {
		if _, _, err := ReadCSR(bad); err == nil || patch.KindOf(err) != patch.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadCSR(f *testing.F) {
	f.Add(csrOf(f, newKey(f)))
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, id, err := ReadCSR(der); err == nil && len(id) != 28 {
			t.Errorf("ID %q", id)
		}
	})
}

func TestToken(t *testing.T) {
	ca, err := newCA("test", nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	text, hash, err := NewToken(ca.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	secret, pin, err := ParseToken("  " + text + "\n")
	if err != nil || pin != CertificateHash(ca.Certificate) {
		t.Fatalf("%q %q %v", secret, pin, err)
	}
	if got, err := TokenHash(secret); err != nil || got != hash || !hash.Valid() || strings.Contains(text, string(hash)) {
		t.Errorf("hash %q, want %q, %v", got, hash, err)
	}
	parts := strings.Split(text, ".")
	for _, bad := range []string{"", "fettle1", "fettle2." + parts[1] + "." + parts[2], parts[0] + "." + parts[1][1:] + "." + parts[2],
		parts[0] + "." + parts[1] + "." + parts[2][1:], text + ".x", parts[0] + ".." + parts[2], strings.ToUpper(text)} {
		_, _, err := ParseToken(bad)
		wantKind(t, err, patch.Invalid)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("fettle1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA." + strings.Repeat("a", 64))
	f.Fuzz(func(t *testing.T, text string) {
		secret, ca, err := ParseToken(text)
		if err == nil && (!ca.Valid() || len(secret) != 43) {
			t.Errorf("%q is taken", text)
		}
	})
}

func TestIssueClient(t *testing.T) {
	ca, err := newCA("agents", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, noon)
	if err != nil {
		t.Fatal(err)
	}
	csr, id, err := ReadCSR(csrOf(t, newKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	der, err := ca.IssueClient(csr.PublicKey, id, noon)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != string(id) || len(cert.DNSNames) != 0 || cert.IsCA || !cert.NotAfter.Equal(noon.Add(7*24*time.Hour)) ||
		len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("certificate is %+v", cert.Subject)
	}
	if got, err := MachineOf(cert, ca.Certificate); err != nil || got != id {
		t.Errorf("MachineOf gives %q, %v", got, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
		t.Error("a machine's certificate passes for a server's")
	}
	_, err = ca.IssueClient(csr.PublicKey, "m-aaaaaaaaaaaaaaaaaaaaaaaaaa", noon)
	wantKind(t, err, patch.Forbidden)
}
