package deploy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Explanation answers "why is this stuck?" for a deployment: every attempt that has not ended, by what it waits for, and what is installed and
// waits for a restart.
type Explanation struct {
	At         time.Time             `json:"at"`
	Deployment string                `json:"deployment"`
	State      patch.DeploymentState `json:"state"`
	Sentence   phrase.Phrase         `json:"sentence"`
	Counts     Counts                `json:"counts"`
	Groups     []Wait                `json:"groups"` // biggest first
	Next       phrase.Phrase         `json:"next"`   // the first event that will change something, always given
	NextAt     time.Time             `json:"next_at,omitzero"`
	Actor      gate.Actor            `json:"actor,omitempty"`
}

// Wait is the attempts that wait for the same thing.
type Wait struct {
	Code   string        `json:"code"`           // the closed gate's, or "order-waits", "order-held", "order-there", "waits-there", "downloading", "installing", "silent-under-way"
	Gate   gate.Name     `json:"gate,omitempty"` // empty: it is under way
	Text   phrase.Phrase `json:"text"`           // of the first of them, said to be an example where the others differ
	Count  int           `json:"count"`          // attempts
	Next   phrase.Phrase `json:"next,omitempty"`
	NextAt time.Time     `json:"next_at,omitzero"` // the earliest
	Actor  gate.Actor    `json:"actor,omitempty"`
	// Attempts are the first 50, each with where it stands on its own machine.
	Attempts []Waiting `json:"attempts"`
	example  bool      // Text is said to be an example
}

// Waiting is one attempt.
type Waiting struct {
	Machine patch.MachineID `json:"machine"`
	Name    string          `json:"name"`
	Patch   patch.ID        `json:"patch"`
	Text    phrase.Phrase   `json:"text"`
	SeenAt  time.Time       `json:"seen_at,omitzero"`
	// Rank is its place among what the machine has still to install, from 1, of how many; other deployments' orders come first.
	Rank int `json:"rank"`
	Of   int `json:"of"`
}

const (
	maxWaiting = 50
	// quiet is how long a machine may say nothing while something is under way before that is what it is stuck in.
	quiet = 30 * time.Minute
)

// Explain says what a deployment waits for.
func (d *Desk) Explain(ctx context.Context, id string) (Explanation, error) {
	return d.ExplainFirst(ctx, id, maxWaiting)
}

// ExplainFirst is Explain for who shows fewer of the attempts: each that is named has its machine's others looked up.
func (d *Desk) ExplainFirst(ctx context.Context, id string, named int) (Explanation, error) {
	return d.explain(ctx, id, func(g *Wait) bool { return g.Count <= named })
}

// ExplainWait is Explain of the attempts alone that wait at a gate for one reason, of which it names a page.
func (d *Desk) ExplainWait(ctx context.Context, id string, at gate.Name, code string, offset, limit int) (Explanation, error) {
	is := func(g *Wait) bool { return g.Gate == at && g.Code == code }
	ex, err := d.explain(ctx, id, func(g *Wait) bool { return is(g) && g.Count > offset && g.Count <= offset+limit })
	ex.Groups = slices.DeleteFunc(ex.Groups, func(g Wait) bool { return !is(&g) })
	return ex, err
}

// explain adds the attempts up, and names those that named chooses when their group has counted them.
func (d *Desk) explain(ctx context.Context, id string, named func(*Wait) bool) (Explanation, error) {
	dep, err := d.Store.FindDeploymentHead(ctx, id)
	if err != nil {
		return Explanation{}, err
	}
	attempts, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: id})
	if err != nil {
		return Explanation{}, err
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return Explanation{}, err
	}
	p := sum(dep, attempts)
	ex := Explanation{At: v.Now, Deployment: id, State: dep.State, Counts: p.Counts, Groups: []Wait{}}
	if err := v.GatherAttempts(ctx, openPatches(attempts)); err != nil {
		return ex, err
	}
	sights := map[patch.MachineID]*world.Sight{}
	for _, a := range attempts {
		if a.State.Ended() && a.Effect != patch.EffectNeedsReboot && !(a.Patch == patch.Restart && a.State == patch.ExecDone && a.RebootOwed) {
			continue
		}
		s := sights[a.Machine]
		if s == nil {
			if s, err = v.Sight(ctx, a.Machine); err != nil {
				return ex, err
			}
			sights[a.Machine] = s
		}
		if err := ex.add(ctx, dep, s, a, named); err != nil {
			return ex, err
		}
	}
	ex.conclude(p)
	return ex, nil
}

// openPatches are those of attempts that have not ended.
func openPatches(attempts []patch.Attempt) []patch.ID {
	seen := map[patch.ID]bool{}
	var ids []patch.ID
	for _, a := range attempts {
		if !a.State.Ended() && !seen[a.Patch] {
			seen[a.Patch] = true
			ids = append(ids, a.Patch)
		}
	}
	return ids
}

