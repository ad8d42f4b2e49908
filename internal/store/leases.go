package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// rebooting counts the machines of a ring, beside one, that hold a lease and are not back: their boot is still the one that they were to end.
const rebooting = `SELECT COUNT(*) FROM reboot_leases JOIN machines ON machines.id = reboot_leases.machine
	WHERE reboot_leases.ring = $1 AND reboot_leases.until > $2 AND reboot_leases.boot = machines.boot_id AND reboot_leases.machine <> $3`

// TakeRebootLease lets a machine reboot if less than limit others of its ring do, and gives how many do. A machine that has a lease keeps it.
func (s *Store) TakeRebootLease(ctx context.Context, l patch.RebootLease, limit int) (granted bool, others int, err error) {
	err = s.write(ctx, func(x session) error {
		if _, err := lockMachine(ctx, x, l.Machine); err != nil {
			return err
		}
		if _, err := lockProgress(ctx, x, "", l.Ring); err != nil { // two machines never take the same place
			return err
		}
		if err := x.row(ctx, rebooting, []any{l.Ring, s.now(), l.Machine}, &others); err != nil {
			return err
		}
		if granted = limit <= 0 || others < limit; !granted {
			return nil
		}
		_, err := x.exec(ctx, `INSERT INTO reboot_leases (machine, ring, boot, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (machine) DO UPDATE SET ring = excluded.ring, boot = excluded.boot, until = excluded.until`, l.Machine, l.Ring, l.Boot, l.Until)
		return err
	})
	return granted, others, fault(err, "cannot let the machine %s reboot", l.Machine)
}

// CountRebooting gives how many machines of a ring, beside one, reboot now.
func (s *Store) CountRebooting(ctx context.Context, ring string, but patch.MachineID) (n int, err error) {
	err = s.read().row(ctx, rebooting, []any{ring, s.now(), but}, &n)
	return n, fault(err, "cannot count reboots of the ring %s", ring)
}
