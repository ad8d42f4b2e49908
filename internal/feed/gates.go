package feed

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// futureSlack is how far a vendor's clock may run ahead of ours.
const futureSlack = 24 * time.Hour

// smallFeed is how many packages a feed may gain whatever its size: young suites grow by more than half in a day.
const smallFeed = 1000

func refuse(f patch.Feed, why, do phrase.Phrase) error {
	return &patch.Error{Kind: patch.Untrusted, What: phrase.Of("the feed {1} was not taken over", f.Name), Why: why, Do: do}
}

// authentic holds the gates of time and identity: expiry, rollback, host OS.
func authentic(f patch.Feed, last, next *patch.FeedState, now time.Time) error {
	day := func(t time.Time) phrase.Moment { return phrase.On(now, t) }
	if !f.IgnoreExpiry && !next.ValidUntil.IsZero() && now.After(next.ValidUntil) {
		return refuse(f, phrase.Of("it expired on {1}", day(next.ValidUntil)), "Check this machine's clock. If the mirror is frozen on purpose, set ignore_expiry on the feed.")
	}
	if !f.IgnoreExpiry && next.Dated.After(now.Add(futureSlack)) {
		return refuse(f, phrase.Of("it is dated {1}, in the future", day(next.Dated)), "Check this machine's clock.")
	}
	if last != nil && next.Dated.Before(last.Dated) {
		return refuse(f, phrase.Of("it is dated {1}, older than the {2} that was there before: a rollback", day(next.Dated), day(last.Dated)),
			"Check the mirror: it serves an old copy, or somebody makes it do so.")
	}
	if f.OS != "" && next.OS != "" && f.OS != next.OS {
		return refuse(f, phrase.Format("it is for %s, and the feed is set up for %s", next.OS, f.OS), "Correct the feed's suite or host OS.")
	}
	if f.OS == "" && next.OS == "" {
		return refuse(f, "it does not tell which host OS it is for", "Set the feed's host OS.")
	}
	return nil
}

// accepted reports whether a person has looked at exactly this generation, in the run that put it in quarantine, and takes it over.
func accepted(f patch.Feed, next *patch.FeedState, seen *patch.FeedRun) bool {
	return seen != nil && seen.Feed == f.Name && seen.Outcome == Quarantined && seen.Packages == next.Packages && seen.Dated.Equal(next.Dated)
}

// plausible is the gate of size: −10 % or +50 % against the last good generation asks for a person.
func plausible(f patch.Feed, last, next *patch.FeedState) error {
	if last == nil {
		return nil
	}
	shrunk := next.Packages*10 < last.Packages*9
	grown := next.Packages*2 > last.Packages*3 && next.Packages > last.Packages+smallFeed
	if !shrunk && !grown {
		return nil
	}
	return refuse(f, phrase.Format("it holds %d packages, and the last good generation held %d", next.Packages, last.Packages),
		"It is quarantined until a person accepts it or the vendor corrects it.")
}
