package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// installedWithin are attempts that ended well in a time; what took a patch back is none of them.
const installedWithin = ` FROM attempts WHERE ended_at >= $1 AND ended_at < $2 AND state = 'done' AND back = ''`

// InstalledPatches says what was installed from one moment until before another, by patch and approval, the newest first.
func (s *Store) InstalledPatches(ctx context.Context, from, until time.Time) ([]patch.InstalledPatch, error) {
	all, err := list(ctx, s.read(), func(r scanner) (x patch.InstalledPatch, err error) {
		err = r.Scan(&x.Patch, &x.Decision, &x.Machines, &x.Verified, stamp{&x.First}, stamp{&x.Last})
		return x, err
	}, `SELECT patch, decision, COUNT(DISTINCT machine), COUNT(DISTINCT CASE WHEN effect = 'verified' THEN machine END), MIN(ended_at), MAX(ended_at)`+
		installedWithin+` GROUP BY patch, decision ORDER BY MAX(ended_at) DESC, patch, decision`, from, until)
	return all, fault(err, "cannot read what was installed")
}

// Installations gives each of them, the oldest first.
func (s *Store) Installations(ctx context.Context, from, until time.Time) ([]patch.Installation, error) {
	all, err := list(ctx, s.read(), func(r scanner) (x patch.Installation, err error) {
		err = r.Scan(&x.Machine, &x.Patch, &x.Decision, &x.Deployment, stamp{&x.EndedAt}, &x.Effect, &x.VerifiedSeq)
		return x, err
	}, `SELECT machine, patch, decision, deployment, ended_at, effect, verified_seq`+installedWithin+` ORDER BY ended_at, machine, patch`, from, until)
	return all, fault(err, "cannot read what was installed")
}
