package store

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

const rulingColumns = `updater, label, verb, by_name, at, why`

func scanRuling(r scanner) (patch.Ruling, error) {
	var v patch.Ruling
	err := r.Scan(&v.Updater, &v.Label, &v.Verb, &v.By, stamp{&v.At}, &v.Why)
	return v, err
}

// PutRuling keeps what a person wants of another patch service on a label's machines; a later one takes its place.
func (s *Store) PutRuling(ctx context.Context, c patch.Caller, v patch.Ruling) error {
	if v.Updater == "" || v.Label == "" || v.Verb == "" {
		return patch.Errorf(patch.Invalid, "a ruling needs a service, a label and a verb")
	}
	d := deed{"updater.put", v.Updater + "/" + v.Label, map[string]any{"verb": v.Verb, "why": v.Why}}
	err := s.change(ctx, c, d, func(x session) error {
		s.rulings.changing(s)
		_, err := x.exec(ctx, `INSERT INTO updater_rulings (`+rulingColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (updater, label) DO UPDATE SET verb = excluded.verb, by_name = excluded.by_name, at = excluded.at, why = excluded.why`,
			v.Updater, v.Label, v.Verb, v.By, v.At, v.Why)
		return err
	})
	return fault(err, "cannot store what is wanted of %s", v.Updater)
}

// RemoveRuling takes a ruling back; NotFound where there is none.
func (s *Store) RemoveRuling(ctx context.Context, c patch.Caller, updater, label string) error {
	err := s.change(ctx, c, deed{"updater.remove", updater + "/" + label, nil}, func(x session) error {
		s.rulings.changing(s)
		n, err := x.exec(ctx, `DELETE FROM updater_rulings WHERE updater = $1 AND label = $2`, updater, label)
		if err == nil && n == 0 {
			return patch.Errorf(patch.NotFound, "nothing was decided about %s for the label %s", updater, label)
		}
		return err
	})
	return fault(err, "cannot take back what is wanted of %s", updater)
}

// ListRulings gives all, by service, then label.
func (s *Store) ListRulings(ctx context.Context) ([]patch.Ruling, error) {
	all, err := s.rulings.read(s, func() ([]patch.Ruling, error) {
		return list(ctx, s.read(), scanRuling, `SELECT `+rulingColumns+` FROM updater_rulings ORDER BY updater, label`)
	})
	return slices.Clone(all), fault(err, "cannot list what is wanted of other patch services")
}

const updaterColumns = `name, enabled, evidence, hand, since, text`

// PutUpdaters replaces how other patch services stand on a machine.
func (s *Store) PutUpdaters(ctx context.Context, id patch.MachineID, all []patch.UpdaterState) error {
	err := s.write(ctx, func(x session) error {
		if _, err := x.exec(ctx, `DELETE FROM updater_states WHERE machine = $1`, id); err != nil {
			return err
		}
		rows := make([][]any, len(all))
		for i, u := range all {
			rows[i] = []any{id, u.Name, u.Enabled, u.Evidence, u.Hand, u.Since, u.Text}
		}
		return x.insertRows(ctx, `INSERT INTO updater_states (machine, `+updaterColumns+`)`, rows, ``)
	})
	return fault(err, "cannot store the patch services of the machine %s", id)
}

// ListUpdaters gives how other patch services stand on one machine, or on all where id is empty; by service, then machine.
func (s *Store) ListUpdaters(ctx context.Context, id patch.MachineID) ([]patch.MachineUpdater, error) {
	w := where{engine: s.engine}
	if id != "" {
		w.add(`u.machine = ?`, id)
	}
	scan := func(r scanner) (patch.MachineUpdater, error) {
		var v patch.MachineUpdater
		err := r.Scan(&v.Machine, &v.Name, &v.UpdaterState.Name, &v.Enabled, &v.Evidence, &v.Hand, stamp{&v.Since}, &v.Text)
		return v, err
	}
	all, err := list(ctx, s.read(), scan, `SELECT u.machine, m.name, u.name, u.enabled, u.evidence, u.hand, u.since, u.text
		FROM updater_states u JOIN machines m ON m.id = u.machine`+w.String()+` ORDER BY u.name, m.name, u.machine`, w.args...)
	return all, fault(err, "cannot list other patch services")
}
