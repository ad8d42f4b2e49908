package api

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// LoginRequest signs a person in.
type LoginRequest struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// LoginReply carries the session's secret, once.
type LoginReply struct {
	Token     string     `json:"token"`
	User      string     `json:"user"`
	Role      patch.Role `json:"role"`
	ExpiresAt time.Time  `json:"expires_at"`
}

// Who is the person behind a request.
type Who struct {
	User string     `json:"user"`
	Role patch.Role `json:"role"`
}

func (s *people) login(c *call) (any, error) {
	if err := s.logins.take(addressOf(c.Request), 1); err != nil {
		return nil, err
	}
	in, err := decode[LoginRequest](c)
	if err != nil {
		return nil, err
	}
	secret, session, user, err := s.Door.SignIn(c.Context(), in.Name, in.Password, "cli", addressOf(c.Request))
	if err != nil {
		return nil, err
	}
	s.logins.giveBack(addressOf(c.Request))
	return LoginReply{Token: secret, User: user.Name, Role: user.Role, ExpiresAt: session.ExpiresAt}, nil
}

func (s *people) logout(c *call) (any, error) {
	return nil, s.Door.SignOut(c.Context(), c.caller, c.secret)
}

func (s *people) whoami(c *call) (any, error) {
	return Who{User: c.caller.Name, Role: c.caller.Role}, nil
}

// UserRequest creates or changes a user. An empty password keeps the one that is.
type UserRequest struct {
	Role     patch.Role `json:"role"`
	Password string     `json:"password,omitempty"`
	Disabled bool       `json:"disabled"`
}

func (s *people) listUsers(c *call) (any, error) {
	users, err := s.Store.ListUsers(c.Context())
	return listOf(users), err
}

func (s *people) putUser(c *call) (any, error) {
	in, err := decode[UserRequest](c)
	if err != nil {
		return nil, err
	}
	return s.Door.PutUser(c.Context(), c.caller, c.PathValue("user"), in.Role, in.Password, in.Disabled)
}

func (s *people) listAudit(c *call) (any, error) {
	since, err := c.moment("since")
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 200, 100_000)
	if err != nil {
		return nil, err
	}
	entries, err := s.Store.ListAudit(c.Context(), since, limit)
	return listOf(entries), err
}

// AuditProof is the answer to whether the audit log is unbroken.
type AuditProof struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

func (s *people) verifyAudit(c *call) (any, error) {
	err := s.Store.VerifyAudit(c.Context())
	if patch.KindOf(err) == patch.Untrusted {
		return AuditProof{Text: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	return AuditProof{OK: true, Text: "every entry's hash follows from the one before it"}, nil
}
