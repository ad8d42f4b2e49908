package agent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Enrolment is what enrol tells a person.
type Enrolment struct {
	Machine patch.MachineID    `json:"machine"`
	State   patch.MachineState `json:"state"`
	Server  string             `json:"server"`
	Clock   string             `json:"clock,omitempty"` // what is wrong with this machine's clock; windows cannot be kept by it
}

// clockText is a moment as people set clocks.
func clockText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// behind says that a clock is earlier than the making of this machine's certificate, which the appliance made just now.
func (id *identity) behind(clock time.Time) string {
	if id.leaf == nil || !clock.Before(id.leaf.NotBefore) {
		return ""
	}
	return "This machine's clock says " + clockText(clock) + ", and the appliance made its certificate after " + clockText(id.leaf.NotBefore) +
		". Set it (`date`, `timedatectl`): nothing is installed by a clock that is wrong."
}

// Enrol makes this machine known to an appliance: the token's hash pins the appliance's CA before anything is sent, the machine makes its
// own key, and only its public half travels. An enrolled machine enrols anew only where its owner removed its state first.
func Enrol(ctx context.Context, cfg Config, server, token string) (Enrolment, error) {
	cfg = cfg.withDefaults()
	t, err := ParseToken(token)
	if err != nil {
		return Enrolment{}, err
	}
	l := cfg.layout()
	if err := l.make(); err != nil {
		return Enrolment{}, err
	}
	if old, err := loadIdentity(l); err == nil {
		return Enrolment{}, &patch.Error{Kind: patch.Conflict, What: phrase.Of("this machine is enrolled already, as {1} at {2}", string(old.Machine), old.Server),
			Do: phrase.Of("To enrol it anew, stop the agent and remove {1}.", l.identity())}
	}
	id := identity{EnrolledAt: cfg.Now().UTC()}
	if id.key, err = l.makeKey(); err != nil {
		return Enrolment{}, err
	}
	guest, err := newGuest(server, t, cfg)
	if err != nil {
		return Enrolment{}, err
	}
	defer guest.close()
	name, _ := os.Hostname()
	state, err := enrolWith(ctx, guest, t, name, cfg.Version, &id)
	if err != nil {
		return Enrolment{}, err
	}
	if id.behind(cfg.Now()) != "" {
		id.EnrolledAt = id.leaf.NotBefore // the nearest that is known
	}
	if err := l.keepJSON(l.identity(), id); err != nil {
		return Enrolment{}, patch.Errorf(patch.Unavailable, "cannot keep the identity: %w", err)
	}
	return Enrolment{Machine: id.Machine, State: state, Server: id.Server, Clock: id.behind(cfg.Now())}, nil
}

// newGuest connects as one who has no certificate yet.
func newGuest(server string, t Token, cfg Config) (*client, error) {
	c, err := newClient(server, nil) // for the name that the certificate must carry
	if err != nil {
		return nil, err
	}
	return cfg.client(server, pinnedTLS(t.CA, c.hostname(), cfg.Now))
}

// enrolWith fills id, which has a key, with what the appliance gave for it.
func enrolWith(ctx context.Context, guest *client, t Token, hostname, version string, id *identity) (patch.MachineState, error) {
	csr, err := makeCSR(id.key)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	var reply wire.EnrolReply
	if _, err := guest.call(ctx, wire.PathEnrol, "", wire.EnrolRequest{Token: t.Secret, CSR: csr, Hostname: hostname, Agent: version}, &reply); err != nil {
		return "", err
	}
	id.Server, id.Machine, id.Certificate, id.CA = guest.base, reply.Machine, reply.Certificate, reply.CA
	id.CatalogKey, id.ApproverKey, id.Request = reply.CatalogKey, reply.ApproverKey, csr
	if sum := sha256.Sum256(id.CA); hex.EncodeToString(sum[:]) != string(t.CA) {
		return "", patch.Errorf(patch.Untrusted, "the appliance gave another CA than the one that the token pins")
	}
	_, _, err = id.check()
	return reply.State, err
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
			// A clock that is behind is told by the certificate itself, which was made before it is shown. Where one is over by the clock, nothing tells yet which is wrong.
			leaf, clock := s.PeerCertificates[0], now()
			_, err := leaf.Verify(x509.VerifyOptions{DNSName: hostname, Roots: roots, CurrentTime: latest(clock, leaf.NotBefore), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
				return &patch.Error{Kind: patch.Untrusted, What: "the appliance's certificate is over by this machine's clock",
					Why: phrase.Of("this machine's clock says {1}, and the certificate ended on {2}", clockText(clock), clockText(leaf.NotAfter)),
					Do:  "If the clock is wrong, set it (`date`, `timedatectl`) and enrol again. If it is right, look at the clock of the appliance."}
			}
			if err != nil {
				return &patch.Error{Kind: patch.Untrusted, What: "the appliance's certificate does not fit its address or the pinned CA", Err: err}
			}
			return nil
		},
	}
}
