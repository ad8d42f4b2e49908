package label

import (
	"reflect"
	"time"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
)

// machine is what an expression sees as "machine".
type machine struct {
	ID         string    `cel:"id"`
	Name       string    `cel:"name"`
	OS         string    `cel:"os"` // "debian-12-amd64"
	Address    string    `cel:"address"`
	Agent      string    `cel:"agent"`
	Zone       string    `cel:"zone"` // "Europe/Berlin"
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

func seen(m *patch.Machine) machine {
	return machine{ID: string(m.ID), Name: m.Name, OS: string(m.OS), Address: m.Address, Agent: m.AgentVersion, Zone: m.Zone, RebootOwed: m.RebootOwed,
		SeenAt: m.SeenAt, EnrolledAt: m.EnrolledAt, EnrolledBy: m.EnrolledBy}
}

// document is what of a stored inventory expressions can see: the rest, what was installed when above all, is not read.
type document struct {
	Hostname string            `json:"hostname"`
	OS       patch.OSFacts     `json:"os"`
	Hardware patch.Hardware    `json:"hardware"`
	Network  []patch.Interface `json:"network"`
	Kernel   patch.Kernel      `json:"kernel"`
	Updaters []string          `json:"updaters"`
}

// told keeps one copy of what many machines say alike.
func told(i document, m *patch.Machine, one func(string) string) *inventory {
	v := &inventory{Hostname: i.Hostname, Distribution: i.OS.ID, Version: i.OS.VersionID, Codename: i.OS.Codename, Arch: i.OS.Arch,
		Vendor: i.Hardware.Vendor, Model: i.Hardware.Model, CPU: i.Hardware.CPU, Cores: int64(i.Hardware.Cores), MemoryMB: i.Hardware.MemoryMB,
		DiskMB: i.Hardware.DiskMB, Virtual: i.Hardware.Virtual, KernelRunning: i.Kernel.Running, KernelNewest: i.Kernel.Installed, Updaters: i.Updaters}
	for _, n := range i.Network {
		v.Addresses = append(v.Addresses, n.Addresses...)
	}
	for _, s := range []*string{&v.Distribution, &v.Version, &v.Codename, &v.Arch, &v.Vendor, &v.Model, &v.CPU, &v.Virtual, &v.KernelRunning, &v.KernelNewest} {
		*s = one(*s)
	}
	for n := range v.Updaters {
		v.Updaters[n] = one(v.Updaters[n])
	}
	if v.Hostname == m.Name {
		v.Hostname = m.Name
	}
	return v
}

func language() expr.Language {
	return expr.Language{What: "a smart label", Example: `machine.name.startsWith("web-") && inventory.memory_mb > 4096`,
		Variables: []expr.Variable{{Name: "machine", Type: reflect.TypeFor[machine]()}, {Name: "inventory", Type: reflect.TypeFor[inventory]()}, {Name: "ledger", Type: reflect.TypeFor[ledger]()}},
		Methods:   []expr.Method{{Variable: "ledger", Name: "needs", Is: needs}, {Variable: "ledger", Name: "has", Is: has}}}
}
