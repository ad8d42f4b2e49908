package main

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// readable is how many lines about single machines are printed without being asked for.
const readable = 12

func planSize(p patch.Plan) (items, packages int, bytes int64) {
	for _, m := range p.Machines {
		items += len(m.Items)
		for _, i := range m.Items {
			packages += len(i.Packages)
			for _, k := range i.Packages {
				bytes += k.Size
			}
		}
	}
	return items, packages, bytes
}

// printPlan says what a plan does, patch by patch, and where that is little, or asked for, also what each machine gets.
func printPlan(w io.Writer, width int, p patch.Plan, rows bool) {
	if p.Restarts {
		printRestarts(w, p, rows)
		for _, l := range termLines(p) {
			line(w, "%s", clean(l))
		}
		line(w, "Plan %s", p.Hash)
		return
	}
	items, packages, bytes := planSize(p)
	doing := "to install"
	if p.Rollback != nil {
		doing = "to go back with"
	}
	if busy, parts := partsOf(p); items == 0 && len(p.Machines) == 0 && p.Rollback == nil {
		line(w, "Nothing %s: no machine that it is for has an approved patch. What machines need: fettle patches needed. Then: fettle approve PATCH… --label …", doing)
	} else if items == 0 && leftOut(p) == 0 && len(p.Machines) > 0 && p.Rollback == nil {
		line(w, "Nothing %s: nothing is both approved and needed here. What is needed: fettle machines rows %s --verdict not-patched. Then: fettle approve PATCH… --label …", doing, clean(p.Machines[0].Name))
	} else if items == 0 && p.Rollback != nil {
		line(w, "Nothing goes back on %s.", plural(len(p.Machines), "machine", "machines"))
	} else if items == 0 {
		line(w, "Nothing %s on %s.", doing, plural(len(p.Machines), "machine", "machines"))
	} else {
		line(w, "%s on %s of %s: %s, %s %s.", plural(len(parts), "patch", "patches"), thousands(busy), plural(len(p.Machines), "machine", "machines"), plural(packages, "package", "packages"), size(bytes), doing)
		printParts(w, width, parts)
	}
	there := presentIn(p)
	few := packages+leftOut(p)-there.pairs <= readable
	if rows || few {
		printEach(w, width, p, rows)
	} else {
		printTogether(w, p)
	}
	if there.pairs > 0 && !rows {
		line(w, "  already patched: %s on %s", plural(len(there.patches), "approved patch", "approved patches"), plural(there.machines, "machine", "machines"))
	}
	if m, id := blockedIn(p); id != "" && p.Rollback == nil {
		line(w, "What ends it, for each that is blocked, and who must act, for example: fettle explain %s %s", clean(m), clean(string(id)))
	}
	if !rows && !few {
		line(w, "What each machine gets: --rows, or --json.")
	}
	for _, l := range termLines(p) {
		line(w, "%s", clean(l))
	}
	for _, l := range p.Manner.Lines() {
		line(w, "%s", clean(l))
	}
	for _, l := range rollbackLines(p) {
		line(w, "%s", l)
	}
	line(w, "Plan %s", p.Hash)
}

// planPart is what a plan does with one patch.
type planPart struct {
	patch              patch.ID
	machines, packages int
	bytes              int64
}

// partsOf gives a plan by its patches, the one for most machines first, and how many machines install something.
func partsOf(p patch.Plan) (busy int, parts []planPart) {
	of := map[patch.ID]*planPart{}
	for _, m := range p.Machines {
		if len(m.Items) > 0 {
			busy++
		}
		for _, i := range m.Items {
			part := of[i.Patch]
			if part == nil {
				part = &planPart{patch: i.Patch}
				of[i.Patch] = part
			}
			part.machines++
			part.packages += len(i.Packages)
			for _, k := range i.Packages {
				part.bytes += k.Size
			}
		}
	}
	for _, part := range of {
		parts = append(parts, *part)
	}
	slices.SortFunc(parts, func(a, b planPart) int {
		return cmp.Or(cmp.Compare(b.machines, a.machines), cmp.Compare(a.patch, b.patch))
	})
	return busy, parts
}

