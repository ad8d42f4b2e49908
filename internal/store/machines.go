package store

import (
	"cmp"
	"context"
	"database/sql"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const machineColumns = `id, name, state, os, enrolled_at, enrolled_by, seen_at, address, agent_version, boot_id, inventory, facts,
	reboot_owed, busy, detect_failed, detect_failed_at, policy, ` + newestSeq + `, results_ack, order_number, zone, away_from, away_until`

// newestSeq is the number that a machine's next detect must exceed.
const newestSeq = `COALESCE((SELECT present.seq FROM newest present WHERE present.machine = machines.number), machines.snapshot_seq)`

func scanMachine(r scanner) (patch.Machine, error) {
	var m patch.Machine
	// Every request of a machine reads its row. What has a type of its own would be set by reflection.
	err := r.Scan((*string)(&m.ID), &m.Name, (*string)(&m.State), (*string)(&m.OS), stamp{&m.EnrolledAt}, &m.EnrolledBy, stamp{&m.SeenAt}, &m.Address, &m.AgentVersion,
		&m.BootID, (*string)(&m.Inventory), (*string)(&m.Facts), &m.RebootOwed, &m.Busy, &m.DetectFailed, stamp{&m.DetectFailedAt}, &m.Policy,
		count{&m.SnapshotSeq}, count{&m.ResultsAck}, count{&m.OrderNumber}, &m.Zone, stamp{&m.AwayFrom}, stamp{&m.AwayUntil})
	return m, err
}

func insertMachine(ctx context.Context, x session, m patch.Machine) error {
	number, err := nextNumber(ctx, x, "machine")
	if err != nil {
		return err
	}
	_, err = x.exec(ctx, `INSERT INTO machines (id, name, state, os, enrolled_at, enrolled_by, seen_at, address, agent_version, boot_id, inventory, facts,
		reboot_owed, busy, detect_failed, detect_failed_at, policy, snapshot_seq, results_ack, order_number, zone, away_from, away_until, counter, changed, number)
		VALUES ($1, $2, $3, '', $4, $5, 0, $6, $7, '', '', '', FALSE, '', '', 0, '', 0, 0, 0, '', 0, 0, 0, `+x.engine.changed+`, $8)`,
		m.ID, m.Name, m.State, m.EnrolledAt, m.EnrolledBy, m.Address, m.AgentVersion, number)
	return err
}

// FindMachine gives NotFound for an unknown ID.
func (s *Store) FindMachine(ctx context.Context, id patch.MachineID) (patch.Machine, error) {
	if s.crowd != nil {
		m, err := s.crowd.machines.ask(ctx, id)
		if err != nil || m == nil {
			return patch.Machine{}, missing(cmp.Or(err, sql.ErrNoRows), "no machine has the ID %q", id)
		}
		return *m, nil
	}
	known, ends := s.known.find(id)
	if known.machine != nil {
		return *known.machine, nil
	}
	m, err := find(ctx, s.read(), scanMachine, `SELECT `+machineColumns+` FROM machines WHERE id = $1`, id)
	if err != nil {
		return m, missing(err, "no machine has the ID %q", id)
	}
	s.known.keep(m.ID, acquaintance{machine: &m}, ends)
	return m, nil
}

// FindMachineByName gives all machines of that host name: names are the machines' own and not unique.
func (s *Store) FindMachineByName(ctx context.Context, name string) ([]patch.Machine, error) {
	all, err := list(ctx, s.read(), scanMachine, `SELECT `+machineColumns+` FROM machines WHERE name = $1 ORDER BY id`, name)
	return all, fault(err, "cannot look for machines called %q", name)
}

// ListMachines gives the machines that the filter selects, by name. A smart label is Invalid here: package label evaluates it.
func (s *Store) ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error) {
	w := where{engine: s.engine}
	if f.State != "" {
		w.add(`state = ?`, f.State)
	}
	if f.OS != "" {
		w.add(`os = ?`, f.OS)
	}
	switch f.Label {
	case "":
	case patch.LabelAll:
		w.add(`state = ?`, patch.Admitted)
	default:
		l, err := s.FindLabel(ctx, f.Label)
		if err != nil {
			return nil, err
		}
		if l.Expr != "" {
			return nil, patch.Errorf(patch.Invalid, "the label %s is smart: its members are evaluated, not stored", l.Name)
		}
		w.add(`id IN (SELECT machine FROM label_members WHERE label = ?)`, f.Label)
	}
	all, err := list(ctx, s.read(), scanMachine, `SELECT `+machineColumns+` FROM machines`+w.String()+` ORDER BY name, id`, w.args...)
	return all, fault(err, "cannot list machines")
}

