package api

import (
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// decodeAgent reads a message of an agent. Unknown fields are allowed: an agent may be newer than its appliance.
func decodeAgent[T any](c *call) (T, error) {
	var v T
	return v, decodeOne(json.NewDecoder(c.Body), &v)
}

// enrol makes a machine of whoever holds a token and a key. Nothing is looked up before the request has the shape of both.
func (s *agents) enrol(c *call) (any, error) {
	in, err := decodeAgent[wire.EnrolRequest](c)
	if err != nil {
		return nil, err
	}
	hash, err := auth.TokenHash(in.Token)
	if err != nil {
		return nil, err
	}
	csr, id, err := auth.ReadCSR(in.CSR)
	if err != nil {
		return nil, err
	}
	m, err := s.Store.RedeemToken(c.Context(), hash, s.Now(), patch.Machine{
		ID: id, Name: plainName(in.Hostname), State: patch.Pending, EnrolledAt: s.Now(), Address: addressOf(c.Request), AgentVersion: plainName(in.Agent),
	})
	if err != nil {
		return nil, err
	}
	s.enrols.giveBack(addressOf(c.Request))
	if m.State == patch.Revoked {
		return nil, notAdmitted()
	}
	cert, err := s.issue(csr, m.ID)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(c.Context(), "machine enrolled", slog.String("machine", string(m.ID)), slog.String("name", m.Name), slog.String("state", string(m.State)))
	return wire.EnrolReply{Machine: m.ID, State: m.State, Certificate: cert, CA: s.Issuer.Certificate.Raw, CatalogKey: s.CatalogKey, ApproverKey: s.ApproverKey}, nil
}

// renew gives a machine a new certificate for the key of this connection, and for no other.
func (s *agents) renew(c *call) (any, error) {
	in, err := decodeAgent[wire.RenewRequest](c)
	if err != nil {
		return nil, err
	}
	csr, id, err := auth.ReadHeldCSR(in.CSR)
	if err != nil {
		return nil, err
	}
	if id != c.machine.ID {
		return nil, &patch.Error{Kind: patch.Forbidden, What: "cannot renew the certificate", Why: "the request is for another key than this machine's"}
	}
	cert, err := s.issue(csr, id)
	return wire.RenewReply{Certificate: cert}, err
}

func (s *agents) issue(csr *x509.CertificateRequest, id patch.MachineID) ([]byte, error) {
	return s.Issuer.IssueClient(csr.PublicKey, id, s.Now())
}

// plainName makes a host name or a version fit for a row: valid UTF-8, no control characters, no more than a name has.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return clip(strings.TrimSpace(s), 253)
}

// plainText makes text of several lines fit for a row and a page: valid UTF-8, no control characters but line ends and tabs.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clipTail keeps the end of s, where an installer's log says what went wrong.
func clipTail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	i := len(s) - n
	for i < len(s) && !utf8.RuneStart(s[i]) {
		i++
	}
	return s[i:]
}

func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
