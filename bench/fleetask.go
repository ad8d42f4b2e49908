package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/simulate"
)

// questions are what people ask an appliance over its API.
type questions struct{ client *api.Client }

// newQuestions signs in with what `fettle login` has kept.
func newQuestions(a *lab.Appliance) (questions, error) {
	b, err := os.ReadFile(filepath.Join(a.Dir, "home", "fettle", "login.json"))
	if err != nil {
		return questions{}, err
	}
	var login struct{ Server, CA, Token string }
	if err := json.Unmarshal(b, &login); err != nil {
		return questions{}, err
	}
	block, _ := pem.Decode([]byte(login.CA))
	if block == nil {
		return questions{}, errors.New("the kept login holds no CA")
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return questions{}, err
	}
	client, err := api.NewClient(login.Server, login.Token, ca)
	return questions{client}, err
}

func values(q map[string]string) url.Values {
	v := url.Values{}
	for name, value := range q {
		v.Set(name, value)
	}
	return v
}

func (q questions) get(ctx context.Context, path string, query map[string]string) error {
	_, err := api.Get[json.RawMessage](ctx, q.client, path, values(query))
	return err
}

func median(n int, do func() error) (time.Duration, error) {
	times, err := timesOf(n, do)
	if err != nil {
		return 0, err
	}
	return times[n/2], nil
}

// timesOf gives how long each of n calls took, the shortest first.
func timesOf(n int, do func() error) ([]time.Duration, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		begun := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times, nil
}

// askFleet compares the appliance's answers over HTTP with queries on the row table, which runs in this very process.
func askFleet(ctx context.Context, r *report, a *lab.Appliance, f simulate.Figures, t *rowTable) error {
	q, err := newQuestions(a)
	if err != nil {
		return err
	}
	defer q.client.Close()
	machines, err := api.Get[api.List[ledger.MachineRow]](ctx, q.client, api.Path("machines"), nil)
	if err != nil {
		return err
	}
	needed, err := api.Get[api.List[ledger.PatchCount]](ctx, q.client, api.Path("counts"), values(map[string]string{"os": string(hostOS(f)), "limit": "40"}))
	if err != nil || len(needed.Items) == 0 || len(machines.Items) != f.Machines {
		return fmt.Errorf("%d machines and %d patches that are needed: %w", len(machines.Items), len(needed.Items), err)
	}
	p := string(needed.Items[len(needed.Items)/2].Patch.ID)
	var quarter []string
	for i := 0; i < len(machines.Items); i += 4 {
		quarter = append(quarter, string(machines.Items[i].ID))
	}
	if _, err := api.Do[json.RawMessage](ctx, q.client, http.MethodPut, api.Path("labels", "quarter"), nil, api.LabelRequest{Members: quarter}); err != nil {
		return err
	}
	for _, c := range []struct {
		what, path string
		query      map[string]string
		sql        string
		times      float64
	}{
		{"machines that lack a patch", api.Path("patches", p, "rows"), map[string]string{"verdict": "not-patched", "limit": "50"}, `SELECT m.name FROM rows r JOIN machines m ON m.id = r.machine WHERE r.patch = 7500 AND r.verdict = 1 ORDER BY m.name`, 100},
		{"compliance of a label", api.Path("compliance"), map[string]string{"label": "quarter"},
			`SELECT COUNT(*), SUM(missing = 0) FROM (SELECT m.id, SUM(r.verdict = 1) AS missing FROM machines m JOIN rows r ON r.machine = m.id WHERE m.quarter = 0 GROUP BY m.id)`, 25},
		{"counts of all patches", api.Path("counts"), map[string]string{"os": string(hostOS(f)), "limit": "100"}, `SELECT patch, verdict, COUNT(*) FROM rows GROUP BY patch, verdict`, 500},
	} {
		if err := q.compare(ctx, r, t, f, c.what, c.path, c.query, c.sql, c.times); err != nil {
			return err
		}
	}
	if err := q.askMachines(ctx, r, machines.Items, p); err != nil {
		return err
	}
	return q.askLabels(ctx, r, t, f, machines.Items[0].ID)
}

// compare times an answer against a query. A row table of fewer machines than the fleet takes as much less.
func (q questions) compare(ctx context.Context, r *report, t *rowTable, f simulate.Figures, what, path string, query map[string]string, statement string, times float64) error {
	ours, err := median(5, func() error { return q.get(ctx, path, query) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	theirs, err := t.time(ctx, statement)
	if err != nil {
		return err
	}
	theirs = time.Duration(float64(theirs) * float64(f.Machines) / float64(t.machines))
	ratio := float64(theirs) / float64(ours)
	r.add(what, seconds(ours), "rows: "+seconds(theirs), fmt.Sprintf("1/%.1f", ratio), fmt.Sprintf("≤ 1/%.0f", times), ratio >= times)
	return nil
}

// askMachines asks for ledgers and explanations of many machines, and for one explanation over all of them.
func (q questions) askMachines(ctx context.Context, r *report, machines []ledger.MachineRow, p string) error {
	const asked = 200
	next := 0
	each := func(do func(id string) error) ([]time.Duration, error) {
		return timesOf(asked, func() error {
			next += 7919
			return do(string(machines[next%len(machines)].ID))
		})
	}
	ledgers, err := each(func(id string) error {
		return q.get(ctx, api.Path("machines", id, "rows"), map[string]string{"limit": "100"})
	})
	if err != nil {
		return err
	}
	explained, err := each(func(id string) error {
		return q.get(ctx, api.Path("explain"), map[string]string{"machine": id, "patch": p})
	})
	if err != nil {
		return err
	}
	for what, times := range map[string][]time.Duration{"a machine's ledger": ledgers, "an explanation": explained} {
		p50, p99 := times[asked/2], times[asked*99/100]
		r.add(what+", p50 and p99", seconds(p50)+", "+seconds(p99), "", "", "p99 ≤ 20 ms", p99 <= 20*time.Millisecond)
	}
	all, err := median(3, func() error {
		return q.get(ctx, api.Path("explain"), map[string]string{"label": patch.LabelAll, "patch": p})
	})
	r.add("an explanation over all machines", seconds(all), "", "", "≤ 1 s", all <= time.Second)
	return err
}
