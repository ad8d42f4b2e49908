package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/simulate"
)

const smartLabels = 200

// predicate is one condition in both languages.
type predicate struct{ cel, sql string }

func predicates() []predicate {
	var all []predicate
	for i := range smartLabels {
		memory, cores, model, above := 2048<<(i%5), 2<<(i/5%4), fmt.Sprintf("S%d", i%7), fmt.Sprintf("simulated-%06d", 37*i)
		all = append(all, predicate{
			cel: fmt.Sprintf("inventory.memory_mb <= %d && inventory.cores >= %d && (inventory.model != %q || machine.name > %q)", memory, cores, model, above),
			sql: fmt.Sprintf("memory_mb <= %d AND cores >= %d AND (model <> '%s' OR name > '%s')", memory, cores, model, above),
		})
	}
	return all
}

// askLabels has 200 smart labels evaluated over the whole fleet, and for one machine.
func (q questions) askLabels(ctx context.Context, r *report, t *rowTable, f simulate.Figures, one patch.MachineID) error {
	all := predicates()
	for i, p := range all {
		path := api.Path("labels", fmt.Sprintf("smart-%03d", i))
		if _, err := api.Do[json.RawMessage](ctx, q.client, http.MethodPut, path, nil, api.LabelRequest{Expr: p.cel}); err != nil {
			return err
		}
	}
	var inSQL time.Duration
	for _, p := range all {
		took, err := t.time(ctx, "SELECT COUNT(*) FROM machines WHERE "+p.sql)
		if err != nil {
			return err
		}
		inSQL += took
	}
	inSQL = time.Duration(float64(inSQL) * float64(f.Machines) / float64(t.machines))
	for _, c := range []struct {
		what, path string
		query      map[string]string
		times      float64
	}{{"how many carry each of 200 smart labels", api.Path("labels"), map[string]string{"numbers": "true"}, 30},
		{"the same for one machine, with all else of it", api.Path("machines", string(one)), nil, 300}} {
		ours, err := median(3, func() error { return q.get(ctx, c.path, c.query) })
		if err != nil {
			return err
		}
		ratio := float64(inSQL) / float64(ours)
		r.add(c.what, seconds(ours), "in SQL: "+seconds(inSQL), fmt.Sprintf("1/%.1f", ratio), fmt.Sprintf("≤ 1/%.0f", c.times), ratio >= c.times)
	}
	return nil
}

// residentOf is a process's memory in KiB.
func residentOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib, nil
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
