// Package item owns what can be asked about a machine beyond its package set, and how answers are judged: objects, states,
// variables and tests over items, in the semantics of OVAL 5.11 (https://oval.mitre.org/language/version5.11/).
//
// An item is one thing that a machine has: a file, a line of a file, a registry value, a process. A definition names an object (which
// items), states (what they must be like) and a check (how many must be so). A Source answers objects: a live machine, a directory,
// stored facts or a system-characteristics file. The package is pure: it opens no file and knows no feed and no verdict.
package item
