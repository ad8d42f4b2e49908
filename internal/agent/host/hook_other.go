//go:build !linux

package host

import "context"

// Check refuses: on this system there is no folder yet of which it is sure that only the administrator writes there.
func (h Hooks) Check(name string) error {
	return hookFailure("", "the order names the hook %s, and this agent runs hooks on Linux only", name)
}

// Run refuses likewise.
func (h Hooks) Run(_ context.Context, call HookCall) (log string, err error) {
	return "", h.Check(call.Name)
}
