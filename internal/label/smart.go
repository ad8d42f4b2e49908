package label

import (
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of a smart label's expression.
const (
	maxExpr  = 4096    // characters
	maxNodes = 50      // depth of nesting
	maxCost  = 100_000 // steps of one evaluation, in CEL's own units
)

// machine is what an expression sees as "machine".
type machine struct {
	ID         string    `cel:"id"`
	Name       string    `cel:"name"`
	OS         string    `cel:"os"` // "debian-12-amd64"
	Address    string    `cel:"address"`
	Agent      string    `cel:"agent"`
	RebootOwed bool      `cel:"reboot_owed"`
	SeenAt     time.Time `cel:"seen_at"`
	EnrolledAt time.Time `cel:"enrolled_at"`
	EnrolledBy string    `cel:"enrolled_by"`
}

// inventory is what an expression sees as "inventory".
type inventory struct {
	Hostname      string   `cel:"hostname"`
	Distribution  string   `cel:"distribution"` // os-release ID: "debian"
	Version       string   `cel:"version"`      // os-release VERSION_ID: "12"
	Codename      string   `cel:"codename"`
	Arch          string   `cel:"arch"`
	Vendor        string   `cel:"vendor"`
	Model         string   `cel:"model"`
	CPU           string   `cel:"cpu"`
	Cores         int64    `cel:"cores"`
	MemoryMB      int64    `cel:"memory_mb"`
	DiskMB        int64    `cel:"disk_mb"`
	Virtual       string   `cel:"virtual"`
	KernelRunning string   `cel:"kernel_running"`
	KernelNewest  string   `cel:"kernel_installed"`
	Addresses     []string `cel:"addresses"`
	Updaters      []string `cel:"updaters"`
}

func seen(m patch.Machine) machine {
	return machine{ID: string(m.ID), Name: m.Name, OS: string(m.OS), Address: m.Address, Agent: m.AgentVersion, RebootOwed: m.RebootOwed,
		SeenAt: m.SeenAt, EnrolledAt: m.EnrolledAt, EnrolledBy: m.EnrolledBy}
}

func told(i patch.Inventory) inventory {
	v := inventory{Hostname: i.Hostname, Distribution: i.OS.ID, Version: i.OS.VersionID, Codename: i.OS.Codename, Arch: i.OS.Arch,
		Vendor: i.Hardware.Vendor, Model: i.Hardware.Model, CPU: i.Hardware.CPU, Cores: int64(i.Hardware.Cores), MemoryMB: i.Hardware.MemoryMB,
		DiskMB: i.Hardware.DiskMB, Virtual: i.Hardware.Virtual, KernelRunning: i.Kernel.Running, KernelNewest: i.Kernel.Installed, Updaters: i.Updaters}
	for _, n := range i.Network {
		v.Addresses = append(v.Addresses, n.Addresses...)
	}
	return v
}

// rule is a compiled expression.
type rule struct {
	program cel.Program
	reads   bool // it reads the inventory
}

func compile(expr string) (*rule, error) {
	refuse := func(why string) error {
		return &patch.Error{Kind: patch.Invalid, What: "cannot use this expression as a smart label", Why: why,
			Do: `Write a condition over machine and inventory, for example: machine.name.startsWith("web-") && inventory.memory_mb > 4096`}
	}
	if len(expr) > maxExpr {
		return nil, refuse("it is too long")
	}
	env, err := cel.NewEnv(
		ext.NativeTypes(reflect.TypeFor[machine](), reflect.TypeFor[inventory](), ext.ParseStructTags(true)), ext.Strings(),
		cel.Variable("machine", cel.ObjectType("label.machine")), cel.Variable("inventory", cel.ObjectType("label.inventory")),
		cel.ParserRecursionLimit(maxNodes), cel.ExtendedValidations())
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot prepare smart labels: %w", err)
	}
	ast, issues := env.Compile(expr)
	if issues.Err() != nil {
		return nil, refuse(issues.Err().Error())
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, refuse("it gives " + ast.OutputType().String() + ", not true or false")
	}
	r := &rule{}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		r.reads = r.reads || ref.Name == "inventory"
	}
	r.program, err = env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, refuse(err.Error())
	}
	return r, nil
}

// holds evaluates the rule for one machine.
func (r *rule) holds(m patch.Machine, i patch.Inventory) (bool, error) {
	out, _, err := r.program.Eval(map[string]any{"machine": seen(m), "inventory": told(i)})
	if err != nil {
		return false, err
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, patch.Errorf(patch.Invalid, "the expression gave %v, not true or false", out.Value())
	}
	return yes, nil
}