// SetMachineState admits or revokes a machine. Revoking is final, because the key may be in other hands, and withdraws what
// has not ended there. The state that it already has changes nothing.
func (s *Store) SetMachineState(ctx context.Context, c patch.Caller, id patch.MachineID, state patch.MachineState) error {
	actions := map[patch.MachineState]string{patch.Admitted: "machine.admit", patch.Revoked: "machine.revoke"}
	action, ok := actions[state]
	if !ok {
		return patch.Errorf(patch.Invalid, "a machine cannot be made %q", state)
	}
	m, err := s.FindMachine(ctx, id)
	if err != nil || m.State == state {
		return err
	}
	err = s.change(ctx, c, deed{action, string(id), map[string]any{"name": m.Name, "was": m.State}}, func(x session) error {
		n, err := x.exec(ctx, `UPDATE machines SET state = $2, changed = `+x.engine.changed+` WHERE id = $1 AND state <> 'revoked'`, id, state)
		if err != nil {
			return err
		}
		if n == 0 {
			return &patch.Error{Kind: patch.Conflict, What: phrase.Of("the machine {1} is revoked and stays so", m.Name),
				Do: "Enrol it again with a new key."}
		}
		if state != patch.Revoked {
			return nil
		}
		if err := uncount(ctx, x, `machine = $1`, id); err != nil {
			return err
		}
		_, err = x.exec(ctx, `UPDATE attempts SET state = 'withdrawn', text = 'the machine was revoked', ended_at = $2
			WHERE machine = $1 AND state IN `+openStates, id, s.now())
		return err
	})
	return fault(err, "cannot change the state of the machine %s", id)
}

// PutCheckin stores what a check-in says, the host OS too: the agent has just read it. A machine that is known leaves a trail and no mark. It gives Conflict where the counter does
// not exceed the stored one, which means that two agents use one key, and Forbidden for a revoked machine.
func (s *Store) PutCheckin(ctx context.Context, id patch.MachineID, u patch.CheckinUpdate) error {
	err := s.write(ctx, func(x session) error {
		known := x.touched.find(id)
		name, mark, args := "", `, changed = `+x.engine.changed, []any{id, u.At, u.Address, u.Counter, u.Boot, u.OS, u.Agent, u.Busy, u.RebootOwed, u.Policy, u.Inventory, u.Facts, u.At.Add(-absence)}
		if known.machine == nil || known.machine.Name != cleanText(u.Hostname) { // it is in an index, which is written even where it stays
			name, args = "name = $14, ", append(args, u.Hostname)
		}
		if known.newest != nil {
			mark = ""
			x.touched.leaves(known.newest.number)
		}
		n, err := x.exec(ctx, `UPDATE machines SET `+name+`seen_at = $2, address = $3, counter = $4, boot_id = $5,
			os = CASE WHEN $6 <> '' THEN $6 ELSE os END, agent_version = $7, busy = $8, reboot_owed = $9, policy = $10,
			said_inventory = $11, said_facts = $12,
			away_from = CASE WHEN seen_at > 0 AND seen_at < $13 THEN seen_at ELSE away_from END,
			away_until = CASE WHEN seen_at > 0 AND seen_at < $13 THEN $2 ELSE away_until END`+mark+`
			WHERE id = $1 AND counter < $4 AND state <> 'revoked'`, args...)
		if err == nil && n > 0 {
			x.touched.becomes(id, known.seen(u))
		}
		if err != nil || n > 0 {
			return err
		}
		return refusedCheckin(ctx, x, id, u.Counter)
	})
	return fault(err, "cannot store a check-in of the machine %s", id)
}

