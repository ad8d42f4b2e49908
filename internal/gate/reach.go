package gate

import (
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func feed(w *World) Gate {
	g := Gate{Name: Feed, Title: "in a subscribed feed"}
	os := w.os()
	carrier, synced := w.carrier()
	switch {
	case carrier == nil:
		g.closes(CodeNoFeed, phrase.Of("no subscribed feed covers {1}", string(os)))
		g.ends(Person, "nothing until a feed for it is subscribed")
	case !synced:
		g.closes(CodeNeverSync, phrase.Of("the feed {1} has not had a good run yet", carrier.Name))
		g.Evidence = carrier.Failing
		g.ends(Appliance, "the appliance fetches it at its next run")
	default:
		g.opens(phrase.Of("{1} brings it, last good {2}", carrier.Name, phrase.At(w.Now, carrier.LastGood)))
		g.At = carrier.LastGood
		if carrier.Failing != "" {
			g.Evidence = phrase.Of("its newest run was not taken over, the last good state is kept: {1}", carrier.Failing)
		}
	}
	return g
}

// carrier is the feed that brings the patch's suite, else any of the OS with a good run; nil where there is none.
func (w *World) carrier() (found *FeedFact, synced bool) {
	bySuite := false
	for i := range w.Feeds {
		f := &w.Feeds[i]
		same := f.Suite == w.Patch.Suite && w.PatchOS == w.os()
		if found == nil || same && !bySuite || same == bySuite && found.LastGood.IsZero() && !f.LastGood.IsZero() {
			found, bySuite = f, same
		}
	}
	return found, found != nil && !found.LastGood.IsZero()
}

func catalog(w *World) Gate {
	g := Gate{Name: Catalog, Title: "in the catalog"}
	if w.Revision == nil {
		g.closes(CodeNoCatalog, phrase.Of("no catalog is published for {1}", string(w.os())))
		g.ends(Appliance, "the appliance publishes one after its next good feed run")
		return g
	}
	g.opens(phrase.Of("revision {1} of {2}, published {3}", string(w.Revision.ID), string(w.os()), phrase.At(w.Now, w.Revision.Built)))
	g.At = w.Revision.Built
	if d := w.Revision.MetadataDate(); !d.IsZero() {
		g.Evidence = phrase.Count(w.Revision.Patches, "{n} patch from vendor indexes of {1}", "{n} patches from vendor indexes of {1}", phrase.At(w.Now, d))
	}
	return g
}

func list(w *World) Gate {
	g := Gate{Name: List, Title: "on this OS's list"}
	switch {
	case w.Revision == nil:
		g.unreach("there is no list yet")
	case w.Listed:
		g.opens(phrase.Of("{1}, revision {2}", string(w.os()), string(w.Revision.ID)))
		g.At = w.Revision.Built
	case w.Closing != "":
		g.closes(CodeUpgraded, w.Closing)
		g.At = w.GoneAt
		g.ends(Nobody, "nothing: the row is closed and kept")
	case w.PatchOS != "" && w.PatchOS != w.os():
		g.closes(CodeOtherOS, phrase.Of("it is a patch for {1}, and {2} runs {3}", string(w.PatchOS), w.name(), string(w.os())))
		g.ends(Nobody, "nothing while the machine runs this OS")
	case !w.GoneAt.IsZero():
		g.closes(CodeLeftList, phrase.Of("it left the list of {1} {2}: the vendor no longer offers it", string(w.os()), phrase.At(w.Now, w.GoneAt)))
		g.At = w.GoneAt
		g.ends(Nobody, "nothing unless the vendor offers it again")
	default:
		g.closes(CodeNotListed, phrase.Of("the list of {1} does not carry it", string(w.os())))
		g.ends(Nobody, "nothing unless a feed brings it")
	}
	return g
}

func snapshot(w *World) Gate {
	g := Gate{Name: Snapshot, Title: "snapshot complete"}
	if !w.Listed {
		g.unreach("no detect judges a patch that is not on the list")
		return g
	}
	code := snapshotCode(w)
	if code == CodeNever {
		neverDetected(w, &g)
		return g
	}
	r := w.Receipt
	taken := r.Taken()
	g.At = taken
	judged := phrase.Count(r.Expected, "{1} of {n} patch", "{1} of {n} patches", r.Evaluated)
	when := whenTaken(w.Now, taken, r)
	g.Evidence = phrase.Of("snapshot {1}: {2} judged with revision {3}, {4}", strconv.FormatUint(r.Seq, 10), judged, string(r.Revision), when)
	switch code {
	case "":
		g.opens(phrase.Of("{1} judged, {2}", judged, when))
		return g
	case CodeIncomplete:
		why := phrase.Phrase("the newest detect has no verdict for it")
		if r.Expected != r.Evaluated {
			why = phrase.Of("the newest detect judged only {1}", judged)
		}
		g.closes(code, why)
	case CodeOSMoved:
		g.closes(code, phrase.Of("{1} runs {2} now, and its newest complete detect was on {3}", w.name(), string(w.OS), string(r.OS)))
	case CodeNoList:
		g.closes(code, phrase.Of("{1} runs {2} now, for which no list is published, so it cannot detect; its newest complete detect was on {3}", w.name(), string(w.OS), string(r.OS)))
		g.ends(Person, phrase.Of("nothing until {1} has a catalog: subscribe its feed (fettle feeds add), or see what holds it up (fettle catalog list)", string(w.OS)))
		return g
	case CodeDetectFailed:
		g.closes(code, phrase.Of("the newest detect failed: {1}", phrase.Clause(phrase.Recall(w.Machine.DetectFailed))))
		g.Evidence = phrase.Of("{1}; it is kept, and says nothing about now", g.Evidence)
		g.At = w.Machine.DetectFailedAt
		g.ends(Owner, "the agent tries again at its next check-in; mend what it names")
		return g
	case CodeStale:
		g.closes(code, phrase.Of("the newest complete detect is {1} old; more than {2} is too old to act on", w.Now.Sub(taken), w.Limits.Stale))
	case CodeNotJudged:
		g.closes(code, "the newest detect used an older list that does not carry this patch yet")
	case CodeOldRevision:
		g.closes(code, phrase.Of("the newest detect used the list {1}, and {2} is published since {3}", string(r.Revision), string(w.Revision.ID), phrase.At(w.Now, w.Revision.Built)))
	}
	g.ends(Agent, "the agent detects again at its next check-in")
	return g
}

// Detected is what tells whether a machine's newest complete detect speaks of now: all that the snapshot gate looks at but the patch.
type Detected struct {
	Now      time.Time
	Stale    time.Duration // as Limits have it
	Machine  *patch.Machine
	OS       patch.HostOS        // that the machine's rows are about
	Revision *patch.RevisionMeta // newest of OS; nil where there is none
	Receipt  *patch.Receipt      // newest complete detect; nil where there is none
}

// FreshnessCode is Freshness without its words: the code, empty where the gate is open.
func FreshnessCode(d Detected) string { return d.code(patch.NotApplicable) }

// snapshotCode is the snapshot gate of a listed patch without its words; empty where it is open.
func snapshotCode(w *World) string {
	d := w.Detected()
	return d.code(w.Verdict)
}

// Detected is the part of a world that Freshness judges.
func (w *World) Detected() Detected {
	return Detected{Now: w.Now, Stale: w.Limits.Stale, Machine: &w.Machine, OS: w.OS, Revision: w.Revision, Receipt: w.Receipt}
}

func (d *Detected) code(v patch.Verdict) string {
	r := d.Receipt
	if r == nil {
		return CodeNever
	}
	taken := r.Taken()
	older := d.Revision != nil && r.Revision != d.Revision.ID
	switch {
	case r.Expected != r.Evaluated:
		return CodeIncomplete
	case r.OS != d.OS && d.Revision == nil:
		return CodeNoList
	case r.OS != d.OS:
		return CodeOSMoved
	case d.Machine.DetectFailed != "" && d.Machine.DetectFailedAt.After(taken):
		return CodeDetectFailed
	case d.Now.Sub(taken) > d.Stale:
		return CodeStale
	case older && v == patch.Unknown:
		return CodeNotJudged
	case older:
		return CodeOldRevision
	case v >= patch.Unknown:
		return CodeIncomplete
	}
	return ""
}

func neverDetected(w *World, g *Gate) {
	switch {
	case w.Machine.State == patch.Pending:
		g.closes(CodeNever, phrase.Of("{1} has never completed a detect: it waits to be admitted", w.name()))
		g.ends(Person, "nothing until somebody admits the machine")
	case w.Machine.DetectFailed != "":
		g.closes(CodeNever, phrase.Of("{1} has never completed a detect; the newest one failed: {2}", w.name(), phrase.Recall(w.Machine.DetectFailed)))
		g.At = w.Machine.DetectFailedAt
		g.ends(Owner, "the agent tries again at its next check-in; mend what it names")
	case w.Revision == nil && w.OS != "":
		g.closes(CodeNever, phrase.Of("{1} has never completed a detect, and cannot: no list is published for {2}", w.name(), string(w.OS)))
		g.ends(Person, phrase.Of("nothing until {1} has a catalog: subscribe its feed (fettle feeds add), or see what holds it up (fettle catalog list)", string(w.OS)))
	default:
		g.closes(CodeNever, phrase.Of("{1} has never completed a detect, so nothing is known", w.name()))
		g.ends(Agent, "the agent detects at its next check-in")
	}
}

// Readiness judges what can keep a machine from every patch: its snapshot, its connection, itself.
func Readiness(w World) []Gate {
	return []Gate{Freshness(w), machine(&w), preflight(&w)}
}

// Local judges the gates that a machine can judge by itself, each apart from the others: decisions, rings, windows and the appliance's files are
// not its own to know.
func Local(w World) []Gate {
	return []Gate{list(&w), snapshot(&w), prerequisites(&w), installedTest(&w), machine(&w), preflight(&w)}
}

// Freshness judges the snapshot gate of a machine apart from any patch: whether its newest complete detect speaks of now.
func Freshness(w World) Gate {
	w.Listed, w.Verdict = true, patch.NotApplicable
	return snapshot(&w)
}
