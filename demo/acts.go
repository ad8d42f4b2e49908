package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/version"
)

// choose gives every kind of decision a patch: the first security patch is declined, the second stays undecided, the others are
// approved, and so is one that this machine can never need.
func (s *story) choose(ctx context.Context) error {
	needed, err := s.rows(ctx, "--verdict", "not-patched", "--category", "security")
	if err != nil {
		return err
	}
	if len(needed.Items) < 3 {
		return fmt.Errorf("the archive has only %d security patches for this root; the story needs three", len(needed.Items))
	}
	absent, err := s.rows(ctx, "--verdict", "not-applicable", "--category", "security", "--text", "nginx")
	if err != nil {
		return err
	}
	if len(absent.Items) == 0 {
		if absent, err = s.rows(ctx, "--verdict", "not-applicable", "--category", "security"); err != nil {
			return err
		}
	}
	if len(absent.Items) == 0 {
		return errors.New("every security patch applies to this root; the story needs one that does not")
	}
	s.cast = cast{declined: needed.Items[0], undecided: needed.Items[1], approved: needed.Items[2:], notApplicable: absent.Items[0]}
	return nil
}

func (s *story) decide(ctx context.Context) error {
	s.t.open("People decide")
	if err := s.choose(ctx); err != nil {
		return err
	}
	s.t.say("Approval and eligibility are independent. %d patches that the machine needs are approved, and %s, which it cannot need; %s is declined; "+
		"%s stays undecided. First the preview:", len(s.cast.approved), s.cast.notApplicable.Patch.Source, s.cast.declined.Patch.Source, s.cast.undecided.Patch.Source)
	approve := append([]string{"approve"}, ids(append(slices.Clone(s.cast.approved), s.cast.notApplicable))...)
	approve = append(approve, "--label", label, "--why", "monthly security round")
	if err := s.run(ctx, append(slices.Clone(approve), "--preview")...); err != nil {
		return err
	}
	if err := s.run(ctx, approve...); err != nil {
		return err
	}
	return s.run(ctx, "decline", s.cast.declined.Patch.ID, "--label", label, "--why", "waits for the application's own test")
}

func (s *story) fetchPayloads(ctx context.Context) error {
	s.t.open("The appliance fetches exactly what is approved")
	err := s.t.wait("payloads downloaded and verified", func() error {
		return poll(ctx, func() (bool, error) { return s.payloadsReady(ctx) })
	})
	if err != nil {
		return err
	}
	return s.run(ctx, "payloads")
}

func (s *story) payloadsReady(ctx context.Context) (bool, error) {
	var list struct {
		Items []struct {
			Patch string `json:"patch"`
			State string `json:"state"`
			Error string `json:"error"`
		} `json:"items"`
	}
	if err := s.appliance.JSON(ctx, &list, "payloads", "--json"); err != nil {
		return false, err
	}
	approved := ids(s.cast.approved)
	ready := map[string]bool{}
	for _, p := range list.Items {
		if !slices.Contains(approved, p.Patch) {
			return false, fmt.Errorf("the appliance fetched a file of %s, which nobody approved for a machine that needs it", p.Patch)
		}
		if p.State == "failed" {
			return false, fmt.Errorf("a payload of %s: %s", p.Patch, p.Error)
		}
		before, seen := ready[p.Patch]
		ready[p.Patch] = p.State == "ready" && (before || !seen)
	}
	for _, id := range approved {
		if !ready[id] {
			return false, nil
		}
	}
	return true, nil
}

func (s *story) deploy(ctx context.Context) error {
	s.t.open("Plan, then deploy")
	plan := filepath.Join(s.dir, "plan.json")
	if err := s.run(ctx, "deploy", "plan", "--label", label, "--out", plan); err != nil {
		return err
	}
	if err := s.planIsExact(plan); err != nil {
		return err
	}
	var d struct {
		ID string `json:"id"`
	}
	if err := s.appliance.JSON(ctx, &d, "deploy", "apply", plan, "--json"); err != nil {
		return err
	}
	s.t.say("Applied: deployment %s. The agent gets a signed order for exactly these files, verifies Debian's own signatures with the machine's "+
		"keyring, simulates, installs one patch after the other, and detects again.", d.ID)
	if err := s.stream(ctx, "deploy", "watch", d.ID); err != nil {
		return err
	}
	return nil
}

