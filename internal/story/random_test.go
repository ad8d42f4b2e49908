package story_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
)

// chaos is a site in which anything happens in any order.
type chaos struct {
	*site
	*rand.Rand
	boxes    []*box
	labels   []string
	lists    map[patch.HostOS][]src
	running  []string // deployments
	moments  []moment
	installs int
	backs    int               // patches that were taken back
	brought  map[string]string // by machine, package and version: the version that Fettle replaced by it
}

// moment is what a machine's newest detect said at a time.
type moment struct {
	at      time.Time
	machine patch.MachineID
	judged  map[patch.ID]patch.Verdict
}

// TestAnyOrder lets anything happen in any order and holds, after every step, that explain, plan and ledger agree, and at every install that
// exactly what is approved and eligible is installed. FETTLE_SEED repeats one run, FETTLE_SEEDS sets how many there are.
func TestAnyOrder(t *testing.T) {
	seeds, from := 4, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("FETTLE_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("FETTLE_SEED"), 10, 64); err == nil {
		seeds, from = 1, n
	}
	installs, backs := 0, 0
	for seed := from; seed < from+uint64(seeds); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newChaos(t, seed)
			for range 60 {
				c.step()
				if c.IntN(6) == 0 {
					c.agree()
				}
			}
			c.remember()
			installs += c.installs
			backs += c.backs
		})
	}
	t.Logf("%d installs, %d taken back", installs, backs)
	if installs < seeds && seeds > 1 || backs == 0 && seeds >= 10 {
		t.Errorf("only %d installs and %d rollbacks in %d runs: the test sees too little", installs, backs, seeds)
	}
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{site: newSite(t), brought: map[string]string{}, Rand: rand.New(rand.NewPCG(seed, 1)), labels: []string{"all", "odd", "first"}, lists: map[patch.HostOS][]src{
		bookworm: append(story(), src{"tools", "agent", "2.0", []string{"agent"}}, src{"bookworm", "openssl", "3.0.11-1", []string{"libssl3", "openssl"}},
			src{"bookworm", "curl", "7.88.1-10", []string{"curl", "libcurl4"}}, src{"tools", "agent", "1.0", []string{"agent"}}), trixie: next()}}
	for os, list := range c.lists {
		c.publish(os, list...)
	}
	for i := range 3 {
		b := c.enrol(fmt.Sprint("m", i), bookworm, "perl-base=5.36.0-7", "libssl3=3.0.11-1", "curl=7.88.1-10", "bash=5.2.15-1", "agent=1.0")
		b.watch = func(item wire.OrderItem) bool { return c.allowed(b, item) }
		c.boxes = append(c.boxes, b)
	}
	for os, list := range c.lists {
		for _, x := range list {
			c.fetch(os, x.id())
		}
	}
	for _, b := range c.boxes {
		b.detect()
	}
	c.decide(patch.Approve, "all", c.any(), c.any(), c.any())
	c.must(c.book.Put(c.ctx(), c.admin, patch.Label{Name: "odd", Expr: `machine.name == "m1"`}))
	c.must(c.book.Put(c.ctx(), c.admin, patch.Label{Name: "first", Members: []patch.MachineID{c.boxes[0].id}}))
	return c
}

// next is the list of the OS that machines may be upgraded to; one patch is on both.
func next() []src {
	return []src{{"trixie", "perl", "5.40.1-6", []string{"perl-base", "perl"}}, {"trixie-security", "openssl", "3.5.1-1", []string{"libssl3", "openssl"}},
		{"trixie-security", "curl", "8.14.1-2", []string{"curl", "libcurl4"}}, {"tools", "agent", "2.0", []string{"agent"}}}
}

// an is any OS; machines are rarely on the newer one.
func (c *chaos) an() patch.HostOS {
	return []patch.HostOS{bookworm, bookworm, bookworm, trixie}[c.IntN(4)]
}

func (c *chaos) any() patch.ID { return c.anyOf(c.an()) }

func (c *chaos) anyOf(os patch.HostOS) patch.ID {
	list := c.lists[os]
	return list[c.IntN(len(list))].id()
}

