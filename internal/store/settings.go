package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// FindSetting gives NotFound for a setting that was never put.
func (s *Store) FindSetting(ctx context.Context, key string) (string, error) {
	var value string
	err := s.read().row(ctx, `SELECT value FROM settings WHERE key = $1`, []any{key}, &value)
	return value, missing(err, "the setting %s was never given", key)
}

// PutSetting stores a setting. Its value goes into the audit log: secrets are no settings.
func (s *Store) PutSetting(ctx context.Context, c patch.Caller, key, value string) error {
	err := s.change(ctx, c, deed{"setting.put", key, map[string]string{"value": value}}, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
		return err
	})
	return fault(err, "cannot store the setting %s", key)
}
