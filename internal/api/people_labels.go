package api

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// LabelRequest creates or changes a label: members by hand (names or ids), or an expression, never both.
type LabelRequest struct {
	Note    string   `json:"note,omitempty"`
	Expr    string   `json:"expr,omitempty"`
	Members []string `json:"members,omitempty"`
}

func (s *people) listLabels(c *call) (any, error) {
	l, err := s.Labels.List(c.Context())
	return listOf(l), err
}

func (s *people) findLabel(c *call) (any, error) {
	return s.Labels.Membership(c.Context(), c.PathValue("label"))
}

func (s *people) putLabel(c *call) (any, error) {
	in, err := decode[LabelRequest](c)
	if err != nil {
		return nil, err
	}
	l := patch.Label{Name: c.PathValue("label"), Note: in.Note, Expr: in.Expr, CreatedAt: s.Now().UTC(), CreatedBy: c.caller.Name}
	for _, text := range in.Members {
		m, err := s.Ledger.Resolve(c.Context(), text)
		if err != nil {
			return nil, err
		}
		l.Members = append(l.Members, m.ID)
	}
	if err := s.Labels.Put(c.Context(), c.caller, l); err != nil {
		return nil, err
	}
	s.Wanted.Beat()
	return s.Labels.Membership(c.Context(), l.Name)
}

func (s *people) removeLabel(c *call) (any, error) {
	return nil, s.Labels.Remove(c.Context(), c.caller, c.PathValue("label"))
}

// token checks a request and makes the row.
func (r TokenRequest) token(hash patch.Hash, by string, now time.Time) (patch.Token, error) {
	if r.Uses == 0 {
		r.Uses = 1
	}
	if r.Hours == 0 {
		r.Hours = 24
	}
	if plainName(r.Name) == "" || plainName(r.Name) != r.Name || len(r.Name) > 64 {
		return patch.Token{}, &patch.Error{Kind: patch.Invalid, What: "cannot make the token", Why: "its name must have 1 to 64 characters"}
	}
	if r.Uses < 1 || r.Uses > 100_000 || r.Hours < 1 || r.Hours > 168 {
		return patch.Token{}, &patch.Error{Kind: patch.Invalid, What: "cannot make the token", Why: "uses must be from 1 to 100,000 and hours from 1 to 168"}
	}
	return patch.Token{Name: r.Name, Hash: hash, Uses: r.Uses, Admit: r.Admit, CreatedBy: by, CreatedAt: now.UTC(), ExpiresAt: now.UTC().Add(time.Duration(r.Hours) * time.Hour)}, nil
}
