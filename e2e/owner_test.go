package e2e

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// The owner of a machine has the last word, in a file there: the appliance shows it as what it is, plans leave the machine out by it, a deployment that was applied before waits for it,
// and nothing but the owner ends it. Detects go on.
func TestTheOwnersVeto(t *testing.T) {
	needRoot(t)
	a := newShop(t, []debtest.Package{ware("shop-core", "1.0-2", "")})
	s := newYard(t, a)
	b := s.stocked(a, "web-1", []debtest.Package{ware("shop-core", "1.0-1", "")}, "mkdir -p /etc/fettle-agent", "")
	id := wareID("shop-core")
	s.approve(id)
	plan, _ := s.planFor("--machine", "web-1")
	policy := func(words, shown string) {
		t.Helper()
		b.sh("echo '%s' >/etc/fettle-agent/policy", words)
		until(t, "the appliance knows "+words, func() bool { return strings.Contains(s.cli("machines", "show", "web-1"), shown) })
	}
	for _, c := range []struct{ words, shown, says string }{
		{"no-deploy", "owner's policy  no-deploy", "the owner of web-1 does not allow deploys (no-deploy)"},
		{"detect-only # until the audit is over", "owner's policy  detect-only", "the owner of web-1 does not allow deploys (detect-only)"},
		{"no-deplyo", "owner's policy  unknown in /etc/fettle-agent/policy line 1", `the policy file of web-1 has a line that is not understood, and its owner meant something: nothing is deployed there (/etc/fettle-agent/policy line 1: "no-deplyo")`},
	} {
		policy(c.words, c.shown)
		_, said := s.planFor("--machine", "web-1")
		says(t, said, "left out on web-1", c.says)
		out := s.cli("explain", "web-1", id)
		says(t, out, "○ machine ready", c.says, "who can act: owner")
	}
	before := b.shown().Machine.Receipt.Seq
	s.cli("machines", "detect", "web-1")
	b.snapshot(before + 1)

	b.sh("rm /etc/fettle-agent/policy")
	until(t, "the appliance knows that it is gone", func() bool { return !strings.Contains(s.cli("machines", "show", "web-1"), "owner's policy") })
	thaw := b.freeze()
	d := s.apply(plan)
	b.sh("echo no-deploy >/etc/fettle-agent/policy")
	thaw()
	const why = "the owner of web-1 does not allow deploys (no-deploy)"
	until(t, "the deployment waits for the owner", func() bool { return strings.Contains(s.cli("deploy", "show", d), "waits: "+why) })
	says(t, s.cli("explain", "--deployment", d), "1 of 1 install has not ended. 1: "+why, "nothing until the owner allows it on the machine")
	if v := b.version("shop-core"); v != "1.0-1" {
		t.Errorf("it was installed against the owner's word: %s", v)
	}
	b.sh("rm /etc/fettle-agent/policy")
	s.ended(d).verified(t)
	says(t, s.cli("explain", "web-1", id), "attempt 1", "3 of 3")
}
