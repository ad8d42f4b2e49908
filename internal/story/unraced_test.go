//go:build !race

package story

// raced says that the race detector watches.
const raced = false