func printParts(w io.Writer, width int, parts []planPart) {
	t := table{columns: []column{{title: "patch", flex: true}, {title: "machines", right: true}, {title: "packages", right: true}, {title: "size", right: true}}}
	for _, x := range parts {
		t.add(string(x.patch), thousands(x.machines), thousands(x.packages), size(x.bytes))
	}
	t.print(w, width)
	line(w, "")
}

// blockedIn is the first patch that a plan leaves out though the machine needs it, and of which it does not say itself what ends that.
func blockedIn(p patch.Plan) (machine string, id patch.ID) {
	for _, m := range p.Machines {
		for _, l := range m.Left {
			if l.Outcome == patch.IsBlocked {
				return m.Name, l.Patch
			}
		}
	}
	return "", ""
}

func leftOut(p patch.Plan) (n int) {
	for _, m := range p.Machines {
		n += len(m.Left)
	}
	return n
}

// present is what a plan leaves out because it is there.
type present struct {
	pairs    int
	patches  map[patch.ID]bool
	machines int
}

func presentIn(p patch.Plan) present {
	x := present{patches: map[patch.ID]bool{}}
	for _, m := range p.Machines {
		before := x.pairs
		for _, l := range m.Left {
			if l.Outcome == patch.IsPatched {
				x.pairs++
				x.patches[l.Patch] = true
			}
		}
		if x.pairs > before {
			x.machines++
		}
	}
	return x
}

// alike is what many machines have in common in a plan.
type alike struct {
	outcome patch.Outcome
	patch   patch.ID
	text    string
	next    string // what ends it

	foretold bool
}

// printNext says what ends that a plan leaves a patch out, where the plan knows it.
func printNext(w io.Writer, next string, foretold bool) {
	switch {
	case foretold:
		line(w, "    foretold from the vendor's index, nothing was tried; what ends it: %s", clean(next))
	case next != "":
		line(w, "    what ends it: %s", clean(next))
	}
}

// printTogether says what a plan foretells, and what it leaves out, by what machines have in common.
func printTogether(w io.Writer, p patch.Plan) {
	groups := map[alike][]string{}
	restarts, slowest := 0, 0
	for _, m := range p.Machines {
		if m.Expected.Restart {
			restarts++
		}
		slowest = max(slowest, m.Expected.Seconds)
		for _, i := range m.Items {
			if i.Text != "" {
				k := alike{outcome: i.Outcome, patch: i.Patch, text: i.Text.String()}
				groups[k] = append(groups[k], m.Name)
			}
		}
		for _, l := range m.Left {
			if l.Outcome == patch.IsPatched {
				continue
			}
			k := alike{outcome: l.Outcome, patch: l.Patch, text: l.Text.String()}
			k.next, k.foretold = l.Next.String(), l.Foretold
			groups[k] = append(groups[k], m.Name)
		}
	}
	if slowest > 0 {
		line(w, "The slowest machine takes about %s; %s.", time.Duration(slowest)*time.Second, plural(restarts, "machine restarts", "machines restart"))
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b alike) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.patch, b.patch), cmp.Compare(a.text, b.text))
	})
	for _, k := range order {
		line(w, "  %s on %s: %s: %s", outcomeWords(k.outcome), plural(len(groups[k]), "machine", "machines"), clean(string(k.patch)), clean(k.text))
		line(w, "    %s", clean(fewOf(groups[k])))
		printNext(w, k.next, k.foretold)
	}
}

// fewOf names the first of many machines.
func fewOf(names []string) string {
	slices.Sort(names)
	if len(names) <= 5 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:5], ", ") + ", …"
}

