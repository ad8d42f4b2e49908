package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	agentBinary = "bin/fettle-agent"
	settle      = 20 * time.Second // after the first detect: what stays is what an idle agent holds
)

// benchIdle enrols a real agent in a real root, lets it detect once, and weighs it when it has come to rest.
func benchIdle(ctx context.Context, r *report, archive lab.Archive, base, dir string) error {
	fmt.Println("an idle agent in its root …")
	st, err := os.Stat(agentBinary)
	if err != nil {
		return err
	}
	size := float64(st.Size()) / (1 << 20)
	r.add("agent binary", fmt.Sprintf("%.1f MiB", size), "node_exporter: 13.7 MB", "", "≤ 14 MiB", size <= 14)
	a, err := lab.NewAppliance(ctx, "bin/fettle", filepath.Join(dir, "appliance"))
	if err != nil {
		return err
	}
	defer a.Stop()
	if err := a.Subscribe(ctx, archive, release); err != nil {
		return err
	}
	m, err := a.Join(ctx, lab.AgentSpec{Base: base, Dir: filepath.Join(dir, "machine"), Hostname: "idle-1", Agent: agentBinary})
	if err != nil {
		return err
	}
	defer m.Stop()
	if _, err := a.WaitSnapshot(ctx, "idle-1", 1); err != nil {
		return err
	}
	time.Sleep(settle)
	rss, err := residentKiB(m)
	if err != nil {
		return err
	}
	r.add("agent idle, resident memory", mib(rss), "node_exporter: 17 MiB", "", "≤ 20 MiB", rss <= 20<<10)
	return nil
}

func residentKiB(m *lab.Machine) (int64, error) {
	pid, err := m.Program()
	if err != nil {
		return 0, err
	}
	return residentOf(pid)
}