func (ex *Explanation) add(ctx context.Context, dep patch.Deployment, s *world.Sight, a patch.Attempt, named func(*Wait) bool) error {
	w, err := ex.wait(ctx, dep, s, a)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ex.Groups, func(g Wait) bool { return g.Gate == w.Gate && g.Code == w.Code })
	if i < 0 {
		ex.Groups = append(ex.Groups, w)
		i = len(ex.Groups) - 1
	}
	g := &ex.Groups[i]
	if g.Text != w.Text && !g.example {
		g.Text, g.example = phrase.Of("for example: {1}", g.Text), true // it names the first machine, and there are others
	}
	g.Count++
	if !w.NextAt.IsZero() && (g.NextAt.IsZero() || w.NextAt.Before(g.NextAt)) {
		g.NextAt = w.NextAt
	}
	if !named(g) {
		return nil
	}
	one := Waiting{Machine: a.Machine, Name: s.Machine.Name, Patch: a.Patch, Text: w.Text, SeenAt: s.Machine.SeenAt}
	one.Rank, one.Of, err = place(ctx, s, a)
	g.Attempts = append(g.Attempts, one)
	return err
}

// wait is what one attempt waits for: a closed gate, the machine to come, or the machine to go on.
func (ex *Explanation) wait(ctx context.Context, dep patch.Deployment, s *world.Sight, a patch.Attempt) (Wait, error) {
	m, silence := s.Machine, patch.Quiet(s.Machine.SeenAt, ex.At)
	if a.Patch == patch.Restart && a.State.Ended() {
		return Wait{Code: "restart-due", Gate: gate.Reboot, Text: restarting(m, phrase.Of("{1} has the order and has not restarted yet", m.Name)), Next: "the machine restarts, as soon as nothing there keeps it from it", Actor: gate.Agent}, nil
	}
	if a.State.Ended() {
		next, who := gate.Restarts(m)
		return Wait{Code: gate.CodeRebootOwed, Gate: gate.Reboot, Text: restarting(m, phrase.Of("{1} owes a reboot", m.Name)), Next: next, Actor: who}, nil
	}
	if a.State != patch.ExecWaiting {
		w := Wait{Code: string(a.State), Text: busy(m, phrase.Of("{1} fetches and verifies the files", m.Name)), Next: "the agent reports when it has ended", Actor: gate.Agent}
		if a.State == patch.ExecInstalling {
			w.Text = busy(m, phrase.Of("{1} installs", m.Name))
		}
		if silence > quiet {
			w.Code, w.Actor = "silent-under-way", gate.Owner
			w.Text = phrase.Of("{1} began and has not been heard of for {2}; the last that it said was that it fetches and verifies the files", m.Name, silence)
			if a.State == patch.ExecInstalling {
				w.Text = phrase.Of("{1} began and has not been heard of for {2}; the last that it said was that it installs", m.Name, silence)
			}
			w.Next = "the agent goes on where it was when the machine is back"
		}
		return w, nil
	}
	if a.Order != "" {
		o, err := s.Order(ctx)
		if err != nil {
			return Wait{}, err
		}
		if o != nil && o.ID == a.Order && o.BeginsAt.After(ex.At) {
			return Wait{Code: "order-held", Text: phrase.Of("{1}: {2}, connected or not", m.Name, gate.Held(ex.At, *o)), Next: "its window opens", NextAt: o.BeginsAt, Actor: gate.Time}, nil
		}
	}
	if why := gate.Awaits(m); why != "" && a.Order != "" {
		return Wait{Code: "waits-there", Text: phrase.Of("{1} holds the order and waits: {2}", m.Name, phrase.Recall(why)), Next: "somebody makes room on the machine; then it goes on by itself", Actor: gate.Owner}, nil
	}
	w, err := s.World(ctx, askAbout(dep, a))
	if err != nil {
		return Wait{}, err
	}
	if c := gate.Sketch(&w).Closed; c != nil {
		return Wait{Code: c.Code, Gate: c.Name, Text: c.Text, Next: c.Next, NextAt: c.NextAt, Actor: c.Actor}, nil
	}
	if a.Order != "" { // it may be at it: nobody knows before it is connected again
		return Wait{Code: "order-there", Text: busy(m, phrase.Of("{1} holds the order, carries it out connected or not, and has not said yet that it began; it was last seen {2} ago", m.Name, silence)),
			Next: "the agent reports what it did, when it has a connection", Actor: gate.Agent}, nil
	}
	if first, err := behind(ctx, s, dep.ID); err != nil || first != "" {
		return Wait{Code: "order-queued", Text: busy(m, first), Next: "that order ends", Actor: gate.Agent}, err
	}
	return Wait{Code: "order-waits", Text: busy(m, phrase.Of("nothing stands in its way: {1} takes the order at its next check-in; it was last seen {2} ago", m.Name, silence)),
		Next: "the machine checks in", Actor: gate.Agent}, nil
}

