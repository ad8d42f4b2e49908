package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// RingFact is a ring as far as the gates ask about one patch.
type RingFact struct {
	patch.Ring
	Progress patch.RingProgress
	Own      bool           // the machine's own ring; the others come before it
	Load     patch.RingLoad // beside this machine; of the own ring only
}

// Room is how many unproven machines a patch may have in this ring now: as many as have proven it, and First before that.
func (r RingFact) Room() int { return max(r.First, r.Progress.Proven) }

// Passed reports whether the next ring may begin.
func (r RingFact) Passed() bool { return !r.Progress.PassedAt.IsZero() }

// ring judges whether it is this machine's ring's turn.
func ring(w *World) Gate {
	g := Gate{Name: Ring, Title: "its ring's turn"}
	switch {
	case w.Verdict != patch.NotPatched:
		g.unreach("does not matter: there is nothing to install")
		return g
	case len(w.Rings) == 0:
		g.opens("no rings are set up: every machine comes at once")
		return g
	}
	if q := w.Quarantine; q != nil {
		g.closes(CodeRingHalted, halted(*q))
		g.At, g.Evidence = q.HaltedAt, q.Text
		g.ends(Person, phrase.Of("nothing until somebody resumes it: {1}", "fettle deploy resume "+string(w.Patch.ID)+" --why …"))
		return g
	}
	for _, r := range w.Rings {
		if r.Own || r.Passed() {
			continue
		}
		before(w, r, &g)
		return g
	}
	ownRing(w, &g)
	return g
}

func halted(p patch.RingProgress) phrase.Phrase {
	if p.By != "" {
		return phrase.Of("ring halted: {1} halted it in {2}: {3}", p.By, p.Ring, given(phrase.Clause(p.Text), "no reason is given"))
	}
	return phrase.Of("ring halted: {1} of {2} failed in {3}", p.Failed, p.Tried(), p.Ring)
}

// before says what an earlier ring that has not passed waits for.
func before(w *World, r RingFact, g *Gate) {
	p := r.Progress
	if !p.EnoughAt.IsZero() {
		end := p.EnoughAt.Add(time.Duration(r.Soak))
		g.closes(CodeRingSoaks, phrase.Count(p.Proven, "{1} has proven it on {n} machine; it soaks until {2}", "{1} has proven it on {n} machines; it soaks until {2}", r.Name, phrase.At(w.Now, end)))
		g.At = p.EnoughAt
		g.ends(Time, phrase.Of("{1} has soaked", r.Name))
		g.NextAt = end
		return
	}
	text := phrase.Of("{1} comes first: nothing of it is deployed there yet", r.Name)
	if n := p.Tried() + p.Pending + p.Waiting; n > 0 {
		text = phrase.Count(n, "{1} comes first: {2} of {n} machine there have proven it, {3} are needed", "{1} comes first: {2} of {n} machines there have proven it, {3} are needed", r.Name, p.Proven, p.Need)
	} else if p.Away > 0 {
		text = phrase.Count(p.Away, "{1} comes first: its {n} machine has not been seen lately", "{1} comes first: its {n} machines have not been seen lately", r.Name)
	}
	g.closes(CodeRingWaits, text)
	g.ends(Agent, phrase.Of("machines of {1} install it, detect and check in", r.Name))
	switch {
	case p.Tried()+p.Pending+p.Waiting+p.Away > 0:
	case !p.FreshAt.IsZero():
		g.Text = phrase.Of("{1} comes first: {2} resumed it {3}, and no machine there has proven it since", r.Name, p.By, phrase.At(w.Now, p.FreshAt))
		g.ends(Person, phrase.Of("machines that have it are well again, somebody deploys it to others of the label {1}, or lets it pass: {2}", r.Label,
			"fettle rings pass "+string(w.Patch.ID)+" "+r.Name+" --why …"))
	default:
		g.ends(Person, phrase.Of("somebody deploys it to the label {1}", r.Label))
	}
}

// ownRing judges the place in the machine's own ring. An attempt that has its place keeps it.
func ownRing(w *World, g *Gate) {
	own := w.Rings[len(w.Rings)-1]
	r := own.Progress
	switch {
	case !own.Own:
		g.opens("all rings have passed it")
	case w.placed():
		g.opens(phrase.Of("it has its place in the ring {1}", own.Name))
	case own.Load.Unproven >= own.Room():
		g.closes(CodeRingFull, phrase.Count(own.Load.Unproven, "{n} machine of {1} has it and has not proven it yet; more begin as it does", "{n} machines of {1} have it and have not proven it yet; more begin as they do", own.Name))
		g.ends(Agent, "a machine detects it as patched and checks in")
	case own.AtOnce > 0 && own.Load.Busy >= own.AtOnce:
		g.closes(CodeRingBusy, phrase.Count(own.Load.Busy, "{n} machine of {1} installs something, and {2} may at once", "{n} machines of {1} install something, and {2} may at once", own.Name, own.AtOnce))
		g.ends(Agent, "one of them ends")
	case r.Proven > 0:
		g.opens(phrase.Count(r.Proven, "in the ring {1}, where {n} machine has proven it", "in the ring {1}, where {n} machines have proven it", own.Name))
	default:
		g.opens(phrase.Of("in the ring {1}", own.Name))
	}
}

// placed reports whether the attempt that is being handed out was handed out before.
func (w *World) placed() bool {
	for _, a := range w.Attempts {
		if a.ID == w.Own && w.Own != "" {
			return a.Ring != ""
		}
	}
	return false
}

// Claim is the place that handing out the own attempt takes; ok is false without rings.
func (w *World) Claim() (c patch.RingClaim, ok bool) {
	if len(w.Rings) == 0 {
		return c, false
	}
	own := w.Rings[len(w.Rings)-1]
	if !own.Own {
		return c, false
	}
	return patch.RingClaim{Attempt: w.Own, Patch: w.Patch.ID, Ring: own.Name, Room: own.Room(), AtOnce: own.AtOnce, Probes: own.Probes}, true
}

// Unproven reports whether the patch is still being tried in the machine's ring: nobody knows yet whether it does harm.
func (w *World) Unproven() bool {
	if len(w.Rings) == 0 {
		return false
	}
	own := w.Rings[len(w.Rings)-1]
	return own.Own && own.Name != patch.RestRing && !own.Passed() && own.Progress.EnoughAt.IsZero()
}

// Queues reports whether nothing but the order of rings and the machine's own turn keeps a patch from being installed: a deployment takes it
// along, and it goes out when they let it.
func (a Answer) Queues() bool {
	if a.Deployable {
		return false
	}
	for _, g := range a.Gates {
		if g.State == Closed && g.Name.Decides() && !g.comesByItself() {
			return false
		}
	}
	return true
}

func (g Gate) comesByItself() bool {
	switch g.Code {
	case CodeRingWaits, CodeRingSoaks, CodeRingFull, CodeRingBusy, CodeTurn, CodeOnApply:
		return true
	}
	return false
}
