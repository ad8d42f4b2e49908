package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
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

// askFleet asks the appliance over HTTP, and gives how long it took: what TLS, HTTP, signing in and JSON add to what compareInside measures.
func askFleet(ctx context.Context, r *report, a *lab.Appliance, f simulate.Figures) (map[string]time.Duration, error) {
	q, err := newQuestions(a)
	if err != nil {
		return nil, err
	}
	defer q.client.Close()
	machines, err := api.Get[api.List[ledger.MachineRow]](ctx, q.client, api.Path("machines"), nil)
	if err != nil {
		return nil, err
	}
	os := values(map[string]string{"os": string(hostOS(f)), "limit": "40"})
	needed, err := api.Get[api.List[ledger.PatchCount]](ctx, q.client, api.Path("counts"), os)
	if err != nil || len(needed.Items) == 0 || len(machines.Items) != f.Machines {
		return nil, fmt.Errorf("%d machines and %d patches that are needed: %w", len(machines.Items), len(needed.Items), err)
	}
	var ids []string
	for _, m := range machines.Items {
		ids = append(ids, string(m.ID))
	}
	slices.Sort(ids)
	var quarter []string
	for i := 0; i < len(ids); i += 4 {
		quarter = append(quarter, ids[i])
	}
	if err := q.putLabels(ctx, quarter); err != nil {
		return nil, err
	}
	http := map[string]time.Duration{}
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{lacking, func() error {
			for i := 0; i < len(needed.Items); i += 2 {
				if err := q.get(ctx, api.Path("patches", string(needed.Items[i].Patch.ID), "machines"), nil); err != nil {
					return err
				}
			}
			return nil
		}},
		{complying, func() error { return q.get(ctx, api.Path("compliance"), map[string]string{"label": "quarter"}) }},
		{counting, func() error {
			return q.get(ctx, api.Path("counts"), map[string]string{"os": string(hostOS(f)), "limit": "100"})
		}},
	} {
		if http[c.what], err = fastest(5, c.do); err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return http, q.askMachines(ctx, r, a.PID(), machines.Items, string(needed.Items[len(needed.Items)/2].Patch.ID))
}

// answering is how long each of some answers took, the shortest first, and how long a core of the appliance worked for one of them: where
// others use this machine, they are in the times, and not in that.
type answering struct {
	times     []time.Duration
	processor time.Duration
}

// askMachines asks for ledgers and explanations of many machines, and for one explanation over all of them.
func (q questions) askMachines(ctx context.Context, r *report, pid int, machines []ledger.MachineRow, p string) error {
	const asked = 200
	next := 0
	each := func(do func(id string) error) (answering, error) {
		before, err := processorTime(pid)
		if err != nil {
			return answering{}, err
		}
		times, err := timesOf(asked, func() error {
			next += 7919
			return do(string(machines[next%len(machines)].ID))
		})
		if err != nil {
			return answering{}, err
		}
		after, err := processorTime(pid)
		return answering{times, (after - before) / asked}, err
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
	for _, x := range []struct {
		what string
		answering
	}{{"a machine's ledger", ledgers}, {"an explanation", explained}} {
		p50, p99 := x.times[asked/2], x.times[asked*99/100]
		r.add(x.what+" over HTTP, p50 and p99", seconds(p50)+", "+seconds(p99), "", seconds(x.processor)+" of a core", "p99 ≤ 20 ms", p99 <= 20*time.Millisecond)
	}
	all, err := fastest(3, func() error {
		return q.get(ctx, api.Path("explain"), map[string]string{"label": patch.LabelAll, "patch": p})
	})
	if err != nil {
		return err
	}
	r.add("an explanation over all machines", seconds(all), "", "", "≤ 1 s", all <= time.Second)
	return q.askWhole(ctx, r)
}

// askWhole asks for what goes through the whole fleet and a person waits for.
func (q questions) askWhole(ctx context.Context, r *report) error {
	for _, x := range []struct {
		what, path string
		query      map[string]string
	}{
		{"how the fleet stands", api.Path("status"), nil},
		{"the first hundred machines with their numbers", api.Path("machines"), map[string]string{"limit": "100"}},
		{"what should be looked at (lint)", api.Path("lint"), nil},
	} {
		took, err := fastest(3, func() error { return q.get(ctx, x.path, x.query) })
		if err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		r.add(x.what, seconds(took), "", "", "≤ 1 s", took <= time.Second)
	}
	return nil
}
