package web

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// What of a plan is on one page: it is the same plan, however many machines it is about.
const (
	planRows     = 25 // machines
	planPatches  = 50
	planReasons  = 20
	planExamples = 3 // of each reason
)

// planTable is what a plan would do, counted, and the part of it that is on the page.
type planTable struct {
	Items, Left         int
	Now, Waiting, Short int // of Items: begin with the plan, wait for ring or turn, do not fit into the window
	Bytes               int64
	Files               int
	Restarts, Owe       int // machines that restart, and that will owe a restart and do not
	Longest             int // seconds of one machine's installing
	Outcomes            []outcomeCount
	MachinesWithItems   int
	NowMachines         int
	ByPatch             []planPatch // the most machines first
	MorePatches         int         // that are not in ByPatch
	LeftBy              []leftGroup // the most first
	MoreReasons         int         // that are not in LeftBy
	Which               *leftGroup  // the one of LeftBy that was asked for, with all that it leaves out
	which               string      // its Key
	Rows                []planMachine
	Pager               pager
	Only                *patch.MachinePlan // where it is about one machine
	OnlyItems           []patch.PlanItem   // of it, those on this page
	OnlyFrom            int                // how many are before them
	machines            []patch.MachinePlan
}

// planPatch is one patch of a plan over all its machines.
type planPatch struct {
	ID                  patch.ID
	Title               string
	Now, Waiting, Short int
	Machine             patch.MachineID // one of them
	Why                 phrase.Phrase   // why most of those wait that wait
	Packages            int             // at most on one machine
	Bytes               int64
	MustClose           []string
	whys                map[phrase.Phrase]int
}

// planMachine is one machine of a plan.
type planMachine struct {
	patch.MachinePlan
	Now int // of its items
}

// leftOut is an approved patch that a plan leaves out on a machine.
type leftOut struct {
	Machine patch.MachineID
	Name    string
	Patch   patch.ID
}

// reason is why a plan leaves something out.
type reason struct {
	Gate       string
	Text, Next phrase.Phrase
	Foretold   bool
}

// leftGroup is the approved patches that a plan leaves out for the same reason.
type leftGroup struct {
	reason
	Count int
	Some  []leftOut // the first few, or the page of all that was asked for
	all   []leftOut // of the one that was asked for
}

// Key names the reason in an address.
func (r reason) Key() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%t", r.Gate, r.Text, r.Next, r.Foretold)
	return strconv.FormatUint(h.Sum64(), 36)
}

// fill counts what a plan would do.
func (t *planTable) fill(made patch.Plan) {
	t.machines = keep(made.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 })
	t.MachinesWithItems = len(t.machines)
	files := map[patch.Hash]bool{}
	patches := map[patch.ID]*planPatch{}
	for i := range t.machines {
		m := &t.machines[i]
		t.Items += len(m.Items)
		t.expect(m.Expected)
		now := t.Now
		for _, it := range m.Items {
			t.item(patches, m.Machine, it)
			for _, pkg := range it.Packages {
				files[pkg.SHA256] = true
			}
		}
		if t.Now > now {
			t.NowMachines++
		}
	}
	t.Files = len(files)
	for _, p := range patches {
		for why, n := range p.whys {
			if most := p.whys[p.Why]; n > most || n == most && why < p.Why {
				p.Why = why
			}
		}
		t.ByPatch = append(t.ByPatch, *p)
	}
	slices.SortFunc(t.ByPatch, func(a, b planPatch) int {
		return cmp.Or(cmp.Compare(b.machines(), a.machines()), cmp.Compare(a.ID, b.ID))
	})
	t.leave(made.Machines)
}

// parts are a patch's suite, source and version, as its ID has them; of an advisory the ID is its source.
func (p planPatch) parts() (suite, source, version string) {
	suite, rest, ok := strings.Cut(string(p.ID), "/")
	if !ok {
		return "", string(p.ID), ""
	}
	source, version, _ = strings.Cut(rest, "/")
	return suite, source, version
}

