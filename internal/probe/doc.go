// Package probe answers what definitions ask about a machine beyond its packages: it is the item.Source over a running machine or over
// a directory that holds one. The items are those of OVAL 5.11's classes for Linux and Unix as OpenSCAP collects them.
//
// It reads, and starts nothing. Below another root than "/" no link leads out of it: a link there means what it would mean to the
// machine itself. Pseudo file systems (/proc, /sys) are not searched unless a path begins in them. What is asked about processes,
// sockets and mounts of a directory is not collected, because nothing runs there.
package probe
