package agent

import "github.com/fettle-project/fettle/internal/agent/host"

// native chooses how this operating system installs, where it has no package manager.
func (c *Config) native(l layout) {
	if c.Installer == nil {
		c.Installer = &host.Setups{Dir: l.path("setups")}
	}
	if c.Chain == nil {
		c.Chain = &host.Authenticode{Payloads: l.payloads()}
	}
}
