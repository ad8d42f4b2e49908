package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/patch"
)

// duel is one question asked of both in this process: of the function that the API's handler calls, and of SQL that gives the same answer.
type duel struct {
	what         string
	ours, theirs func() (any, error)
	times        float64 // that the row table shall take as long
}

// fight lets both answer in turns, holds that they agree where the table has the whole fleet, and compares what one answer took.
func (d duel) fight(r *report, t *rowTable, machines int, overHTTP time.Duration) error {
	a, err := d.ours()
	if err != nil {
		return fmt.Errorf("%s: %w", d.what, err)
	}
	b, err := d.theirs()
	if err != nil {
		return fmt.Errorf("%s in SQL: %w", d.what, err)
	}
	if t.machines == machines {
		if err := alike(d.what, a, b); err != nil {
			return err
		}
	}
	ours, theirs, err := inTurns(func() error { _, err := d.ours(); return err }, func() error { _, err := d.theirs(); return err })
	if err != nil {
		return fmt.Errorf("%s: %w", d.what, err)
	}
	theirs = t.scaled(theirs, machines)
	said := short(ours)
	if overHTTP > 0 {
		said += "; " + short(overHTTP) + " over HTTP"
	}
	ratio := float64(theirs) / float64(ours)
	r.add(d.what, said, "rows: "+short(theirs), fmt.Sprintf("1/%.0f", ratio), fmt.Sprintf("≤ 1/%.0f", d.times), ratio >= d.times)
	return nil
}

// short is seconds with three digits for what takes microseconds.
func short(d time.Duration) string {
	if d < 100*time.Microsecond {
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	}
	return seconds(d)
}

// compareInside asks both sides what the API was asked; http has how long that took.
func compareInside(ctx context.Context, r *report, in *inside, t *rowTable, machines int, http map[string]time.Duration) error {
	counts, _, err := in.index.Tally(ctx, in.os, in.revision)
	if err != nil {
		return err
	}
	for _, d := range []duel{missing(ctx, in, t, mostNeeded(counts)), compliance(ctx, in, t), allCounts(ctx, in, t)} {
		if err := d.fight(r, t, machines, http[d.what]); err != nil {
			return err
		}
	}
	return compareLabels(ctx, r, in, t, machines)
}

// mostNeeded are twenty patches among those that most machines lack.
func mostNeeded(counts []patch.Counts) []int {
	columns := make([]int, len(counts))
	for i := range columns {
		columns[i] = i
	}
	slices.SortFunc(columns, func(a, b int) int { return counts[b][patch.NotPatched] - counts[a][patch.NotPatched] })
	var out []int
	for i := 0; i < 40; i += 2 {
		out = append(out, columns[i])
	}
	return out
}

const lacking, complying, counting = "who lacks each of 20 patches, by name", "compliance of a label", "counts of all patches"

func missing(ctx context.Context, in *inside, t *rowTable, columns []int) duel {
	var ids []patch.ID
	for _, c := range columns {
		ids = append(ids, in.patches[c].ID)
	}
	return duel{what: lacking, times: 100, ours: func() (any, error) { return in.named(ctx, ids) }, theirs: func() (any, error) {
		name := func(r *sql.Rows) (*fleet.Name, error) {
			n := new(fleet.Name)
			return n, r.Scan(&n.ID, &n.Name)
		}
		var out [][]*fleet.Name
		for _, c := range columns {
			names, err := read(ctx, t, name, `SELECT m.key, m.name FROM rows r JOIN machines m ON m.id = r.machine WHERE r.verdict = 1 AND r.patch = ? ORDER BY m.name, m.key`, c)
			if err != nil {
				return nil, err
			}
			out = append(out, names)
		}
		return out, nil
	}}
}

// standing is what is compared of a label's compliance.
type standing struct{ Machines, Lacking int64 }

// whatLacks is told in two ways: machine by machine of the label, and missing patch by missing patch. The quicker one counts.
const (
	byCarrier = `FROM carriers c CROSS JOIN rows r ON r.machine = c.machine AND r.verdict = 1 JOIN patches p ON p.id = r.patch AND p.security WHERE c.label = 'quarter'`
	byPatch   = `FROM patches p CROSS JOIN rows r ON r.verdict = 1 AND r.patch = p.id JOIN carriers c ON c.label = 'quarter' AND c.machine = r.machine WHERE p.security`
)

// compliance is the appliance's whole answer against most of it in SQL: machines, those that lack a security patch, and by severity patches,
// machines, pairs and the oldest. The median age is spared there, and so are patches that a newer missing one replaces.
func compliance(ctx context.Context, in *inside, t *rowTable) duel {
	d := duel{what: complying, times: 25, ours: func() (any, error) {
		all, err := in.ledger.Compliance(ctx, []string{"quarter"}, patch.DefaultAllowance())
		if err != nil {
			return nil, err
		}
		return standing{int64(all[0].Machines), int64(all[0].Needing)}, nil
	}}
	d.theirs = func() (any, error) {
		begun := time.Now()
		first, err := t.compliance(ctx, byCarrier)
		if err != nil {
			return nil, err
		}
		took := time.Since(begun)
		d.theirs = func() (any, error) { return t.compliance(ctx, byPatch) }
		begun = time.Now()
		if _, err := d.theirs(); err == nil && time.Since(begun) > took {
			d.theirs = func() (any, error) { return t.compliance(ctx, byCarrier) }
		}
		return first, err
	}
	_, _ = d.theirs() // chooses
	return d
}

