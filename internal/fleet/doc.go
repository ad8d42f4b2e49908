// Package fleet keeps, in memory, every machine with its newest complete detect, and for each patch and verdict the set of machines that
// have it: so that a question about all machines at once is answered without reading them one by one.
//
// It owns the numbering of machines, the sets and their counts, and following the store: each question first takes over what has changed
// since the last one, by whichever appliance on the same database. It refuses to judge anything and to keep anything: a restart
// reads it anew from the store.
package fleet
