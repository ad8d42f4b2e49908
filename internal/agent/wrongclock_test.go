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

// An appliance whose clock was years ahead once is heard again when it is right, and so are its orders; until then what is refused says what both clocks say. Neither clock takes back by itself
// what is known of the time.
func TestAnApplianceWhoseClockWasAheadIsHeardAgain(t *testing.T) {
	a := newAppliance(t)
	b := newBox("curl")
	cfg := a.joined(t, b)
	d := newDeb("curl", "1.0-1", "1.0-2")
	stock(t, cfg, d)
	a.lasting(t, a.keys, time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour))
	own := time.Duration(0)
	cfg.Now = func() time.Time { return time.Now().Add(own) }
	s := open(t, cfg)
	hear := func(ahead, ours time.Duration) {
		t.Helper()
		a.ahead, own = ahead, ours
		_, err := s.checkin(t.Context(), glance{})
		must(t, err)
	}
	years := 10 * 365 * 24 * time.Hour
	hear(years, 0)
	o := newOrder(1, d)
	why := s.closedNow(o)
	for _, says := range []string{"the order expired at ", "; the appliance told that it is past " + time.Now().Add(years).UTC().Format("2006-01-02"), "this machine's clock says " + time.Now().UTC().Format("2006-01-02")} {
		if !strings.Contains(why, says) {
			t.Errorf("while its clock is ahead: %s", why)
		}
	}
	hear(0, -time.Hour) // it is right again, and this machine is not
	if s.closedNow(o) == "" {
		t.Error("the appliance alone took back what is known of the time")
	}
	must(t, s.hearTime(time.Time{}))
	if own = 0; s.closedNow(o) == "" {
		t.Error("this machine alone took back what is known of the time")
	}
	hear(0, 0)
	if why := s.closedNow(o); why != "" {
		t.Fatalf("both clocks are right: %s", why)
	}
	must(t, s.acceptOrder(a.keys.seal(t, o)))
	s.carryOut(t.Context())
	if r := s.journal.newest().Last["A1-0"]; r.State != patch.ExecDone {
		t.Errorf("%s %s %s", r.State, r.Cause, r.Text)
	}
	must(t, s.acceptOrder(a.keys.seal(t, newOrder(2, d))))
	if err := s.acceptOrder(a.keys.seal(t, o)); patch.KindOf(err) != patch.Conflict && patch.KindOf(err) != patch.Untrusted {
		t.Errorf("an order that was carried out is taken again: %v", err)
	}
}

// A machine whose clock is dead enrols, and is told what its clock says; the pinned CA must have made the appliance's certificate all the same. By a clock that
// is ahead the certificate is over, which may be so: the secret is not sent, and the error tells what the clock says.
func TestAWrongClockEnrols(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		clock    time.Time
		from, to time.Duration // of the appliance's certificate, from now
		stranger bool
		refused  string
		told     string
	}{
		"right":                          {now, -time.Hour, time.Hour, false, "", ""},
		"1970":                           {time.Unix(0, 0), -time.Hour, time.Hour, false, "", "clock says 1970-01-01 00:00 UTC"},
		"1970, and another CA's":         {time.Unix(0, 0), -time.Hour, time.Hour, true, "does not fit its address or the pinned CA", ""},
		"right, and another CA's":        {now, -time.Hour, time.Hour, true, "does not fit its address or the pinned CA", ""},
		"2040":                           {time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC), -time.Hour, time.Hour, false, "this machine's clock says 2040-01-02 03:04 UTC, and the certificate ended on 2", ""},
		"right, and one that is over":    {now, -50 * time.Minute, -30 * time.Minute, false, "is over by this machine's clock", ""},
		"2040, and another CA's is over": {now.AddDate(14, 0, 0), -50 * time.Minute, -30 * time.Minute, true, "ended on", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAppliance(t)
			by := a.keys
			if c.stranger {
				by = newKeys(t)
			}
			a.lasting(t, by, now.Add(c.from), now.Add(c.to))
			if c.stranger { // which shows the CA that the token pins, and did not make it
				served, _ := a.srv.TLS.GetConfigForClient(nil)
				served.Certificates[0].Certificate[1] = a.ca.Raw
			}
			asked := false
			a.tricks = func(http.ResponseWriter, *http.Request) bool { asked = true; return false }
			cfg := Config{StateDir: ram(t), Host: newBox(), Now: func() time.Time { return c.clock }}
			e, err := Enrol(context.Background(), cfg, a.srv.URL, a.token())
			if c.refused != "" {
				if patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), c.refused) || asked {
					t.Fatalf("%v, asked: %v", err, asked)
				}
				return
			}
			must(t, err)
			if !strings.Contains(e.Clock, c.told) || c.told == "" && e.Clock != "" {
				t.Errorf("it tells %q", e.Clock)
			}
			id, err := loadIdentity(layout{dir: cfg.StateDir})
			if must(t, err); now.Sub(id.EnrolledAt).Abs() > 2*time.Hour {
				t.Errorf("enrolled at %s", id.EnrolledAt)
			}
		})
	}
}
