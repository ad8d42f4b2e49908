package approval

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// sentence tells the consequence as a person would say it: what is decided for whom, and how many get it now or do not, and why not.
// Of one patch it counts machines; of several it counts each patch once on every machine.
func sentence(p Preview, t Tally) phrase.Phrase {
	head := asked(p)
	if p.Members == 0 {
		return phrase.Of("{1} — now: no machine carries that label.", head)
	}
	said := phrase.Join(append(gets(p, t), misses(p, t)...), ", ")
	if len(p.Patches) > 1 && p.Members > 1 {
		return phrase.Count(p.Members, "{1} ({n} machine) — now, each patch counted on each machine: {2}.", "{1} ({n} machines) — now, each patch counted on each machine: {2}.", head, said)
	}
	return phrase.Count(p.Members, "{1} ({n} machine) — now: {2}.", "{1} ({n} machines) — now: {2}.", head, said)
}

// asked is the decision as it was asked for.
func asked(p Preview) phrase.Phrase {
	what, label := what(p), p.Request.Label
	switch p.Request.Verb {
	case patch.Approve:
		return phrase.Of(`Approve {1} for "{2}"`, what, label)
	case patch.Decline:
		return phrase.Of(`Decline {1} for "{2}"`, what, label)
	case patch.Hold:
		return phrase.Of(`Hold back {1} for "{2}"`, what, label)
	}
	return phrase.Of(`Take the decision back about {1} for "{2}"`, what, label)
}

func what(p Preview) phrase.Phrase {
	if len(p.Patches) == 1 && p.Patches[0].Patch.Source != "" {
		return phrase.Verbatim(p.Patches[0].Patch.Source + " " + p.Patches[0].Patch.Version)
	}
	return phrase.Count(len(p.Patches), "{n} patch", "{n} patches")
}

// gets says what an approval brings about, or what another decision keeps from happening.
func gets(p Preview, t Tally) []phrase.Phrase {
	single := len(p.Patches) == 1
	if p.Request.Verb != patch.Approve {
		if single {
			return said(t.Eligible.Count, phrase.Count(t.Eligible.Count, "{n} needs it", "{n} need it"))
		}
		return said(t.Eligible.Count, phrase.Count(t.Eligible.Count, "{n} is needed", "{n} are needed"))
	}
	n := t.Deployable.Count
	switch {
	case n == 0 && single:
		return []phrase.Phrase{"no machine will get it with the next deployment"}
	case n == 0:
		return []phrase.Phrase{"none will be installed with the next deployment"}
	case single:
		return []phrase.Phrase{phrase.Count(n, "{n} machine will get it with the next deployment", "{n} machines will get it with the next deployment")}
	case p.Members == 1:
		return []phrase.Phrase{phrase.Of("{1} will be installed with the next deployment", n)}
	}
	return []phrase.Phrase{phrase.Count(p.Machines, "{1} will be installed on {n} machine with the next deployment", "{1} will be installed on {n} machines with the next deployment", n)}
}

// misses says for which machines, or how many times, nothing will happen.
func misses(p Preview, t Tally) []phrase.Phrase {
	var parts []phrase.Phrase
	if n := none(t); n > 0 && len(p.Patches) == 1 {
		parts = append(parts, phrase.Of("it does not apply to {1} ({2})", n, reasons(t)))
	} else if n > 0 {
		parts = append(parts, phrase.Count(n, "{n} does not apply ({1})", "{n} do not apply ({1})", reasons(t)))
	}
	kept := 0
	if p.Request.Verb == patch.Approve {
		kept = t.Eligible.Count - t.Deployable.Count
	}
	if len(p.Patches) > 1 {
		return append(parts, missedTimes(t, kept)...)
	}
	return append(parts, missedMachines(t, kept)...)
}

// missedMachines counts the machines of one patch.
func missedMachines(t Tally, kept int) []phrase.Phrase {
	parts := said(t.Patched.Count, phrase.Count(t.Patched.Count, "{n} has it already", "{n} have it already"))
	parts = append(parts, said(kept, phrase.Count(kept, "{n} needs it and is kept from it", "{n} need it and are kept from it"))...)
	parts = append(parts, said(t.Error.Count, phrase.Of("{1} could not be judged", t.Error.Count))...)
	parts = append(parts, said(t.Stale.Count, phrase.Count(t.Stale.Count, "{n} was not detected lately", "{n} were not detected lately"))...)
	parts = append(parts, said(t.Unknown.Count, phrase.Count(t.Unknown.Count, "{n} was never detected", "{n} were never detected"))...)
	return append(parts, said(t.OtherOS.Count, phrase.Count(t.OtherOS.Count, "{n} runs another OS", "{n} run another OS"))...)
}

// missedTimes counts several patches, each on each machine.
func missedTimes(t Tally, kept int) []phrase.Phrase {
	parts := said(t.Patched.Count, phrase.Count(t.Patched.Count, "{n} is installed already", "{n} are installed already"))
	parts = append(parts, said(kept, phrase.Count(kept, "{n} is needed and kept back", "{n} are needed and kept back"))...)
	parts = append(parts, said(t.Error.Count, phrase.Of("{1} could not be judged", t.Error.Count))...)
	parts = append(parts, said(t.Stale.Count, phrase.Count(t.Stale.Count, "{n} was not judged lately", "{n} were not judged lately"))...)
	parts = append(parts, said(t.Unknown.Count, phrase.Count(t.Unknown.Count, "{n} was never judged", "{n} were never judged"))...)
	return append(parts, said(t.OtherOS.Count, phrase.Count(t.OtherOS.Count, "{n} is for another OS", "{n} are for another OS"))...)
}

func said(n int, p phrase.Phrase) []phrase.Phrase {
	if n == 0 {
		return nil
	}
	return []phrase.Phrase{p}
}

func none(t Tally) int {
	n := 0
	for _, r := range t.NotApplicable {
		n += r.Count
	}
	return n
}

// reasons are the codes behind "does not apply", with their numbers where there are several.
func reasons(t Tally) phrase.Phrase {
	var parts []phrase.Phrase
	for _, r := range t.NotApplicable {
		text := reasonWord(r.Code)
		if len(t.NotApplicable) > 1 {
			text = phrase.Of("{1} {2}", r.Count, text)
		}
		parts = append(parts, text)
	}
	return phrase.Join(parts, ", ")
}

// reasonWord says the usual codes; the others are written as they are.
func reasonWord(code string) phrase.Phrase {
	switch code {
	case patch.ReasonNotInstalled:
		return "reason\x04not installed"
	case patch.ReasonHeld:
		return "reason\x04held"
	}
	return phrase.Verbatim(strings.ReplaceAll(code, "-", " "))
}
