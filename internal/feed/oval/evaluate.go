package oval

import (
	"context"
	"fmt"
	"iter"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Answer is the value of one definition over one machine.
type Answer struct {
	Definition *Definition
	Value      item.Value
	// Clauses are the smallest set of tests that decided the value; only Explain gives them.
	Clauses []patch.Clause
}

// Evaluation is what `fettle oval eval --json` prints: the answers of all documents, in their order. docs/schema publishes its shape.
type Evaluation struct {
	Definitions []Result `json:"definitions"`
}

// Result is one definition's answer.
type Result struct {
	ID      string         `json:"id"`    // the vendor's: "oval:org.example:def:1"
	Class   Class          `json:"class"` // OVAL's word, or what the document has instead: "patch", "vulnerability"
	Title   string         `json:"title"`
	Result  string         `json:"result"`            // "true", "false", "unknown", "error", "not evaluated" or "not applicable"
	Why     string         `json:"why,omitempty"`     // the definition as a whole cannot be judged
	Clauses []patch.Clause `json:"clauses,omitempty"` // the smallest set of tests that decided the result
}

// Result puts an answer into the words of an evaluation.
func (a *Answer) Result() Result {
	return Result{ID: a.Definition.ID, Class: a.Definition.Class, Title: a.Definition.Title, Result: a.Value.String(), Why: a.Definition.Fault, Clauses: a.Clauses}
}

// Evaluate judges all definitions by the engine that detects patches, and gives them in the document's order. Facts hold the machine's
// packages and src answers anything else; without facts src answers everything.
func (d *Document) Evaluate(ctx context.Context, facts *patch.Facts, src item.Source) (iter.Seq[Answer], error) {
	s, err := d.signatures()
	if err != nil {
		return nil, err
	}
	values, err := s.Values(ctx, facts, src)
	if err != nil {
		return nil, err
	}
	return d.answers(values), nil
}

// Explain is Evaluate with clauses. It collects all objects before it gives the first answer.
func (d *Document) Explain(ctx context.Context, facts *patch.Facts, src item.Source) (iter.Seq[Answer], error) {
	s, err := d.signatures()
	if err != nil {
		return nil, err
	}
	if facts == nil {
		facts = &patch.Facts{OS: patch.OSFacts{Key: patch.AnyOS}}
	}
	if err := s.Collect(ctx, facts, src); err != nil {
		return nil, err
	}
	values, err := s.Values(ctx, facts, item.NewStored(facts.Objects))
	if err != nil {
		return nil, err
	}
	findings, err := s.Findings(facts)
	if err != nil {
		return nil, err
	}
	return func(yield func(Answer) bool) {
		next, stop := iter.Pull(findings)
		defer stop()
		for a := range d.answers(values) {
			f, _ := next()
			if a.Clauses = f.Reason.Clauses; !yield(a) {
				return
			}
		}
	}, nil
}

// signatures makes a definition of each, called by its place so that the order stays and two may have one ID.
func (d *Document) signatures() (*detect.Signatures, error) {
	defs := make([]detect.Definition, len(d.Definitions))
	for i, def := range d.Definitions {
		e := def.Expression()
		defs[i] = detect.Definition{ID: patch.ID(fmt.Sprintf("%08d", i)), Installed: &e}
	}
	return detect.Assemble(patch.AnyOS, version.Dpkg, defs)
}

func (d *Document) answers(values iter.Seq[detect.Judgement]) iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		n := 0
		for v := range values {
			a := Answer{Definition: d.Definitions[n], Value: v.Installed}
			if a.Definition.Circular || a.Definition.Fault == noCriteria {
				a.Value = item.NotEvaluated
			}
			if !yield(a) {
				return
			}
			n++
		}
	}
}
