package deploy

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// explained bounds how many waiting machines get a reason from the gates in one Watch.
const explained = 25

// Watch gives a deployment's progress as of now.
func (d *Desk) Watch(ctx context.Context, id string) (Progress, error) {
	dep, err := d.Store.FindDeployment(ctx, id)
	if err != nil {
		return Progress{}, err
	}
	attempts, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: id})
	if err != nil {
		return Progress{}, err
	}
	p := sum(dep, attempts)
	by := byMachine(attempts)
	v, err := d.World.View(ctx)
	if err != nil {
		return Progress{}, err
	}
	if err := v.GatherAttempts(ctx, openPatches(attempts)); err != nil {
		return Progress{}, err
	}
	budget := explained
	for _, m := range dep.Plan.Machines {
		if len(by[m.Machine]) == 0 {
			continue
		}
		mp, err := machine(ctx, v, dep, m, by[m.Machine], &budget)
		if err != nil {
			return Progress{}, err
		}
		p.Machines = append(p.Machines, mp)
	}
	return p, nil
}

func byMachine(attempts []patch.Attempt) map[patch.MachineID][]patch.Attempt {
	by := map[patch.MachineID][]patch.Attempt{}
	for _, a := range attempts {
		by[a.Machine] = append(by[a.Machine], a)
	}
	return by
}

// sum adds a deployment's attempts up.
func sum(dep patch.Deployment, attempts []patch.Attempt) Progress {
	var t patch.AttemptTally
	for _, a := range attempts {
		t.Counts.Add(a)
		t.TotalBytes += a.TotalBytes
		t.Bytes += a.Bytes
	}
	return summed(dep, t)
}

func summed(dep patch.Deployment, t patch.AttemptTally) Progress {
	p := Progress{Deployment: dep, Counts: t.Counts, Bytes: t.Bytes, TotalBytes: t.TotalBytes, Ended: t.Counts.Open() == 0,
		Sentence: sentence(t.Counts, dep.Plan.Rollback != nil)}
	if dep.Plan.Restarts {
		p.Ended = p.Ended && (dep.State != patch.Running || t.Counts.RebootOwed == 0)
		p.Sentence = restartSentence(t.Counts)
	}
	return p
}

// Stands is a deployment's state in words. One that has finished says how many of its installs wait for a restart, so that nobody takes it for settled.
func (p Progress) Stands() phrase.Phrase {
	switch dep, c := p.Deployment, p.Counts; {
	case dep.State == patch.Finished && c.RebootOwed > 0 && dep.Plan.Restarts:
		return phrase.Of("finished, {1} not restarted", c.RebootOwed)
	case dep.State == patch.Finished && c.RebootOwed > 0:
		return phrase.Count(c.RebootOwed, "finished, {n} awaits a restart", "finished, {n} await a restart")
	case dep.State == patch.Finished:
		return "deployment\x04finished"
	case dep.State == patch.Halted:
		return "deployment\x04halted"
	}
	return "deployment\x04running"
}

func sentence(c Counts, back bool) phrase.Phrase {
	parts := []phrase.Phrase{phrase.Of("{1} of {2} installed", c.Done, c.Total)}
	doing := phrase.Of("{1} installing", c.Installing)
	if back {
		parts[0], doing = phrase.Of("{1} of {2} taken back", c.Done, c.Total), phrase.Of("{1} going back", c.Installing)
	}
	for _, x := range []struct {
		n    int
		says phrase.Phrase
	}{{c.Verified, phrase.Of("{1} verified by detect", c.Verified)}, {c.Unproven, phrase.Of("{1} not yet verified", c.Unproven)}, {c.NotEffective, phrase.Of("{1} not effective", c.NotEffective)},
		{c.Installing, doing}, {c.Downloading, phrase.Of("{1} downloading", c.Downloading)}, {c.Waiting, phrase.Of("{1} waiting", c.Waiting)}, {c.Failed, phrase.Of("{1} failed", c.Failed)},
		{c.Withdrawn, phrase.Of("{1} withdrawn", c.Withdrawn)}} {
		if x.n > 0 {
			parts = append(parts, x.says)
		}
	}
	return phrase.Join(parts, ", ")
}

