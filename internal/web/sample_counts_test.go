package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// verdict is how patch p stands on machine m of the sample, all of whose numbers are counted from this: the first has one patch in each state, and
// the others come to their turn in an order of their own, so that some need much and some nothing.
func (w *world) verdict(p, m int) patch.Verdict {
	turn := m * 7 % admitted
	switch {
	case w.machines[m].Receipt == nil:
		return patch.Unknown
	case m == 0:
		return sampleVerdicts[p]
	case m == erring && (p == 4 || p == 10):
		return patch.Faulty
	case turn < sampleNeeds[p].need:
		return patch.NotPatched
	case turn >= admitted-sampleNeeds[p].absent:
		return patch.NotApplicable
	}
	return patch.Patched
}

const (
	admitted = 22 // of the sample's machines
	erring   = 15 // could not judge two patches
	onList   = 36120
)

var sampleNeeds = [...]struct{ need, absent int }{{9, 0}, {8, 2}, {12, 0}, {4, 0}, {13, 0}, {3, 12}, {2, 0}, {3, 14}, {12, 0}, {0, 0}, {5, 3}, {2, 16}}

var sampleVerdicts = [...]patch.Verdict{patch.NotPatched, patch.NotPatched, patch.NotPatched, patch.Patched, patch.NotPatched, patch.NotApplicable, patch.Patched, patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty, patch.Unknown}

// sampleCounts counts machines and patches, as the ledger does over its rows.
func (w *world) sampleCounts() {
	for i := range w.patches {
		c := &w.patches[i]
		for m := range admitted {
			v := w.verdict(i, m)
			c.Verdicts[v]++
			r := &w.machines[m]
			r.Verdicts[v]++
			if v != patch.NotPatched {
				continue
			}
			r.Needed++
			if c.Patch.Category == patch.Security {
				r.Security++
			}
			switch {
			case w.decides(c, r.ID):
				if len(c.Decisions) > 0 && c.Decisions[0].Verb == patch.Approve && r.Freshness == ledger.Fresh {
					c.Deployable++
					r.Deployable++
				}
			default:
				c.Undecided++
				r.Undecided++
				r.Person = true
			}
		}
	}
	f := ledger.Fleet{At: w.now, Machines: admitted, Alarms: keep(w.alarms, func(a patch.Alarm) bool { return a.ClearedAt.IsZero() })}
	os := ledger.OSStatus{OS: sampleOS, Revision: "4f1c09d2aa7e31b6", Built: w.ago(2 * time.Hour), MetadataDate: w.ago(5 * time.Hour), Patches: onList, Machines: admitted}
	for m := range admitted {
		r := &w.machines[m]
		if r.Receipt == nil {
			r.Verdicts = patch.Counts{}
			os.Rows[patch.Unknown] += onList
			continue
		}
		r.Verdicts[patch.NotApplicable] += onList - 410 - len(w.patches)
		r.Verdicts[patch.Patched] += 410
		for v, n := range r.Verdicts {
			os.Rows[v] += n
		}
	}
	for show, n := range map[string]*int{"pending": &f.Pending, "behind": &f.Behind, "stale": &f.Stale, "failed": &f.Failed, "never": &f.Never, "confirmed": &f.Confirmed, "needing": &f.Needing, "person": &f.NeedingPerson, "reboot": &f.RebootOwed, "silent": &f.Silent} {
		*n = w.showing(show)
	}
	f.Fresh, f.Erring = admitted-f.Behind-f.Stale-f.Failed-f.Never, 1
	for _, c := range w.patches {
		f.Deployable += c.Deployable
		if c.Undecided > 0 {
			f.Undecided++
		}
		if c.Patch.Category == patch.Security && c.Verdicts[patch.NotPatched] > 0 {
			f.Security++
		}
	}
	f.Rows, f.OSes = os.Rows, []ledger.OSStatus{os}
	w.fleet = f
	first := w.machines[0]
	w.summary = ledger.Summary{Total: onList, Matching: onList, Verdicts: first.Verdicts, Stands: ledger.StandCounts{Undecided: 36012, Approved: 96, Declined: 9, Held: 3}, Needed: first.Needed, NeededSecurity: first.Security, Undecided: first.Undecided, ApprovedNotNeeded: 71, Closed: 12, Deployable: first.Deployable}
}

// decides reports whether somebody has decided about a patch for a label that a machine carries.
func (w *world) decides(c *ledger.PatchCount, id patch.MachineID) bool {
	return slices.ContainsFunc(c.Decisions, func(d patch.Decision) bool {
		return slices.ContainsFunc(w.labels, func(l label.Membership) bool { return l.Label.Name == d.Label && slices.Contains(l.Members, id) })
	})
}

// showing is how many machines a list of them shows.
func (w *world) showing(show string) (n int) {
	yes := ledger.Shows(show, w.now)
	for i := range w.machines {
		if yes(&w.machines[i]) {
			n++
		}
	}
	return n
}

