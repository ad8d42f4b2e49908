package auth

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// listener is one of the appliance's two, with its clock.
type listener struct {
	*httptest.Server
	at time.Time
}

func listen(t *testing.T, make func(hosts []string, now func() time.Time) (*tls.Config, error)) *listener {
	t.Helper()
	l := &listener{at: noon}
	cfg, err := make([]string{"127.0.0.1", "appliance.test"}, func() time.Time { return l.at })
	if err != nil {
		t.Fatal(err)
	}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	}))
	l.Config.ErrorLog = log.New(io.Discard, "", 0)
	l.Listener = tls.NewListener(l.Listener, cfg) // not StartTLS: that brings a certificate of its own
	l.Start()
	t.Cleanup(l.Close)
	return l
}

// call makes one request over a connection of its own and gives the name that the server saw.
func (l *listener) call(root *CA, cert *tls.Certificate, change func(*tls.Config)) (string, error) {
	pool := x509.NewCertPool()
	pool.AddCert(root.Certificate)
	cfg := &tls.Config{RootCAs: pool, Time: func() time.Time { return l.at }}
	if cert != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	if change != nil {
		change(cfg)
	}
	tr := &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Get("https://" + l.Listener.Addr().String())
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

func machineCert(t *testing.T, ca *CA, key *ecdsa.PrivateKey, template *x509.Certificate) *tls.Certificate {
	t.Helper()
	var der []byte
	var err error
	if template != nil {
		der, err = ca.sign(&key.PublicKey, template)
	} else {
		id, _ := MachineIDOf(&key.PublicKey)
		der, err = ca.IssueClient(&key.PublicKey, id, noon)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func twoListeners(t *testing.T) (k *Keys, agents, console *listener) {
	t.Helper()
	k, err := CreateKeys(t.TempDir(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return k, listen(t, k.AgentTLS), listen(t, k.ConsoleTLS)
}

func TestAgentListener(t *testing.T) {
	k, agents, _ := twoListeners(t)
	key := newKey(t)
	good := machineCert(t, k.Agents, key, nil)
	id, _ := MachineIDOf(&key.PublicKey)
	if name, err := agents.call(k.Agents, good, nil); err != nil || name != string(id) {
		t.Errorf("a machine is seen as %q, %v", name, err)
	}
	if name, err := agents.call(k.Agents, nil, nil); err != nil || name != "" {
		t.Errorf("without a certificate, for enrolment: %q, %v", name, err)
	}
	template := func(cn string, uses ...x509.ExtKeyUsage) *x509.Certificate {
		c := &x509.Certificate{NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), ExtKeyUsage: uses}
		c.Subject.CommonName = cn
		return c
	}
	client, server := x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth
	stranger, err := newCA("Fettle agent CA", nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]*tls.Certificate{
		"the console CA's":          machineCert(t, k.Console, key, template(string(id), client)),
		"another appliance's":       machineCert(t, stranger, key, nil),
		"for a server":              machineCert(t, k.Agents, key, template(string(id), server)),
		"for both":                  machineCert(t, k.Agents, key, template(string(id), client, server)),
		"for nothing":               machineCert(t, k.Agents, key, template(string(id))),
		"another machine's name":    machineCert(t, k.Agents, key, template("m-aaaaaaaaaaaaaaaaaaaaaaaaaa", client)),
		"somebody else's key on it": {Certificate: good.Certificate, PrivateKey: newKey(t)},
	} {
		if seen, err := agents.call(k.Agents, bad, nil); err == nil {
			t.Errorf("a certificate that is %s is let in as %q", name, seen)
		}
	}
}

func TestConsoleListenerTakesNoCertificate(t *testing.T) {
	k, _, console := twoListeners(t)
	for _, ca := range []*CA{k.Agents, k.Console} {
		key := newKey(t)
		id, _ := MachineIDOf(&key.PublicKey)
		template := &x509.Certificate{NotBefore: noon, NotAfter: noon.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		template.Subject.CommonName = string(id)
		if seen, err := console.call(k.Console, machineCert(t, ca, key, template), nil); err != nil || seen != "" {
			t.Errorf("the console listener sees %q, %v", seen, err)
		}
	}
}

func TestListenersShowTheirOwnCA(t *testing.T) {
	k, agents, console := twoListeners(t)
	if _, err := agents.call(k.Console, nil, nil); err == nil {
		t.Error("the agent listener passes for the console")
	}
	if _, err := console.call(k.Agents, nil, nil); err == nil {
		t.Error("the console listener passes for the agent listener")
	}
	for l, ca := range map[*listener]*CA{agents: k.Agents, console: k.Console} {
		conn, err := tls.Dial("tcp", l.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		chain := conn.ConnectionState().PeerCertificates
		conn.Close()
		if last := chain[len(chain)-1]; len(chain) != 2 || CertificateHash(last) != CertificateHash(ca.Certificate) {
			t.Errorf("the chain has %d certificates and ends with %s", len(chain), last.Subject)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	k, agents, console := twoListeners(t)
	for l, ca := range map[*listener]*CA{agents: k.Agents, console: k.Console} {
		if _, err := l.call(ca, nil, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err == nil {
			t.Error("TLS 1.2 is accepted")
		}
		if _, err := l.call(ca, nil, func(c *tls.Config) { c.ServerName = "elsewhere.test" }); err == nil {
			t.Error("the certificate fits a host that was not given")
		}
		if _, err := l.call(ca, nil, func(c *tls.Config) { c.ServerName = "appliance.test" }); err != nil {
			t.Error(err)
		}
	}
}

func TestServerCertificateRenewsItself(t *testing.T) {
	k, agents, _ := twoListeners(t)
	var serials []string
	for range 12 {
		if _, err := agents.call(k.Agents, nil, func(c *tls.Config) {
			c.VerifyConnection = func(s tls.ConnectionState) error {
				serials = append(serials, s.PeerCertificates[0].SerialNumber.String())
				return nil
			}
		}); err != nil {
			t.Fatalf("at %s: %v", agents.at, err)
		}
		agents.at = agents.at.Add(15 * 24 * time.Hour)
	}
	changes := 0
	for i := 1; i < len(serials); i++ {
		if serials[i] != serials[i-1] {
			changes++
		}
	}
	if changes != 2 {
		t.Errorf("the certificate changed %d times in 165 days, want 2", changes)
	}
}

func TestListenerNeedsAHost(t *testing.T) {
	k, err := CreateKeys(t.TempDir(), noon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.ConsoleTLS(nil, time.Now)
	wantKind(t, err, patch.Invalid)
}
