package store

import (
	"context"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

const scheduleColumns = `name, label, rule, note, paused, created_at, created_by, detects, catch_up, reboot, manner`

func scanSchedule(r scanner) (patch.Schedule, error) {
	var v patch.Schedule
	var reboot, manner string
	err := r.Scan(&v.Name, &v.Label, &v.Window, &v.Note, &v.Paused, stamp{&v.CreatedAt}, &v.CreatedBy, &v.Detect, &v.CatchUp, &reboot, &manner)
	if err == nil && reboot != "" {
		v.Reboot = &patch.RebootPolicy{}
		err = json.Unmarshal([]byte(reboot), v.Reboot)
	}
	if err == nil && manner != "" {
		v.Manner = &patch.Manner{}
		err = json.Unmarshal([]byte(manner), v.Manner)
	}
	return v, err
}

// PutSchedule adds a schedule or changes one; who made it and when stays.
func (s *Store) PutSchedule(ctx context.Context, c patch.Caller, v patch.Schedule) error {
	if v.Name == "" || v.Label == "" || v.Window == "" {
		return patch.Errorf(patch.Invalid, "a schedule needs a name, a label and a window")
	}
	d := deed{"schedule.put", v.Name, map[string]any{"label": v.Label, "window": v.Window, "paused": v.Paused, "note": v.Note, "detect": v.Detect, "catch_up": v.CatchUp, "reboot": v.Reboot, "manner": v.Manner}}
	reboot, err := optionalJSON(v.Reboot)
	if err != nil {
		return err
	}
	manner, err := optionalJSON(v.Manner)
	if err != nil {
		return err
	}
	err = s.change(ctx, c, d, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO schedules (`+scheduleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (name) DO UPDATE SET label = excluded.label, rule = excluded.rule, note = excluded.note, paused = excluded.paused,
				detects = excluded.detects, catch_up = excluded.catch_up, reboot = excluded.reboot, manner = excluded.manner`,
			v.Name, v.Label, v.Window, v.Note, v.Paused, v.CreatedAt, v.CreatedBy, v.Detect, v.CatchUp, reboot, manner)
		return err
	})
	return fault(err, "cannot store the schedule %s", v.Name)
}

// FindSchedule gives one schedule; NotFound where there is none of this name.
func (s *Store) FindSchedule(ctx context.Context, name string) (patch.Schedule, error) {
	v, err := find(ctx, s.read(), scanSchedule, `SELECT `+scheduleColumns+` FROM schedules WHERE name = $1`, name)
	return v, missingNamed(err, "schedule", name)
}

// ListSchedules gives all, by name, paused ones too.
func (s *Store) ListSchedules(ctx context.Context) ([]patch.Schedule, error) {
	all, err := s.seldom.schedules.read(s, func() ([]patch.Schedule, error) {
		return list(ctx, s.read(), scanSchedule, `SELECT `+scheduleColumns+` FROM schedules ORDER BY name`)
	})
	return all, fault(err, "cannot list schedules")
}

// RemoveSchedule forgets a schedule; what it has deployed stays.
func (s *Store) RemoveSchedule(ctx context.Context, c patch.Caller, name string) error {
	err := s.change(ctx, c, deed{"schedule.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM schedules WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("schedule", name)
		}
		return err
	})
	return fault(err, "cannot remove the schedule %s", name)
}

// optionalJSON is a value's JSON; empty where there is none.
func optionalJSON[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	return toJSON(*v)
}
