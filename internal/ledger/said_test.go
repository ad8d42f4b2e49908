package ledger

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// What programs read stays the English that it was, to the byte, whatever language people read.
func TestSentencesInEnglish(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	r := &patch.Receipt{OS: "debian-12-amd64", Ended: at}
	var some patch.Counts
	some[patch.NotPatched], some[patch.Patched], some[patch.NotApplicable], some[patch.Faulty], some[patch.Unknown] = 1204, 1, 3, 2, 5
	past := Past{Facts: true, At: at, Name: "web-1", Receipt: r, Stale: true, Verdicts: some}
	d := Difference{Name: "web-1", From: Standing{At: at}, To: Standing{At: at.Add(time.Hour), Receipt: r, Verdicts: some}, Moved: make([]patch.Transition, 2), Causes: map[patch.Cause]int{patch.ByFettle: 1, patch.ByPerson: 1}}
	for want, p := range map[string]phrase.Phrase{
		"214 machines: 187 confirmed patched, 1 needs patches, 9 need you, 2 with errors, 3 about to detect with a new list, 4 not detected for too long, 5 whose detect failed, 6 never detected; 1 more waits to be admitted.": (&Fleet{Machines: 214, Confirmed: 187, Needing: 1, NeedingPerson: 9, Erring: 2, Behind: 3, Stale: 4, Failed: 5, Never: 6, Pending: 1}).sentence(),
		"1 machine: 1 confirmed patched.":           (&Fleet{Machines: 1, Confirmed: 1}).sentence(),
		"No machine is admitted yet; 2 wait to be.": (&Fleet{Pending: 2}).sentence(),
		"no machine carries web":                    ComplianceSentence(patch.Compliance{Label: "web"}),
		"1,200 of 1,300 machines confirmed, 7 missing security patches, 3 not fully judged, 1 never detected":                                                                                                   ComplianceSentence(patch.Compliance{Machines: 1300, Confirmed: 1200, Needing: 7, Erring: 3, Never: 1}),
		"At 1 Mar 2026 10:00 UTC, web-1 needed 1,204 patches, 2 could not be judged, by the detect of 1 Mar 2026 10:00 UTC, which was too old to rely on. 0 verdicts have changed since.":                       past.sentence(at),
		"At 1 Mar 2026 10:00 UTC, web-2 had not completed a detect: nothing was known.":                                                                                                                         (&Past{At: at, Name: "web-2"}).sentence(at),
		"Between 1 Mar 2026 10:00 UTC and 1 Mar 2026 11:00 UTC, web-1 went from unknown to 1,204 needed patches; 2 verdicts moved: 1 by Fettle, 1 by a person.":                                                 d.sentence(at),
		"By its own history web-1 has 1 patch of its list; detection agrees on 1 and contradicts none.":                                                                                                         (&Reconciliation{Name: "web-1", Receipt: r, Installed: 1, Agreed: 1}).sentence(),
		"By its own history web-1 has 3 patches of its list; detection agrees on 1. 2 disagreements.":                                                                                                           (&Reconciliation{Name: "web-1", Receipt: r, Installed: 3, Agreed: 1, Items: make([]Disagreement, 2)}).sentence(),
		"The history that web-1 itself keeps tells of no package that was installed or removed: nothing was changed since it begins, or it was emptied. Detection goes by what is there, and needs no history.": (&Reconciliation{Name: "web-1", Receipt: r}).sentence(),
		"1 pair of a machine and a patch is approved: 0 patched, 1 eligible, 0 not eligible.":                                                                                                                   (&Ineligible{Approved: 1, Eligible: 1}).sentence(),
		"not applicable: under version":                  ineligibleTitle(gate.Prerequisites, "under-version"),
		"unknown: not detected with the newest list yet": ineligibleTitle(gate.Snapshot, "x"),
		"perl 5.36 on 3 machines: 1 patched, 1 needs it, 1 ready to deploy, 1 undecided, 3 not applicable, 2 not judged, 5 unknown.": ofPatch(patch.PatchRow{Patch: patch.Patch{Source: "perl", Version: "5.36"}}, Summary{Total: 3, Needed: 1, Deployable: 1, Undecided: 1, Verdicts: some}),
		"No machine's list carries perl now.": ofPatch(patch.PatchRow{Patch: patch.Patch{Source: "perl"}}, Summary{}),
	} {
		b, err := json.Marshal(p)
		var got string
		if err == nil {
			err = json.Unmarshal(b, &got)
		}
		if err != nil || got != want {
			t.Errorf("%v: %s\nwant %s", err, got, want)
		}
	}
}
