package approval

import (
	"fmt"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// sentence tells the consequence as a person would say it: what is decided for whom, and how many get it now or do not, and why not.
// Of one patch it counts machines; of several it counts each patch once on every machine.
func sentence(p Preview, t Tally) string {
	head := map[patch.Verb]string{patch.Approve: "Approve", patch.Decline: "Decline", patch.Hold: "Hold back", patch.Clear: "Take the decision back about"}[p.Request.Verb]
	s := fmt.Sprintf("%s %s for %q", head, what(p), p.Request.Label)
	if p.Members == 0 {
		return s + " — now: no machine carries that label."
	}
	s += " (" + gate.Count(p.Members, "machine", "machines") + ") — now"
	if len(p.Patches) > 1 && p.Members > 1 {
		s += ", each patch counted on each machine"
	}
	parts := append(gets(p, t), misses(p, t)...)
	return s + ": " + strings.Join(parts, ", ") + "."
}

func what(p Preview) string {
	if len(p.Patches) == 1 && p.Patches[0].Patch.Source != "" {
		return p.Patches[0].Patch.Source + " " + p.Patches[0].Patch.Version
	}
	return gate.Count(len(p.Patches), "patch", "patches")
}

// gets says what an approval brings about, or what another decision keeps from happening.
func gets(p Preview, t Tally) []string {
	const when = " with the next deployment"
	single := len(p.Patches) == 1
	if p.Request.Verb != patch.Approve {
		if single {
			return said(t.Eligible.Count, "needs it", "need it")
		}
		return said(t.Eligible.Count, "is needed", "are needed")
	}
	n := t.Deployable.Count
	switch {
	case n == 0 && single:
		return []string{"no machine will get it" + when}
	case n == 0:
		return []string{"none will be installed" + when}
	case single:
		return []string{gate.Count(n, "machine", "machines") + " will get it" + when}
	case p.Members == 1:
		return []string{gate.Number(n) + " will be installed" + when}
	}
	return []string{gate.Number(n) + " will be installed on " + gate.Count(p.Machines, "machine", "machines") + when}
}

// misses says for which machines, or how many times, nothing will happen.
func misses(p Preview, t Tally) []string {
	kept := 0
	if p.Request.Verb == patch.Approve {
		kept = t.Eligible.Count - t.Deployable.Count
	}
	var parts []string
	if n := none(t); n > 0 && len(p.Patches) == 1 {
		parts = append(parts, "it does not apply to "+gate.Number(n)+reasons(t))
	} else {
		parts = said(n, "does not apply"+reasons(t), "do not apply"+reasons(t))
	}
	for _, x := range []struct {
		n                              int
		machine, machines, time, times string // of one patch, of several
	}{
		{t.Patched.Count, "has it already", "have it already", "is installed already", "are installed already"},
		{kept, "needs it and is kept from it", "need it and are kept from it", "is needed and kept back", "are needed and kept back"},
		{t.Error.Count, "could not be judged", "could not be judged", "could not be judged", "could not be judged"},
		{t.Stale.Count, "was not detected lately", "were not detected lately", "was not judged lately", "were not judged lately"},
		{t.Unknown.Count, "was never detected", "were never detected", "was never judged", "were never judged"},
		{t.OtherOS.Count, "runs another OS", "run another OS", "is for another OS", "are for another OS"},
	} {
		one, many := x.machine, x.machines
		if len(p.Patches) > 1 {
			one, many = x.time, x.times
		}
		parts = append(parts, said(x.n, one, many)...)
	}
	return parts
}

func said(n int, one, many string) []string {
	if n == 0 {
		return nil
	}
	return []string{gate.Count(n, one, many)}
}

func none(t Tally) int {
	n := 0
	for _, r := range t.NotApplicable {
		n += r.Count
	}
	return n
}

// reasons are the codes behind "does not apply", with their numbers where there are several.
func reasons(t Tally) string {
	var parts []string
	for _, r := range t.NotApplicable {
		text := strings.ReplaceAll(r.Code, "-", " ")
		if len(t.NotApplicable) > 1 {
			text = gate.Number(r.Count) + " " + text
		}
		parts = append(parts, text)
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
