package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	xpSP2 patch.HostOS = "windows-5.1-sp2-x86"
	xpSP3 patch.HostOS = "windows-5.1-sp3-x86"
)

// A service pack makes another host OS of a machine. What it brought is not "not listed": the old patches close as satisfied by it, and the
// service pack itself, installed though detection says that it does not apply, is told as exactly that.
func TestServicePackIsExplainedFromBothSides(t *testing.T) {
	s := newSite(t)
	hotfix := src{"updates", "KB893066", "1", []string{"tcpip.sys"}}
	pack := src{"updates", "KB936929", "3", []string{"service-pack"}}
	later := src{"updates", "KB958644", "1", []string{"netapi32.dll"}}
	s.publish(xpSP2, hotfix, pack)
	s.publish(xpSP3, later, pack)
	b := s.enrol("till-4", xpSP2, "tcpip.sys=0", "service-pack=2", "netapi32.dll=0")
	b.detect()
	if ex := s.explain(b, hotfix.id()); ex.Row.Verdict != patch.NotPatched {
		t.Fatalf("on SP2: %s", ex.Row.Verdict)
	}
	if a := s.explain(b, later.id()).Answer; a.Closed.Code != gate.CodeOtherOS || !strings.Contains(a.Sentence.String(), string(xpSP3)) {
		t.Errorf("what comes after the service pack, before it: %s", a.Sentence)
	}
	s.later(24 * time.Hour)
	b.facts.OS.Key = xpSP3
	b.set("tcpip.sys=2")
	b.facts.Packages = removed(b.facts.Packages, "service-pack") // its prerequisite, SP2, does not hold any more
	b.history = []patch.PkgChange{{At: s.now, Action: "install", Name: "service-pack", Arch: "amd64", To: "3"}}
	b.detect()
	ex := s.explain(b, hotfix.id())
	if ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), "windows-5.1-sp2-x86 → windows-5.1-sp3-x86") {
		t.Errorf("the old patch, after it: %s", ex.Answer.Sentence)
	}
	if ex := s.explain(b, later.id()); ex.Row.Verdict != patch.NotPatched || ex.Transitions[0].Cause != patch.OSChange {
		t.Errorf("the new patch, after it: %s, %+v", ex.Row.Verdict, ex.Transitions)
	}
	r, err := s.ledger.Reconcile(t.Context(), b.id)
	s.must(err)
	d := itemOf(r, pack.id())
	if d.Kind != ledger.NotForThis || d.Verdict != patch.NotApplicable || !strings.Contains(d.Meaning.String(), "does not apply") || !strings.Contains(d.Do.String(), "satisfied by upgrade") {
		t.Errorf("the service pack itself: %+v", d)
	}
	t.Log(d.Meaning)
	fleet, err := s.ledger.Status(t.Context())
	s.must(err)
	if fleet.Machines != 1 {
		t.Errorf("%+v", fleet)
	}
}

func removed(all []patch.Package, name string) []patch.Package {
	out := all[:0:0]
	for _, p := range all {
		if p.Name != name {
			out = append(out, p)
		}
	}
	return out
}
