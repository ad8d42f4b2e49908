// Package candidate answers which version of an installed package a Debian machine's own apt would choose, and what rules another
// version out: a pin, a suite that serves only who asks for it, an archive for subscribers, a phased update whose turn has not come.
//
// It owns apt's rules (apt_preferences(5), and the draw of lots for phased updates) over plain values; it reads no file and judges no
// patch. A version older than the installed one is never chosen, whatever a pin says: nothing is downgraded.
package candidate