func (c *chaos) step() {
	c.t.Helper()
	c.later(time.Duration(c.IntN(3600)) * time.Second)
	b := c.boxes[c.IntN(len(c.boxes))]
	switch n := c.IntN(100); {
	case n < 20:
		b.detect()
	case n < 40:
		c.decideAny()
	case n < 50:
		os := c.an()
		c.fetch(os, c.anyOf(os), c.anyOf(os))
	case n < 65:
		c.rollAny()
	case n < 82:
		c.workAny(b)
	case n < 84:
		c.beside(b)
	case n < 86:
		b.set([]string{"curl=7.88.1-10", "curl=7.88.1-10!", "libssl3=3.0.11-1", "perl-base=5.36.0-7+deb12u4", "nginx=1.22.1-1", "perl=5.36.0-1"}[c.IntN(6)])
	case n < 89:
		c.grow()
	case n < 92:
		c.must(c.book.Put(c.ctx(), c.admin, patch.Label{Name: "first", Members: []patch.MachineID{c.boxes[c.IntN(3)].id}}))
	case n < 94:
		c.later(time.Duration(c.IntN(90)) * time.Hour)
	case n < 97:
		c.must(c.deploy.Sweep(c.ctx()))
	case len(c.running) > 0:
		_, err := c.deploy.Halt(c.ctx(), c.admin, c.running[c.IntN(len(c.running))])
		if err != nil && patch.KindOf(err) != patch.Conflict {
			c.t.Fatal(err)
		}
	}
}

// beside is what happens to a machine without Fettle: another service patches it, its OS is upgraded or put back, a detect fails, a file of a
// patch cannot be had, a schedule appears.
func (c *chaos) beside(b *box) {
	c.t.Helper()
	switch c.IntN(6) {
	case 0:
		os := b.facts.OS.Key
		x := c.lists[os][c.IntN(len(c.lists[os]))]
		b.set(x.binaries[0] + "=" + x.version)
		b.history = append([]patch.PkgChange{{At: c.now, Action: "upgrade", Name: x.binaries[0], To: x.version, By: "unattended-upgrades", Who: patch.DoerService}}, b.history...)
	case 1:
		b.facts.OS.Key = map[patch.HostOS]patch.HostOS{bookworm: trixie, trixie: bookworm}[b.facts.OS.Key]
		if c.IntN(2) == 0 {
			b.detect()
		}
	case 2:
		c.must(c.store.PutDetectFailed(c.ctx(), b.id, c.now, "the package database is half configured"))
	case 3:
		os := c.an()
		for _, f := range c.cat.newest[os].files[c.anyOf(os)] {
			if err := c.store.SetPayload(c.ctx(), f.SHA256, patch.PayloadFailed, "404", 1, c.now.Add(time.Hour)); err != nil && patch.KindOf(err) != patch.NotFound {
				c.t.Fatal(err)
			}
		}
	case 5:
		from := c.now.Add(time.Duration(c.IntN(20)-10) * time.Hour)
		c.must(c.store.PutBlackout(c.ctx(), c.admin, patch.Blackout{Name: fmt.Sprint("freeze-", c.IntN(3)), From: from, Until: from.Add(time.Duration(1+c.IntN(20)) * time.Hour),
			Label: c.labels[c.IntN(len(c.labels))], Reason: "why not", Owner: "m.keller", CreatedAt: c.now}))
	case 4:
		c.must(c.store.PutSchedule(c.ctx(), c.admin, patch.Schedule{Name: "nightly", Label: c.labels[c.IntN(len(c.labels))], Window: "every day 22:00-04:00", Paused: c.IntN(3) == 0}))
	}
}

func (c *chaos) decideAny() {
	verbs := []patch.Verb{patch.Approve, patch.Approve, patch.Approve, patch.Decline, patch.Hold, patch.Clear}
	r := approval.Request{Patches: []patch.ID{c.any(), c.any()}, Label: c.labels[c.IntN(len(c.labels))], Verb: verbs[c.IntN(len(verbs))]}
	if r.Verb == patch.Hold {
		r.Why, r.Until = "chance", c.now.Add(time.Duration(1+c.IntN(48))*time.Hour)
	}
	by := c.admin
	if c.IntN(4) == 0 {
		by.Name = patch.ByRule + "canary v2"
	}
	_, err := c.desk.Decide(c.ctx(), by, r)
	c.must(err)
}

func (c *chaos) rollAny() {
	if c.IntN(3) == 0 {
		c.backAny()
		return
	}
	r := plan.Request{Label: c.labels[c.IntN(len(c.labels))]}
	if c.IntN(4) == 0 {
		r.Window = patch.Window{NotBefore: c.now.Add(time.Duration(c.IntN(5)) * time.Hour)}
		r.Window.NotAfter = r.Window.NotBefore.Add(time.Duration(1+c.IntN(10)) * time.Hour)
	}
	p, err := c.planner.Make(c.ctx(), c.admin, r)
	c.must(err)
	dep, err := c.deploy.Apply(c.ctx(), c.admin, p)
	if err != nil && patch.KindOf(err) != patch.Invalid { // a plan that installs nothing
		c.t.Fatal(err)
	}
	if err == nil {
		c.running = append(c.running, dep.ID)
	}
}