func (t *rowTable) compliance(ctx context.Context, from string) (s standing, err error) {
	members, err := read(ctx, t, number, `SELECT COUNT(*) FROM carriers WHERE label = 'quarter'`)
	if err != nil {
		return s, err
	}
	s.Machines = members[0]
	_, err = read(ctx, t, func(r *sql.Rows) (x [4]int64, err error) {
		var severity string
		if err = r.Scan(&severity, &x[0], &x[1], &x[2], &x[3]); severity == "any" {
			s.Lacking = x[1]
		}
		return x, err
	}, `WITH missing AS MATERIALIZED (SELECT r.machine, r.patch, p.severity, p.released `+from+`)
		SELECT severity, COUNT(DISTINCT patch), COUNT(DISTINCT machine), COUNT(*), MIN(released) FROM missing GROUP BY severity
		UNION ALL SELECT 'any', 0, COUNT(DISTINCT machine), 0, 0 FROM missing`)
	return s, err
}

func number(r *sql.Rows) (n int64, err error) { return n, r.Scan(&n) }

func allCounts(ctx context.Context, in *inside, t *rowTable) duel {
	return duel{what: counting, times: 500, ours: func() (any, error) {
		counts, _, err := in.index.Tally(ctx, in.os, in.revision)
		return counts, err
	}, theirs: func() (any, error) {
		counts := make([]patch.Counts, t.patches)
		_, err := read(ctx, t, func(r *sql.Rows) (x struct{}, err error) {
			var verdict, column, n int
			err = r.Scan(&verdict, &column, &n)
			counts[column][verdict] = n
			return x, err
		}, `SELECT verdict, patch, COUNT(*) FROM rows GROUP BY verdict, patch`)
		for i, c := range counts {
			counts[i][patch.NotApplicable] = t.machines - c.Total()
		}
		return counts, err
	}}
}

// labelling is one way of having 200 smart labels evaluated after some machines have told something new.
type labelling struct {
	what  string
	some  int
	do    func() error
	times float64
}

// compareLabels has 200 smart labels evaluated: for one machine that has just told something new, and over the whole fleet, after one in a hundred
// has and after all have. Each turn of ours is followed by one of SQL's.
func compareLabels(ctx context.Context, r *report, in *inside, t *rowTable, machines int) error {
	seats, err := in.seats(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	if _, err := in.labels.Sizes(ctx); err != nil { // reads all inventories
		return err
	}
	fmt.Printf("all inventories read, and 200 labels evaluated for the first time: %s\n", seconds(time.Since(begun)))
	var lists []label.Membership
	list := func() (err error) { lists, err = in.labels.List(ctx); return err }
	var theirs [][]string
	inSQL := func() (err error) { theirs, err = t.labels(ctx); return err }
	round := 0
	for _, c := range []labelling{
		{"200 smart labels at a check-in", 1, func() error { _, err := in.labels.LabelsOf(ctx, seats[0].Machine.ID); return err }, 300},
		{"who carries each, 1 machine in 100 being new", machines / 100, list, 30},
		{"who carries each, every machine being new", machines, list, 30},
	} {
		var ours, rows []time.Duration
		for range fewTurns {
			round++
			if err := in.telling(ctx, seats[:c.some], round); err != nil {
				return err
			}
			if _, err := in.index.Look(ctx); err != nil { // taking the check-ins over is not evaluating labels
				return err
			}
			if ours, err = andOne(ours, c.do); err != nil {
				return err
			}
			if rows, err = andOne(rows, inSQL); err != nil {
				return err
			}
		}
		one, took := median(ours), t.scaled(median(rows), machines)
		ratio := float64(took) / float64(one)
		r.add(c.what, short(one), "in SQL: "+short(took), fmt.Sprintf("1/%.0f", ratio), fmt.Sprintf("≤ 1/%.0f", c.times), ratio >= c.times)
	}
	if t.machines != machines {
		return nil
	}
	return alike("who carries smart labels", keysOf(lists), theirs)
}

// keysOf are those who carry each smart label.
func keysOf(lists []label.Membership) (out [][]string) {
	for _, m := range lists {
		if m.Label.Expr != "" {
			keys := []string{}
			for _, id := range m.Members {
				keys = append(keys, string(id))
			}
			out = append(out, keys)
		}
	}
	return out
}

// labels gives the keys of the machines of which each predicate is true.
func (t *rowTable) labels(ctx context.Context) (out [][]string, err error) {
	for _, p := range predicates() {
		keys, err := read(ctx, t, text, "SELECT key FROM machines WHERE "+p.sql+" ORDER BY id")
		if err != nil {
			return nil, err
		}
		out = append(out, keys)
	}
	return out, nil
}
