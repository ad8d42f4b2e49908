//go:build !linux && !windows

package probe

import "runtime"

// system is a Mac, or another system of which only the family is known.
type system struct{ root string }

// Open begins to ask the machine whose root directory is root. Close it.
func Open(root string) (*Machine, error) { return &Machine{system: system{root}}, nil }

// Close lets go of what is open.
func (m *Machine) Close() error { return nil }

func (s *system) begin() {}

func (m *Machine) class(name string) func(*gathering) {
	if answers := mac(m.root, name); answers != nil {
		return answers
	}
	if name != "family" {
		return nil
	}
	family := "unix"
	if runtime.GOOS == "darwin" {
		family = "macos"
	}
	return func(g *gathering) { g.add(text("family", family)) }
}
