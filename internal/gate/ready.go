package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

func machine(w World) Gate {
	g := Gate{Name: Machine, Title: "machine online"}
	m := w.Machine
	g.At = m.SeenAt
	switch {
	case m.State == patch.Pending:
		g.close(CodePending, fmt.Sprintf("%s is enrolled and waits to be admitted", w.name()))
		g.until(Person, "nothing until somebody admits the machine")
	case m.State != patch.Admitted:
		g.close(CodeRevoked, fmt.Sprintf("%s is shut out", w.name()))
		g.until(Person, "nothing: a revoked machine takes part no more")
	case m.SeenAt.IsZero():
		g.close(CodeSilent, fmt.Sprintf("%s has not checked in yet", w.name()))
		g.until(Owner, "the machine checks in when its agent runs")
	case w.Now.Sub(m.SeenAt) > w.Limits.Silent:
		g.close(CodeSilent, fmt.Sprintf("%s was last seen %s ago (%s)", w.name(), Span(w.Now.Sub(m.SeenAt)), clock(w.Now, m.SeenAt)))
		g.until(Owner, "the machine checks in when it is on and its agent runs")
	default:
		g.open(fmt.Sprintf("admitted, seen %s", clock(w.Now, m.SeenAt)))
		if m.Busy != "" {
			g.Evidence = phrase.Of("its agent says: {1}", m.Busy)
		}
	}
	return g
}

func payload(w World) Gate {
	g := Gate{Name: Payload, Title: "payload on the appliance"}
	_, approved := approval(w.Policy)
	switch {
	case w.Verdict != patch.NotPatched:
		g.unreached("no file is needed")
		return g
	case !approved:
		g.unreached("the appliance fetches the files when it is approved")
		return g
	case !w.PayloadsKnown:
		g.close(CodeNoFacts, "which files the machine needs is not known: the facts of its newest detect have not arrived")
		g.until(Agent, "the agent sends them at its next check-in")
		return g
	case len(w.Payloads) == 0:
		g.close(CodeNoFiles, "the catalog has no file of it that this machine needs")
		g.until(Person, "nothing until the catalog changes")
		return g
	}
	files(w, &g)
	return g
}

func files(w World, g *Gate) {
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
		g.close(CodeFetchFail, fmt.Sprintf("the appliance could not get %s: %s", bad.Name, or(clause(bad.Error), "no reason is known")))
		g.until(Appliance, "the appliance tries again")
		g.NextAt = bad.NextTry
	case have < n:
		g.close(CodeFetching, fmt.Sprintf("the appliance has %s of %s (%s of %s)", Number(have), count(n, "file"), size(ready), size(all)))
		g.until(Appliance, "the appliance fetches and verifies them")
	default:
		g.open(fmt.Sprintf("%s, %s, verified", count(n, "file"), size(all)))
	}
}

// Installs tells whether agents on a host OS can install: through apt and dpkg, through rpm, or what a definition for Windows brings.
func Installs(os patch.HostOS) bool {
	scheme := version.Of(os)
	return scheme == version.Dpkg || scheme == version.RPM || scheme == version.Windows
}

