package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/ring"
)

type ringsCmd struct {
	List   ringsListCmd   `cmd:"" default:"1" help:"List the rings in their order."`
	Put    ringsPutCmd    `cmd:"" help:"Create a ring, or replace one."`
	Show   ringsShowCmd   `cmd:"" help:"Show how far one patch is, ring by ring, and what machines said."`
	Pass   ringsPassCmd   `cmd:"" help:"Let the rings after one begin though it has not proven a patch."`
	Remove ringsRemoveCmd `cmd:"" help:"Remove a ring."`
}

type ringsListCmd struct{}

func (ringsListCmd) Help() string { return "Example:\n  fettle rings --json" }

func (ringsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("rings"), nil, func(w io.Writer, l api.List[ring.Standing]) {
		if len(l.Items) == 0 {
			line(w, "There are no rings: every machine gets a patch at once. Make one: fettle rings put canary --label canary --position 1")
			return
		}
		t := table{columns: []column{{title: "ring"}, {title: "label"}, {title: "machines", right: true}, {title: "soak"}, {title: "proofs"}, {title: "stops at"}, {title: "restarts"}, {title: "patches", flex: true}}}
		for _, r := range l.Items {
			t.add(r.Name, r.Label, strconv.Itoa(r.Machines), r.Soak.String(), fmt.Sprintf("%d %%", r.Share), fmt.Sprintf("%d-%d %%", r.Accept, r.Refuse), atOnce(r.Reboots), ringSentence(r))
		}
		t.print(w, s.width)
	})
}

// atOnce says how many of a ring's machines may do a thing at the same time.
func atOnce(n int) string {
	if n == 0 {
		return "no limit"
	}
	return strconv.Itoa(n) + " at once"
}

// ringSentence says in a few words what goes on in a ring.
func ringSentence(r ring.Standing) string {
	halted, soaking, under, passed := 0, 0, 0, 0
	for _, p := range r.Patches {
		switch {
		case !p.HaltedAt.IsZero():
			halted++
		case !p.PassedAt.IsZero():
			passed++
		case !p.EnoughAt.IsZero():
			soaking++
		default:
			under++
		}
	}
	return fmt.Sprintf("%d halted, %d soaking, %d under way, %d passed", halted, soaking, under, passed)
}

type ringsPutCmd struct {
	Ring     string        `arg:"" help:"Its name."`
	Label    string        `required:"" short:"l" help:"The machines that belong to it, unless an earlier ring has them." placeholder:"LABEL"`
	Position int           `required:"" help:"Its place in the order: 1 is first." placeholder:"N"`
	Soak     patch.Span    `help:"How long a patch does well here, once proven, before the next ring begins; default 24h." placeholder:"SPAN"`
	Silence  patch.Span    `help:"A machine that was given the patch and is silent or unproven for so long has failed; default 4h." placeholder:"SPAN"`
	Share    int           `help:"So many percent of the machines at it must have proven it; default 90." placeholder:"PERCENT"`
	Proofs   int           `help:"And at least so many machines; default 2." placeholder:"N"`
	First    int           `help:"So many machines may have it unproven at first; as many as have proven it later; default 5." placeholder:"N"`
	Accept   int           `help:"So many percent of failures are nobody's fault; default 2." placeholder:"PERCENT"`
	Refuse   int           `help:"So many percent of failures must stop the patch; default 15." placeholder:"PERCENT"`
	AtOnce   int           `help:"At most so many machines install at the same time; default: no limit." placeholder:"N"`
	Reboots  int           `help:"At most so many machines reboot at the same time; default: no limit." placeholder:"N"`
	Rate     int64         `help:"All its machines together fetch at most so many bytes a second; default: no limit." placeholder:"BYTES"`
	Splay    patch.Span    `help:"Machines begin spread over so long, each at its own moment; default: all at once." placeholder:"SPAN"`
	Probe    []patch.Probe `help:"A machine must answer this well after an install: service:NAME, port:NUMBER, command:packages, command:systemd, boot:SPAN." placeholder:"PROBE"`
	Note     string        `help:"What it is for." placeholder:"TEXT"`
}

func (ringsPutCmd) Help() string {
	return `Every patch passes through the rings in their order. The next ring begins when machines of this one have proven the patch: installed it, detected it as
patched themselves, rebooted if they had to, answered the probes, checked in after that, and soaked. Silence counts as failure. A patch that fails too often
is stopped everywhere, and a person resumes it.

Examples:
  fettle rings put canary --label canary --position 1 --soak 24h --probe service:nginx --probe port:443
  fettle rings put early --label early --position 2 --soak 48h --at-once 50
  fettle rings put broad --label all --position 3 --splay 2h --reboots 20`
}