// Source is what the patch mends.
func (p planPatch) Source() string { _, s, _ := p.parts(); return s }

// Version is what it brings.
func (p planPatch) Version() string { _, _, v := p.parts(); return v }

// Second is where it comes from and what it is, without what Source and Version have said.
func (p planPatch) Second() string {
	suite, source, version := p.parts()
	about := strings.TrimPrefix(p.Title, source+" "+version+": ")
	if suite == "" || about == "" {
		return suite + about
	}
	return suite + " · " + about
}

func (p planPatch) machines() int { return p.Now + p.Waiting + p.Short }

// item counts one installation.
func (t *planTable) item(patches map[patch.ID]*planPatch, on patch.MachineID, it patch.PlanItem) {
	p := patches[it.Patch]
	if p == nil {
		p = &planPatch{ID: it.Patch, Title: it.Title, Machine: on, MustClose: it.MustClose(), whys: map[phrase.Phrase]int{}}
		patches[it.Patch] = p
	}
	t.count(it.Outcome, 1)
	switch it.Outcome {
	case patch.WillWait:
		t.Waiting++
		p.Waiting++
	case patch.WillNotFit:
		t.Short++
		p.Short++
	default:
		t.Now++
		p.Now++
	}
	if it.Text != "" {
		p.whys[it.Text]++
	}
	var bytes int64
	for _, pkg := range it.Packages {
		bytes += pkg.Size
	}
	p.Packages, p.Bytes = max(p.Packages, len(it.Packages)), max(p.Bytes, bytes)
}

// leftList is what a plan leaves out on some machines, which share the list.
type leftList struct {
	left     []patch.LeftOut
	groups   []int // where in LeftBy each of left is counted
	machines int
	shown    bool // all these groups have their examples
}

// leave counts what the plan leaves out, by reason.
func (t *planTable) leave(machines []patch.MachinePlan) {
	groups, lists := map[reason]int{}, map[*patch.LeftOut]*leftList{}
	var all []*leftList
	for _, m := range machines {
		if len(m.Left) == 0 {
			continue
		}
		x := lists[&m.Left[0]]
		if x == nil {
			x = &leftList{left: m.Left, groups: t.groupsOf(m.Left, groups)}
			lists[&m.Left[0]], all = x, append(all, x)
		}
		if x.machines++; !x.shown {
			x.shown = t.exemplify(m, x.groups)
		}
	}
	for _, x := range all {
		for i, l := range x.left {
			t.Left += x.machines
			t.count(l.Outcome, x.machines)
			t.LeftBy[x.groups[i]].Count += x.machines
		}
	}
	if at := slices.IndexFunc(t.LeftBy, func(g leftGroup) bool { return t.which != "" && g.Key() == t.which }); at >= 0 {
		t.Which = &leftGroup{reason: t.LeftBy[at].reason, Count: t.LeftBy[at].Count}
		for _, m := range machines {
			for i, l := range m.Left {
				if lists[&m.Left[0]].groups[i] == at {
					t.Which.all = append(t.Which.all, leftOut{m.Machine, m.Name, l.Patch})
				}
			}
		}
	}
	slices.SortStableFunc(t.LeftBy, func(a, b leftGroup) int { return cmp.Compare(b.Count, a.Count) })
}

// groupsOf finds where in LeftBy each of a list belongs, and makes room for new reasons.
func (t *planTable) groupsOf(left []patch.LeftOut, groups map[reason]int) []int {
	out := make([]int, len(left))
	for i, l := range left {
		r := reasonOf(l)
		at, known := groups[r]
		if !known {
			at = len(t.LeftBy)
			groups[r], t.LeftBy = at, append(t.LeftBy, leftGroup{reason: r})
		}
		out[i] = at
	}
	return out
}

// exemplify names a machine where a reason has too few examples yet, and reports whether all that hold for it have enough then.
func (t *planTable) exemplify(m patch.MachinePlan, groups []int) bool {
	enough := true
	for i, l := range m.Left {
		g := &t.LeftBy[groups[i]]
		if len(g.Some) < planExamples {
			g.Some = append(g.Some, leftOut{m.Machine, m.Name, l.Patch})
		}
		enough = enough && len(g.Some) == planExamples
	}
	return enough
}

