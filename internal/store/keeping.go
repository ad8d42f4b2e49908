package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

const (
	keepingFacts = "facts" // what their keeping is called

	lookedAtOnce = 2000 // documents that are looked at between two transactions
	letGoAtOnce  = 200  // that are let go in one: others wait so long
)

// KeepFacts lets facts go that nothing has named for so many days (0: it lets none go), and tells what is kept. Facts are named by what machines
// have and announce now, by each machine's newest complete detect, and by the last one on each host OS that it had before: whatever the ledger
// explains. The days begin when a call first finds that nothing names them; it must be called about once a day.
func (s *Store) KeepFacts(ctx context.Context, now time.Time, days int) (patch.Keeping, error) {
	k, err := s.FindKeeping(ctx)
	if err != nil {
		return k, err
	}
	if k, err = s.keepFacts(ctx, k, now, days); err != nil {
		return k, fault(err, "cannot look after the stored facts")
	}
	body, err := toJSON(k)
	if err != nil {
		return k, err
	}
	return k, fault(s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO keepings (what, body) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET body = excluded.body`, keepingFacts, body)
		return err
	}), "cannot note what was kept")
}

// FindKeeping is what KeepFacts last told.
func (s *Store) FindKeeping(ctx context.Context) (patch.Keeping, error) {
	k := patch.Keeping{What: keepingFacts}
	all, err := list(ctx, s.read(), func(r scanner) (v patch.Keeping, err error) { return v, r.Scan(document{&v}) }, `SELECT body FROM keepings WHERE what = $1`, keepingFacts)
	if err != nil {
		return k, fault(err, "cannot read what was kept")
	}
	if len(all) > 0 {
		k = all[0]
	}
	return k, nil
}

func (s *Store) keepFacts(ctx context.Context, k patch.Keeping, now time.Time, days int) (patch.Keeping, error) {
	named, err := s.namedFacts(ctx)
	if err != nil {
		return k, err
	}
	k.At, k.Days, k.Documents, k.Bytes = now.UTC(), days, 0, 0
	for last := patch.Hash(""); ; {
		docs, err := list(ctx, s.read(), scanStored, `SELECT facts.hash, LENGTH(facts.body), COALESCE(idle_facts.since, 0) FROM facts LEFT JOIN idle_facts ON idle_facts.hash = facts.hash
			WHERE facts.hash > $1 ORDER BY facts.hash`+page(lookedAtOnce, 0), last)
		if err != nil {
			return k, err
		}
		if err := s.noteIdle(ctx, docs, named, now); err != nil {
			return k, err
		}
		for _, d := range docs {
			last = d.hash
			k.Documents++
			k.Bytes += d.bytes
		}
		if len(docs) < lookedAtOnce {
			break
		}
	}
	if days > 0 {
		if k, err = s.letGo(ctx, k, now, now.AddDate(0, 0, -days)); err != nil {
			return k, err
		}
	}
	err = s.read().row(ctx, `SELECT COUNT(*) FROM idle_facts`, nil, &k.Unneeded)
	return k, err
}

// stored is a document without its body.
type stored struct {
	hash  patch.Hash
	bytes int64
	since int64 // when nothing was first found to name it; 0: something did
}

func scanStored(r scanner) (d stored, err error) { return d, r.Scan(&d.hash, &d.bytes, &d.since) }

// namedFacts are the facts that something names.
func (s *Store) namedFacts(ctx context.Context) (map[patch.Hash]bool, error) {
	named := map[patch.Hash]bool{}
	said, err := list(ctx, s.read(), func(r scanner) (h patch.Hash, err error) { return h, r.Scan(&h) }, `SELECT facts FROM machines UNION SELECT said_facts FROM machines`)
	if err != nil {
		return nil, err
	}
	former, err := list(ctx, s.read(), scanDocument[patch.Receipt], `SELECT receipt FROM snapshots`)
	if err != nil {
		return nil, err
	}
	for _, h := range said {
		named[h] = true
	}
	for _, r := range former {
		named[r.Facts] = true
	}
	type newest struct {
		machine int64
		seq     uint64
		receipt []byte
	}
	for last := int64(-1); ; {
		rows, err := list(ctx, s.read(), func(r scanner) (v newest, err error) { return v, r.Scan(&v.machine, &v.seq, &v.receipt) },
			`SELECT machine, seq, receipt FROM newest WHERE machine > $1 ORDER BY machine`+page(lookedAtOnce, 0), last)
		if err != nil {
			return nil, err
		}
		for _, v := range rows {
			last = v.machine
			r, err := s.unpackReceipt(ctx, "", v.seq, v.receipt)
			if err != nil {
				return nil, err
			}
			named[r.Facts] = true
		}
		if len(rows) < lookedAtOnce {
			return named, nil
		}
	}
}

// noteIdle notes which of some documents nothing names any more, and forgets that of those that something names again.
func (s *Store) noteIdle(ctx context.Context, docs []stored, named map[patch.Hash]bool, now time.Time) error {
	var idle, needed []patch.Hash
	for _, d := range docs {
		switch {
		case named[d.hash] && d.since != 0:
			needed = append(needed, d.hash)
		case !named[d.hash] && d.since == 0:
			idle = append(idle, d.hash)
		}
	}
	if len(idle)+len(needed) == 0 {
		return nil
	}
	return s.write(ctx, func(x session) error {
		for _, h := range idle {
			if _, err := x.exec(ctx, `INSERT INTO idle_facts (hash, since) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, h, now); err != nil {
				return err
			}
		}
		for _, h := range needed {
			if _, err := x.exec(ctx, `DELETE FROM idle_facts WHERE hash = $1`, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// letGo removes facts that nothing has named since a moment. Machines may have announced them again meanwhile: those stay.
func (s *Store) letGo(ctx context.Context, k patch.Keeping, now, since time.Time) (patch.Keeping, error) {
	for {
		var gone, bytes int64
		err := s.write(ctx, func(x session) error {
			gone, bytes = 0, 0
			docs, err := list(ctx, x, scanStored, `SELECT hash, LENGTH(body), 1 FROM facts WHERE hash IN (SELECT hash FROM
				(SELECT hash FROM idle_facts WHERE since <= $1 EXCEPT SELECT facts FROM machines EXCEPT SELECT said_facts FROM machines) idle LIMIT $2)`, since, letGoAtOnce)
			if err != nil {
				return err
			}
			for _, d := range docs {
				if _, err := x.exec(ctx, `DELETE FROM facts WHERE hash = $1`, d.hash); err != nil {
					return err
				}
				if _, err := x.exec(ctx, `DELETE FROM idle_facts WHERE hash = $1`, d.hash); err != nil {
					return err
				}
				gone++
				bytes += d.bytes
			}
			return nil
		})
		if err != nil {
			return k, err
		}
		if gone > 0 {
			k.LetGoAt = now.UTC()
		}
		k.LetGo, k.LetGoSize, k.Documents, k.Bytes = k.LetGo+gone, k.LetGoSize+bytes, k.Documents-gone, k.Bytes-bytes
		if gone < letGoAtOnce {
			return k, nil
		}
	}
}