func preflight(w World) Gate {
	g := Gate{Name: Preflight, Title: "machine ready"}
	if os := w.os(); !Installs(os) {
		g.close(CodeNoInstall, fmt.Sprintf("Fettle detects and explains %s, and cannot install there yet", os))
		g.until(Owner, "install it with the machine's own package manager; the next detect proves it")
		return g
	}
	if p := w.Machine.Policy; !deploys(p) {
		g.close(CodeOwner, fmt.Sprintf("the owner of %s does not allow deploys (%s)", w.name(), p))
		g.At = w.Machine.SeenAt
		g.until(Owner, "nothing until the owner allows it on the machine")
		return g
	}
	if holder, locked := strings.CutPrefix(w.Machine.Busy, "locked by "); locked {
		g.close(CodeLocked, fmt.Sprintf("the package manager of %s is locked by %s", w.name(), holder))
		g.At = w.Machine.SeenAt
		g.until(Agent, "the agent tries again when the lock is free")
		return g
	}
	if b := w.Blocked; b != nil {
		if code, until, actor := blocked(w.Limits, *b); w.Now.Before(until) {
			g.close(code, or(clause(b.Text), "the machine's last attempt failed: "+string(b.Cause)))
			g.At, g.Evidence = b.EndedAt, phrase.Of("attempt {1}", b.ID)
			g.until(actor, "it may be tried again")
			g.NextAt = until
			return g
		}
	}
	g.open("nothing on the machine is in the way")
	return g
}

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
func blocked(l Limits, a patch.Attempt) (code string, until time.Time, actor Actor) {
	switch a.Cause {
	case patch.FailLock:
		return CodeLocked, a.EndedAt.Add(l.Retry), Time
	case patch.FailNetwork:
		return CodeNetwork, a.EndedAt.Add(l.Retry), Time
	case patch.FailDisk:
		return CodeDisk, a.EndedAt.Add(l.RetryDisk), Owner
	case patch.FailPower:
		return CodePower, a.EndedAt.Add(l.Retry), Owner
	case patch.FailClock:
		return CodeClock, a.EndedAt.Add(l.RetryDisk), Owner
	case patch.FailHook:
		return CodeHook, a.EndedAt.Add(l.Retry), Owner
	}
	return "", time.Time{}, Nobody
}

// Blocks reports whether an attempt that failed for this cause says something about the machine rather than about the patch.
func Blocks(c patch.FailCause) bool {
	return c == patch.FailLock || c == patch.FailNetwork || c == patch.FailDisk || c == patch.FailPower || c == patch.FailClock || c == patch.FailHook
}

