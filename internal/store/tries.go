package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// saidOf joins the columns that many attempts at a patch have alike, so that they are one value to read and are taken apart once. The last one may be
// any text.
const saidOf = `state || '` + unit + `' || cause || '` + unit + `' || effect || '` + unit + `' || proof || '` + unit + `' || number || '` + unit + `' ||
	CASE WHEN verified_seq > 0 THEN 'v' ELSE '' END || CASE WHEN reboot_owed THEN 'r' ELSE '' END || CASE WHEN back <> '' THEN 'b' ELSE '' END ||
	'` + unit + `' || files || '` + unit + `' || ring`

// unit separates them; no text in them has it.
const unit = "\x1f"

// ListTries gives all attempts at a patch, in no order, with what tells machines apart alone: who, when, how it ended, in which ring, which files. VerifiedSeq
// is 1 where some detect verified it; Back has one empty step where it was to take the patch back.
func (s *Store) ListTries(ctx context.Context, id patch.ID) ([]patch.Attempt, error) {
	all, err := s.tries(ctx, `patch = $1`, id)
	return all, fault(err, "cannot list what was tried with %s", id)
}

// ListFlaps gives, in no order and as briefly, the attempts at any patch that a detect found missing afterwards.
func (s *Store) ListFlaps(ctx context.Context) ([]patch.Attempt, error) {
	all, err := s.tries(ctx, `effect IN ('undone', 'not-effective')`) // the words of the index attempts_flaps
	return all, fault(err, "cannot list what was installed and found missing")
}

func (s *Store) tries(ctx context.Context, where string, args ...any) ([]patch.Attempt, error) {
	alike := map[string]patch.Attempt{}
	var said sql.RawBytes
	return list(ctx, s.read(), func(r scanner) (patch.Attempt, error) {
		var machine, id, order string
		var at, ended time.Time
		if err := r.Scan(&machine, &id, &order, stamp{&at}, stamp{&ended}, &said); err != nil {
			return patch.Attempt{}, err
		}
		a, known := alike[string(said)]
		if !known {
			a = tryOf(string(said))
			alike[string(said)] = a
		}
		a.Machine, a.Patch, a.Order, a.CreatedAt, a.EndedAt = patch.MachineID(machine), patch.ID(id), order, at, ended
		return a, nil
	}, `SELECT machine, patch, order_id, created_at, ended_at, `+saidOf+` FROM attempts WHERE `+where, args...)
}

// tryOf takes saidOf's text apart.
func tryOf(said string) patch.Attempt {
	parts := append(strings.SplitN(said, unit, 8), make([]string, 8)...)
	a := patch.Attempt{State: patch.Execution(parts[0]), Cause: patch.FailCause(parts[1]), Effect: patch.Effect(parts[2]), Proof: patch.Proof(parts[3]), Ring: parts[7]}
	a.Number, _ = strconv.Atoi(parts[4])
	a.RebootOwed = strings.Contains(parts[5], "r")
	if strings.Contains(parts[5], "v") {
		a.VerifiedSeq = 1
	}
	if strings.Contains(parts[5], "b") {
		a.Back = []patch.Step{{}}
	}
	if parts[6] != "" {
		a.Files = strings.Fields(parts[6])
	}
	return a
}