// seen is what becomes of a machine by a check-in: see PutCheckin.
func (a acquaintance) seen(u patch.CheckinUpdate) acquaintance {
	if a.machine == nil {
		return acquaintance{}
	}
	m := *a.machine
	if !m.SeenAt.IsZero() && toMicros(m.SeenAt) < toMicros(u.At.Add(-absence)) {
		m.AwayFrom, m.AwayUntil = m.SeenAt, asStored(u.At)
	}
	if u.OS != "" {
		m.OS = patch.HostOS(cleanText(string(u.OS)))
	}
	m.SeenAt, m.Address, m.BootID, m.AgentVersion, m.Name = asStored(u.At), cleanText(u.Address), cleanText(u.Boot), cleanText(u.Agent), cleanText(u.Hostname)
	m.Busy, m.RebootOwed, m.Policy = cleanText(u.Busy), u.RebootOwed, cleanText(u.Policy)
	return acquaintance{&m, a.newest}
}

// asStored is a time as it comes back from the database.
func asStored(t time.Time) time.Time { return fromMicros(toMicros(t)) }

// absence is how far check-ins lie apart for the machine to have been away between them.
const absence = 30 * time.Minute

// PutZone notes the time zone that a machine's inventory tells.
func (s *Store) PutZone(ctx context.Context, id patch.MachineID, zone string) error {
	err := s.write(ctx, func(x session) error {
		known := x.touched.find(id)
		n, err := x.exec(ctx, `UPDATE machines SET zone = $2, changed = `+x.engine.changed+` WHERE id = $1 AND zone <> $2`, id, zone)
		if err == nil {
			x.touched.becomesBy(id, known, n, func(m *patch.Machine) { m.Zone = cleanText(zone) })
		}
		return err
	})
	return fault(err, "cannot note the time zone of the machine %s", id)
}

func refusedCheckin(ctx context.Context, x session, id patch.MachineID, counter uint64) error {
	m, err := find(ctx, x, scanMachine, `SELECT `+machineColumns+` FROM machines WHERE id = $1`, id)
	if err != nil {
		return missing(err, "no machine has the ID %q", id)
	}
	if m.State == patch.Revoked {
		return patch.Errorf(patch.Forbidden, "the machine %s is revoked", id)
	}
	return &patch.Error{Kind: patch.Conflict, What: phrase.Of("two agents use the key of the machine {1}", m.Name),
		Why: "its check-in counter did not grow: it may be a clone, or was restored from an older image",
		Do:  "Remove the agent's state directory on the copy and enrol it again."}
}

// lockMachine reads an admitted machine and keeps its row until the transaction ends. Others are Forbidden or NotFound.
func lockMachine(ctx context.Context, x session, id patch.MachineID) (patch.Machine, error) {
	var m patch.Machine
	var err error
	if known := x.touched.find(id).machine; known != nil { // where that is kept, a transaction has the whole database to itself
		m = *known
	} else if m, err = find(ctx, x, scanMachine, `SELECT `+machineColumns+` FROM machines WHERE id = $1`+x.engine.lockRows, id); err != nil {
		return m, missing(err, "no machine has the ID %q", id)
	}
	if m.State != patch.Admitted {
		return m, patch.Errorf(patch.Forbidden, "the machine %s is %s", id, m.State)
	}
	return m, nil
}

// PutDetectFailed notes a detect that did not complete. The newest complete snapshot stays what it is; the next one clears the note.
// A note older than that snapshot, or than the one that is there, is a late or repeated report and changes nothing.
func (s *Store) PutDetectFailed(ctx context.Context, id patch.MachineID, at time.Time, text string) error {
	err := s.write(ctx, func(x session) error {
		if _, err := lockMachine(ctx, x, id); err != nil {
			return err
		}
		newest, err := list(ctx, x, scanSnapshot, newestSnapshots+` WHERE machines.id = $1`+x.engine.lockRows, id) // a detect that comes now waits
		if err != nil {
			return err
		}
		for _, v := range newest {
			r, err := s.unpackReceipt(ctx, id, v.seq, v.receipt)
			if err != nil || !at.After(r.Ended) {
				return err
			}
		}
		_, err = x.exec(ctx, `UPDATE machines SET detect_failed = $2, detect_failed_at = $3, changed = `+x.engine.changed+` WHERE id = $1 AND detect_failed_at < $3`, id, text, at)
		return err
	})
	return fault(err, "cannot note the failed detect of the machine %s", id)
}