// backAny takes a patch that Fettle installed back, with a hold or without; mostly the machine does it at once.
func (c *chaos) backAny() {
	done := slices.DeleteFunc(c.attempts(patch.AttemptFilter{}), func(a patch.Attempt) bool { return a.State != patch.ExecDone || a.TakesBack() })
	if len(done) == 0 {
		return
	}
	a := done[c.IntN(len(done))]
	b := c.boxes[slices.IndexFunc(c.boxes, func(b *box) bool { return b.id == a.Machine })]
	b.detect()
	r := plan.Request{Patches: []patch.ID{a.Patch}, Label: patch.LabelAll, Rollback: &patch.Rollback{Why: "why not"}}
	if c.IntN(3) == 0 {
		r.Label, r.Machines = "", []patch.MachineID{b.id}
	}
	if c.IntN(3) > 0 {
		r.Rollback.HoldUntil = c.now.Add(time.Duration(1+c.IntN(48)) * time.Hour)
	}
	p, err := c.planner.Make(c.ctx(), c.admin, r)
	c.must(err)
	dep, err := c.deploy.Apply(c.ctx(), c.admin, p)
	if err != nil && patch.KindOf(err) != patch.Invalid { // a plan that takes nothing back
		c.t.Fatal(err)
	}
	if err != nil {
		return
	}
	c.running = append(c.running, dep.ID)
	if c.IntN(3) > 0 {
		b.work()
	}
}

func (c *chaos) workAny(b *box) {
	clear(b.fails)
	if c.IntN(3) == 0 {
		causes := []patch.FailCause{patch.FailPatch, patch.FailLock, patch.FailDisk, patch.FailDependency, patch.FailUntrusted}
		b.fails[c.any()] = causes[c.IntN(len(causes))]
	}
	if c.IntN(10) < 7 {
		b.detect()
	}
	b.work()
}

// grow publishes a list on which something newer has appeared.
func (c *chaos) grow() {
	os := c.an()
	next := slices.Clone(c.lists[os])
	i := c.IntN(len(next))
	next = append(next, src{next[i].suite, next[i].name, next[i].version + "+1", next[i].binaries})
	if len(next) > 12 {
		next = next[1:]
	}
	slices.SortFunc(next, func(a, b src) int { return slices.Compare([]byte(a.id()), []byte(b.id())) })
	c.lists[os] = slices.CompactFunc(next, func(a, b src) bool { return a.id() == b.id() })
	c.publish(os, c.lists[os]...)
	if c.IntN(10) < 7 {
		c.fetch(os, c.anyOf(os), c.anyOf(os), c.anyOf(os), c.anyOf(os))
	}
}

// allowed is the oracle at the machine: by the plainest reading of decisions and facts, may this be installed here and now? It gives false for
// what a careful agent refuses by itself, and fails the test for what the appliance should never have ordered.
func (c *chaos) allowed(b *box, item wire.OrderItem) bool {
	c.t.Helper()
	if item.Packages[0].Back {
		return c.mayGoBack(b, item)
	}
	all, err := c.store.ListDecisions(c.ctx(), patch.DecisionFilter{Patch: item.Patch})
	c.must(err)
	approved := false
	for _, d := range all {
		members, err := c.book.Members(c.ctx(), d.Label)
		c.must(err)
		if !slices.Contains(members, b.id) {
			continue
		}
		if d.Verb == patch.Decline || d.Verb == patch.Hold && d.Until.After(c.now) {
			c.t.Fatalf("%s is %s for %s, and was ordered on %s", item.Patch, d.Verb, d.Label, b.id)
		}
		approved = approved || d.Verb == patch.Approve
	}
	if !approved {
		c.t.Fatalf("%s is not approved for %s, and was ordered", item.Patch, b.id)
	}
	c.notFrozen(b, item)
	for _, p := range item.Packages {
		had := b.has(p.Name)
		if had != p.From {
			return false // changed by hand since the newest detect
		}
		if had != "" && version.DpkgCompare(had, p.Version) >= 0 {
			c.t.Fatalf("%s would be downgraded from %s to %s", p.Name, had, p.Version)
		}
		if i := slices.IndexFunc(b.facts.Packages, func(x patch.Package) bool { return x.Name == p.Name && x.Held }); i >= 0 {
			return false
		}
	}
	for _, p := range item.Packages {
		c.brought[string(b.id)+p.Name+p.Version] = p.From
	}
	c.installs++
	return true
}