func attempts(w World) Gate {
	done := "installed it"
	if last := w.last(); last != nil && last.TakesBack() {
		done = "took it back"
	}
	g := Gate{Name: Attempts, Title: "attempts left"}
	if a := w.underWay(); a != nil {
		g.close(CodeUnderWay, underWay(w, *a))
		g.At, g.Evidence = a.CreatedAt, phrase.Of("deployment {1}", a.Deployment)
		g.until(Agent, "the agent reports when it has ended")
		return g
	}
	used, limit := w.used(), w.Limits.MaxAttempts
	last := w.last()
	switch {
	case last != nil && last.State == patch.ExecDone && !w.judgedSince(last.EndedAt):
		g.close(CodeAwaiting, fmt.Sprintf("Fettle %s %s, and the detect after it has not come yet", done, clock(w.Now, last.EndedAt)))
		g.until(Agent, "the agent detects after every install")
	case used >= limit:
		g.close(CodeOutOf, fmt.Sprintf("%d of %d attempts failed on the patch itself; the last one: %s", used, limit, or(w.lastText(), "no text")))
		g.until(Person, fmt.Sprintf("nothing until somebody looks; then: fettle deploy reset-attempts %s --machine %s", w.Patch.ID, w.name()))
	case last != nil && last.Cause == patch.FailDependency && w.Now.Before(last.EndedAt.Add(w.Limits.RetryDisk)) && !w.approvedSince(last.EndedAt) && !w.newsSince(*last):
		g.close(CodeDependency, or(clause(last.Text), "it needs a package that is not approved"))
		g.until(Person, "approve what it needs")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailUntrusted && w.Now.Before(last.EndedAt.Add(w.Limits.RetryDisk)):
		g.close(CodeUntrusted, or(clause(last.Text), "its files did not verify on the machine"))
		g.until(Person, "it may be tried again; find out why the files did not verify")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailPolicy && w.Now.Before(last.EndedAt.Add(w.Limits.RetryDisk)) && !w.newsSince(*last):
		g.close(CodeOwner, or(clause(last.Text), "the machine's owner does not allow it"))
		g.until(Owner, "it may be tried again; the owner decides on the machine")
		g.NextAt = last.EndedAt.Add(w.Limits.RetryDisk)
	case last != nil && last.Cause == patch.FailBlocker && w.Now.Before(last.EndedAt.Add(w.Limits.Retry)):
		g.close(CodeBlocker, or(clause(last.Text), "a program runs during whose running it is not installed"))
		g.until(Owner, "whoever works on "+w.name()+" closes the program; then it may be tried again")
		g.NextAt = last.EndedAt.Add(w.Limits.Retry)
	case last != nil && last.Cause == patch.FailDrift && !w.judgedSince(last.EndedAt):
		g.close(CodeDrift, or(clause(last.Text), "the machine was not as the plan assumed"))
		g.until(Agent, "the agent detects again")
	default:
		g.open(fmt.Sprintf("%d of %d", limit-used, limit) + w.afresh())
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

func underWay(w World, a patch.Attempt) string {
	if o := w.Order; a.State != patch.ExecInstalling && o != nil && o.ID == a.Order && o.BeginsAt.After(w.Now) {
		return "it is being deployed: " + Held(w.Now, *o)
	}
	switch a.State {
	case patch.ExecDownloading:
		return fmt.Sprintf("it is being deployed: the machine fetches the files (%s of %s)", size(a.Bytes), size(a.TotalBytes))
	case patch.ExecInstalling:
		if a.TakesBack() {
			return "it is being taken back: the machine does it now"
		}
		return "it is being deployed: the machine installs it now"
	}
	if a.TakesBack() {
		return "it is being taken back: the order waits for the machine"
	}
	return "it is being deployed: the order waits for the machine"
}

// Held says since when a machine holds an order and when it begins, connected or not.
func Held(now time.Time, o patch.OrderRow) string {
	return fmt.Sprintf("the order was handed over %s and begins %s", clock(now, o.IssuedAt), clock(now, o.BeginsAt))
}

// underWay finds an attempt that has not ended and is not the one being handed out.
func (w World) underWay() *patch.Attempt {
	for i := range w.Attempts {
		if a := &w.Attempts[i]; !a.State.Ended() && a.ID != w.Own {
			return a
		}
	}
	return nil
}

// last is the newest attempt that was carried out; withdrawn ones were not.
func (w World) last() *patch.Attempt {
	for i := len(w.Attempts) - 1; i >= 0; i-- {
		if a := &w.Attempts[i]; a.State == patch.ExecDone || a.State == patch.ExecFailed {
			return a
		}
	}
	return nil
}

func (w World) lastText() string {
	if a := w.last(); a != nil {
		return or(clause(a.Text), string(a.Cause))
	}
	return ""
}

// used counts the attempts that failed by the patch's own fault since it last worked or was last approved.
func (w World) used() int {
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
func (w World) forgotten(a patch.Attempt, d patch.Decision) string {
	switch {
	case a.CreatedAt.Before(d.At):
		return "it was approved again since"
	case a.State.Ended() && !a.EndedAt.After(w.Reset.At):
		return fmt.Sprintf("reset by %s %s: %s", w.Reset.By, clock(w.Now, w.Reset.At), clause(w.Reset.Why))
	case w.otherFiles(a):
		return "the files are other ones now than those that failed"
	}
	return ""
}

// otherFiles reports whether something would be installed now that this attempt did not try.
func (w World) otherFiles(a patch.Attempt) bool {
	return len(a.Files) > 0 && slices.ContainsFunc(w.Payloads, func(p PayloadFact) bool { return p.File != "" && !slices.Contains(a.Files, p.File) })
}

// afresh says why failures that there were count no more; empty where none was forgotten since the patch was last approved.
func (w World) afresh() string {
	d, _ := approval(w.Policy)
	for _, a := range slices.Backward(w.Attempts) {
		if a.CreatedAt.Before(d.At) {
			break
		}
		if why := w.forgotten(a, d); why != "" && (a.Cause.UsesUp() || a.Effect == patch.EffectNotEffective) {
			return "; " + why
		}
	}
	return ""
}

func (w World) judgedSince(t time.Time) bool {
	return w.Receipt != nil && !w.Receipt.Started.Before(t)
}

// newsSince reports whether the machine has detected again since an attempt, beyond the detect that closed its order: agents do so when
// something on the machine has changed.
func (w World) newsSince(a patch.Attempt) bool {
	return w.judgedSince(a.EndedAt) && (a.Order == "" || w.Receipt.Order != a.Order)
}

// approvedSince reports whether this patch or one that it may need was approved after t.
func (w World) approvedSince(t time.Time) bool {
	d, ok := approval(w.Policy)
	return ok && d.At.After(t) || w.Approved.After(t)
}
