// Package world gathers, from storage and catalog, everything that the gates judge, for a set of machines at one moment.
//
// It owns the reading and the joining: which verdict a patch has by the newest snapshot, which decisions cover a machine, which files a
// machine needs for a patch and where they stand. It refuses to judge: package gate does that, and every stage that asks gets the same world.
package world
