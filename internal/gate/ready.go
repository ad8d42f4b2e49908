package gate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

func machine(w *World) Gate {
	g := Gate{Name: Machine, Title: "machine online"}
	m := w.Machine
	g.At = m.SeenAt
	switch {
	case m.State == patch.Pending:
		g.closes(CodePending, phrase.Of("{1} is enrolled and waits to be admitted", w.name()))
		g.ends(Person, "nothing until somebody admits the machine")
	case m.State != patch.Admitted:
		g.closes(CodeRevoked, phrase.Of("{1} is shut out", w.name()))
		g.ends(Person, "nothing: a revoked machine takes part no more")
	case m.SeenAt.IsZero():
		g.closes(CodeSilent, phrase.Of("{1} has not checked in yet", w.name()))
		g.ends(Owner, "the machine checks in when its agent runs")
	case m.SeenAt.Sub(w.Now) > w.Limits.Silent:
		g.closes(CodeSilent, phrase.Of("{1} was last seen when this appliance's clock was ahead ({2}), and has not checked in since", w.name(), phrase.At(w.Now, m.SeenAt)))
		g.ends(Owner, "the machine checks in when it is on and its agent runs")
	case patch.Quiet(m.SeenAt, w.Now) > w.Limits.Silent:
		g.closes(CodeSilent, phrase.Of("{1} was last seen {2} ago ({3})", w.name(), w.Now.Sub(m.SeenAt), phrase.At(w.Now, m.SeenAt)))
		g.ends(Owner, "the machine checks in when it is on and its agent runs")
	default:
		g.opens(phrase.Of("admitted, seen {1}", phrase.At(w.Now, m.SeenAt)))
		if m.Busy != "" {
			g.Evidence = phrase.Of("its agent says: {1}", phrase.Recall(m.Busy))
		}
	}
	return g
}

func payload(w *World) Gate {
	g := Gate{Name: Payload, Title: "payload on the appliance"}
	_, approved := approval(w.Policy)
	switch {
	case w.Verdict != patch.NotPatched:
		g.unreach("no file is needed")
		return g
	case !approved:
		g.unreach("the appliance fetches the files when it is approved")
		return g
	case !w.PayloadsKnown:
		g.closes(CodeNoFacts, "which files the machine needs is not known: the facts of its newest detect have not arrived")
		g.ends(Agent, "the agent sends them at its next check-in")
		return g
	case len(w.Payloads) == 0:
		g.closes(CodeNoFiles, "the catalog has no file of it that this machine needs")
		g.ends(Person, "nothing until the catalog changes")
		return g
	}
	files(w, &g)
	return g
}

func files(w *World, g *Gate) {
	var ready, all int64
	var have int
	var bad *PayloadFact
	for i := range w.Payloads {
		p := &w.Payloads[i]
		all += p.Size
		switch p.State {
		case patch.PayloadReady:
			have++
			ready += p.Size
		case patch.PayloadFailed:
			bad = p
		}
	}
	n := len(w.Payloads)
	switch {
	case bad != nil:
		g.closes(CodeFetchFail, phrase.Of("the appliance could not get {1}: {2}", bad.Name, given(phrase.Clause(bad.Error), "no reason is known")))
		g.ends(Appliance, "the appliance tries again")
		g.NextAt = bad.NextTry
	case have < n:
		g.closes(CodeFetching, phrase.Count(n, "the appliance has {1} of {n} file ({2} of {3})", "the appliance has {1} of {n} files ({2} of {3})", have, phrase.Size(ready), phrase.Size(all)))
		g.ends(Appliance, "the appliance fetches and verifies them")
	default:
		g.opens(verifiedFiles(n, all))
	}
}

func verifiedFiles(n int, size int64) phrase.Phrase {
	return phrase.Count(n, "{n} file, {1}, verified", "{n} files, {1}, verified", phrase.Size(size))
}

// Installs tells whether agents on a host OS can install: through apt and dpkg, through rpm, or what a definition for Windows brings.
func Installs(os patch.HostOS) bool {
	scheme := version.Of(os)
	return scheme == version.Dpkg || scheme == version.RPM || scheme == version.Windows
}

