package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// machine is one machine of the fleet. One goroutine works with it at a time.
type machine struct {
	name    string
	number  int
	group   *group
	remote  *agent.Remote
	random  *rand.Rand
	version string

	state   *state
	wave    int
	counter uint64
	told    patch.Snapshot // newest acknowledged one
	lost    bool

	// Of orders: see Work.
	job      *job
	packages []patch.Package // while an order is under way
	results  uint64
	silent   bool
}

func (m *machine) join(ctx context.Context) error {
	m.wave = first(m.random)
	of := m.group.byWave[m.wave]
	m.state = of[m.random.IntN(len(of))]
	return m.checkin(ctx)
}

// checkin says how the machine is, and brings the documents that the appliance asks for.
func (m *machine) checkin(ctx context.Context) error {
	_, err := m.contact(ctx)
	return err
}

func (m *machine) contact(ctx context.Context) (reply wire.CheckinReply, err error) {
	inventory, body, err := agent.Pack(m.inventory())
	if err != nil {
		return reply, err
	}
	m.counter++
	reply, err = m.remote.Checkin(ctx, wire.Checkin{Counter: m.counter, Boot: m.boot(), OS: m.group.os, Agent: m.version, Hostname: m.name,
		Inventory: inventory, Facts: m.state.facts, Snapshot: m.told.Seq, Revision: m.told.Revision, Results: m.results})
	if err != nil {
		return reply, err
	}
	if reply.WantInventory {
		if err := m.remote.Put(ctx, wire.PathInventory, inventory, body); err != nil {
			return reply, err
		}
	}
	if reply.WantFacts {
		err = m.remote.Put(ctx, wire.PathFacts, m.state.facts, m.state.body)
	}
	return reply, err
}

func (m *machine) boot() string { return fmt.Sprintf("boot-of-%s", m.name) }

func (m *machine) inventory() patch.Inventory {
	n := m.number
	return patch.Inventory{
		Hostname: m.name, OS: m.state.os, Facts: m.state.facts,
		Hardware: patch.Hardware{Vendor: "Simulated", Model: fmt.Sprintf("S%d", n%7), CPU: "simulated", Cores: 2 << (n % 4), MemoryMB: 2048 << (n % 5), DiskMB: 40_000, Virtual: "kvm"},
		Network: []patch.Interface{{Name: "eth0", MAC: fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", n>>24&255, n>>16&255, n>>8&255, n&255),
			Addresses: []string{fmt.Sprintf("10.%d.%d.%d/8", n>>16&255, n>>8&255, n&255)}}},
		Kernel: patch.Kernel{Running: "6.1.0-simulated", Installed: "6.1.0-simulated"}, Changes: []patch.PkgChange{},
	}
}

// changed detects after a few packages have changed.
func (m *machine) changed(ctx context.Context) error {
	next, wave := m.group.another(m.state, m.wave, m.random)
	if err := m.detect(ctx, next); err != nil {
		return err
	}
	m.state, m.wave = next, wave
	return nil
}

// unchanged detects once more.
func (m *machine) unchanged(ctx context.Context) error { return m.detect(ctx, m.state) }

func (m *machine) detect(ctx context.Context, s *state) error { return m.detectFor(ctx, s, "") }

// detectFor detects at the end of an order.
func (m *machine) detectFor(ctx context.Context, s *state, order string) error {
	now := time.Now().UTC()
	snap := patch.Snapshot{Verdicts: s.verdicts, Receipt: patch.Receipt{Machine: m.remote.ID(), Seq: m.told.Seq + 1, OS: m.group.os, Revision: m.group.meta.ID, Boot: m.boot(),
		Started: now.Add(-90 * time.Millisecond), Ended: now, Expected: s.verdicts.Len(), Evaluated: s.verdicts.Len(), Errors: s.errors, Facts: s.facts, Agent: m.version, Order: order}}
	reply, err := m.remote.Tell(ctx, m.told, snap)
	if err != nil {
		return err
	}
	if reply.Seq != snap.Seq {
		return patch.Errorf(patch.Internal, "snapshot %d of %s was acknowledged as %d", snap.Seq, m.name, reply.Seq)
	}
	m.told = snap
	if reply.WantFacts {
		return m.remote.Put(ctx, wire.PathFacts, s.facts, s.body)
	}
	return nil
}
