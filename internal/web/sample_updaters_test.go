package web

import (
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/updater"
)

// sampleOthers is what happens on machines beside Fettle.
func (w *world) sampleOthers() {
	m := w.machines[0]
	on := patch.UpdaterState{Name: patch.UnattendedUpgrades, Enabled: true, Evidence: "/etc/apt/apt.conf.d/20auto-upgrades sets APT::Periodic::Unattended-Upgrade \"1\"", Hand: patch.HandUndone, Since: w.ago(3 * time.Hour), Text: "it is on again: our file is gone"}
	ruling := patch.Ruling{Updater: patch.UnattendedUpgrades, Label: "web", Verb: patch.TakeOver, By: "m.keller", At: w.ago(90 * time.Hour), Why: "Fettle patches the web servers"}
	a, _ := updater.AdviceOn(patch.UnattendedUpgrades)
	b, _ := updater.AdviceOn(patch.Landscape)
	w.services = []updater.Overview{{Advice: a, On: 3, Off: 2, Taken: 2, Undone: 1, Failed: 1, Waiting: 1, Rulings: []patch.Ruling{ruling, {Updater: patch.AnyUpdater, Label: "all", Verb: patch.AlertOn}},
		Machines: []patch.MachineUpdater{{Machine: m.ID, Name: m.Name, UpdaterState: on}}}, {Advice: b}}
	w.here = []updater.Here{{UpdaterState: on, Advice: a, Ruling: &ruling}, {UpdaterState: patch.UpdaterState{Name: patch.Landscape}, Advice: b}}
	w.beside = ledger.Reconciliation{Sentence: phrase.Count(1, "{1}. {n} disagreement.", "{1}. {n} disagreements.", phrase.Count(41, "By its own history {1} has {n} patch of its list; detection agrees on {2}", "By its own history {1} has {n} patches of its list; detection agrees on {2}", "web-01", 40)), Installed: 41, Agreed: 40, Items: []ledger.Disagreement{{
		Kind: ledger.SinceDetect, Patch: w.patches[0].Patch.ID, Verdict: patch.NotPatched, Newer: "inventory", Writer: "unattended-upgrades", Meaning: phrase.Of("the machine was changed {1}, after the newest detect, which speaks of {2}", "2026-11-26 07:12 UTC", "2026-11-26 04:40 UTC"), Do: phrase.Of("Nothing: the next detect says how it stands. Now: fettle machines detect {1}", w.machines[0].Name),
		Change: patch.PkgChange{At: w.ago(time.Hour), Action: "upgrade", Name: "libssl3", To: "3.0.18-1", By: "unattended-upgrades"}}}}
	w.former = []ledger.Former{{OS: "debian-11-amd64", Next: sampleOS, Until: w.ago(900 * time.Hour), Receipt: patch.Receipt{Seq: 4}, Verdicts: patch.Counts{0, 3, 200}}}
	w.stuck = deploy.Explanation{Sentence: phrase.Count(9, "{1} of {n} install has not ended. {2}.", "{1} of {n} installs have not ended. {2}.", 2, phrase.Of("{1}: {2}", 2, phrase.Phrase("waiting for a free place in their ring"))), Next: "its window opens", NextAt: w.now.Add(3 * time.Hour), Actor: gate.Time, Groups: []deploy.Wait{{Code: gate.CodeNotYet, Gate: gate.Window, Text: "the window opens today 11:40", Count: 23,
		Next: "its window opens", NextAt: w.now.Add(3 * time.Hour), Actor: gate.Time, Attempts: []deploy.Waiting{{Machine: m.ID, Name: m.Name, Patch: w.patches[0].Patch.ID, Text: "the window opens today 11:40", SeenAt: w.ago(time.Minute), Rank: 1, Of: 2}}}}}
}