func preflight(w *World) Gate {
	g := Gate{Name: Preflight, Title: "machine ready"}
	if os := w.os(); !Installs(os) {
		g.closes(CodeNoInstall, phrase.Of("Fettle detects and explains {1}, and cannot install there yet", string(os)))
		g.ends(Owner, "install it with the machine's own package manager; the next detect proves it")
		return g
	}
	if p := w.Machine.Policy; !deploys(p) {
		g.closes(CodeOwner, phrase.Of("the owner of {1} does not allow deploys ({2})", w.name(), p))
		g.ends(Owner, "nothing until the owner allows it on the machine")
		words := strings.Split(p, ",")
		switch i := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, "unknown") }); { // as the agent calls them
		case i >= 0:
			where := strings.TrimPrefix(strings.TrimPrefix(words[i], "unknown"), " in ")
			g.Text = phrase.Of("the policy file of {1} has a line that is not understood, and its owner meant something: nothing is deployed there ({2})", w.name(), cmp.Or(where, p))
			g.ends(Owner, phrase.Of("nothing until the line is mended in the machine's policy file; a line is one of {1}", policyLines))
		case slices.Contains(words, "unreadable"):
			g.Text = phrase.Of("the policy file of {1} cannot be read, and its owner meant something: nothing is deployed there ({2})", w.name(), p)
			g.ends(Owner, "nothing until the agent can read the machine's policy file")
		}
		g.At = w.Machine.SeenAt
		return g
	}
	if holder, locked := strings.CutPrefix(w.Machine.Busy, "locked by "); locked {
		g.closes(CodeLocked, phrase.Of("the package manager of {1} is locked by {2}", w.name(), phrase.Recall(holder)))
		g.At = w.Machine.SeenAt
		g.ends(Agent, "the agent tries again when the lock is free")
		return g
	}
	if b := w.Blocked; b != nil {
		if code, wait, actor := blocked(w.Limits, *b); w.lately(*b, wait) {
			g.closes(code, given(phrase.Clause(b.Text), phrase.Of("the machine's last attempt failed: {1}", string(b.Cause))))
			g.At, g.Evidence = b.EndedAt, phrase.Of("attempt {1}", b.ID)
			g.ends(actor, "it may be tried again")
			g.NextAt = b.EndedAt.Add(wait)
			return g
		}
	}
	g.opens("nothing on the machine is in the way")
	return g
}

// policyLines are what a line of an owner's policy file may be.
const policyLines = "detect-only, no-deploy, no-reboot, no-takeover, not-while PROGRAM, not-while PROGRAM PACKAGE…"

// deploys reports whether an owner's policy, words with commas between them, lets Fettle install.
func deploys(policy string) bool {
	for word := range strings.SplitSeq(policy, ",") {
		if word != "" && word != "no-reboot" && word != "no-takeover" && !strings.HasPrefix(word, "not-while ") {
			return false
		}
	}
	return true
}

// blocked tells for how long a failure that is the machine's own keeps it from being tried again, and who can end it.
func blocked(l Limits, a patch.Attempt) (code string, wait time.Duration, actor Actor) {
	switch a.Cause {
	case patch.FailLock:
		return CodeLocked, l.Retry, Time
	case patch.FailNetwork:
		return CodeNetwork, l.Retry, Time
	case patch.FailDisk:
		return CodeDisk, l.RetryDisk, Owner
	case patch.FailPower:
		return CodePower, l.Retry, Owner
	case patch.FailClock:
		return CodeClock, l.RetryDisk, Owner
	case patch.FailHook:
		return CodeHook, l.Retry, Owner
	}
	return "", 0, Nobody
}

// Blocks reports whether an attempt that failed for this cause says something about the machine rather than about the patch.
func Blocks(c patch.FailCause) bool {
	return c == patch.FailLock || c == patch.FailNetwork || c == patch.FailDisk || c == patch.FailPower || c == patch.FailClock || c == patch.FailHook
}

