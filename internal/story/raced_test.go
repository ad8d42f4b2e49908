//go:build race

package story_test

// raced says that the race detector watches.
const raced = true
