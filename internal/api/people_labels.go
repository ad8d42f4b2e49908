package api

import (
	"time"

	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/patch"
)

// LabelRequest creates or changes a label: members by hand (names or ids of machines, or patches for a label of patches), or an
// expression, never both.
type LabelRequest struct {
	Of      patch.LabelOf `json:"of,omitempty"` // "patches"; empty: machines
	Note    string        `json:"note,omitempty"`
	Expr    string        `json:"expr,omitempty"`
	Members []string      `json:"members,omitempty"`
}

// listLabels gives every label with those that carry it, or with ?numbers=true with how many they are.
func (s *people) listLabels(c *call) (any, error) {
	if c.flag("numbers") {
		l, err := s.Labels.Sizes(c.Context())
		return listOf(l), err
	}
	l, err := s.Labels.List(c.Context())
	return listOf(l), err
}

func (s *people) findLabel(c *call) (any, error) {
	return s.Labels.Membership(c.Context(), c.PathValue("label"))
}

func (s *people) putLabel(c *call) (any, error) {
	l, err := s.labelRequest(c)
	if err != nil {
		return nil, err
	}
	if err := s.Labels.Put(c.Context(), c.caller, l); err != nil {
		return nil, err
	}
	s.Wanted.Beat()
	return s.Labels.Membership(c.Context(), l.Name)
}

// labelRequest reads a label and replaces what a person typed for machines and patches by their ids.
func (s *people) labelRequest(c *call) (patch.Label, error) {
	in, err := decode[LabelRequest](c)
	if err != nil {
		return patch.Label{}, err
	}
	return s.labelOf(c, c.PathValue("label"), in)
}

func (s *people) labelOf(c *call, name string, in LabelRequest) (patch.Label, error) {
	l := patch.Label{Name: name, Of: in.Of, Note: in.Note, Expr: in.Expr, CreatedAt: s.Now().UTC(), CreatedBy: c.caller.Name}
	for _, text := range in.Members {
		if l.Of == patch.OfPatches {
			row, err := s.patch(c, text)
			if err != nil {
				return l, err
			}
			l.Patches = append(l.Patches, row.ID)
			continue
		}
		m, err := s.Ledger.Resolve(c.Context(), text)
		if err != nil {
			return l, err
		}
		l.Members = append(l.Members, m.ID)
	}
	return l, nil
}

// testLabel tries an expression out: for whom it holds, and which of its pieces do.
func (s *people) testLabel(c *call) (any, error) {
	in, err := decode[label.Probe](c)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Only == "":
	case in.Of == patch.OfPatches:
		row, err := s.patch(c, in.Only)
		if err != nil {
			return nil, err
		}
		in.Only = string(row.ID)
	default:
		m, err := s.Ledger.Resolve(c.Context(), in.Only)
		if err != nil {
			return nil, err
		}
		in.Only = string(m.ID)
	}
	return s.Labels.Test(c.Context(), in)
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