func attempts(w *World) Gate {
	g := Gate{Name: Attempts, Title: "attempts left"}
	if a := w.underWay(); a != nil {
		g.At, g.Evidence = a.CreatedAt, phrase.Of("deployment {1}", a.Deployment)
		if a.Order == "" && w.Quarantine != nil {
			g.closes(CodeUnderWay, "it is part of a deployment, and no order for it goes out while it is halted")
			g.ends(Person, "it goes on when somebody resumes it")
			return g
		}
		g.closes(CodeUnderWay, underWay(w, *a))
		g.ends(Agent, "the agent reports when it has ended")
		return g
	}
	used, limit := w.used(), w.Limits.MaxAttempts
	last := w.last()
	since, _ := approval(w.Policy)
	switch {
	case last != nil && last.State == patch.ExecDone && !w.judgedSince(*last):
		g.closes(CodeAwaiting, awaiting(w.Now, *last))
		g.ends(Agent, "the agent detects after every install")
	case used >= limit:
		g.closes(CodeOutOf, phrase.Of("{1} of {2} attempts failed on the patch itself; the last one: {3}", used, limit, given(w.lastText(), "no text")))
		g.ends(Person, phrase.Of("nothing until somebody looks; then: {1}", "fettle deploy reset-attempts "+string(w.Patch.ID)+" --machine "+w.name()+" --why …"))
	case w.Unmet != nil:
		foretold(w, &g)
		return g
	case last != nil && last.Cause == patch.FailDependency && w.lately(*last, w.Limits.RetryDisk) && !w.approvedSince(last.EndedAt) && !w.newsSince(*last):
		g.closes(CodeDependency, given(phrase.Clause(last.Text), "it needs a package that is not approved"))
		g.ends(Person, "approve what it needs")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailUntrusted && w.lately(*last, w.Limits.RetryDisk):
		g.closes(CodeUntrusted, given(phrase.Clause(last.Text), "its files did not verify on the machine"))
		g.ends(Person, "it may be tried again; find out why the files did not verify")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailPolicy && w.lately(*last, w.Limits.RetryDisk) && !w.newsSince(*last):
		g.closes(CodeOwner, given(phrase.Clause(last.Text), "the machine's owner does not allow it"))
		g.ends(Owner, "it may be tried again; the owner decides on the machine")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailBlocker && w.lately(*last, w.Limits.Retry):
		g.closes(CodeBlocker, given(phrase.Clause(last.Text), "a program runs during whose running it is not installed"))
		g.ends(Owner, phrase.Of("whoever works on {1} closes the program; then it may be tried again", w.name()))
		g.NextAt = last.EndedAt.Add(w.Limits.Retry)
	case last != nil && last.Cause == patch.FailRoom && w.lately(*last, w.Limits.Retry) && w.forgotten(*last, since) == "":
		g.closes(CodeRoom, given(phrase.Clause(last.Text), "a file system of the machine has too little room for it"))
		g.ends(Owner, phrase.Of("whoever keeps {1} makes room there; then it may be tried again", w.name()))
		g.NextAt = last.EndedAt.Add(w.Limits.Retry)
	case last != nil && last.Cause == patch.FailDrift && !w.judgedSince(*last):
		g.closes(CodeDrift, given(phrase.Clause(last.Text), "the machine was not as the plan assumed"))
		g.ends(Agent, "the agent detects again")
	default:
		g.opens(w.afresh(limit-used, limit))
		return g
	}
	if last != nil {
		g.At = last.EndedAt
		if g.Evidence == "" {
			g.Evidence = phrase.Of("attempt {1}", last.ID)
		}
	}
	return g
}

func awaiting(now time.Time, last patch.Attempt) phrase.Phrase {
	if last.TakesBack() {
		return phrase.Of("Fettle took it back {1}, and the detect after it has not come yet", phrase.At(now, last.EndedAt))
	}
	return phrase.Of("Fettle installed it {1}, and the detect after it has not come yet", phrase.At(now, last.EndedAt))
}

func underWay(w *World, a patch.Attempt) phrase.Phrase {
	if o := w.Order; a.State != patch.ExecInstalling && o != nil && o.ID == a.Order && o.BeginsAt.After(w.Now) {
		return phrase.Of("it is being deployed: {1}", Held(w.Now, *o))
	}
	switch a.State {
	case patch.ExecDownloading:
		return phrase.Of("it is being deployed: the machine fetches the files ({1} of {2})", phrase.Size(a.Bytes), phrase.Size(a.TotalBytes))
	case patch.ExecInstalling:
		if a.TakesBack() {
			return "it is being taken back: the machine does it now"
		}
		return "it is being deployed: the machine installs it now"
	}
	if why := Awaits(w.Machine); why != "" && a.Order != "" {
		return phrase.Of("it is being deployed: {1} holds the order and waits: {2}", w.name(), phrase.Recall(why))
	}
	if a.TakesBack() {
		return "it is being taken back: the order waits for the machine"
	}
	return "it is being deployed: the order waits for the machine"
}

