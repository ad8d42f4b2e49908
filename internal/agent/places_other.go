//go:build !windows

package agent

import "os"

// DefaultStateDir is where an agent keeps its state unless its owner says otherwise.
func DefaultStateDir() string { return "/var/lib/fettle-agent" }

// DefaultPolicyFile is where the machine's owner keeps the local policy.
func DefaultPolicyFile() string { return "/etc/fettle-agent/policy" }

// DefaultHookDir is where the machine's administrator puts hooks.
func DefaultHookDir() string { return "/etc/fettle-agent/hooks.d" }

// DefaultAnswerSocket is where people on the machine answer restarts.
func DefaultAnswerSocket() string { return "/var/run/fettle-agent.sock" }

// keepPrivate lets only the agent's own account into a directory.
func keepPrivate(dir string) error { return os.Chmod(dir, 0o700) }

// syncsDirs says that names become durable by a sync of their directory.
const syncsDirs = true
