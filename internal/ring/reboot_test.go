package ring

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Machines wait for leave to reboot in the order in which they came. Who has leave, or has not asked for minutes, is no longer in the way.
func TestQueueForRestarts(t *testing.T) {
	var q queue
	now := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	at := func(id patch.MachineID, rank, of int) {
		t.Helper()
		if r, n := q.join("web", id, now); r != rank || n != of {
			t.Errorf("%s is number %d of %d, not %d of %d", id, r, n, rank, of)
		}
	}
	at("a", 1, 1)
	at("b", 2, 2)
	at("c", 3, 3)
	at("b", 2, 3)
	q.leave("web", "a")
	at("a", 3, 3)
	at("b", 1, 3)
	now = now.Add(2 * time.Minute)
	at("c", 2, 3)
	now = now.Add(2 * time.Minute)
	at("a", 2, 2) // b is gone, a itself still asks
	at("c", 1, 2)
	for _, c := range []struct {
		others []string
		want   string
	}{
		{[]string{"web-2"}, "web-2 (03:04Z) restarts now, and 4 of the ring web may at once; it is number 2 of 3 that wait"},
		{[]string{"web-2", "web-7"}, "web-2 (03:04Z), web-7 (03:04Z) restart now, and 4 of the ring web may at once; it is number 2 of 3 that wait"},
		{[]string{"a", "b", "c", "d", "e"}, "a (03:04Z), b (03:04Z), c (03:04Z) and 2 more restart now, and 4 of the ring web may at once; it is number 2 of 3 that wait"},
		{nil, "others are before it, and 4 of the ring web may at once; it is number 2 of 3 that wait"},
	} {
		var others []patch.RebootLease
		for _, name := range c.others {
			others = append(others, patch.RebootLease{Name: name, Until: now.Add(rebootTime)})
		}
		if got := waiting(patch.Ring{Name: "web", Reboots: 4}, others, 2, 3); got != c.want {
			t.Errorf("%v: %q", c.others, got)
		}
	}
}