// printEach says what each machine gets, and why not; what is there already only if asked for.
func printEach(w io.Writer, width int, p patch.Plan, there bool) {
	t := table{columns: []column{{title: "machine", flex: true}, {title: "#", right: true}, {title: "patch", flex: true}, {title: "package", flex: true}, {title: "installed", flex: true}, {title: "new", flex: true}, {title: "size", right: true}}}
	for _, m := range p.Machines {
		for n, i := range m.Items {
			for _, k := range i.Packages {
				t.add(m.Name, strconv.Itoa(n+1), string(i.Patch), k.Name+":"+k.Arch, k.From, k.Version, size(k.Size))
			}
		}
	}
	if len(t.rows) > 0 {
		t.print(w, width)
		printForetold(w, width, p)
	}
	for _, m := range p.Machines {
		for _, i := range m.Items {
			if i.Text != "" {
				line(w, "  %s on %s: %s: %s", outcomeWords(i.Outcome), clean(m.Name), clean(string(i.Patch)), clean(i.Text.String()))
			}
		}
		for _, i := range m.Items {
			if names := i.MustClose(); len(names) > 0 {
				line(w, "  on %s, %s is not installed while one of these runs: %s", clean(m.Name), clean(string(i.Patch)), clean(strings.Join(names, ", ")))
			}
		}
		for _, l := range m.Left {
			if l.Outcome == patch.IsPatched && !there {
				continue
			}
			line(w, "  left out on %s (%s): %s: %s", clean(m.Name), outcomeWords(l.Outcome), clean(string(l.Patch)), clean(l.Text.String()))
			printNext(w, l.Next.String(), l.Foretold)
		}
	}
}

// termLines say when a plan's machines install and restart.
func termLines(p patch.Plan) (out []string) {
	switch w := p.Window; {
	case !w.NotBefore.IsZero() && !w.NotAfter.IsZero():
		out = append(out, "Window: from "+when(w.NotBefore)+" to "+when(w.NotAfter)+".")
	case !w.NotBefore.IsZero():
		out = append(out, "Window: from "+when(w.NotBefore)+".")
	case !w.NotAfter.IsZero():
		out = append(out, "Window: from now to "+when(w.NotAfter)+".")
	}
	if r := p.Reboot; r != nil && r.Mode != patch.RebootNever {
		text := "Restarts: " + string(r.Mode)
		if r.Warn > 0 {
			text += ", announced " + minutes(r.Warn) + " before"
		}
		if r.Snoozes > 0 {
			text += ", put off up to " + plural(int(r.Snoozes), "time", "times") + " by " + minutes(r.Snooze)
		}
		if r.Mode == patch.RebootAsk {
			text += ", at the latest " + inWords(r.DeadlineOf(time.Time{}).Sub(time.Time{})) + " after it is announced"
		}
		if r.Message != "" {
			text += ", with the words: " + r.Message
		}
		out = append(out, text+".")
	}
	return out
}

func minutes(n patch.Number) string { return inWords(time.Duration(n) * time.Minute) }

// printForetold shows what a plan foretells of each machine.
func printForetold(w io.Writer, width int, p patch.Plan) {
	does := "installs"
	if p.Rollback != nil {
		does = "goes back"
	}
	t := table{columns: []column{{title: "machine", flex: true}, {title: does, right: true}, {title: "wait", right: true}, {title: "fetches", right: true}, {title: "takes about", right: true}, {title: "restart", flex: true}}}
	for _, m := range p.Machines {
		now, wait := 0, 0
		for _, i := range m.Items {
			if i.Text == "" {
				now++
			} else {
				wait++
			}
		}
		if len(m.Items) > 0 {
			t.add(m.Name, strconv.Itoa(now), strconv.Itoa(wait), size(m.Expected.Bytes), (time.Duration(m.Expected.Seconds) * time.Second).String(), restartWords(m.Expected))
		}
	}
	line(w, "")
	t.print(w, width)
}

func restartWords(e patch.Expected) string {
	switch {
	case e.Restart:
		return "yes: " + e.Why.String()
	case e.Why != "":
		return "no: " + e.Why.String()
	}
	return "none foreseen"
}

// outcomeWords says what a plan foretells; a plan of an older version says nothing.
func outcomeWords(o patch.Outcome) string {
	if o == "" {
		return "left out"
	}
	return strings.ReplaceAll(string(o), "-", " ")
}
