package gate

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// The worlds that make up most of a fleet: ready, patched, and needed without a decision.
func BenchmarkWalk(b *testing.B) {
	patched, undecided := good(), good()
	patched.Verdict = patch.Patched
	undecided.Policy = PolicyOf([]string{"web"}, nil, now)
	for name, w := range map[string]World{"ready": good(), "patched": patched, "undecided": undecided} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Walk(w)
			}
		})
		b.Run("sketch of "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Sketch(&w)
			}
		})
	}
}
