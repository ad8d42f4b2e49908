package web

import (
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
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
	w.beside = ledger.Reconciliation{Sentence: "By its own history web-01 has 41 patches of its list; detection agrees on 40. 1 disagreement.", Installed: 41, Agreed: 40, Items: []ledger.Disagreement{{
		Kind: ledger.SinceDetect, Patch: w.patches[0].Patch.ID, Verdict: patch.NotPatched, Newer: "inventory", Writer: "unattended-upgrades", Meaning: "the machine was changed after the newest detect", Do: "Nothing: the next detect says how it stands.",
		Change: patch.PkgChange{At: w.ago(time.Hour), Action: "upgrade", Name: "libssl3", To: "3.0.18-1", By: "unattended-upgrades"}}}}
	w.former = []ledger.Former{{OS: "debian-11-amd64", Next: sampleOS, Until: w.ago(900 * time.Hour), Receipt: patch.Receipt{Seq: 4}, Verdicts: patch.Counts{0, 3, 200}}}
	w.stuck = deploy.Explanation{Sentence: "2 of 9 installs have not ended.", Next: "the window opens", NextAt: w.now.Add(3 * time.Hour), Actor: gate.Time, Groups: []deploy.Wait{{Code: gate.CodeNotYet, Gate: gate.Window, Text: "the window opens today 11:40", Count: 23,
		Next: "the window opens", NextAt: w.now.Add(3 * time.Hour), Actor: gate.Time, Attempts: []deploy.Waiting{{Machine: m.ID, Name: m.Name, Patch: w.patches[0].Patch.ID, Text: "the window opens today 11:40", SeenAt: w.ago(time.Minute), Rank: 1, Of: 2}}}}}
}
