package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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

// processorTime is how long a process has been at work, in all its threads, to the nanosecond.
func processorTime(pid int) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, file := range threads {
		b, gone := os.ReadFile(file)
		if gone != nil {
			continue // with its thread
		}
		var used time.Duration
		if _, err := fmt.Sscan(string(b), &used); err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, err
}
