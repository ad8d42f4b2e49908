package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/version"
)

const (
	predictedOS       = patch.HostOS("debian-12-amd64")
	predictedMachines = 100_000
	predictedPackages = 400 // of each machine
)

// benchPrediction asks which of 100,000 machines need a patch that was published a minute ago. Each has its own choice of this machine's
// packages, most of them at their newest version, some up to three versions behind.
func benchPrediction(ctx context.Context, r *report) error {
	fmt.Printf("one new patch over the facts of %d machines …\n", predictedMachines)
	here, err := installed(ctx)
	if err != nil {
		return err
	}
	pool := slices.SortedFunc(maps.Values(here), func(a, b candidate) int { return strings.Compare(a.name, b.name) })
	x := fleetOf(pool)
	defs := sourcePatches(pool)
	s, err := detect.Assemble(predictedOS, version.Dpkg, defs)
	if err != nil {
		return err
	}
	for n, d := range defs {
		var times []time.Duration
		var missing int
		for range 5 {
			begun := time.Now()
			a, err := x.Predict(prediction.Question{OS: predictedOS, Signatures: s, Number: n, Covers: func(patch.RevisionID) bool { return false }})
			if err != nil {
				return err
			}
			times = append(times, time.Since(begun))
			if missing = int(a.Counts[patch.NotPatched]); len(a.Rows) != predictedMachines || missing == 0 || missing == predictedMachines {
				return fmt.Errorf("the prediction over %d machines says %v", len(a.Rows), a.Counts)
			}
		}
		slices.Sort(times)
		r.add("who needs the new "+string(d.ID), seconds(times[2]), fmt.Sprintf("%d machines", predictedMachines), fmt.Sprintf("%d need it", missing),
			"≤ 1 s", times[2] <= time.Second)
	}
	return nil
}

// sourcePatches gives the newest version of two source packages as patches: of one package, and of the most that a source has here.
func sourcePatches(pool []candidate) []detect.Definition {
	sources := map[string][]detect.PackageRule{}
	for _, p := range pool {
		sources[p.source] = append(sources[p.source], detect.PackageRule{Name: p.name, Arch: "amd64", Version: p.version})
	}
	var one, many string
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if n := len(sources[name]); n == 1 && one == "" {
			one = name
		} else if n > len(sources[many]) {
			many = name
		}
	}
	word := func(name string) patch.ID { return patch.ID(fmt.Sprintf("%s (%d packages)", name, len(sources[name]))) }
	return []detect.Definition{{ID: word(one), Packages: sources[one]}, {ID: word(many), Packages: sources[many]}}
}

// fleetOf gives every machine its packages; those of one source are at one version, as upgrades leave them.
func fleetOf(pool []candidate) *prediction.Index {
	r := rand.New(rand.NewPCG(3, predictedMachines))
	versions := make([][4]string, len(pool))
	for i, p := range pool {
		v := p.version
		for k := range versions[i] {
			versions[i][k] = v
			v = earlier(v)
		}
	}
	x := &prediction.Index{}
	for m := range predictedMachines {
		f := &patch.Facts{OS: patch.OSFacts{Key: predictedOS, Arch: "amd64", Manager: "dpkg"}}
		behind := map[string]int{}
		skipped := max(0, len(pool)-predictedPackages)
		for i, p := range pool {
			if r.IntN(len(pool)) < skipped {
				continue
			}
			lag, known := behind[p.source]
			if !known {
				lag = max(0, r.IntN(16)-12)
				behind[p.source] = lag
			}
			v := versions[i][lag]
			f.Packages = append(f.Packages, patch.Package{Name: p.name, Arch: "amd64", Version: v, Source: p.source, SourceVersion: v, State: patch.Installed})
		}
		id := strconv.Itoa(m)
		x.Put(prediction.Seat{Machine: patch.MachineID(id), Name: "web-" + id, Revision: "before"}, patch.Hash(id), f)
	}
	return x
}
