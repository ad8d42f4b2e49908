package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/simulate"
)

// filled gives the appliance that an earlier run kept in a folder, or a new one after fill; without a folder remove takes it away again.
func filled(ctx context.Context, keep string, fill func(*lab.Appliance) error) (_ *lab.Appliance, dir string, remove func(), err error) {
	if dir = keep; dir == "" {
		if dir, err = os.MkdirTemp("/var/tmp", "fettle-bench-"); err != nil {
			return nil, "", nil, err
		}
	}
	at := filepath.Join(dir, "appliance")
	if _, err := os.Stat(filepath.Join(at, "kept.json")); err == nil {
		a, err := lab.OpenAppliance(ctx, "bin/fettle", at)
		if err != nil {
			return nil, "", nil, err
		}
		return a, dir, func() { _ = a.Stop() }, nil
	}
	a, err := newFilled(ctx, dir, at, fill)
	remove = func() {
		if a != nil {
			_ = a.Stop()
		}
		if keep == "" {
			_ = os.RemoveAll(dir)
		}
	}
	if err != nil {
		remove()
	}
	return a, dir, remove, err
}

func newFilled(ctx context.Context, dir, at string, fill func(*lab.Appliance) error) (*lab.Appliance, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the appliance is another user's
		return nil, err
	}
	a, err := lab.NewAppliance(ctx, "bin/fettle", at)
	if err != nil {
		return nil, err
	}
	if err := fill(a); err != nil {
		return a, err
	}
	return a, a.Keep()
}

// figuresOf gives what loading a fleet took: the kept run's, or its own, which it keeps.
func figuresOf(dir string, loaded *simulate.Figures) (f simulate.Figures, err error) {
	path := filepath.Join(dir, "figures.json")
	if loaded == nil {
		b, err := os.ReadFile(path)
		if err != nil {
			return f, err
		}
		err = json.Unmarshal(b, &f)
		return f, err
	}
	b, err := json.Marshal(loaded)
	if err != nil {
		return f, err
	}
	return *loaded, os.WriteFile(path, b, 0o600)
}

// printSteps says how fast a fleet was loaded.
func printSteps(f simulate.Figures) {
	for _, s := range f.Steps {
		fmt.Printf("%-9s %6d in %6.1f s, %5.0f/s, p50 %.1f ms, p99 %.1f ms\n", s.Name, s.Done, s.Seconds, s.PerSecond, s.P50, s.P99)
	}
}
