package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// serverIdentity is a listener's certificate for a set of hosts. It is kept in memory only and replaced, with a new key, when a
// third of its life is left.
type serverIdentity struct {
	ca    *CA
	hosts []string
	now   func() time.Time

	mu   sync.Mutex
	cert *tls.Certificate
}

func (s *serverIdentity) current() (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert != nil && s.now().Before(s.cert.Leaf.NotAfter.Add(-serverLife/3)) && !s.now().Before(s.cert.Leaf.NotBefore) {
		return s.cert, nil
	}
	cert, err := s.issue()
	if err == nil {
		s.cert = cert
	}
	return cert, err
}

// issue shows the CA beside the leaf: an agent that enrols knows the CA by its hash only.
func (s *serverIdentity) issue() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a server key: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "fettle"}, NotBefore: s.now().Add(-clockSkew), NotAfter: s.now().Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range s.hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := s.ca.sign(&key.PublicKey, template)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot make a server certificate", Err: err, Do: "Check the host names in the configuration."}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the server certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, s.ca.Certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func serverTLS(ca *CA, hosts []string, now func() time.Time) (*tls.Config, error) {
	if len(hosts) == 0 {
		return nil, patch.Errorf(patch.Invalid, "a listener needs at least one host name or address")
	}
	s := &serverIdentity{ca: ca, hosts: slices.Clone(hosts), now: now}
	if _, err := s.current(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		Time:           now,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current() },
	}, nil
}

// ConsoleTLS is the console listener's side of TLS: 1.3 only, a certificate of the console CA, and no client certificates.
func (k *Keys) ConsoleTLS(hosts []string, now func() time.Time) (*tls.Config, error) {
	return serverTLS(k.Console, hosts, now)
}

// AgentTLS is the agent listener's side of TLS: 1.3 only, a certificate of the agent CA. A client may show no certificate, because
// a machine that enrols has none: the route table says which routes need one. One that it does show must be a machine's, of this CA,
// or the handshake fails. Its end is left to the routes: a laptop from a drawer may still renew.
func (k *Keys) AgentTLS(hosts []string, now func() time.Time) (*tls.Config, error) {
	cfg, err := serverTLS(k.Agents, hosts, now)
	if err != nil {
		return nil, err
	}
	cfg.ClientAuth = tls.RequestClientCert
	ca := k.Agents
	cfg.VerifyConnection = func(s tls.ConnectionState) error { // runs for resumed connections too
		if len(s.PeerCertificates) == 0 {
			return nil
		}
		_, err := ca.MachineOf(s.PeerCertificates[0])
		return err
	}
	return cfg, nil
}

// MachineOf tells which machine a certificate is for. It is Untrusted unless the agent CA signed it, for client authentication,
// under the name that follows from its key. It does not judge the certificate's dates.
func MachineOf(cert, agentCA *x509.Certificate) (patch.MachineID, error) {
	if err := cert.CheckSignatureFrom(agentCA); err != nil {
		return "", patch.Errorf(patch.Untrusted, "the client certificate is not of this appliance's agent CA: %w", err)
	}
	if cert.IsCA || !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) || len(cert.UnhandledCriticalExtensions) > 0 {
		return "", patch.Errorf(patch.Untrusted, "the certificate is not a machine's")
	}
	id, err := MachineIDOf(cert.PublicKey)
	if err != nil {
		return "", err
	}
	if cert.Subject.CommonName != string(id) {
		return "", patch.Errorf(patch.Untrusted, "the certificate names another machine than its key")
	}
	return id, nil
}
