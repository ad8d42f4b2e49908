package store

import (
	"context"
	"strconv"
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

// InstalledOn lists what the numbers of InstalledPatches count: each machine once for a patch and approval, by its newest installation, or by the
// newest that is proven. It says how many there are in all; the newest come first.
func (s *Store) InstalledOn(ctx context.Context, f patch.InstalledFilter, offset, limit int) ([]patch.Installation, int, error) {
	args := []any{f.From, f.Until}
	once := ` FROM (SELECT machine, patch, decision, deployment, ended_at, effect, verified_seq,
		ROW_NUMBER() OVER (PARTITION BY machine, patch, decision ORDER BY CASE WHEN effect = 'verified' THEN 0 ELSE 1 END, ended_at DESC, id) AS place` + installedWithin
	if f.Patch != "" {
		args = append(args, f.Patch, f.Decision)
		once += ` AND patch = $3 AND decision = $4`
	}
	once += `) AS each_once WHERE place = 1`
	switch f.Proof {
	case "proven":
		once += ` AND effect = 'verified'`
	case "unproven":
		once += ` AND effect <> 'verified'`
	}
	total := 0
	if err := s.read().row(ctx, `SELECT COUNT(*)`+once, args, &total); err != nil {
		return nil, 0, fault(err, "cannot count what was installed")
	}
	all, err := list(ctx, s.read(), func(r scanner) (x patch.Installation, err error) {
		err = r.Scan(&x.Machine, &x.Patch, &x.Decision, &x.Deployment, stamp{&x.EndedAt}, &x.Effect, &x.VerifiedSeq)
		return x, err
	}, `SELECT machine, patch, decision, deployment, ended_at, effect, verified_seq`+once+` ORDER BY ended_at DESC, machine, patch LIMIT `+strconv.Itoa(limit)+` OFFSET `+strconv.Itoa(offset), args...)
	return all, total, fault(err, "cannot read what was installed")
}
