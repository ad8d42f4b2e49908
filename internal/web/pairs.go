package web

import (
	"fmt"
	"net/url"
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

// MaxList is how many bytes a list may have that is kept for an address.
const MaxList = maxForm

// longestList is how many bytes of patches an address names one by one: browsers, and servers before the appliance's, take no address much longer.
const longestList = 1500

// sentence is what an address says of a decision. Many patches are kept by the appliance, and the address has the list's hash.
func (c *console) sentence(v *visit, p decidePage) (url.Values, error) {
	q := url.Values{"verb": {p.Verb}, "label": {p.Label}}
	if p.Verb == string(patch.Hold) {
		q.Set("until", p.Until)
	}
	list := strings.TrimSpace(p.List())
	if len(list) <= longestList {
		q.Set("patches", list)
		return q, nil
	}
	h, err := c.KeepList(v.ctx, []byte(list))
	q.Set("list", string(h))
	return q, err
}

// keptList is the list that an address names by its hash.
func (c *console) keptList(h string) (string, error) {
	if h == "" {
		return "", nil
	}
	b, err := c.List(patch.Hash(h))
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return "", &patch.Error{Kind: patch.NotFound, What: "the list of patches of this address is not kept any more", Why: "the appliance keeps the newest ones only", Do: "Choose the patches again on the Patches page."}
	}
	return string(b), err
}

// askPairs leads from the sentence, as it stands in its form, to the address of what one number of its preview counts.
func (c *console) askPairs(v *visit) error {
	p, err := c.decideForm(v)
	if err != nil {
		return err
	}
	q, err := c.sentence(v, p)
	if err != nil {
		return err
	}
	q.Set("group", v.get("group"))
	return v.see("/decide/pairs?" + q.Encode())
}

// pairs lists what one number of a preview counts.
func (c *console) pairs(v *visit) error {
	p := pairsPage{}
	var err error
	if p.decidePage, err = c.decideForm(v); err != nil {
		return err
	}
	q := v.r.URL.Query()
	q.Del("group")
	q.Del("page")
	p.Back = "/decide?" + q.Encode()
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
