package gate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func prerequisites(w *World) Gate {
	g := Gate{Name: Prerequisites, Title: "applies to this machine"}
	w.detected(&g)
	switch w.Verdict {
	case patch.NotApplicable:
		notApplicable(w, &g)
	case patch.NotPatched, patch.Patched:
		g.opens("its prerequisites hold here")
	case patch.Faulty:
		g.opens("nothing says that it does not apply")
	default:
		g.unreach("not known: no complete detect has judged it")
	}
	return g
}

func notApplicable(w *World, g *Gate) {
	code, text := w.Finding.Reason.Code, brief(w.Finding.Reason)
	g.Clauses = w.Finding.Reason.Clauses
	switch {
	case code == patch.ReasonHeld:
		g.closes(CodeHeldOnMachine, given(text, "the machine's administrator holds its packages (apt-mark hold)"))
		g.ends(Owner, "nothing until the hold on the machine is lifted (apt-mark unhold)")
	case policyCodes[code] != "":
		g.closes(code, given(text, "the machine's own policy keeps it away"))
		g.ends(Owner, policyCodes[code])
	case code == patch.ReasonPhased:
		g.closes(code, given(text, "it is phased, and not this machine's turn yet"))
		g.ends(Nobody, "the vendor's next step, which takes the update to more machines")
	case code != "":
		g.closes(code, given(text, "it does not apply to this machine"))
		g.ends(Nobody, "nothing unless the machine changes")
	default:
		g.closes(CodeNotApplicable, given(text, "it does not apply to this machine"))
		g.ends(Nobody, "nothing unless the machine changes")
	}
}

// policyCodes are the codes of what a machine's own package manager is set up not to take, and what its owner does to change that.
var policyCodes = map[string]phrase.Phrase{
	patch.ReasonPinned:      "nothing until apt's preferences on the machine choose this version",
	patch.ReasonOptIn:       "nothing until the machine's apt has the suite and chooses this version from it",
	patch.ReasonNotEntitled: "nothing until the machine has a subscription and its archive",
}

// brief is a reason as a clause, without the names that its clauses list.
func brief(r patch.Reason) phrase.Phrase {
	missing := func(c patch.Clause) bool {
		return c.Expected == patch.WordInstalled && c.Seen == patch.WordNotInstalled
	}
	if n := len(r.Clauses); r.Code == patch.ReasonNotInstalled && n > 1 && !slices.ContainsFunc(r.Clauses, func(c patch.Clause) bool { return !missing(c) }) {
		return phrase.Of("none of its {1} packages is installed", n)
	}
	return phrase.Clause(r.Text)
}

func installedTest(w *World) Gate {
	g := Gate{Name: InstalledTest, Title: "eligible"}
	w.detected(&g)
	why := phrase.Clause(w.Finding.Reason.Text)
	switch w.Verdict {
	case patch.NotPatched:
		g.Clauses = w.Finding.Reason.Clauses
		g.opens(given(why, "it is not installed: the machine is eligible"))
	case patch.Patched:
		g.Clauses = w.Finding.Reason.Clauses
		g.Title = "nothing left to install"
		g.closes(CodePatched, given(why, "it is installed"))
		g.ends(Nobody, "every detect checks that it stays")
	case patch.Faulty:
		g.Clauses = w.Finding.Reason.Clauses
		g.closes(CodeError, phrase.Of("it could not be judged: {1}", given(why, "the detect gave no reason")))
		g.ends(Owner, "the agent judges it again with every detect; mend what it names")
	case patch.NotApplicable:
		g.unreach("does not matter: it does not apply")
	default:
		g.unreach("not known: no complete detect has judged it")
	}
	return g
}

// detected dates a gate that rests on the newest snapshot.
func (w *World) detected(g *Gate) {
	if w.Receipt != nil && w.Verdict < patch.Unknown {
		g.At = w.Receipt.Taken()
		g.Evidence = snapshotNamed(w.Receipt.Seq)
	}
}

func superseded(w *World) Gate {
	g := Gate{Name: Superseded, Title: "not superseded"}
	if w.Verdict != patch.NotPatched {
		g.unreach("does not matter: there is nothing to install")
		return g
	}
	var waiting []string
	for _, s := range w.Superseding {
		if s.Deployable {
			g.closes(CodeSuperseded, phrase.Of("superseded by {1}, which is deployable here", cmp.Or(s.Title, string(s.Patch))))
			g.Evidence = phrase.Verbatim(string(s.Patch))
			g.ends(Nobody, "the newer patch is installed instead")
			return g
		}
		waiting = append(waiting, string(s.Patch))
	}
	if len(waiting) == 0 {
		g.opens("nothing newer on the list replaces it")
		return g
	}
	g.opens("what replaces it is not deployable here")
	g.Evidence = phrase.Verbatim(strings.Join(waiting, ", "))
	return g
}

// given is a reason as a machine or a catalog words it; otherwise where none is given.
func given(reason, otherwise phrase.Phrase) phrase.Phrase {
	if reason != "" {
		return reason
	}
	return otherwise
}
