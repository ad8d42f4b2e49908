package agent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Enrolment is what enrol tells a person.
type Enrolment struct {
	Machine patch.MachineID    `json:"machine"`
	State   patch.MachineState `json:"state"`
	Server  string             `json:"server"`
}

// Enrol makes this machine known to an appliance: the token's hash pins the appliance's CA before anything is sent, the machine makes its
// own key, and only its public half travels. An enrolled machine enrols anew only where its owner removed its state first.
func Enrol(ctx context.Context, cfg Config, server, token string) (Enrolment, error) {
	cfg = cfg.withDefaults()
	t, err := ParseToken(token)
	if err != nil {
		return Enrolment{}, err
	}
	l := layout{cfg.StateDir}
	if err := l.make(); err != nil {
		return Enrolment{}, err
	}
	if old, err := loadIdentity(l); err == nil {
		return Enrolment{}, &patch.Error{Kind: patch.Conflict, What: "this machine is enrolled already, as " + string(old.Machine) + " at " + old.Server,
			Do: "To enrol it anew, stop the agent and remove " + l.identity() + "."}
	}
	id := identity{EnrolledAt: cfg.Now().UTC()}
	if id.key, err = makeKey(l.key()); err != nil {
		return Enrolment{}, err
	}
	reply, base, err := enrolWith(ctx, cfg, server, t, &id)
	if err != nil {
		return Enrolment{}, err
	}
	id.Server, id.Machine, id.Certificate, id.CA = base, reply.Machine, reply.Certificate, reply.CA
	id.CatalogKey, id.ApproverKey = reply.CatalogKey, reply.ApproverKey
	if sum := sha256.Sum256(id.CA); hex.EncodeToString(sum[:]) != string(t.CA) {
		return Enrolment{}, patch.Errorf(patch.Untrusted, "the appliance gave another CA than the one that the token pins")
	}
	if _, _, err := id.check(); err != nil {
		return Enrolment{}, err
	}
	if err := writeJSON(l.identity(), id); err != nil {
		return Enrolment{}, patch.Errorf(patch.Unavailable, "cannot keep the identity: %w", err)
	}
	return Enrolment{Machine: id.Machine, State: reply.State, Server: id.Server}, nil
}

func enrolWith(ctx context.Context, cfg Config, server string, t Token, id *identity) (wire.EnrolReply, string, error) {
	var reply wire.EnrolReply
	c, err := newClient(server, nil)
	if err != nil {
		return reply, "", err
	}
	defer c.close()
	c.http.Transport.(*http.Transport).TLSClientConfig = pinnedTLS(t.CA, c.hostname(), cfg.Now)
	csr, err := makeCSR(id.key)
	if err != nil {
		return reply, "", err
	}
	name, _ := os.Hostname()
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	_, err = c.call(ctx, wire.PathEnrol, "", wire.EnrolRequest{Token: t.Secret, CSR: csr, Hostname: name, Agent: cfg.Version}, &reply)
	return reply, c.base, err
}

// pinnedTLS trusts exactly the CA whose SHA-256 the token carries; the appliance shows that CA in its chain.
func pinnedTLS(ca patch.Hash, hostname string, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // replaced by VerifyConnection, which pins by hash what no pool can name yet
		VerifyConnection: func(s tls.ConnectionState) error {
			roots := x509.NewCertPool()
			found := false
			for _, cert := range s.PeerCertificates {
				if sum := sha256.Sum256(cert.Raw); hex.EncodeToString(sum[:]) == string(ca) {
					roots.AddCert(cert)
					found = true
				}
			}
			if !found {
				return &patch.Error{Kind: patch.Untrusted, What: "this is not the appliance that made the token", Why: "its certificate chain does not hold the pinned CA",
					Do: "Check the address and the token."}
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: hostname, Roots: roots, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			if err != nil {
				return &patch.Error{Kind: patch.Untrusted, What: "the appliance's certificate does not fit its address or the pinned CA", Err: err}
			}
			return nil
		},
	}
}