// Awaits is what a machine says that its order waits for there; empty where it goes on.
func Awaits(m patch.Machine) string {
	why, _ := strings.CutPrefix(m.Busy, "waits: ")
	if why == m.Busy {
		return ""
	}
	return why
}

// Held says since when a machine holds an order and when it begins, connected or not.
func Held(now time.Time, o patch.OrderRow) phrase.Phrase {
	return phrase.Of("the order was handed over {1} and begins {2}", phrase.At(now, o.IssuedAt), phrase.At(now, o.BeginsAt))
}

// underWay finds an attempt that has not ended and is not the one being handed out.
func (w *World) underWay() *patch.Attempt {
	for i := range w.Attempts {
		if a := &w.Attempts[i]; !a.State.Ended() && a.ID != w.Own {
			return a
		}
	}
	return nil
}

// last is the newest attempt that was carried out; withdrawn ones were not.
func (w *World) last() *patch.Attempt {
	for i := len(w.Attempts) - 1; i >= 0; i-- {
		if a := &w.Attempts[i]; a.State == patch.ExecDone || a.State == patch.ExecFailed {
			return a
		}
	}
	return nil
}

func (w *World) lastText() phrase.Phrase {
	if a := w.last(); a != nil {
		return cmp.Or(phrase.Clause(a.Text), phrase.Verbatim(string(a.Cause)))
	}
	return ""
}

// used counts the attempts that failed by the patch's own fault since it last worked or was last approved.
func (w *World) used() int {
	n := 0
	d, _ := approval(w.Policy)
	for _, a := range w.Attempts {
		switch {
		case a.TakesBack() != (w.Back != nil):
			if a.Effect == patch.EffectRolledBack {
				n = 0 // whatever failed before, it was there
			}
		case w.forgotten(a, d) != "", !a.State.Ended():
		case a.Effect == patch.EffectVerified, a.Effect == patch.EffectNeedsReboot, a.Effect == patch.EffectUndone, a.Effect == patch.EffectRolledBack:
			n = 0
		case a.State == patch.ExecFailed && a.Cause.UsesUp(), a.Effect == patch.EffectNotEffective:
			n++
		}
	}
	return n
}

// forgotten says why an attempt's failure counts no more; empty where it does.
func (w *World) forgotten(a patch.Attempt, d patch.Decision) phrase.Phrase {
	switch {
	case a.CreatedAt.Before(d.At):
		return "it was approved again since"
	case a.State.Ended() && (!a.EndedAt.After(w.Reset.At) || w.timeless(a) && !w.Reset.At.IsZero()):
		return phrase.Of("reset by {1} {2}: {3}", w.Reset.By, phrase.At(w.Now, w.Reset.At), clause(w.Reset.Why))
	case w.otherFiles(a):
		return "the files are other ones now than those that failed"
	}
	return ""
}

// otherFiles reports whether something would be installed now that this attempt did not try.
func (w *World) otherFiles(a patch.Attempt) bool {
	return len(a.Files) > 0 && slices.ContainsFunc(w.Payloads, func(p PayloadFact) bool { return p.File != "" && !slices.Contains(a.Files, p.File) })
}

// afresh says how many attempts are left, and why failures that there were count no more where some was forgotten since the patch was last approved.
func (w *World) afresh(left, limit int) phrase.Phrase {
	d, _ := approval(w.Policy)
	for _, a := range slices.Backward(w.Attempts) {
		if a.CreatedAt.Before(d.At) {
			break
		}
		if why := w.forgotten(a, d); why != "" && (a.Cause.UsesUp() || a.Effect == patch.EffectNotEffective) {
			return phrase.Of("{1} of {2}; {3}", left, limit, why)
		}
	}
	return phrase.Of("{1} of {2}", left, limit)
}
