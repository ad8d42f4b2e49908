package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const userColumns = `name, role, password_hash, created_at, disabled`

func scanUser(r scanner) (patch.User, error) {
	var u patch.User
	err := r.Scan(&u.Name, &u.Role, &u.PasswordHash, stamp{&u.CreatedAt}, &u.Disabled)
	return u, err
}

// PutUser adds a person or changes one; CreatedAt of a known person stays. A new password, a new role or disabling ends that
// person's sessions. It gives Conflict where nobody would be left who may administer the appliance.
func (s *Store) PutUser(ctx context.Context, c patch.Caller, u patch.User) error {
	if u.Name == "" || u.Role == "" {
		return patch.Errorf(patch.Invalid, "a person needs a name and a role")
	}
	d := deed{"user.put", u.Name, map[string]any{"role": u.Role, "disabled": u.Disabled}}
	err := s.change(ctx, c, d, func(x session) error {
		old, err := find(ctx, x, scanUser, `SELECT `+userColumns+` FROM users WHERE name = $1`, u.Name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		known := err == nil
		if _, err := x.exec(ctx, `INSERT INTO users (`+userColumns+`) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash, disabled = excluded.disabled`,
			u.Name, u.Role, u.PasswordHash, u.CreatedAt, u.Disabled); err != nil {
			return err
		}
		if !known {
			return nil
		}
		if old.PasswordHash != u.PasswordHash || old.Role != u.Role || u.Disabled {
			if _, err := x.exec(ctx, `DELETE FROM sessions WHERE user_name = $1`, u.Name); err != nil {
				return err
			}
		}
		return keepAnAdmin(ctx, x, old)
	})
	return fault(err, "cannot store the person %s", u.Name)
}

// keepAnAdmin refuses a change that takes the last administrator away. Two such changes at once would each see the other's
// administrator, so the rows it counts are locked.
func keepAnAdmin(ctx context.Context, x session, old patch.User) error {
	if old.Role != patch.Admin || old.Disabled {
		return nil
	}
	left, err := list(ctx, x, scanUser, `SELECT `+userColumns+` FROM users WHERE role = 'admin' AND NOT disabled ORDER BY name`+x.engine.lockRows)
	if err != nil || len(left) > 0 {
		return err
	}
	return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot take the role admin from {1}", old.Name), Why: "nobody else has it",
		Do: "Make another person admin first."}
}

// FindUser gives NotFound for an unknown name.
func (s *Store) FindUser(ctx context.Context, name string) (patch.User, error) {
	u, err := find(ctx, s.read(), scanUser, `SELECT `+userColumns+` FROM users WHERE name = $1`, name)
	return u, missingNamed(err, "person", name)
}

// ListUsers gives everybody, by name.
func (s *Store) ListUsers(ctx context.Context) ([]patch.User, error) {
	all, err := list(ctx, s.read(), scanUser, `SELECT `+userColumns+` FROM users ORDER BY name`)
	return all, fault(err, "cannot list people")
}

const sessionColumns = `hash, user_name, kind, created_at, expires_at, idle_until, from_addr`

func scanSession(r scanner) (patch.Session, error) {
	var v patch.Session
	err := r.Scan(&v.Hash, &v.User, &v.Kind, stamp{&v.CreatedAt}, stamp{&v.ExpiresAt}, stamp{&v.IdleUntil}, &v.From)
	return v, err
}

// PutSession stores a new sign-in.
func (s *Store) PutSession(ctx context.Context, c patch.Caller, v patch.Session) error {
	if !v.Hash.Valid() {
		return patch.Errorf(patch.Internal, "a session is stored by its secret's hash and nothing else")
	}
	d := deed{"session.start", v.User, map[string]any{"kind": v.Kind, "expires_at": v.ExpiresAt}}
	err := s.change(ctx, c, d, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO sessions (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.Hash, v.User, v.Kind, v.CreatedAt, v.ExpiresAt, v.IdleUntil, v.From)
		return err
	})
	return fault(err, "cannot store the sign-in of %s", v.User)
}

// FindSession gives NotFound for an unknown one. It does not judge expiry: auth does.
func (s *Store) FindSession(ctx context.Context, h patch.Hash) (patch.Session, error) {
	v, err := find(ctx, s.read(), scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE hash = $1`, h)
	return v, missing(err, "there is no such sign-in")
}

// TouchSession moves a session's idle end, forwards only and never beyond its absolute end.
func (s *Store) TouchSession(ctx context.Context, h patch.Hash, idleUntil time.Time) error {
	err := s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `UPDATE sessions SET idle_until = CASE WHEN $2 < expires_at THEN $2 ELSE expires_at END
			WHERE hash = $1 AND idle_until < $2`, h, idleUntil)
		return err
	})
	return fault(err, "cannot keep a sign-in alive")
}

// RemoveSession ends one; an unknown one is already ended and leaves no audit entry.
func (s *Store) RemoveSession(ctx context.Context, c patch.Caller, h patch.Hash) error {
	v, err := s.FindSession(ctx, h)
	if patch.KindOf(err) == patch.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.change(ctx, c, deed{"session.end", v.User, nil}, func(x session) error {
		_, err := x.exec(ctx, `DELETE FROM sessions WHERE hash = $1`, h)
		return err
	})
	return fault(err, "cannot end the sign-in of %s", v.User)
}

// RemoveExpiredSessions forgets those past either end.
func (s *Store) RemoveExpiredSessions(ctx context.Context, now time.Time) error {
	err := s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1 OR idle_until <= $1`, now)
		return err
	})
	return fault(err, "cannot forget expired sign-ins")
}
