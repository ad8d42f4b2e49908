package story_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/world"
)

func (c *shelf) Asking(_ context.Context, os patch.HostOS, id patch.ID) (out []patch.Asking, err error) {
	r := c.newest[os]
	for _, p := range r.patches[r.index[id]].Payloads {
		a := c.asks[p.Name+" "+p.Version]
		a.Payload = p
		out = append(out, a)
	}
	return out, nil
}

func (c *shelf) Offers(_ context.Context, os patch.HostOS, name string) (out []patch.Offer, err error) {
	for _, p := range c.newest[os].patches {
		for _, q := range p.Payloads {
			if q.Name == name {
				out = append(out, patch.Offer{Patch: p.ID, Name: q.Name, Version: q.Version})
			}
			for provided, v := range debian.Provided(c.asks[q.Name+" "+q.Version].Provides) {
				if provided == name {
					out = append(out, patch.Offer{Patch: p.ID, Name: q.Name, Version: v, Virtual: true})
				}
			}
		}
	}
	return out, nil
}

// asking says what the new versions of a story ask of others.
func (s *site) asking(name string, a patch.Asking) {
	if s.cat.asks == nil {
		s.cat.asks = map[string]patch.Asking{}
	}
	s.cat.asks[name] = a
}

const (
	curlNew = "curl 7.88.1-10+deb12u14"
	sslNew  = "libssl3 3.0.17-1~deb12u3"
)

// foretellable is a machine whose facts tell what its packages provide, and curl's patch approved, which needs a newer libssl3.
func foretellable(t *testing.T) (*site, *box) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.asking(curlNew, patch.Asking{Depends: []string{"libssl3 (>= 3.0.17)", "perl-base"}})
	b := web(s)
	b.facts.OS.Provides = true
	s.decide(patch.Approve, "all", curl)
	s.fetch(bookworm, perl, oldPerl, openssl, curl)
	b.detect()
	return s, b
}

// A dependency on a patch that nobody has decided about is foretold before any attempt: by the plan, with the patch and what to do, and by the
// gate that stands for it; once that one is approved too, both are planned.
func TestADependencyIsForetold(t *testing.T) {
	s, b := foretellable(t)
	const text = "curl 7.88.1-10+deb12u14 needs libssl3 (>= 3.0.17), which is patch bookworm-security/openssl/3.0.17-1~deb12u3, undecided"
	m := s.plan().Machines[0]
	if len(m.Items) != 0 || len(m.Left) != 1 {
		t.Fatalf("%+v", m)
	}
	want := patch.LeftOut{Patch: curl, Gate: "attempts/dependency", Text: text, Outcome: patch.NeedsDecision, Foretold: true, Needs: openssl,
		Next: phrase.Phrase("approve it for this label: fettle approve " + openssl + " --label all")}
	got := m.Left[0]
	got.Text, got.Next = phrase.Phrase(got.Text.String()), phrase.Phrase(got.Next.String())
	if got != want {
		t.Errorf("%+v", got)
	}
	g := *s.explain(b, curl).Answer.Closed
	if g.Name != gate.Attempts || g.Code != gate.CodeDependency || !g.Foretold || g.Actor != gate.Person || g.Text.String() != text ||
		!strings.HasPrefix(g.Evidence.String(), "foretold from the vendor's index bookworm main of ") || !strings.Contains(g.Evidence.String(), " and the machine's packages of ") || g.At.IsZero() {
		t.Errorf("%+v", g)
	}
	for verb, says := range map[patch.Verb]string{patch.Decline: ", declined", patch.Hold: ", on hold until "} {
		s.decide(verb, "all", openssl)
		if l := s.plan().Machines[0].Left; len(l) != 1 || !strings.Contains(l[0].Text.String(), says) || l[0].Needs != openssl {
			t.Errorf("%s: %+v", verb, l)
		}
		s.later(time.Second)
	}
	s.decide(patch.Approve, "all", openssl)
	if m := s.plan().Machines[0]; len(m.Items) != 2 || len(m.Left) != 0 {
		t.Errorf("with both approved: %+v", m)
	}
	// A plan of the one alone brings nothing of the other.
	alone, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all", Patches: []patch.ID{curl}})
	s.must(err)
	if m := alone.Machines[0]; len(m.Items) != 0 || !strings.HasSuffix(m.Left[0].Text.String(), ", approved, and not in this plan") || m.Left[0].Needs != openssl {
		t.Errorf("%+v", m)
	}
}

