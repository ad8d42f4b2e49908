package ring

import (
	"context"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// rebootTime is how long a machine may take to be back before its place is given away.
const rebootTime = time.Hour

// MayReboot lets a machine reboot now, as far as its ring allows: at most as many at once as the ring says, whatever each of them reboots
// for. Where it may not, text says what it waits for.
func (d *Desk) MayReboot(ctx context.Context, id patch.MachineID, boot string) (until time.Time, text string, err error) {
	v, err := d.World.View(ctx)
	if err != nil {
		return until, "", err
	}
	r, err := v.RingOf(ctx, id)
	if err != nil {
		return until, "", err
	}
	until = d.Now().UTC().Add(rebootTime)
	granted, others, err := d.Store.TakeRebootLease(ctx, patch.RebootLease{Machine: id, Ring: r.Name, Boot: boot, Until: until}, r.Reboots)
	if err != nil || granted {
		return until, "", err
	}
	return time.Time{}, fmt.Sprintf("%d machines of the ring %s reboot, and %d may at once", others, r.Name, r.Reboots), nil
}
