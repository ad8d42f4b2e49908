package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/simulate"
)

const (
	fleetActive  = 2000 // machines that go on detecting, over connections that they keep
	rowsEach     = 1250 // of one machine in the row table
	largestTable = 10_000
	rowTurns     = 9 // in which its rows are replaced
)

// benchFleet loads a real appliance with a simulated fleet over the agents' own protocol, and asks it what people ask. Then the appliance
// stops, and its data and a table with a row for each machine and patch that holds the same are asked in this process.
func benchFleet(ctx context.Context, r *report, o options, archive lab.Archive) error {
	var loaded *simulate.Figures
	a, dir, remove, err := filled(ctx, o.keep, func(a *lab.Appliance) error {
		fmt.Printf("a fleet of %d machines …\n", o.fleet)
		f, err := loadFleet(ctx, a, archive, o)
		loaded = &f
		return err
	})
	if err != nil {
		return err
	}
	defer remove()
	f, err := figuresOf(dir, loaded)
	if err != nil {
		return err
	}
	http, err := askFleet(ctx, r, a, f)
	if err != nil {
		return err
	}
	weights, err := reportRest(ctx, r, a, f)
	if err != nil {
		return err
	}
	in, err := openInside(ctx, a.Data(), hostOS(f))
	if err != nil {
		return err
	}
	defer in.close()
	fmt.Println("a table of rows …")
	rows := filepath.Join(dir, "rows.db")
	defer os.Remove(rows) // a kept appliance has none
	t, err := makeRows(ctx, rows, in, largestTable)
	if err != nil {
		return err
	}
	defer t.close()
	reportWeights(r, f, t, weights)
	if err := compareInside(ctx, r, in, t, f.Machines, http); err != nil {
		return err
	}
	return reportIngest(ctx, r, f, t) // changes the rows
}

// loadFleet gives the appliance a catalog and a fleet, and what that took.
func loadFleet(ctx context.Context, a *lab.Appliance, archive lab.Archive, o options) (f simulate.Figures, err error) {
	args := []string{"simulate", "--machines", fmt.Sprint(o.fleet), "--active", fmt.Sprint(fleetActive), "--connections", fmt.Sprint(fleetActive), "--rounds", "4",
		"--applicable", fmt.Sprint(rowsEach), "--server", "https://" + a.Agents}
	if o.patches > 0 {
		args = append(args, "--patches", fmt.Sprint(o.patches))
	} else if err := a.Subscribe(ctx, archive, release); err != nil {
		return f, err
	}
	out, err := a.CLI(ctx, args...)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		return f, err
	}
	printSteps(f)
	if f.Machines != o.fleet || f.Lost > 0 {
		return f, fmt.Errorf("of %d machines %d are there, and %d gave up: %v", o.fleet, f.Machines, f.Lost, f.Errors)
	}
	return f, nil
}

// reportIngest compares what the appliance takes with what it can answer at best, and with the row table.
func reportIngest(ctx context.Context, r *report, f simulate.Figures, t *rowTable) error {
	changed, empty := f.Step("changed"), f.Step("empty")
	r.add(fmt.Sprintf("changed snapshots a second, mTLS, durable (%d patches)", listed(f)), perSecond(changed.PerSecond), "empty requests: "+perSecond(empty.PerSecond),
		fmt.Sprintf("1/%.1f", empty.PerSecond/changed.PerSecond), "≥ 1/4", changed.PerSecond >= empty.PerSecond/4)
	rates, err := t.replaceRates(ctx, rowTurns, 2*time.Second)
	if err != nil {
		return err
	}
	rows := rates[rowTurns/2]
	fmt.Printf("rows replaced a second: %.1f to %.1f, the median of %d turns %.1f\n", rates[0], rates[rowTurns-1], rowTurns, rows)
	r.add("the same", perSecond(changed.PerSecond), "rows replaced: "+perSecond(rows), fmt.Sprintf("%.0f×", changed.PerSecond/rows), "≥ 200×", changed.PerSecond >= 200*rows)
	whole, same, asJSON := f.Step("whole"), f.Step("unchanged"), float64(f.SnapshotLen)
	r.add("a snapshot on the wire, with TLS and HTTP", kilo(whole.Sent), "as JSON: "+kilo(asJSON), fmt.Sprintf("1/%.0f", asJSON/whole.Sent), "≤ 1/200", whole.Sent <= asJSON/200)
	r.add("one that changed", kilo(changed.Sent), "as JSON: "+kilo(asJSON), fmt.Sprintf("1/%.0f", asJSON/changed.Sent), "≤ 1/2,000", changed.Sent <= asJSON/2000)
	r.add("one that did not", fmt.Sprintf("%.0f B", same.Sent), "", "", "a hash: ≤ 150 B", same.Sent <= 150)
	return nil
}

