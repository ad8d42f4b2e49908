package main

import "testing"

// A fleet that needs more than usual must not have the collector run all the time.
func TestTheMemoryLimitLeavesRoom(t *testing.T) {
	for _, c := range []struct{ live, want int64 }{{0, softMemory}, {400 << 20, softMemory}, {1 << 30, 3 << 29}, {4 << 30, 6 << 30}} {
		if got := memoryLimit(uint64(c.live)); got != c.want {
			t.Errorf("with %d bytes in use the limit is %d, want %d", c.live, got, c.want)
		}
	}
}
