package detect

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// Compile writes the signature file of one host OS: deterministic, sorted by ID, compressed.
func Compile(os patch.HostOS, defs []Definition) ([]byte, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Signatures is an opened signature file. It is immutable and safe for concurrent use.
type Signatures struct {
	os patch.HostOS
	n  int
}

// Result is one complete evaluation.
type Result struct {
	Verdicts patch.Vector
	Errors   int // verdicts "error" among them
}

// Open reads Compile's bytes and checks that they are whole.
func Open(b []byte) (*Signatures, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// OS is the host OS that the signatures judge.
func (s *Signatures) OS() patch.HostOS { return s.os }

// Len is the number of definitions.
func (s *Signatures) Len() int { return s.n }

// Packages is the number of binary package rules in all definitions.
func (s *Signatures) Packages() int { return 0 }

// ID names definition i.
func (s *Signatures) ID(i int) patch.ID { return "" }

// Carriers lists the patches that carry a binary package of this name, in order.
func (s *Signatures) Carriers(name string) []int { return nil }

// Index finds a patch by its ID.
func (s *Signatures) Index(id patch.ID) (int, bool) { return 0, false }

// Evaluate judges every definition.
func (s *Signatures) Evaluate(f *patch.Facts) (Result, error) {
	return Result{}, patch.Errorf(patch.Internal, "not built yet")
}

// Find judges definition i and says why. Title is left to the caller. For many patches of one machine use Judge.
func (s *Signatures) Find(f *patch.Facts, i int) patch.Finding { return patch.Finding{} }
