//go:build !linux && !windows

package probe

import "runtime"

// system has nothing: on this operating system only its family is known so far.
type system struct{}

// Open begins to ask the machine that runs this program. Close it.
func Open(string) (*Machine, error) { return &Machine{}, nil }

// Close lets go of what is open.
func (m *Machine) Close() error { return nil }

func (s *system) begin() {}

func (m *Machine) class(name string) func(*gathering) {
	if name != "family" {
		return nil
	}
	family := "unix"
	if runtime.GOOS == "darwin" {
		family = "macos"
	}
	return func(g *gathering) { g.add(text("family", family)) }
}
