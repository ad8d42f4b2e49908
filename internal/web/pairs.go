package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// pairsPage is the machines and patches that one number of a decision's preview counts.
type pairsPage struct {
	decidePage
	Rows  []approval.Pair
	Total int
	Pager pager
	Back  string // to the sentence
}

const pairsSize = 100

// groupOf reads which number is meant: its place, and what narrows it, each after a blank: "closed gate=window code=closed".
func groupOf(s string) (g approval.Group) {
	words := strings.Split(s, " ")
	g.Place = words[0]
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "gate":
			g.Gate = gate.Name(value)
		case "code":
			g.Code = value
		case "needs":
			g.Needs = patch.ID(value)
		case "stand":
			g.Stand = patch.Stand(value)
		case "os":
			os := patch.HostOS(value)
			g.OS = &os
		case "patch":
			g.Patch = patch.ID(value)
		}
	}
	return g
}

// pairCount is a number of a preview, and which one it is.
type pairCount struct {
	Count int
	Group string
}

// countOf names a number as groupOf reads it; more are names with their values.
func countOf(n int, place string, more ...any) pairCount {
	for i := 0; i+1 < len(more); i += 2 {
		place += fmt.Sprintf(" %v=%v", more[i], more[i+1])
	}
	return pairCount{n, place}
}

// pairs lists what one number of a preview counts. The form's fields make the address, which a redirect keeps to what the list needs.
func (c *console) pairs(v *visit) error {
	p := pairsPage{}
	var err error
	if p.decidePage, err = c.decideForm(v); err != nil {
		return err
	}
	q := url.Values{"verb": {p.Verb}, "label": {p.Label}, "patches": {strings.TrimSpace(p.List())}}
	if p.Verb == string(patch.Hold) {
		q.Set("until", p.Until)
	}
	p.Back = "/decide?" + q.Encode()
	for name := range v.r.URL.Query() {
		if !slices.Contains([]string{"verb", "label", "patches", "until", "group", "page"}, name) {
			q.Set("group", v.get("group"))
			return v.see("/decide/pairs?" + q.Encode())
		}
	}
	r, err := c.request(p.decidePage)
	if err != nil {
		return err
	}
	at := v.offset(pairsSize)
	if p.Rows, p.Total, err = c.Approvals.Pairs(v.ctx, r, groupOf(v.get("group")), at, pairsSize); err != nil {
		return err
	}
	p.Pager = v.pager(at, pairsSize, len(p.Rows), p.Total)
	return show(c, v, "pairs", "patches", "What a decision is about", p)
}