func (c ringsPutCmd) Run(ctx context.Context, s *screen) error {
	r := patch.Ring{Label: c.Label, Position: c.Position, Note: c.Note, Soak: c.Soak, Silence: c.Silence, Share: c.Share, Proofs: c.Proofs, First: c.First,
		Accept: c.Accept, Refuse: c.Refuse, AtOnce: c.AtOnce, Reboots: c.Reboots, Rate: c.Rate, Splay: c.Splay, Probes: c.Probe}
	return tell(ctx, s, http.MethodPut, api.Path("rings", c.Ring), r, func(w io.Writer, r patch.Ring) {
		line(w, "The ring %s is number %d: the label %s. The next one begins %s after %d %% of its machines, at least %d, have proven a patch.",
			clean(r.Name), r.Position, clean(r.Label), r.Soak, r.Share, r.Proofs)
	})
}

type ringsShowCmd struct {
	Patch string `arg:"" help:"The patch, by id or by a part of it that is only its own."`
}

func (ringsShowCmd) Help() string { return "Example:\n  fettle rings show perl" }

func (c ringsShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("rings"), query{}.set("patch", c.Patch), func(w io.Writer, l api.List[ring.Standing]) { printRollout(w, s.width, l) })
}

func printRollout(w io.Writer, width int, l api.List[ring.Standing]) {
	t := table{columns: []column{{title: "ring"}, {title: "machines", right: true}, {title: "proven", right: true}, {title: "failed", right: true}, {title: "at it", right: true},
		{title: "waiting", right: true}, {title: "needed", right: true}, {title: "state"}, {title: "what", flex: true}}}
	for _, r := range l.Items {
		var p patch.RingProgress
		if len(r.Patches) > 0 {
			p = r.Patches[0]
		}
		t.add(r.Name, strconv.Itoa(r.Machines), strconv.Itoa(p.Proven), strconv.Itoa(p.Failed), strconv.Itoa(p.Pending), strconv.Itoa(p.Waiting+p.Away),
			strconv.Itoa(p.Need), rolloutState(p), p.Text.String())
	}
	if len(l.Items) == 0 {
		line(w, "No rings are set up: every machine gets a patch at once.")
		return
	}
	t.print(w, width)
	for _, r := range l.Items {
		for _, f := range r.Failing {
			line(w, "  failed on %s, %s: %s%s", clean(f.Name), when(f.At), clean(f.Text.String()), with("; the same order installed ", clean(joined(f.Beside))))
		}
		for _, u := range r.Unproven {
			line(w, "  on %s: %s", clean(u.Name), clean(u.Text.String()))
		}
		if n := len(r.Failing); n > 0 && r.Patches[0].Failed > n {
			line(w, "  … and %s more in %s: the console's page of rings leads to all of them", thousands(r.Patches[0].Failed-n), clean(r.Name))
		}
	}
}

// joined names the first of some patches.
func joined(ids []patch.ID) string {
	var names []string
	for _, id := range ids[:min(len(ids), 3)] {
		names = append(names, string(id))
	}
	if n := len(ids) - len(names); n > 0 {
		names = append(names, plural(n, "other patch", "other patches"))
	}
	return strings.Join(names, ", ")
}

func rolloutState(p patch.RingProgress) string {
	switch {
	case !p.HaltedAt.IsZero():
		return "halted"
	case !p.PassedAt.IsZero():
		return "passed"
	case !p.EnoughAt.IsZero():
		return "soaks"
	case p.Tried()+p.Pending+p.Waiting+p.Away > 0:
		return "under way"
	case !p.FreshAt.IsZero():
		return "resumed"
	}
	return "not begun"
}

type ringsPassCmd struct {
	Patch string `arg:"" help:"The patch."`
	Ring  string `arg:"" help:"The ring that it passes."`
	Why   string `required:"" help:"The reason; it is kept." placeholder:"TEXT"`
}

func (ringsPassCmd) Help() string {
	return "Example:\n  fettle rings pass openssl canary --why \"exploited in the wild\""
}

func (c ringsPassCmd) Run(ctx context.Context, s *screen) error {
	return rollout(ctx, s, "pass", api.RolloutRequest{Patch: c.Patch, Ring: c.Ring, Why: c.Why})
}

// rollout takes a decision about a patch and shows how the rings stand after it.
func rollout(ctx context.Context, s *screen, verb string, r api.RolloutRequest) error {
	return tell(ctx, s, http.MethodPost, api.Path("rollouts", verb), r, func(w io.Writer, l api.List[ring.Standing]) { printRollout(w, s.width, l) })
}

type ringsRemoveCmd struct {
	Ring string `arg:"" help:"Its name."`
}

func (ringsRemoveCmd) Help() string { return "Example:\n  fettle rings remove early" }

func (c ringsRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("rings", c.Ring), "The ring "+clean(c.Ring)+" is removed.")
}
