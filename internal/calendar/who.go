package calendar

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// Key names an event among all of its schedule: when it ends, and in short what tells it from others that end then.
func (e Event) Key() string {
	h := fnv.New32a()
	fmt.Fprint(h, e.Start.UnixMicro(), e.Zone, "\x00", e.Frozen, "\x00", e.CutBy, "\x00", e.CatchUp, e.MovedBy)
	return strconv.FormatInt(e.End.Unix(), 10) + "-" + strconv.FormatUint(uint64(h.Sum32()), 36)
}

// Zoneless is the key under which Who gives the machines of a schedule that take the organisation's time zone, because their own is not known.
const Zoneless = "zoneless"

// Who gives the machines that one event of a schedule, by its key, is about now.
func (d *Desk) Who(ctx context.Context, name, key string) (who []patch.MachineID, err error) {
	s, err := d.Store.FindSchedule(ctx, name)
	if err != nil {
		return nil, err
	}
	rule, err := schedule.Parse(s.Window)
	if err != nil {
		return nil, err
	}
	machines, err := d.carriers(ctx, s.Label)
	if err != nil {
		return nil, err
	}
	if key == Zoneless {
		for _, m := range machines {
			if _, known := world.ZoneOf(rule, m, d.Zone); !known {
				who = append(who, m.ID)
			}
		}
		return who, nil
	}
	ends, _, _ := strings.Cut(key, "-")
	seconds, err := strconv.ParseInt(ends, 10, 64)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "no window is called %q", key)
	}
	frozen, err := d.freezes(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range d.groups(s, rule, machines, frozen) {
		for _, e := range g.events(s, rule, d.Now(), time.Unix(seconds, 0)) {
			if e.Key() == key {
				who = append(who, g.machines...)
				break
			}
		}
	}
	return who, nil
}
