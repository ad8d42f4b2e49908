package host

import (
	"context"
	"errors"
)

// Restart is not there yet on Windows.
func Restart(context.Context) error { return errors.New("this agent cannot restart Windows") }

// Terminals lists nothing on Windows.
func Terminals(string) []string { return nil }

// Announce tells nobody on Windows.
func Announce([]string, string) {}