func (c *chaos) notFrozen(b *box, item wire.OrderItem) {
	c.t.Helper()
	frozen, err := c.store.ListBlackouts(c.ctx())
	c.must(err)
	for _, f := range frozen {
		members, err := c.book.Members(c.ctx(), f.Label)
		c.must(err)
		if slices.Contains(members, b.id) && !c.now.Before(f.From) && c.now.Before(f.Until) {
			c.t.Fatalf("%s was ordered on %s in the freeze %s", item.Patch, b.id, f.Name)
		}
	}
}

// mayGoBack is allowed for what goes back: every package to exactly the version that Fettle itself replaced on this machine, and nothing else.
func (c *chaos) mayGoBack(b *box, item wire.OrderItem) bool {
	c.t.Helper()
	c.notFrozen(b, item)
	for _, p := range item.Packages {
		if before, ours := c.brought[string(b.id)+p.Name+p.From]; !ours || before != p.Version || before == "" || !p.Back {
			c.t.Fatalf("%s would go from %s to %s on %s, and Fettle replaced %q", p.Name, p.From, p.Version, b.id, before)
		}
		if b.has(p.Name) != p.From {
			return false // changed by hand since the newest detect
		}
		if i := slices.IndexFunc(b.facts.Packages, func(x patch.Package) bool { return x.Name == p.Name && x.Held }); i >= 0 {
			return false
		}
	}
	c.backs++
	return true
}

// agree holds that plan, explain and ledger say the same about every machine and every patch.
func (c *chaos) agree() {
	c.t.Helper()
	p, err := c.planner.Make(c.ctx(), c.admin, plan.Request{Label: patch.LabelAll})
	c.must(err)
	planned, left := map[string]bool{}, map[string]string{}
	for _, m := range p.Machines {
		for _, i := range m.Items {
			planned[string(m.Machine)+string(i.Patch)] = true
		}
		for _, l := range m.Left {
			left[string(m.Machine)+string(l.Patch)] = l.Gate
		}
	}
	c.addUp()
	c.account()
	c.countsAlike()
	c.plansAlike(plan.Request{})
	c.compliesAlike(c.labels...)
	c.previewsAlike([]patch.Verb{patch.Approve, patch.Decline, patch.Hold}[c.IntN(3)], c.labels[c.IntN(len(c.labels))], c.any(), oldPerl)
	for _, b := range c.boxes {
		c.moments = append(c.moments, moment{c.now, b.id, b.judged})
		rows, sum, err := c.ledger.Rows(c.ctx(), b.id, ledger.RowFilter{})
		c.must(err)
		m, err := c.store.FindMachine(c.ctx(), b.id)
		c.must(err)
		if want := len(c.lists[m.OS]); len(rows) != want || sum.Total != want || sum.Verdicts.Total() != sum.Total {
			c.t.Fatalf("%d rows of %d for %s", len(rows), want, b.id)
		}
		c.paged(b, rows, sum)
		c.agreeOnMachine(b, rows)
		for _, r := range rows {
			c.agreeOn(b, r, planned[string(b.id)+string(r.Patch.ID)], left[string(b.id)+string(r.Patch.ID)])
		}
	}
}

// paged holds that a page of a machine's ledger, some rows of which are only counted, is a part of the whole, and counts as the whole does.
func (c *chaos) paged(b *box, all []ledger.Row, whole ledger.Summary) {
	c.t.Helper()
	if len(all) == 0 {
		return
	}
	f := ledger.RowFilter{Limit: 1 + c.IntN(len(all)), Offset: c.IntN(len(all))}
	rows, sum, err := c.ledger.Rows(c.ctx(), b.id, f)
	c.must(err)
	want := all[f.Offset:min(f.Offset+f.Limit, len(all))]
	if d := cmp.Diff(want, rows) + cmp.Diff(whole, sum); d != "" {
		c.t.Fatalf("%d rows of %s from %d on:\n%s", f.Limit, b.id, f.Offset, d)
	}
	for _, v := range []patch.Verdict{patch.NotPatched, patch.NotApplicable} {
		f := ledger.RowFilter{Verdicts: []patch.Verdict{v}, Stands: []patch.Stand{patch.Undecided}, Limit: 1}
		n := 0
		for _, r := range all {
			if r.Verdict == v && r.Policy.Stand == patch.Undecided {
				n++
			}
		}
		if rows, sum, err = c.ledger.Rows(c.ctx(), b.id, f); err != nil || sum.Matching != n || len(rows) != min(n, 1) || sum.Total != whole.Total {
			c.t.Fatalf("%d undecided %s rows of %s, want %d: %v", sum.Matching, v, b.id, n, err)
		}
	}
}