func reasonOf(l patch.LeftOut) reason {
	name, _, _ := strings.Cut(l.Gate, "/")
	return reason{Gate: name, Text: l.Text, Next: l.Next, Foretold: l.Foretold}
}

func (t *planTable) count(o patch.Outcome, n int) {
	i := slices.IndexFunc(t.Outcomes, func(c outcomeCount) bool { return c.Outcome == o })
	if i < 0 {
		t.Outcomes = append(t.Outcomes, outcomeCount{Outcome: o})
		i = len(t.Outcomes) - 1
	}
	t.Outcomes[i].Count += n
}

func (t *planTable) expect(e patch.Expected) {
	t.Bytes += e.Bytes
	t.Longest = max(t.Longest, e.Seconds)
	if e.Restart {
		t.Restarts++
	} else if e.Why != "" {
		t.Owe++
	}
}

// turn chooses what is on the page that begins at an offset; at gives a page's address. A plan about one machine shows its installations.
func (t *planTable) turn(offset int, at func(page string) string) {
	t.MorePatches, t.ByPatch = rest(planPatches, len(t.ByPatch)), head(planPatches, t.ByPatch)
	t.MoreReasons, t.LeftBy = rest(planReasons, len(t.LeftBy)), head(planReasons, t.LeftBy)
	slices.SortStableFunc(t.Outcomes, func(a, b outcomeCount) int { // what is installed before what is left out
		switch {
		case a.Left() == b.Left():
			return 0
		case a.Left():
			return 1
		}
		return -1
	})
	total, shown := len(t.machines), 0
	if t.Which != nil {
		t.Which.Some = page(t.Which.all, offset, planRows)
		total, shown = t.Which.Count, len(t.Which.Some)
	} else if total == 1 {
		t.Only = &t.machines[0]
		t.OnlyItems, t.OnlyFrom = page(t.Only.Items, offset, planRows), offset
		total, shown = len(t.Only.Items), len(t.OnlyItems)
	} else {
		for _, m := range page(t.machines, offset, planRows) {
			row := planMachine{MachinePlan: m}
			for _, it := range m.Items {
				if it.Outcome != patch.WillWait && it.Outcome != patch.WillNotFit {
					row.Now++
				}
			}
			t.Rows = append(t.Rows, row)
		}
		shown = len(t.Rows)
	}
	if t.Pager = (pager{From: min(offset+1, offset+shown), To: offset + shown, Total: total}); total <= planRows {
		t.Pager = pager{}
		return
	}
	number := offset/planRows + 1
	if number > 1 {
		t.Pager.Prev = at(strconv.Itoa(number - 1))
	}
	if offset+shown < total {
		t.Pager.Next = at(strconv.Itoa(number + 1))
	}
}

// asking keeps those of a request's questions that are named.
func asking(v *visit, names ...string) url.Values {
	out := url.Values{}
	for _, n := range names {
		for _, value := range v.r.Form[n] {
			if value != "" {
				out.Add(n, value)
			}
		}
	}
	return out
}

// at is the address of this plan with some of its questions changed.
func (p planPage) at(pairs ...string) string { return "/deployments/new?" + changed(p.ask, pairs...) }

// On is the address of the plan for one of its machines.
func (p planPage) On(m patch.MachineID) string { return p.at("label", "", "machine", string(m)) }

// With is the part of the plan that is about one of its patches: its machines.
func (p planPage) With(id patch.ID) string {
	return p.at("part", "plan", "patch", string(id)) + "#machines"
}

// LeftAt is where all that is left out for one reason is; without one, where the whole plan is.
func (p planPage) LeftAt(key string) string { return p.at("part", "plan", "left", key) }

func changed(ask url.Values, pairs ...string) string {
	q := url.Values{}
	for k, vs := range ask {
		q[k] = vs
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}
