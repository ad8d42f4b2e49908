package web

import (
	"net/url"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
)

// viewsPart is what people keep of a page, and the form that keeps it as it is now.
type viewsPart struct {
	Page, Query string // of the page as it is
	List        []keptView
}

// keptView is a view with its address.
type keptView struct {
	patch.View
	URL     string
	Own     bool
	Current bool
}

// viewPages are the pages of which views are kept, with the questions that belong to a view.
func viewPages(page string) []string {
	switch page {
	case "machines":
		return append([]string{"show", "q", "os", "label", "sort"}, setNames()...)
	case "patches":
		return []string{"show", "q", "os", "category", "severity", "sort"}
	}
	return nil
}

// viewQuery keeps of a question what belongs to a view of the page, in one order.
func viewQuery(page string, given url.Values) string {
	q := url.Values{}
	for _, name := range viewPages(page) {
		if s := given.Get(name); s != "" {
			q.Set(name, s)
		}
	}
	return q.Encode()
}

func (c *console) viewsOf(v *visit, page string) (viewsPart, error) {
	p := viewsPart{Page: page, Query: viewQuery(page, v.r.URL.Query())}
	list, err := c.Records.ListViews(v.ctx, page, v.caller.Name)
	for _, x := range list {
		p.List = append(p.List, keptView{View: x, URL: "/" + page + "?" + x.Query, Own: x.Owner == v.caller.Name, Current: x.Query == p.Query})
	}
	return p, err
}

const maxQuery = 1000

// keepView keeps a page as it is narrowed and sorted, under a name, for oneself or for everybody.
func (c *console) keepView(v *visit) error {
	page := v.r.PathValue("page")
	given, err := url.ParseQuery(v.get("query"))
	name := strings.TrimSpace(v.get("name"))
	switch {
	case viewPages(page) == nil:
		return patch.Errorf(patch.NotFound, "no views are kept of %q", page)
	case err != nil || len(v.get("query")) > maxQuery:
		return patch.Errorf(patch.Invalid, "this is not a page's question")
	case name == "" || len(name) > 64:
		return &patch.Error{Kind: patch.Invalid, What: "a view needs a name of at most 64 characters"}
	}
	if v.get("shared") != "" {
		if err := auth.Allow(v.caller, auth.ManageLabels); err != nil {
			return err
		}
	}
	x := patch.View{Page: page, Owner: v.caller.Name, Name: name, Query: viewQuery(page, given), Shared: v.get("shared") != "", At: c.Now().UTC()}
	if err := c.Records.PutView(v.ctx, v.caller, x); err != nil {
		return err
	}
	return v.see("/" + page + "?" + x.Query)
}

// forgetView takes one's own view away, or with the permission to manage labels anybody's.
func (c *console) forgetView(v *visit) error {
	page, owner := v.r.PathValue("page"), v.get("owner")
	if viewPages(page) == nil {
		return patch.Errorf(patch.NotFound, "no views are kept of %q", page)
	}
	if owner != v.caller.Name {
		if err := auth.Allow(v.caller, auth.ManageLabels); err != nil {
			return err
		}
	}
	if err := c.Records.RemoveView(v.ctx, v.caller, owner, page, v.get("name")); err != nil {
		return err
	}
	return v.see("/" + page)
}