// addUp holds that an explanation over a label is the sum of the explanations of its machines.
func (c *chaos) addUp() {
	c.t.Helper()
	label := c.labels[c.IntN(len(c.labels))]
	members, err := c.book.Members(c.ctx(), label)
	c.must(err)
	for _, p := range []patch.ID{oldPerl, c.any()} {
		c.addsUp(label, members, p)
		c.partsAlike(p)
		c.partsAlike(p, patch.Decision{ID: "preview", Patch: p, Label: label, Verb: patch.Approve, At: c.now})
	}
}

// account holds that what is approved and not eligible adds up.
func (c *chaos) account() {
	c.t.Helper()
	var machines []patch.MachineID
	for _, b := range c.boxes {
		machines = append(machines, b.id)
	}
	all, err := c.store.ListDecisions(c.ctx(), patch.DecisionFilter{})
	c.must(err)
	var decided []patch.ID
	for _, d := range all {
		if !slices.Contains(decided, d.Patch) {
			decided = append(decided, d.Patch)
		}
	}
	c.accounts(machines, decided)
	c.lintsAlike(machines)
}

// remember holds that the ledger still knows how every machine stood at every moment that was looked at.
func (c *chaos) remember() {
	c.t.Helper()
	for _, m := range c.moments {
		p, err := c.ledger.AsOf(c.ctx(), m.machine, m.at)
		c.must(err)
		open := 0
		for _, v := range m.judged {
			if v == patch.NotPatched || v == patch.Faulty {
				open++
			}
		}
		for _, r := range p.Rows {
			if m.judged[r.Patch] != r.Verdict {
				c.t.Fatalf("%s at %v: %s was %s, is remembered as %s", m.machine, m.at, r.Patch, m.judged[r.Patch], r.Verdict)
			}
		}
		if len(p.Rows) != open {
			c.t.Fatalf("%s at %v: %d of %d needed patches are remembered", m.machine, m.at, len(p.Rows), open)
		}
	}
}

// agreeOnMachine holds that a machine's explanation has every patch that it needs, each in the group of its own explanation.
func (c *chaos) agreeOnMachine(b *box, rows []ledger.Row) {
	c.t.Helper()
	ex, err := c.ledger.ExplainMachine(c.ctx(), b.id)
	c.must(err)
	at := map[patch.ID]string{}
	for _, g := range ex.Groups {
		for _, id := range g.Patches {
			at[id] = string(g.Gate) + "/" + g.Code
		}
	}
	for _, r := range rows {
		want, needed := string(r.Gate)+"/"+r.Code, r.Verdict == patch.NotPatched || r.Verdict == patch.Faulty
		if r.Deployable {
			want = "/deployable"
		}
		if got, in := at[r.Patch.ID]; in != needed || in && got != want {
			c.t.Fatalf("%s on %s: %s, %s in the ledger, %q in the machine's explanation", r.Patch.ID, b.id, r.Verdict, want, got)
		}
	}
	if ex.Sentence == "" || ex.Next == "" {
		c.t.Fatalf("%s is explained by %q, next %q", b.id, ex.Sentence, ex.Next)
	}
}

func (c *chaos) agreeOn(b *box, r ledger.Row, planned bool, left string) {
	c.t.Helper()
	ex := c.explain(b, r.Patch.ID)
	a := ex.Answer
	if a.Deployable != planned || r.Deployable != planned {
		c.t.Fatalf("%s on %s: explain says deployable %v (%s), the ledger %v, the plan %v", r.Patch.ID, b.id, a.Deployable, a.Sentence, r.Deployable, planned)
	}
	_, approved := gate.World{Policy: ex.Row.Policy}.Approval()
	if !planned && approved && left != string(a.Closed.Name)+"/"+a.Closed.Code {
		c.t.Fatalf("%s on %s: left out for %q, explained by %s/%s", r.Patch.ID, b.id, left, a.Closed.Name, a.Closed.Code)
	}
	if a.Deployable && ex.Row.Policy.Stand != patch.Approved || a.Deployable && r.Verdict != patch.NotPatched {
		c.t.Fatalf("%s on %s is deployable, %s and %s", r.Patch.ID, b.id, ex.Row.Policy.Stand, r.Verdict)
	}
	if ex.Proof.Outcome == ledger.Disagrees || r.Receipt.Seq == 0 && r.Verdict != patch.Unknown || (a.Standing == "patched") != (r.Verdict == patch.Patched && a.Gate(gate.Snapshot).State == gate.Open) {
		c.t.Fatalf("%s on %s: %s, %s, %+v", r.Patch.ID, b.id, r.Verdict, a.Standing, ex.Proof)
	}
}
