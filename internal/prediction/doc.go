// Package prediction answers which machines need a patch that they have not detected against yet: a patch that was published a minute ago.
//
// It owns an index over the facts that machines have uploaded, small enough for the memory of one process, and asks detect's own engine
// over the part of them that a definition looks at. It refuses to mix: what it gives is predicted, with the age of the facts, and only
// for machines whose newest complete detect does not cover the patch. What was detected is the ledger's.
package prediction
