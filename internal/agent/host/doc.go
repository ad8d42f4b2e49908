// Package host is the machine itself as the agent needs it: facts and inventory read from its files, the live reboot signal, the
// package manager that installs verified files, and the vendor's chain checked with the machine's own keyring.
//
// It is the only package that starts programs, by a fixed table of argument lists. It decides nothing: what to install comes with a
// signed order, what facts mean is for package detect. Reading never changes the machine and never runs a program.
package host