func machine(ctx context.Context, v *world.View, dep patch.Deployment, m patch.MachinePlan, attempts []patch.Attempt, budget *int) (MachineProgress, error) {
	mp := MachineProgress{Machine: m.Machine, Name: m.Name}
	titles := map[patch.ID]string{}
	for _, i := range m.Items {
		titles[i.Patch] = i.Title
	}
	var sight *world.Sight
	for _, a := range attempts {
		mp.Counts.Add(a)
		mp.Bytes += a.Bytes
		mp.TotalBytes += a.TotalBytes
		item := ItemProgress{Attempt: a, Title: titles[a.Patch], Text: saying(a)}
		if a.State == patch.ExecWaiting && *budget > 0 {
			if sight == nil {
				*budget--
				var err error
				if sight, err = v.Sight(ctx, m.Machine); err != nil {
					return mp, err
				}
				mp.SeenAt = sight.Machine.SeenAt
			}
			answer, err := sight.Walk(ctx, askAbout(dep, a))
			if err != nil {
				return mp, err
			}
			if why := gate.Awaits(sight.Machine); why != "" && a.Order != "" {
				item.Text = phrase.Of("waits: {1}", why)
			} else if !answer.Deployable {
				item.Text = phrase.Of("waits: {1}", answer.Closed.Text)
			} else if first, err := behind(ctx, sight, dep.ID); err != nil {
				return mp, err
			} else if first != "" {
				item.Text = phrase.Of("waits: {1}", first)
			}
		}
		if a.State == patch.ExecDone && (a.Effect == patch.EffectNeedsReboot || a.Patch == patch.Restart && a.RebootOwed) && *budget > 0 {
			if sight == nil {
				*budget--
				var err error
				if sight, err = v.Sight(ctx, m.Machine); err != nil {
					return mp, err
				}
			}
			item.Text = restarting(sight.Machine, item.Text)
		}
		mp.Items = append(mp.Items, item)
	}
	mp.State, mp.Text = lead(mp.Items)
	mp.installing()
	return mp, nil
}

// installing says how far a machine is that has all its files. An agent fetches everything before it installs one patch after the other,
// so those that it has not come to are no longer on their way, whatever their own state says.
func (mp *MachineProgress) installing() {
	fetched := mp.State == patch.ExecDownloading && mp.Counts.Waiting == 0 && !slices.ContainsFunc(mp.Items, func(i ItemProgress) bool {
		return i.Attempt.State == patch.ExecDownloading && (i.Attempt.TotalBytes == 0 || i.Attempt.Bytes < i.Attempt.TotalBytes)
	})
	if !fetched && mp.State != patch.ExecInstalling {
		return
	}
	c := mp.Counts
	mp.State, mp.Text = patch.ExecInstalling, phrase.Of("installs, {1} of {2} done", c.Done, c.Total)
	if mp.Items[0].Attempt.TakesBack() {
		mp.Text = phrase.Of("goes back, {1} of {2} done", c.Done, c.Total)
	}
	if c.Failed > 0 {
		mp.Text = phrase.Of("{1}, {2} failed", mp.Text, c.Failed)
	}
	for i := range mp.Items {
		if mp.Items[i].Attempt.State == patch.ExecDownloading {
			mp.Items[i].Text = "its files are on the machine, and its turn comes"
		}
	}
	if i := slices.IndexFunc(mp.Items, func(i ItemProgress) bool { return i.Attempt.State == patch.ExecInstalling }); i >= 0 && mp.Items[i].Attempt.Patch != "" {
		mp.Text = phrase.Of("{1}: {2}", mp.Text, string(mp.Items[i].Attempt.Patch))
	}
}