// busy adds what a machine says that it is doing.
func busy(m patch.Machine, text phrase.Phrase) phrase.Phrase {
	if m.Busy == "" {
		return text
	}
	return phrase.Of("{1}, and says: {2}", text, phrase.Recall(m.Busy))
}

// place is an attempt's place among all that is open on its machine, in the order in which it will be done.
func place(ctx context.Context, s *world.Sight, a patch.Attempt) (at, of int, err error) {
	all, err := s.Attempts(ctx, "")
	if err != nil {
		return 0, 0, err
	}
	for _, other := range all { // oldest first
		if other.State.Ended() {
			continue
		}
		of++
		if other.ID == a.ID {
			at = of
		}
	}
	return at, of, nil
}

func (ex *Explanation) conclude(p Progress) {
	slices.SortStableFunc(ex.Groups, func(a, b Wait) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	restarts, left := p.Deployment.Plan.Restarts, p.Counts.Open()
	if restarts {
		left += p.Counts.RebootOwed
	}
	if p.Ended && len(ex.Groups) > 0 && !restarts {
		owed := ex.Groups[0]
		ex.Sentence = phrase.Count(owed.Count, "Nothing is left to install: {1}. {n} waits for a restart: {2}.", "Nothing is left to install: {1}. {n} wait for restarts: {2}.", p.Sentence, owed.Text)
		ex.Next, ex.Actor = owed.Next, owed.Actor
		return
	}
	if p.Ended && left == 0 || len(ex.Groups) == 0 {
		ex.Sentence = phrase.Of("Nothing is stuck: {1}.", p.Sentence)
		ex.Next = "nothing: it has ended"
		if p.Counts.Failed > 0 {
			ex.Sentence = phrase.Of("It has ended, and not all went well: {1}.", p.Sentence)
			ex.Next, ex.Actor = phrase.Of("somebody looks at what failed: {1}", "fettle deploy log "+ex.Deployment+" --failed"), gate.Person
		}
		if p.Counts.Unproven > 0 {
			ex.Next, ex.Actor = "the machines' next detects prove what was installed", gate.Agent
		}
		return
	}
	var parts []phrase.Phrase
	for _, g := range ex.Groups {
		text := g.Text
		if g.Count > 1 {
			text = together(g.Code, g.Text)
		}
		if d := g.NextAt.Sub(ex.At); !g.NextAt.IsZero() && d > 0 {
			text = phrase.Of("{1} (in {2})", text, d)
		}
		parts = append(parts, phrase.Of("{1}: {2}", g.Count, text))
	}
	ex.Sentence = phrase.Count(p.Counts.Total, "{1} of {n} install has not ended. {2}.", "{1} of {n} installs have not ended. {2}.", left, phrase.Join(parts, "; "))
	if restarts {
		ex.Sentence = phrase.Count(p.Counts.Total, "{1} of {n} restart is still to come. {2}.", "{1} of {n} restarts are still to come. {2}.", left, phrase.Join(parts, "; "))
	}
	first := slices.MinFunc(ex.Groups, func(a, b Wait) int { return cmp.Compare(soon(a), soon(b)) })
	ex.Next, ex.NextAt, ex.Actor = first.Next, first.NextAt, first.Actor
}

// soon ranks waits by who ends them: what goes on by itself comes before what needs a person.
func soon(w Wait) int {
	order := []gate.Actor{gate.Agent, gate.Appliance, gate.Time, gate.Nobody, gate.Person, gate.Owner}
	return slices.Index(order, w.Actor)
}

// together says in words that follow a number what several attempts wait for.
func together(code string, text phrase.Phrase) phrase.Phrase {
	switch code {
	case "order-held":
		return "held by their machines, and begun when the window opens, connected or not"
	case "order-there":
		return "held by their machines, which have not said yet that they began"
	case "order-queued":
		return "behind the order of another deployment"
	case "waits-there":
		return "held by machines that have too little room"
	case "order-waits":
		return "ready, and taken at the machines' next check-ins"
	case string(patch.ExecDownloading):
		return "fetching files"
	case string(patch.ExecInstalling):
		return "installing"
	case "silent-under-way":
		return "on machines that began and have not been heard of since"
	case gate.CodeSilent:
		return "on machines that have not been seen lately"
	case gate.CodeLocked:
		return "on machines whose package manager is locked"
	case gate.CodeFetching, gate.CodeFetchFail:
		return "waiting for files on the appliance"
	case gate.CodeTurn:
		return "waiting for their machines' turn in the window"
	case gate.CodeRingFull, gate.CodeRingBusy:
		return "waiting for a free place in their ring"
	case gate.CodeRebootOwed:
		return "installed, on machines that owe a reboot for it"
	case "restart-due":
		return "on machines that have the order and have not restarted yet"
	case gate.CodeUnderWay:
		return "behind another deployment of the same patch"
	}
	return text
}