// lack is the machines of a label whose newest detect speaks of now and that need a patch.
func (w *world) lack(name string, p int) (ids []patch.MachineID) {
	if w.patches[p].Patch.Category != patch.Security {
		return nil
	}
	for _, id := range w.members(name) {
		m := slices.IndexFunc(w.machines, func(r ledger.MachineRow) bool { return r.ID == id })
		if m >= 0 && m < admitted && w.machines[m].Freshness == ledger.Fresh && w.verdict(p, m) == patch.NotPatched {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *world) members(name string) []patch.MachineID {
	for _, l := range w.labels {
		if l.Label.Name == name {
			return l.Members
		}
	}
	return nil
}

// allowed is for how many days a patch may be missing; 0: nobody has said so.
var allowed = map[patch.Severity]int{patch.Critical: 7, patch.High: 14}

func (w *world) Exposed(_ context.Context, of string, s patch.Severity) (out []ledger.Exposed, err error) {
	for i := range min(len(w.patches), len(sampleNeeds)) {
		p := &w.patches[i].Patch
		if ids := w.lack(of, i); p.Severity == s && len(ids) > 0 {
			days := int(w.now.Sub(p.Released).Hours() / 24)
			out = append(out, ledger.Exposed{Patch: p, Machines: ids, Days: days, Overdue: allowed[s] > 0 && days > allowed[s]})
		}
	}
	return out, nil
}

// complies is how a label stands.
func (w *world) complies(name string) patch.Compliance {
	c := patch.Compliance{Label: name, At: w.now}
	for _, id := range w.members(name) {
		m := w.machines[slices.IndexFunc(w.machines, func(r ledger.MachineRow) bool { return r.ID == id })]
		c.Machines++
		switch {
		case m.Freshness == ledger.Stale:
			c.Stale++
		case m.Freshness == ledger.Failed:
			c.Failed++
		case m.Freshness == ledger.Never:
			c.Never++
		case m.Security > 0:
			c.Needing++
		case m.Unjudged > 0:
			c.Erring++
		default:
			c.Confirmed++
		}
	}
	for _, s := range []patch.Severity{patch.Critical, patch.High, patch.NotGiven} {
		e := patch.Exposure{Severity: s, Allowed: allowed[s]}
		machines := map[patch.MachineID]bool{}
		var days []int
		list, _ := w.Exposed(context.Background(), name, s)
		for _, x := range list {
			e.Patches++
			e.Pairs += len(x.Machines)
			for _, id := range x.Machines {
				machines[id] = true
				days = append(days, x.Days)
			}
			if x.Overdue {
				e.Overdue += len(x.Machines)
			}
		}
		if e.Machines = len(machines); e.Machines > 0 {
			slices.Sort(days)
			e.OldestDays, e.MedianDays = days[len(days)-1], days[len(days)/2]
			c.Exposures = append(c.Exposures, e)
		}
	}
	return c
}

// TestSampleIsOneWorld holds the sample, which pictures show, to itself: what one page counts, another lists.
func TestSampleIsOneWorld(t *testing.T) {
	w := fleet()
	h := w.open(t)
	body := func(address string) string { return ask(h, http.MethodGet, address, nil).Body.String() }
	if home := body("/"); !strings.Contains(home, ">22 machines</a>") || !strings.Contains(home, strconv.Itoa(w.showing("person"))+" need you") {
		t.Error("home does not count the sample's machines")
	}
	open := keep(w.alarms, func(a patch.Alarm) bool { return a.ClearedAt.IsZero() })
	if alarms := body("/alarms"); len(open) != 1 || !strings.Contains(alarms, "1 alarm is open") || !strings.Contains(alarms, `<b>1<span class="sr"> open</span></b>`) {
		t.Errorf("the rail counts other alarms than the page: %s", between(alarms, `href="/alarms"`, "</a>"))
	}
	for _, c := range w.patches {
		if n := c.Verdicts.Total(); n != admitted {
			t.Errorf("%s is counted on %d machines", c.Patch.ID, n)
		}
		if c.Deployable+c.Undecided > c.Verdicts[patch.NotPatched] {
			t.Errorf("%s: %d deployable and %d undecided of %d", c.Patch.ID, c.Deployable, c.Undecided, c.Verdicts[patch.NotPatched])
		}
	}
	for _, s := range w.hoops {
		if len(w.members(s.Label)) < s.Machines {
			t.Errorf("the ring %s has %d machines of %d that carry %s", s.Name, s.Machines, len(w.members(s.Label)), s.Label)
		}
		for _, p := range s.Patches {
			if n := p.Proven + p.Failed + p.Pending + p.Waiting + p.Away; n > s.Machines {
				t.Errorf("%s is at %d machines of %d in the ring %s", p.Patch, n, s.Machines, s.Name)
			}
		}
	}
	for _, c := range w.complying {
		if c.Confirmed+c.Needing+c.Erring+c.Behind+c.Stale+c.Failed+c.Never != c.Machines || c.Machines != len(w.members(c.Label)) {
			t.Errorf("%s: %+v", c.Label, c)
		}
		for _, e := range c.Exposures {
			if e.Overdue > 0 && !strings.Contains(body("/reports/exposure?show=overdue&label="+c.Label+"&exposed="+string(cmp.Or(e.Severity, "none"))), "1–"+strconv.Itoa(e.Overdue)+" of "+strconv.Itoa(e.Overdue)) {
				t.Errorf("the reports count %d overdue of %s, and the exposure of %q lists others", e.Overdue, c.Label, e.Severity)
			}
		}
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}
