package gate

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Brief is what many machines' answers about one patch have in common: an Answer without times and without what names the machine.
type Brief struct {
	Deployable bool
	Gate       Name // the first closed one; empty where deployable
	Code       string
	Standing   phrase.Phrase
	Next       phrase.Phrase
	Actor      Actor
}

// Brief shortens an answer.
func (a Answer) Brief() Brief {
	b := Brief{Deployable: a.Deployable, Code: "deployable", Standing: a.Standing, Next: a.Next, Actor: a.Actor}
	if a.Closed != nil {
		b.Gate, b.Code = a.Closed.Name, a.Closed.Code
	}
	switch b.Code { // whose next step names the machine
	case CodeOutOf:
		b.Next = "nothing until somebody looks"
	case CodeRoom:
		b.Next = "whoever keeps the machine makes room there; then it may be tried again"
	case CodeBlocker:
		b.Next = "whoever works on the machine closes the program; then it may be tried again"
	}
	return b
}

// Situation appends a key of all that the gates look at in a world: worlds about the same patch, moment and window that have equal keys get
// answers with equal Briefs. So machines in the same situation need be judged once. Whoever teaches a gate to look at something more
// adds it here.
func Situation(key []byte, w *World) []byte {
	k := situation{key}
	k.character(w)
	k.text(string(w.PatchOS))
	k.flags(w.Listed, w.Closing != "", w.GoneAt.IsZero(), len(w.Feeds) > 0, w.PayloadsKnown)
	k.number(int(w.Verdict))
	k.text(w.Finding.Reason.Code)
	k.supersession(w)
	k.text(string(w.Policy.Stand))
	for _, d := range w.Policy.Decisions {
		k.text(d.ID)
	}
	k.payloads(w)
	k.rings(w)
	if w.Proposed != nil {
		k.text("proposed")
	}
	if b := w.Blocked; b != nil {
		code, wait, _ := blocked(w.Limits, *b)
		k.text(code)
		k.flags(w.lately(*b, wait))
	}
	for u := w.Unmet; u != nil; u = u.Further {
		k.text(u.By.Name, u.By.Version, u.Clause, u.Here.Name, u.Here.Version, string(u.Patch), string(u.Policy.Stand))
		for _, d := range u.Policy.Decisions {
			k.text(d.ID)
		}
		k.flags(u.Breaks, u.Held, u.Absent)
	}
	k.text("")
	k.number(len(w.Attempts))
	if len(w.Attempts) > 0 {
		k.attempts(w)
	}
	return k.key
}

// Character appends a key of what the gates look at in a machine, apart from any patch: the part of its Situation that all patches share.
func Character(key []byte, w *World) []byte {
	k := situation{key}
	k.character(w)
	return k.key
}

type situation struct{ key []byte }

func (k *situation) character(w *World) {
	k.text(string(w.OS))
	k.flags(w.Revision != nil)
	if w.Revision != nil {
		k.text(string(w.Revision.ID))
	}
	k.machine(w)
	k.receipt(w)
	if s, ok := w.scheduled(); ok {
		k.text(s.Name)
	}
	for _, b := range w.Freezes {
		k.text(b.Name)
	}
	k.text("")
}

func (k *situation) text(all ...string) {
	for _, s := range all {
		k.key = append(append(k.key, s...), 0)
	}
}

func (k *situation) number(n int) { k.key = append(k.key, byte(n>>8), byte(n)) }

func (k *situation) flags(all ...bool) {
	var b byte
	for i, set := range all {
		if set {
			b |= 1 << i
		}
	}
	k.key = append(k.key, b)
}

func (k *situation) machine(w *World) {
	m := &w.Machine
	k.text(string(m.State), m.Policy)
	k.flags(m.SeenAt.IsZero(), patch.Quiet(m.SeenAt, w.Now) > w.Limits.Silent, m.SeenAt.After(w.Now), m.RebootOwed, strings.HasPrefix(m.Busy, "locked by "), m.DetectFailed != "")
	next, who := Restarts(patch.Machine{Busy: m.Busy})
	k.text(string(next), string(who))
}

func (k *situation) receipt(w *World) {
	r := w.Receipt
	if r == nil {
		k.flags(false)
		return
	}
	taken := r.Taken()
	k.flags(true, r.Expected == r.Evaluated, r.OS == w.OS, w.Machine.DetectFailedAt.After(taken), w.Now.Sub(taken) > w.Limits.Stale,
		w.Revision != nil && r.Revision == w.Revision.ID)
}

func (k *situation) supersession(w *World) {
	deployable := false
	for _, s := range w.Superseding {
		deployable = deployable || s.Deployable
	}
	k.flags(deployable)
}

func (k *situation) payloads(w *World) {
	some, failed, lacking := len(w.Payloads) > 0, false, false
	for _, p := range w.Payloads {
		failed = failed || p.State == patch.PayloadFailed
		lacking = lacking || p.State != patch.PayloadReady
	}
	k.flags(some, failed, lacking)
}

// rings needs no more of the rings before than whether they have passed: how far they are is the same for every machine.
func (k *situation) rings(w *World) {
	k.flags(w.Quarantine != nil, w.Turn.IsZero(), w.start().Before(w.Turn), w.placed(), w.RebootsMost > 0 && w.Rebooting >= w.RebootsMost)
	k.number(len(w.Rings))
	for _, r := range w.Rings {
		k.text(r.Name)
		k.flags(r.Own, r.Passed(), r.Own && r.Load.Unproven >= r.Room(), r.Own && r.AtOnce > 0 && r.Load.Busy >= r.AtOnce, r.Progress.EnoughAt.IsZero(), r.Progress == patch.RingProgress{})
	}
}

func (k *situation) attempts(w *World) {
	d, _ := approval(w.Policy)
	cleared := w.cleared()
	for i := range w.Attempts {
		k.attempt(w, &w.Attempts[i], d)
		k.flags(w.Attempts[i].CreatedAt.Before(cleared), w.Attempts[i].Order == "")
	}
}

func (k *situation) attempt(w *World, a *patch.Attempt, d patch.Decision) {
	k.text(string(a.State), string(a.Cause), string(a.Effect))
	k.flags(a.TakesBack())
	k.flags(a.ID == w.Own, a.RebootOwed, a.VerifiedSeq == 0, w.forgotten(*a, d) != "", w.judgedSince(*a), w.newsSince(*a))
	k.flags(w.lately(*a, w.Limits.Retry), w.lately(*a, w.Limits.RetryDisk), w.approvedSince(a.EndedAt), w.seenSince(*a))
}
