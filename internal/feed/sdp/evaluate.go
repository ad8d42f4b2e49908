package sdp

import (
	"context"
	"fmt"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	winversion "github.com/fettle-project/fettle/internal/version"
)

// Answer is what one package's rules say of one machine.
type Answer struct {
	Package     *Package
	Installed   item.Value
	Installable item.Value // with its prerequisites
}

// Evaluation is what `fettle sdp eval --json` prints.
type Evaluation struct {
	Packages []Result `json:"packages"`
}

// Result is one package's answer.
type Result struct {
	ID          string         `json:"id"`
	Title       string         `json:"title"`
	Installed   string         `json:"installed"`         // "true", "false", or why it is neither: "unknown", "error", "not evaluated"
	Installable string         `json:"installable"`       // likewise; it says nothing of whether the package is there already
	Faults      []string       `json:"faults,omitempty"`  // what of the package is not understood
	Clauses     []patch.Clause `json:"clauses,omitempty"` // the smallest set of tests that decided whether it is a patch that the machine needs
}

// Evaluate judges every package over a machine's facts, in order, by the engine that detects patches. Detectoids are judged like others.
func (s *Set) Evaluate(ctx context.Context, facts *patch.Facts) ([]Answer, error) {
	defs := make([]detect.Definition, len(s.Packages))
	for i, p := range s.Packages {
		r := s.Rules(p)
		able := detect.And(r.Prerequisite, r.Installable)
		defs[i] = detect.Definition{ID: patch.ID(fmt.Sprintf("%08d", i)), Prerequisite: &able, Installed: &r.Installed}
	}
	signatures, err := detect.Assemble(patch.AnyOS, winversion.Windows, defs)
	if err != nil {
		return nil, err
	}
	values, err := signatures.Values(ctx, facts, item.NewStored(facts.Objects))
	if err != nil {
		return nil, err
	}
	out := make([]Answer, 0, len(defs))
	for v := range values {
		out = append(out, Answer{Package: s.Packages[len(out)], Installed: v.Installed, Installable: v.Prerequisite})
	}
	return out, ctx.Err()
}

// Explain is Evaluate with the clauses that decided.
func (s *Set) Explain(ctx context.Context, facts *patch.Facts) (Evaluation, error) {
	out := Evaluation{Packages: []Result{}}
	answers, err := s.Evaluate(ctx, facts)
	if err != nil {
		return out, err
	}
	defs := make([]detect.Definition, len(s.Packages))
	for i, p := range s.Packages {
		defs[i] = s.entry(p).Definition
		defs[i].ID = patch.ID(fmt.Sprintf("%08d", i))
	}
	signatures, err := detect.Assemble(patch.AnyOS, winversion.Windows, defs)
	if err != nil {
		return out, err
	}
	findings, err := signatures.Findings(facts)
	if err != nil {
		return out, err
	}
	for f := range findings {
		a := answers[len(out.Packages)]
		out.Packages = append(out.Packages, Result{ID: a.Package.ID, Title: a.Package.Title, Installed: a.Installed.String(), Installable: a.Installable.String(),
			Faults: a.Package.Faults, Clauses: f.Reason.Clauses})
	}
	return out, ctx.Err()
}