// planIsExact checks the plan against the story's own choice: approved and eligible, nothing else.
func (s *story) planIsExact(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var plan struct {
		Machines []struct {
			Items []struct {
				Patch string `json:"patch"`
			} `json:"items"`
		} `json:"machines"`
	}
	if err := json.Unmarshal(b, &plan); err != nil {
		return fmt.Errorf("cannot read the plan: %w", err)
	}
	var planned []string
	for _, m := range plan.Machines {
		for _, i := range m.Items {
			planned = append(planned, i.Patch)
		}
	}
	slices.Sort(planned)
	if want := ids(s.cast.approved); !slices.Equal(planned, want) {
		return fmt.Errorf("the plan installs %v, and approved and eligible are %v", planned, want)
	}
	return nil
}

func (s *story) seeLedger(ctx context.Context) error {
	s.t.open("The proof")
	var left rows
	err := s.t.wait("the detect that closes the deployment", func() error {
		return poll(ctx, func() (bool, error) {
			done, err := s.rows(ctx, "--policy", "approved")
			if err != nil {
				return false, err
			}
			verified := 0
			for _, r := range done.Items {
				if r.Effect == "verified" || r.Effect == "needs-reboot" {
					verified++
				}
			}
			left = done
			return verified == len(s.cast.approved), nil
		})
	})
	if err != nil {
		return errors.Join(err, s.run(ctx, "machines", "rows", hostname, "--policy", "approved"))
	}
	after, err := s.packages(ctx)
	if err != nil {
		return err
	}
	changed, err := s.changes(after)
	if err != nil {
		return err
	}
	s.t.say("The machine's own dpkg says that %d packages were upgraded and none was added, removed or downgraded:", len(changed))
	s.t.show("", strings.Join(changed, "\n"))
	s.t.say("The ledger has %d approved rows, and the one that was declined:", left.Total)
	if err := s.run(ctx, "machines", "rows", hostname, "--policy", "approved,declined"); err != nil {
		return err
	}
	return s.run(ctx, "status", hostname)
}

// changes compares dpkg's answers before and after: upgrades of the approved sources only.
func (s *story) changes(after map[string]string) ([]string, error) {
	var out []string
	for name, now := range after {
		was, known := s.before[name]
		switch {
		case !known:
			return nil, fmt.Errorf("%s %s was installed and nobody approved it", name, now)
		case version.DpkgCompare(was, now) > 0:
			return nil, fmt.Errorf("%s was downgraded from %s to %s", name, was, now)
		case was != now:
			out = append(out, fmt.Sprintf("%-22s %s → %s", name, was, now))
		}
	}
	for name := range s.before {
		if after[name] == "" {
			return nil, fmt.Errorf("%s was removed", name)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("nothing changed on the machine")
	}
	slices.Sort(out)
	return out, nil
}

func (s *story) explain(ctx context.Context) error {
	s.t.open("Why?")
	for _, part := range []struct {
		say   string
		patch row
	}{
		{"Approved, eligible, deployed, verified:", s.cast.approved[0]},
		{"Approved, and still not on the machine, because a prerequisite does not hold:", s.cast.notApplicable},
		{"Needed, and nobody has decided:", s.cast.undecided},
	} {
		s.t.say("%s", part.say)
		if err := s.run(ctx, "explain", hostname, part.patch.Patch.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) farewell(context.Context) error {
	s.t.open("Your turn")
	s.t.say("The console:  https://%s", s.appliance.Console)
	s.t.say("Sign in as    %s", s.appliance.Admin)
	s.t.say("Password      %s", s.appliance.Password)
	s.t.say("Its CA is its own; the browser will ask. The fingerprint is %s.", s.appliance.CA)
	return nil
}