// reportRest restarts the appliance with its data, stops it, and weighs its tables.
func reportRest(ctx context.Context, r *report, a *lab.Appliance, f simulate.Figures) (map[string]int64, error) {
	if err := reportMemory(r, a, fmt.Sprintf("appliance's memory, %d machines, now and at most", f.Machines)); err != nil {
		return nil, err
	}
	if err := a.Kill(); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := a.Serve(ctx); err != nil {
		return nil, err
	}
	q, err := newQuestions(a)
	if err != nil {
		return nil, err
	}
	defer q.client.Close()
	if err := q.get(ctx, "/api/v1/counts", map[string]string{"os": string(hostOS(f)), "limit": "1"}); err != nil {
		return nil, err
	}
	took := time.Since(begun)
	r.add("start until all counts are answered", seconds(took), "", "", "≤ 10 s", took <= 10*time.Second)
	time.Sleep(settle) // by then it has read all that it keeps
	if err := reportMemory(r, a, "the same after a start"); err != nil {
		return nil, err
	}
	if err := a.Stop(); err != nil {
		return nil, err
	}
	return weighTables(ctx, filepath.Join(a.Data(), "fettle.db"))
}

// reportMemory says what the appliance holds now, and what it held at most.
func reportMemory(r *report, a *lab.Appliance, what string) error {
	now, err := residentOf(a.PID())
	if err != nil {
		return err
	}
	most, err := peakOf(a.PID())
	if err != nil {
		return err
	}
	r.add(what, mib(now)+", "+mib(most), "", "", "≤ 1.5 GiB", most <= 1536<<10)
	return nil
}

// reportWeights compares what a detect says, what many say alike, and what a former host OS left with the rows: the row table holds no
// history either.
func reportWeights(r *report, f simulate.Figures, t *rowTable, parts map[string]int64) {
	machines := float64(f.Machines)
	newest := float64(parts["newest"]+parts["bases"]+parts["words"]+parts["snapshots"]) / machines
	r.add("newest detect of a machine in the database (newest, bases, words, snapshots)", fmt.Sprintf("%.0f B", newest), fmt.Sprintf("rows: %.0f B", t.each), fmt.Sprintf("1/%.0f", t.each/newest), "≤ 1/200", newest <= t.each/200)
	var others []string
	for _, name := range []string{"newest", "bases", "words", "snapshots", "receipts", "former", "moves", "transitions", "machines", "facts", "inventories"} {
		others = append(others, fmt.Sprintf("%s %.0f", name, float64(parts[name])/machines))
	}
	fmt.Println("bytes a machine of the other tables:", strings.Join(others, ", "))
}

func hostOS(f simulate.Figures) (name patch.HostOS) {
	for name = range f.Patches {
		return name
	}
	return name
}

func listed(f simulate.Figures) int { return f.Patches[hostOS(f)] }

func perSecond(n float64) string { return fmt.Sprintf("%.0f/s", n) }

func kilo(bytes float64) string {
	if bytes < 10_000 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.0f kB", bytes/1000)
}
