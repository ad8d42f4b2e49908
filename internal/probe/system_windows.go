package probe

import (
	"runtime"

	"golang.org/x/sys/windows"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// system is what a Windows machine needs to be asked: it is always the running one.
type system struct {
	windowsDir string             // "C:\Windows"
	folders    map[string]*folder // by path in lower case
	asked      int
}

// Open begins to ask the machine that runs this program. Close it.
func Open(root string) (*Machine, error) {
	if root != "" && root != "/" && root != `\` {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot ask the directory {1}", root), Why: "on Windows only the running machine can be asked",
			Do: "Leave --root away, or judge a facts file with --facts."}
	}
	dir, err := windows.GetSystemWindowsDirectory()
	if err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot tell where Windows is: %w", err)
	}
	return &Machine{system: system{windowsDir: dir}}, nil
}

// Close lets go of what is open.
func (m *Machine) Close() error { return nil }

// begin gives way now and then. Go's runtime watches who does not, and takes the processor away every 10 ms: under Wine that doubles the
// calls that a detect needs.
func (s *system) begin() {
	if s.asked++; s.asked%32 == 0 {
		runtime.Gosched()
	}
}

// class gives what answers for a class of items; nil where nothing does.
func (m *Machine) class(name string) func(*gathering) {
	switch name {
	case "family":
		return func(g *gathering) { g.add(text("family", "windows")) }
	case "registry":
		return (*gathering).registry
	case "file":
		return (*gathering).file
	case "environmentvariable", "environmentvariable58":
		return (*gathering).environment
	case "service":
		return (*gathering).service
	case "process58", "process":
		return (*gathering).process
	case "program":
		return (*gathering).program
	case "hotfix":
		return (*gathering).hotfix
	case "msiproduct":
		return (*gathering).msiproduct
	case "msipatch":
		return (*gathering).msipatch
	case "msifeature":
		return (*gathering).msifeature
	case "msicomponent":
		return (*gathering).msicomponent
	case "folder":
		return (*gathering).folder
	case "device":
		return (*gathering).device
	case "windows":
		return (*gathering).windows
	case "systemmetric":
		return (*gathering).systemmetric
	case "wmiobject":
		return (*gathering).wmiobject
	case "registrysubkeys":
		return (*gathering).registrysubkeys
	}
	return nil
}

// view is the registry's and the file system's 32-bit or 64-bit side, as an object's behavior windows_view asks.
func (g *gathering) narrow() bool { return g.behavior("windows_view", "64_bit") == "32_bit" }

// viewField names the side that an item was seen from.
func (g *gathering) viewField() patch.Field {
	if g.narrow() {
		return text("windows_view", "32_bit")
	}
	return text("windows_view", "64_bit")
}
