// Package lab makes real machines to prove Fettle on: Debian roots from the real archive, each run as a machine of its own
// with its own mount, PID, UTS, IPC and network namespaces, from which nothing but the named ports can be reached.
//
// It serves tests, the demo and the benchmarks and is part of neither shipped program. Mounts live in the machine's own mount
// namespace, so they end with it: stopping a machine, or the death of the program that started it, leaves nothing behind.
package lab
