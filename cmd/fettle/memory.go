package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// softMemory is where the collector no longer waits until the heap is twice what is in use: 100,000 machines use a quarter to half of it, and what
	// goes through all of them leaves some hundred megabytes behind.
	softMemory  = 1280 << 20
	memoryEvery = 10 * time.Second
)

// memoryLoop bounds what is waiting to be collected, unless the environment (GOMEMLIMIT) does. A fleet that needs more gets more: the collector must not
// run all the time for it.
func memoryLoop(ctx context.Context) error {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		<-ctx.Done()
		return ctx.Err()
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(live[0].Value.Uint64()))
		if err := sleep(ctx, memoryEvery); err != nil {
			return err
		}
	}
}

// memoryLimit leaves room for half as much as is in use, at least.
func memoryLimit(live uint64) int64 {
	return max(softMemory, int64(live+live/2))
}
