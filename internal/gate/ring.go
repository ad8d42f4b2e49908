package gate

import (
	"fmt"
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
func ring(w World) Gate {
	g := Gate{Name: Ring, Title: "its ring's turn"}
	switch {
	case w.Verdict != patch.NotPatched:
		g.unreached("does not matter: there is nothing to install")
		return g
	case len(w.Rings) == 0:
		g.open("no rings are set up: every machine comes at once")
		return g
	}
	if q := w.Quarantine; q != nil {
		g.close(CodeRingHalted, halted(*q))
		g.At, g.Evidence = q.HaltedAt, phrase.Verbatim(q.Text)
		g.until(Person, fmt.Sprintf("nothing until somebody resumes it: fettle deploy resume %s", w.Patch.ID))
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

func halted(p patch.RingProgress) string {
	if p.By != "" {
		return fmt.Sprintf("ring halted: %s halted it in %s: %s", p.By, p.Ring, or(clause(p.Text), "no reason is given"))
	}
	return fmt.Sprintf("ring halted: %d of %d failed in %s", p.Failed, p.Tried(), p.Ring)
}

// before says what an earlier ring that has not passed waits for.
func before(w World, r RingFact, g *Gate) {
	p := r.Progress
	if !p.EnoughAt.IsZero() {
		end := p.EnoughAt.Add(time.Duration(r.Soak))
		g.close(CodeRingSoaks, fmt.Sprintf("%s has proven it on %s; it soaks until %s", r.Name, count(p.Proven, "machine"), clock(w.Now, end)))
		g.At = p.EnoughAt
		g.until(Time, fmt.Sprintf("%s has soaked", r.Name))
		g.NextAt = end
		return
	}
	text := fmt.Sprintf("%s comes first: nothing of it is deployed there yet", r.Name)
	if n := p.Tried() + p.Pending + p.Waiting; n > 0 {
		text = fmt.Sprintf("%s comes first: %d of %s there have proven it, %d are needed", r.Name, p.Proven, count(n, "machine"), p.Need)
	} else if p.Away > 0 {
		text = fmt.Sprintf("%s comes first: its %s have not been seen lately", r.Name, count(p.Away, "machine"))
	}
	g.close(CodeRingWaits, text)
	g.until(Agent, fmt.Sprintf("machines of %s install it, detect and check in", r.Name))
	if p.Tried()+p.Pending+p.Waiting+p.Away == 0 {
		g.until(Person, fmt.Sprintf("somebody deploys it to the label %s", r.Label))
	}
}

// ownRing judges the place in the machine's own ring. An attempt that has its place keeps it.
func ownRing(w World, g *Gate) {
	own := w.Rings[len(w.Rings)-1]
	r := own.Progress
	switch {
	case !own.Own:
		g.open("all rings have passed it")
	case w.placed():
		g.open("it has its place in the ring " + own.Name)
	case own.Load.Unproven >= own.Room():
		g.close(CodeRingFull, fmt.Sprintf("%s of %s have it and have not proven it yet; more begin as they do", count(own.Load.Unproven, "machine"), own.Name))
		g.until(Agent, "a machine detects it as patched and checks in")
	case own.AtOnce > 0 && own.Load.Busy >= own.AtOnce:
		g.close(CodeRingBusy, fmt.Sprintf("%s of %s install something, and %d may at once", count(own.Load.Busy, "machine"), own.Name, own.AtOnce))
		g.until(Agent, "one of them ends")
	case r.Proven > 0:
		g.open(fmt.Sprintf("in the ring %s, where %s proven it", own.Name, havePlural(r.Proven)))
	default:
		g.open("in the ring " + own.Name)
	}
}

func havePlural(n int) string {
	if n == 1 {
		return "1 machine has"
	}
	return Number(n) + " machines have"
}

// placed reports whether the attempt that is being handed out was handed out before.
func (w World) placed() bool {
	for _, a := range w.Attempts {
		if a.ID == w.Own && w.Own != "" {
			return a.Ring != ""
		}
	}
	return false
}

// Claim is the place that handing out the own attempt takes; ok is false without rings.
func (w World) Claim() (c patch.RingClaim, ok bool) {
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
func (w World) Unproven() bool {
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
