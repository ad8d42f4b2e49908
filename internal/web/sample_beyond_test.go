package web

import (
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// sampleBeyond is what is approved and not eligible.
func (w *world) sampleBeyond() {
	first := w.machines[0].Machine
	named := []ledger.Named{{ID: first.ID, Name: first.Name}}
	patches := []ledger.IneligiblePatch{{Patch: w.patches[0].Patch.ID, Title: w.patches[0].Patch.Title, Machines: 18}}
	w.beyond = ledger.Ineligible{At: w.now, Sentence: "120 pairs of a machine and a patch are approved: 80 patched, 19 eligible, 21 not eligible.", Approved: 120, Patched: 80, Eligible: 19, Pairs: 21, Unsaid: true,
		Groups: []ledger.IneligibleGroup{
			{Gate: gate.Prerequisites, Code: patch.ReasonNotInstalled, Title: "not applicable: not installed", Text: "none of its packages is installed", Next: "nothing unless the machine changes", Pairs: 18, Machines: 18, Named: named, Patches: patches, Of: 1},
			{Gate: gate.Snapshot, Code: gate.CodeNever, Title: "unknown: never detected", Text: "web-9 has never completed a detect", Next: "its agent detects when it runs", Actor: gate.Agent, Pairs: 3, Machines: 1, Named: named, Patches: patches, Of: 3}}}
}
