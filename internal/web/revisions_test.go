package web

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"testing"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// Every number of what two lists differ in leads to exactly its patches, page by page.
func TestEachDifferenceOfTwoListsIsListed(t *testing.T) {
	w := fleet()
	d := catalog.Diff{OS: sampleOS, From: "a", To: "b"}
	for i := range 2*diffSize + 30 {
		d.New = append(d.New, catalog.DiffPatch{ID: patch.ID(fmt.Sprintf("%s/new/%d", sampleOS, i))})
	}
	for i := range 7 {
		d.Gone = append(d.Gone, catalog.DiffPatch{ID: patch.ID(fmt.Sprintf("%s/gone/%d", sampleOS, i))})
	}
	d.Counts = catalog.DiffCounts{New: len(d.New), Gone: len(d.Gone)}
	w.differ = d
	h := w.open(t)
	links := regexp.MustCompile(`<a href="([^"]+)">([0-9]+) (?:new|changed|superseded now|gone)</a>`).FindAllStringSubmatch(ask(h, http.MethodGet, "/catalogs/"+string(sampleOS), nil).Body.String(), -1)
	if len(links) != 4 {
		t.Fatalf("%d numbers lead somewhere", len(links))
	}
	title, next := regexp.MustCompile(`<a class="title" href="(/patches/[^"]+)"`), regexp.MustCompile(`<a href="([^"]+)" rel="next"`)
	for _, l := range links {
		seen := map[string]bool{}
		for at := l[1]; at != ""; {
			page := ask(h, http.MethodGet, html.UnescapeString(at), nil).Body.String()
			for _, row := range title.FindAllStringSubmatch(page, -1) {
				seen[row[1]] = true
			}
			at = ""
			if m := next.FindStringSubmatch(page); m != nil {
				at = m[1]
			}
		}
		if fmt.Sprint(len(seen)) != l[2] {
			t.Errorf("%s leads to %d patches: %s", l[2], len(seen), l[1])
		}
	}
}