// What a plan has foretold to fit and fits no more is withdrawn when its order goes out, names what it needs, and uses no attempt up.
func TestAnOrderIsWithdrawnForADependency(t *testing.T) {
	s, b := foretellable(t)
	s.decide(patch.Approve, "all", openssl)
	_, err := s.deploy.Apply(s.ctx(), s.admin, s.plan())
	s.must(err)
	s.later(time.Second)
	s.decide(patch.Decline, "all", openssl)
	if o, ok := b.order(); ok {
		t.Errorf("it goes out: %+v", o)
	}
	all := s.attempts(patch.AttemptFilter{Patch: curl})
	if len(all) != 1 || all[0].State != patch.ExecWithdrawn || all[0].Cause != patch.FailDependency || !strings.Contains(all[0].Text.String(), ", declined") {
		t.Errorf("%+v", all)
	}
}

// Only what is certain is foretold.
func TestWhatIsNotForetold(t *testing.T) {
	for name, change := range map[string]func(*site, *box){
		"the facts do not tell what packages provide": func(_ *site, b *box) { b.facts.OS.Provides = false },
		"it is installed": func(_ *site, b *box) { b.set("libssl3=3.0.17-1") },
		"a package stands for it": func(_ *site, b *box) {
			b.set("libressl=1")
			i := slices.IndexFunc(b.facts.Packages, func(p patch.Package) bool { return p.Name == "libressl" })
			b.facts.Packages[i].Provides = "ssl, libssl3 (= 3.0.18)"
		},
		"an alternative is there": func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Depends: []string{"libssl3 (>= 4) | bash"}}) },
		"the patch itself brings it": func(s *site, b *box) {
			s.asking(curlNew, patch.Asking{Depends: []string{"libcurl4 (= 7.88.1-10+deb12u14)"}})
			b.set("libcurl4=7.88.1-10")
		},
		"it cannot be understood":                 func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Depends: []string{"libssl3 (~ 4)"}}) },
		"the archive does not tell":               func(s *site, _ *box) { s.cat.asks = nil },
		"what breaks is for another architecture": func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Breaks: []string{"bash:i386"}}) },
		"what breaks is newer":                    func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Breaks: []string{"bash (<< 5)"}}) },
	} {
		s, b := foretellable(t)
		change(s, b)
		b.detect()
		if m := s.plan().Machines[0]; len(m.Items) != 1 || len(m.Left) != 0 {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Further shapes of what is foretold.
func TestWhatElseIsForetold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *box)
		want   string
		actor  gate.Actor
	}{
		"a virtual package without a version": {func(_ *site, b *box) {
			b.facts.Packages[0].Provides = "libssl3"
		}, "undecided", gate.Person},
		"no patch has it": {func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Depends: []string{"libnew | libnewer"}}) },
			"needs libnew | libnewer, which is not installed and in no patch", gate.Owner},
		"a patch has it that does not come here": {func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Depends: []string{"nginx"}}) },
			"which is not installed; " + string(nginx) + " has it, and brings to a machine only what it has already", gate.Owner},
		"it is held on the machine": {func(_ *site, b *box) { b.set("libssl3=3.0.11-1!") }, "and libssl3 is held on this machine (apt-mark hold) at 3.0.11-1", gate.Owner},
		"it breaks what is installed": {func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Breaks: []string{"libssl3 (<< 3.0.17)"}}) },
			"does not go together with libssl3 (<< 3.0.17), and 3.0.11-1 is installed; the newer one is patch " + string(openssl) + ", undecided", gate.Person},
		"it breaks what no patch mends": {func(s *site, _ *box) { s.asking(curlNew, patch.Asking{Breaks: []string{"bash"}}) }, "and 5.2.15-2 is installed, and no patch changes that", gate.Owner},
		"what it needs needs something itself": {func(s *site, _ *box) {
			s.decide(patch.Approve, "all", openssl)
			s.asking(sslNew, patch.Asking{Depends: []string{"perl-base (>= 5.36.0-7+deb12u4)"}})
		}, "which is patch " + string(openssl) + ", approved, but libssl3 3.0.17-1~deb12u3 needs perl-base (>= 5.36.0-7+deb12u4), which is patch " + string(perl) + ", undecided", gate.Person},
	} {
		s, b := foretellable(t)
		c.change(s, b)
		b.detect()
		g := *s.explain(b, curl).Answer.Closed
		if g.Code != gate.CodeDependency || !g.Foretold || !strings.Contains(g.Text.String(), c.want) || g.Actor != c.actor || g.Next == "" {
			t.Errorf("%s: %+v", name, g)
		}
		s.partsAlike(curl)
	}
}

