package story_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// A plan says what will come of every patch on every machine, and of the machine: bytes, time, restart.
func TestAPlanForetells(t *testing.T) {
	s, b := ready(t, perl, openssl, curl)
	b.set("curl=7.88.1-10+deb12u14")
	b.detect()
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Patches: []patch.ID{perl, openssl, curl, oldPerl}})
	s.must(err)
	m := p.Machines[0]
	if len(m.Items) != 2 || m.Items[0].Outcome != patch.WillInstall || m.Expected.Bytes == 0 || m.Expected.Seconds < 20 || m.Expected.Restart {
		t.Errorf("%+v", m)
	}
	left := map[patch.ID]patch.Outcome{}
	for _, l := range m.Left {
		left[l.Patch] = l.Outcome
	}
	if left[curl] != patch.IsPatched || left[oldPerl] != patch.DoesNotApply {
		t.Errorf("%+v", m.Left)
	}
	// What does not fit into the window is foretold, and comes to apply as drift only where it was foretold to fit.
	short := patch.Window{NotBefore: s.now.Add(time.Hour), NotAfter: s.now.Add(time.Hour + 90*time.Second)}
	tight, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: short, Reboot: &patch.RebootPolicy{Mode: patch.RebootForce}})
	s.must(err)
	m = tight.Machines[0]
	if m.Items[0].Outcome != patch.WillInstall || m.Items[1].Outcome != patch.WillNotFit || m.Expected.Restart || !strings.Contains(m.Expected.Why.String(), "the window ends before it could be back") {
		t.Errorf("%+v", m)
	}
	tampered := p
	tampered.Hash = tight.Hash
	if _, err := s.deploy.Apply(t.Context(), s.admin, tampered); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "not the plan that was made") {
		t.Errorf("a plan that was changed: %v", err)
	}
	// It survives a file.
	body, err := json.Marshal(p)
	s.must(err)
	var again patch.Plan
	s.must(json.Unmarshal(body, &again))
	if _, err := s.deploy.Apply(t.Context(), s.admin, again); err != nil {
		t.Error(err)
	}
}

func TestWhichPackagesNeedARestart(t *testing.T) {
	for name, want := range map[string]bool{"linux-image-6.1.0-29-amd64": true, "linux-headers-6.1.0-29-amd64": false, "libc6": true, "libc6-dev": false, "kernel-core": true, "kernel-tools": false, "perl": false} {
		if got := patch.RestartsMachine(patch.PlanPackage{Name: name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
