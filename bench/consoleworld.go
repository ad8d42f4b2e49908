package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	approvedPatches = 70
	deployedPatches = 3 // to a quarter of the machines
)

// decideMuch gives the fleet what people give theirs: labels, rings, a rule, a blackout, approvals, and a deployment under way.
func decideMuch(ctx context.Context, a *lab.Appliance) error {
	q, err := newQuestions(a)
	if err != nil {
		return err
	}
	defer q.client.Close()
	fmt.Println("labels, rings, a rule, a blackout, approvals and a deployment …")
	if err := q.putTwoLabels(ctx); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"rings", "put", "canary", "--label", "quarter", "--position", "1"},
		{"rings", "put", "broad", "--label", "all", "--position", "2"},
		{"rules", "put", "perl", "--source", "perl", "--label", "quarter"},
		{"blackout", "add", "year-end", "--from", "2099-12-20", "--until", "2100-01-02", "--reason", "closing the books"},
	} {
		if _, err := a.CLI(ctx, args...); err != nil {
			return err
		}
	}
	ids, err := q.approveNeeded(ctx)
	if err != nil {
		return err
	}
	return deployOnce(ctx, a, ids[:min(len(ids), deployedPatches)])
}

// publishBefore publishes a list that lacks a suite, so that the next one differs from it by thousands of patches.
func publishBefore(ctx context.Context, a *lab.Appliance, archive lab.Archive) error {
	suites, err := archive.Suites(release)
	if err != nil {
		return err
	}
	for _, s := range suites {
		if s.Suite == release+"-security" {
			continue
		}
		if err := a.AddFeed(ctx, archive, s); err != nil {
			return err
		}
	}
	_, err = a.CLI(ctx, "catalog", "sync")
	return err
}

// putTwoLabels makes a label by hand that a quarter of the machines carries, and one by a condition.
func (q questions) putTwoLabels(ctx context.Context) error {
	machines, err := api.Get[api.List[ledger.MachineRow]](ctx, q.client, api.Path("machines"), nil)
	if err != nil {
		return err
	}
	var quarter []string
	for i := 0; i < len(machines.Items); i += 4 {
		quarter = append(quarter, string(machines.Items[i].ID))
	}
	for name, l := range map[string]api.LabelRequest{"quarter": {Members: quarter}, "large": {Expr: "inventory.cores >= 8"}} {
		if _, err := api.Do[json.RawMessage](ctx, q.client, http.MethodPut, api.Path("labels", name), nil, l); err != nil {
			return err
		}
	}
	return nil
}

// approveNeeded approves the patches that most machines lack: half of them for all, half for a quarter. It gives the former.
func (q questions) approveNeeded(ctx context.Context) ([]patch.ID, error) {
	oses, err := api.Get[ledger.Fleet](ctx, q.client, api.Path("status"), nil)
	if err != nil || len(oses.OSes) == 0 {
		return nil, fmt.Errorf("the appliance knows no host OS: %w", err)
	}
	counts, err := api.Get[api.List[ledger.PatchCount]](ctx, q.client, api.Path("counts"), values(map[string]string{"os": string(oses.OSes[0].OS), "limit": fmt.Sprint(approvedPatches)}))
	if err != nil {
		return nil, err
	}
	var ids []patch.ID
	for _, n := range counts.Items {
		ids = append(ids, n.Patch.ID)
	}
	half := len(ids) / 2
	for label, some := range map[string][]patch.ID{patch.LabelAll: ids[:half], "quarter": ids[half:]} {
		if _, err := api.Do[json.RawMessage](ctx, q.client, http.MethodPost, api.Path("decisions"), nil, approval.Request{Patches: some, Label: label, Verb: patch.Approve, Why: "measured"}); err != nil {
			return nil, err
		}
	}
	return ids[:half], nil
}

// deployOnce deploys to a quarter of the machines once the appliance has files of what is approved.
func deployOnce(ctx context.Context, a *lab.Appliance, ids []patch.ID) error {
	args := []string{"deploy", "apply", "--label", "quarter", "--json"}
	for _, id := range ids {
		args = append(args, "--patch", string(id))
	}
	var err error
	for range 36 { // without files there is nothing to deploy
		if _, err = a.CLI(ctx, args...); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
	return err
}

// newestDeployment is the one that decideMuch has begun.
func newestDeployment(ctx context.Context, q questions) (string, error) {
	all, err := api.Get[api.List[deploy.Progress]](ctx, q.client, api.Path("deployments"), nil)
	if err != nil || len(all.Items) == 0 {
		return "", fmt.Errorf("the appliance has no deployment: %w", err)
	}
	newest := slices.MaxFunc(all.Items, func(a, b deploy.Progress) int { return a.Deployment.At.Compare(b.Deployment.At) })
	return newest.Deployment.ID, nil
}