// restarting adds what a machine says about a restart that it owes.
func restarting(m patch.Machine, text phrase.Phrase) phrase.Phrase {
	if !strings.HasPrefix(m.Busy, "reboot ") {
		return text
	}
	return phrase.Of("{1}, and says: {2}", text, phrase.Recall(m.Busy))
}

// behind says which other deployment a machine has to bring to its end first: one order is open at a time. Empty where there is none.
func behind(ctx context.Context, s *world.Sight, deployment string) (phrase.Phrase, error) {
	o, err := s.Order(ctx)
	if err != nil || o == nil || o.Deployment == deployment {
		return "", err
	}
	return phrase.Of("{1} carries out the order of deployment {2} first", s.Machine.Name, o.Deployment), nil
}

// lead is the item that says most about a machine: what is under way, else what waits, else what failed, else the rest.
func lead(items []ItemProgress) (patch.Execution, phrase.Phrase) {
	order := []patch.Execution{patch.ExecInstalling, patch.ExecDownloading, patch.ExecWaiting, patch.ExecFailed, patch.ExecDone, patch.ExecWithdrawn}
	first := slices.MinFunc(items, func(a, b ItemProgress) int {
		return cmp.Compare(slices.Index(order, a.Attempt.State), slices.Index(order, b.Attempt.State))
	})
	return first.Attempt.State, first.Text
}

// sayingBack is saying for what takes a patch back.
func sayingBack(a patch.Attempt) phrase.Phrase {
	steps, snapshot := patch.StepsText(a.Back), strconv.FormatUint(a.VerifiedSeq, 10)
	switch {
	case a.State == patch.ExecInstalling:
		return phrase.Of("goes back: {1}", steps)
	case a.Effect == patch.EffectRolledBack && a.RebootOwed:
		return phrase.Of("rolled back: {1}, proven by snapshot {2}; the machine owes a reboot", steps, snapshot)
	case a.Effect == patch.EffectRolledBack:
		return phrase.Of("rolled back: {1}, proven by snapshot {2}", steps, snapshot)
	case a.Effect == patch.EffectNotEffective:
		return phrase.Of("taken back without error, and the detect after it does not find exactly these versions: {1}", steps)
	case a.Effect == patch.EffectUndone:
		return "rolled back, and there again since by something else"
	}
	return phrase.Of("taken back: {1}; the detect after it has not come yet", steps)
}

// saying tells an attempt's state as a person would.
func saying(a patch.Attempt) phrase.Phrase {
	with := func(s phrase.Phrase) phrase.Phrase {
		if a.Text != "" {
			return phrase.Of("{1}: {2}", s, a.Text)
		}
		return s
	}
	switch {
	case a.Patch == patch.Restart && a.State == patch.ExecDone:
		return sayingRestart(a)
	case a.TakesBack() && (a.State == patch.ExecInstalling || a.State == patch.ExecDone):
		return sayingBack(a)
	}
	switch a.State {
	case patch.ExecDownloading:
		return "fetches the files"
	case patch.ExecInstalling:
		return "installs"
	case patch.ExecFailed:
		return with(phrase.Of("failed ({1})", string(a.Cause)))
	case patch.ExecWithdrawn:
		return with("withdrawn")
	case patch.ExecDone:
		switch a.Effect {
		case patch.EffectVerified:
			return phrase.Of("installed, verified by snapshot {1}", strconv.FormatUint(a.VerifiedSeq, 10))
		case patch.EffectNeedsReboot:
			return phrase.Of("installed, verified by snapshot {1}; the machine owes a reboot", strconv.FormatUint(a.VerifiedSeq, 10))
		case patch.EffectNotEffective:
			return "installed without error, and the detect after it still says not patched"
		case patch.EffectUndone:
			return "installed and verified, and undone since by something else"
		}
		if a.VerifiedSeq != 0 {
			return "installed; the detect after it could not confirm it, see its explanation"
		}
		return "installed; the detect after it has not come yet"
	}
	if a.Order != "" {
		return "the machine holds the order, and has not said yet that it began"
	}
	return "waits for the machine to fetch the order"
}
