package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// lasting gives the appliance a certificate of the pinned CA, or of another one, for a time.
func (a *appliance) lasting(t *testing.T, by *keys, from, to time.Time) {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: "x"}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: loopback()}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.ca, &key.PublicKey, by.caKey)
	must(t, err)
	next := a.srv.TLS.Clone()
	next.Certificates = []tls.Certificate{{Certificate: [][]byte{der, by.ca.Raw}, PrivateKey: key}}
	a.srv.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return next, nil }
}

// A machine whose clock is dead, or was set years ahead, reaches its appliance all the same, and so hears what time it is and can tell. No time makes it
// believe a certificate that is not the pinned CA's, or one that was over when the appliance last told the time.
func TestAWrongClockDoesNotCutOff(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		clock    time.Time
		from, to time.Duration // of the appliance's certificate, from now
		stranger bool
		refused  bool
	}{
		"right":                               {now, -time.Hour, time.Hour, false, false},
		"1970":                                {time.Unix(0, 0), -time.Hour, time.Hour, false, false},
		"2040":                                {now.AddDate(14, 0, 0), -time.Hour, time.Hour, false, false},
		"1970, and a new certificate":         {time.Unix(0, 0), time.Minute, time.Hour, false, false},
		"right, and one that is over":         {now, -50 * time.Minute, -30 * time.Minute, false, true},
		"1970, and one that is over":          {time.Unix(0, 0), -50 * time.Minute, -30 * time.Minute, false, true},
		"2040, and one that is over":          {now.AddDate(14, 0, 0), -50 * time.Minute, -30 * time.Minute, false, true},
		"right, and another CA's":             {now, -time.Hour, time.Hour, true, true},
		"1970, and another CA's":              {time.Unix(0, 0), -time.Hour, time.Hour, true, true},
		"2040, and another CA's":              {now.AddDate(14, 0, 0), -time.Hour, time.Hour, true, true},
		"2040, and another CA's that is over": {now.AddDate(14, 0, 0), -50 * time.Minute, -30 * time.Minute, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAppliance(t)
			cfg := a.joined(t, newBox("curl"))
			cfg.Now = func() time.Time { return c.clock }
			by := a.keys
			if c.stranger {
				by = newKeys(t)
			}
			a.lasting(t, by, now.Add(c.from), now.Add(c.to))
			s := open(t, cfg)
			must(t, s.set(func(st *state) { st.Trusted = now.Add(-time.Minute) }))
			asked := len(a.checkins)
			_, err := s.checkin(context.Background(), glance{})
			if c.refused {
				if patch.KindOf(err) != patch.Untrusted || len(a.checkins) != asked {
					t.Fatalf("%v, asked %d times", err, len(a.checkins)-asked)
				}
				return
			}
			must(t, err)
			if err := (&run{session: s}).clockIsRight(); (err == nil) != c.clock.Equal(now) {
				t.Errorf("it thinks of its clock: %v", err)
			}
			renewed := 0
			a.tricks = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(wire.PathRenew, r.URL.Path) {
					renewed++
				}
				return false
			}
			_, err = s.checkin(context.Background(), glance{})
			must(t, err)
			if renewed != 0 {
				t.Error("it asks for a new certificate at every check-in")
			}
		})
	}
}

// What is known of the time grows with what the appliance tells: without that, what the certificates of the pinned CA say is enough.
func TestTheFirstContactOfADeadClock(t *testing.T) {
	a := newAppliance(t)
	cfg := a.joined(t, newBox("curl"))
	cfg.Now = func() time.Time { return time.Unix(0, 0) }
	s := open(t, cfg)
	if _, err := s.checkin(context.Background(), glance{}); err != nil || time.Since(s.get().Trusted) > time.Minute {
		t.Errorf("%v, and it knows %s", err, s.get().Trusted)
	}
}
