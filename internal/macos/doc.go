// Package macos reads what macOS keeps of itself in property lists: its version, what was installed, and applications.
//
// It owns these formats and what softwareupdate prints. It refuses to look for files and to start programs.
package macos
