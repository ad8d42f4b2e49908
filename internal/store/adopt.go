package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// adopt takes over detects that were stored before they were packed. It does nothing where there are none, and no harm where another
// appliance does it at the same time.
func (s *Store) adopt(ctx context.Context) error {
	var some bool
	if err := s.read().row(ctx, `SELECT EXISTS (SELECT 1 FROM receipts)`, nil, &some); err != nil || !some {
		return fault(err, "cannot look for detects of an older version")
	}
	all, err := list(ctx, s.read(), scanDocument[patch.Receipt], `SELECT receipt FROM receipts`)
	if err != nil {
		return fault(err, "cannot read receipts of an older version")
	}
	packed := make([][]byte, len(all))
	for i, r := range all {
		word, err := s.words.number(ctx, s, alike(r))
		if err != nil {
			return err
		}
		packed[i] = packReceipt(r, word)
	}
	return fault(s.write(ctx, func(x session) error {
		for i, r := range all {
			if err := adoptOne(ctx, x, r, packed[i]); err != nil {
				return err
			}
		}
		if _, err := x.exec(ctx, `DELETE FROM snapshots WHERE closed_at = 0`); err != nil {
			return err
		}
		_, err := x.exec(ctx, `DELETE FROM receipts`)
		return err
	}), "cannot take over detects of an older version")
}

// adoptOne stores a receipt, with its verdicts if it is its machine's newest.
func adoptOne(ctx context.Context, x session, r patch.Receipt, packed []byte) error {
	n, err := x.exec(ctx, `INSERT INTO newest (machine, seq, receipt, verdicts) SELECT machines.number, old.seq, $3, old.verdicts FROM snapshots old
		JOIN machines ON machines.id = old.machine WHERE old.machine = $1 AND old.seq = $2 AND old.closed_at = 0 ON CONFLICT (machine) DO NOTHING`, r.Machine, r.Seq, packed)
	if err != nil || n > 0 {
		return err
	}
	_, err = x.exec(ctx, `INSERT INTO former (machine, seq, receipt) SELECT number, $2, $3 FROM machines
		WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM newest WHERE newest.machine = machines.number AND newest.seq = $2) ON CONFLICT (machine, seq) DO NOTHING`, r.Machine, r.Seq, packed)
	return err
}
