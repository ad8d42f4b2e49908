package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
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

// putLabels makes 200 smart labels, and one that a quarter of the machines carries by hand.
func (q questions) putLabels(ctx context.Context, quarter []string) error {
	put := func(name string, l api.LabelRequest) error {
		_, err := api.Do[json.RawMessage](ctx, q.client, http.MethodPut, api.Path("labels", name), nil, l)
		return err
	}
	for i, p := range predicates() {
		if err := put(fmt.Sprintf("smart-%03d", i), api.LabelRequest{Expr: p.cel}); err != nil {
			return err
		}
	}
	return put("quarter", api.LabelRequest{Members: quarter})
}

// residentOf is a process's memory in KiB.
func residentOf(pid int) (int64, error) { return statusOf(pid, "VmRSS") }

// peakOf is what residentOf has been at most.
func peakOf(pid int) (int64, error) { return statusOf(pid, "VmHWM") }

func statusOf(pid int, field string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, field+": %d kB", &kib); n == 1 {
			return kib, nil
		}
	}
	return 0, fmt.Errorf("process %d has no %s", pid, field)
}

// processorTime is how long a process has been at work, in all its threads.
func processorTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	var user, system int64
	if len(fields) > 12 {
		user, _ = strconv.ParseInt(fields[11], 10, 64)
		system, _ = strconv.ParseInt(fields[12], 10, 64)
	}
	const tick = 10 * time.Millisecond // proc(5): sysconf(_SC_CLK_TCK) is 100 on Linux
	return time.Duration(user+system) * tick, nil
}
