package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// away is the admitted machines that were given leave to reboot and are not back: their boot is still the one that they were to end.
const away = ` FROM reboot_leases JOIN machines ON machines.id = reboot_leases.machine AND reboot_leases.boot = machines.boot_id AND machines.state = 'admitted'`

// rebooting is those of them in a ring, beside one, whose lease has not ended.
const rebooting = away + ` WHERE reboot_leases.ring = $1 AND reboot_leases.until > $2 AND reboot_leases.machine <> $3`

const leaseColumns = `reboot_leases.machine, machines.name, reboot_leases.ring, reboot_leases.boot, reboot_leases.until`

func scanLease(r scanner) (l patch.RebootLease, err error) {
	err = r.Scan(&l.Machine, &l.Name, &l.Ring, &l.Boot, stamp{&l.Until})
	return l, err
}

// TakeRebootLease lets a machine reboot if less than limit others of its ring do, with a place left for each of so many ahead of it, and gives
// those that do, at most limit. Limit 0 lets all. A machine that has a lease keeps it. What is said of the one that may is
// what its lease says, until it checks in.
func (s *Store) TakeRebootLease(ctx context.Context, l patch.RebootLease, limit, ahead int) (granted bool, others []patch.RebootLease, err error) {
	err = s.write(ctx, func(x session) error {
		known := x.touched.find(l.Machine)
		if _, err := lockMachine(ctx, x, l.Machine); err != nil {
			return err
		}
		if _, err := lockProgress(ctx, x, "", l.Ring); err != nil { // two machines never take the same place
			return err
		}
		var err error
		if limit > 0 {
			others, err = list(ctx, x, scanLease, `SELECT `+leaseColumns+rebooting+` ORDER BY reboot_leases.until, machines.name LIMIT $4`, l.Ring, s.now(), l.Machine, limit)
		}
		if err != nil {
			return err
		}
		var has int
		if err := x.row(ctx, `SELECT COUNT(*) FROM reboot_leases WHERE machine = $1 AND ring = $2 AND boot = $3 AND until > $4`, []any{l.Machine, l.Ring, l.Boot, s.now()}, &has); err != nil {
			return err
		}
		if granted = limit <= 0 || has > 0 || len(others)+ahead < limit; !granted {
			return nil
		}
		_, err = x.exec(ctx, `INSERT INTO reboot_leases (machine, ring, boot, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (machine) DO UPDATE SET ring = excluded.ring, boot = excluded.boot, until = excluded.until`, l.Machine, l.Ring, l.Boot, l.Until)
		if err != nil || l.Says == "" {
			return err
		}
		n, err := x.exec(ctx, `UPDATE machines SET busy = $2, changed = `+x.engine.changed+` WHERE id = $1`, l.Machine, l.Says)
		if err == nil {
			x.touched.becomesBy(l.Machine, known, n, func(m *patch.Machine) { m.Busy = l.Says })
		}
		return err
	})
	return granted, others, fault(err, "cannot let the machine %s reboot", l.Machine)
}

// ListAway gives the machines that were given leave to reboot and are not back, by name, those whose place was given on meanwhile among them.
func (s *Store) ListAway(ctx context.Context) ([]patch.RebootLease, error) {
	all, err := list(ctx, s.read(), scanLease, `SELECT `+leaseColumns+away+` ORDER BY machines.name, machines.id`)
	return all, fault(err, "cannot list machines that reboot")
}

// CountRebooting gives how many machines of a ring, beside one, reboot now.
func (s *Store) CountRebooting(ctx context.Context, ring string, but patch.MachineID) (n int, err error) {
	err = s.read().row(ctx, `SELECT COUNT(*)`+rebooting, []any{ring, s.now(), but}, &n)
	return n, fault(err, "cannot count reboots of the ring %s", ring)
}
