// Package patch is the domain: the words of Fettle as Go types, their identities and their error kinds.
// It imports nothing of ours but package phrase and holds no behaviour beyond what follows from a value alone.
//
// Every package may import it. Storage, HTTP, files and clocks stay outside.
package patch