// Two patches that need each other come together, and a circle that nobody has decided about is named once.
func TestPatchesThatNeedEachOther(t *testing.T) {
	s, b := foretellable(t)
	s.asking(sslNew, patch.Asking{Depends: []string{"curl (>= 7.88.1-10+deb12u14)"}})
	s.decide(patch.Approve, "all", openssl)
	if m := s.plan().Machines[0]; len(m.Items) != 2 {
		t.Errorf("%+v", m)
	}
	s.asking(sslNew, patch.Asking{Depends: []string{"curl (>= 7.88.1-10+deb12u14)", "bash (>= 9)"}})
	if g := s.explain(b, curl).Answer.Closed; g == nil || !strings.Contains(g.Text.String(), "needs bash (>= 9), and bash 5.2.15-2 is installed, for which there is no patch") {
		t.Errorf("%+v", g)
	}
}

// Many machines are judged together about what is foretold as each would be alone, whatever is approved beside it for whom.
func TestForetoldTogether(t *testing.T) {
	s, _ := foretellable(t)
	var even []patch.MachineID
	for i := range 12 {
		b := s.enrol(fmt.Sprint("m", i), bookworm, "curl=7.88.1-10", "bash=5.2.15-2", fmt.Sprint("libssl3=3.0.", 10+i%3), fmt.Sprint("other=", i%4))
		if i%4 > 0 {
			b.set("perl-base=5.36.0-7")
		}
		b.facts.OS.Provides = i != 5
		if i%6 == 0 {
			b.facts.Packages[0].Provides = "libssl3 (= 4), perl-base"
		}
		b.detect()
		if i%2 == 0 {
			even = append(even, b.id)
		}
	}
	s.hand("even", even...)
	s.decide(patch.Approve, "even", openssl)
	f := prediction.Filler{Index: &s.parts, Store: s.store, Decode: world.Decode}
	_, err := f.Refresh(s.ctx())
	s.must(err)
	s.partsAlike(curl)
	p, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all"})
	s.must(err)
	foretold := 0
	for _, m := range p.Machines {
		for _, l := range m.Left {
			if l.Foretold {
				foretold++
			}
		}
	}
	if foretold != 8 { // the odd ones but m5, those without perl-base but m0, and web-1
		b, _ := json.MarshalIndent(p.Machines, "", " ")
		t.Errorf("%d are foretold:\n%s", foretold, b)
	}
}

// What a preview says that a patch needs is what the plan leaves it out for; with that in the same decision it comes.
func TestAPreviewNamesWhatIsNeeded(t *testing.T) {
	s, _ := foretellable(t)
	s.decide(patch.Clear, "all", curl)
	for i := range 7 {
		b := s.enrol(fmt.Sprint("m", i), bookworm, "curl=7.88.1-10", "bash=5.2.15-2", fmt.Sprint("libssl3=3.0.", 11+3*(i%3)), "perl-base=5.36.0-7")
		b.facts.OS.Provides = i != 4
		b.detect()
	}
	for _, verb := range []patch.Verb{patch.Clear, patch.Decline, patch.Hold} {
		s.later(time.Second)
		s.decide(patch.Clear, "all", curl)
		s.decide(verb, "all", openssl)
		p, err := s.desk.Preview(s.ctx(), approval.Request{Patches: []patch.ID{curl}, Label: "all", Verb: patch.Approve})
		s.must(err)
		s.later(time.Second)
		s.decide(patch.Approve, "all", curl)
		left := map[string]int{}
		for _, m := range s.plan().Machines {
			for _, l := range m.Left {
				if l.Patch == curl && l.Foretold {
					left[string(l.Needs)]++
				}
			}
		}
		told := map[string]int{}
		for _, n := range p.Patches[0].Needs {
			told[string(n.Patch)] += n.Count
		}
		if d := cmp.Diff(left, told); d != "" || len(told) != 1 || told[string(openssl)] != 5 {
			t.Errorf("%s: the preview differs from the plan:\n%s%v", verb, d, told)
		}
		want := []patch.ID{openssl}
		if verb != patch.Clear {
			want = nil
		}
		if !slices.Equal(p.Adds, want) || p.Patches[0].Deployable.Count+told[string(openssl)] != p.Patches[0].Eligible.Count {
			t.Errorf("%s: %v, %+v", verb, p.Adds, p.Patches[0].Tally)
		}
	}
	s.later(time.Second)
	s.decide(patch.Clear, "all", openssl)
	both, err := s.desk.Preview(s.ctx(), approval.Request{Patches: []patch.ID{curl, openssl}, Label: "all", Verb: patch.Approve})
	s.must(err)
	if len(both.Adds) != 0 || len(both.Patches[0].Needs) != 0 || both.Patches[0].Deployable.Count != both.Patches[0].Eligible.Count {
		t.Errorf("%+v", both.Patches[0].Tally)
	}
}
