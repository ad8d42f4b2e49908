package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// An address belongs to one appliance of the lab, whether or not it listens just now.
func TestAddressesAreClaimed(t *testing.T) {
	first, claim, err := claimAddress(28460)
	if err != nil {
		t.Fatal(err)
	}
	second, other, err := claimAddress(28460)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if first == second {
		t.Errorf("two appliances were given %s", first)
	}
	if err := claim.Close(); err != nil {
		t.Fatal(err)
	}
	third, again, err := claimAddress(28460)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if third != first {
		t.Errorf("%s was given back, and %s is given out", first, third)
	}
}

// Another server on the same port is not taken for the appliance that was started.
func TestReadyKnowsItsOwn(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer srv.Close()
	ended := make(chan struct{})
	close(ended)
	a := &Appliance{Dir: t.TempDir(), Console: strings.TrimPrefix(srv.URL, "https://"), ended: ended}
	sum := sha256.Sum256(srv.Certificate().Raw)
	for ca, ours := range map[string]bool{strings.Repeat("0", 64): false, hex.EncodeToString(sum[:]): true} {
		a.CA = ca
		if err := a.ready(t.Context()); (err == nil) != ours {
			t.Errorf("ready under CA %.8s: %v (log in %s)", ca, err, filepath.Base(a.Log()))
		}
	}
}
