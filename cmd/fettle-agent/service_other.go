//go:build !windows

package main

// systemCommands are those of this operating system alone.
func systemCommands() []command { return nil }
