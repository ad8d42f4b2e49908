//go:build !windows && !darwin

package host

// OwnUpdater is nil: what package managers offer is detected.
func OwnUpdater() Provider { return nil }
