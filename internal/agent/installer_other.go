//go:build !windows

package agent

// native chooses how this operating system installs, where it has no package manager.
func (c *Config) native(layout) {}
