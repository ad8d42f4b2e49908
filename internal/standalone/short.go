package standalone

import "runtime/debug"

// shortMemory is where a short run begins to collect garbage after all.
const shortMemory = 96 << 20

// short tells the runtime that the process ends after one detect of a few milliseconds: collecting garbage meanwhile would cost more time
// and touch more memory than it frees.
func short() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(shortMemory)
}
