package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestTwoPeopleAtOnceLearnOfEachOther(t *testing.T) {
	w := fleet()
	h := w.open(t)
	id := w.patches[1].Patch.ID
	page := ask(h, http.MethodGet, "/decide?patch="+url.QueryEscape(string(id)), nil).Body.String()
	form := url.Values{"patches": {string(id)}, "verb": {"approve"}, "label": {"all"}, "seen": {"approve 1 for all"}, "as_of": regexp.MustCompile(`name="as_of" value="(\d+)"`).FindStringSubmatch(page)[1:]}
	w.now = w.now.Add(time.Minute)
	w.decisions = append(w.decisions, patch.Decision{ID: "theirs", Patch: id, Label: "all", Verb: patch.Decline, By: "j.ortiz", At: w.now, Why: "it breaks the shop"})
	got := ask(h, http.MethodPost, "/decide", form)
	text := html.UnescapeString(got.Body.String())
	if got.Code != http.StatusConflict || len(w.asked) > 0 || !strings.Contains(text, "j.ortiz") || !strings.Contains(text, "it breaks the shop") {
		t.Fatalf("status %d, %d decided: %s", got.Code, len(w.asked), text)
	}
	form["as_of"] = regexp.MustCompile(`name="as_of" value="(\d+)"`).FindStringSubmatch(text)[1:]
	if got := ask(h, http.MethodPost, "/decide", form); got.Code != http.StatusSeeOther || len(w.asked) != 1 {
		t.Errorf("who has seen it cannot decide: status %d", got.Code)
	}
}

func TestASentenceIsSaidWhileItIsBuilt(t *testing.T) {
	w := fleet()
	h := w.open(t)
	form := url.Values{"part": {"says"}, "verb": {"approve"}, "label": {"web"}, "patch": {string(w.patches[1].Patch.ID), string(w.patches[2].Patch.ID)}}
	if got := ask(h, http.MethodPost, "/decide/preview", form, "HX-Request", "true").Body.String(); !strings.HasPrefix(got, "Approve 2 patches for label web — now: 6 machines") {
		t.Errorf("it says %q", got)
	}
	form.Del("patch")
	if got := ask(h, http.MethodPost, "/decide/preview", form, "HX-Request", "true").Body.String(); got != "" {
		t.Errorf("of nothing it says %q", got)
	}
	whole := url.Values{"part": {"says"}, "verb": {"approve"}, "label": {"all"}, "whole": {"yes"}, "os": {string(sampleOS)}, "show": {"needed"}, "patch": {"a/b/1"}}
	if got := ask(h, http.MethodPost, "/decide/preview", whole, "HX-Request", "true").Body.String(); !strings.HasPrefix(got, "Approve 11 patches") {
		t.Errorf("of the whole result it says %q", got)
	}
}

func TestChainOfReplacements(t *testing.T) {
	row := func(id string, replaces ...patch.ID) patch.PatchRow {
		return patch.PatchRow{Patch: patch.Patch{ID: patch.ID(id), Supersedes: replaces}}
	}
	all := []patch.PatchRow{row("1"), row("2", "1"), row("3", "2"), row("4", "3"), row("other"), row("x", "y"), row("y", "x")}
	var got []string
	for _, l := range chainOf(all[2], all) {
		got = append(got, string(l.ID))
		if l.Here != (l.ID == "3") {
			t.Errorf("%s is here: %v", l.ID, l.Here)
		}
	}
	if s := strings.Join(got, " "); s != "4 3 2 1" {
		t.Errorf("the chain is %s", s)
	}
	if c := chainOf(all[4], all); c != nil {
		t.Errorf("one alone is the chain %v", c)
	}
	if c := chainOf(all[5], all); len(c) != 2 {
		t.Errorf("a ring has %d links", len(c))
	}
}

// What the preview says that is needed goes into the decision by one button, without a script.
func TestWhatAPatchNeedsIsAdded(t *testing.T) {
	w := fleet()
	h := w.open(t)
	one, more := w.patches[1].Patch.ID, w.preview.Adds
	form := url.Values{"patches": {string(one)}, "verb": {"approve"}, "label": {"web"}}
	page := html.UnescapeString(ask(h, http.MethodPost, "/decide/preview", form).Body.String())
	if len(more) != 2 || !strings.Contains(page, `name="add" value="`+string(more[0])+`"`) || strings.Count(page, "Add it to the decision") != 1 || !strings.Contains(page, "Add all 2 to the decision") {
		t.Fatalf("the page offers nothing: %s", page)
	}
	form.Set("add", string(more[0])+"\n"+string(more[1])+"\n"+string(one)+"\n")
	if page = html.UnescapeString(ask(h, http.MethodPost, "/decide/preview", form).Body.String()); !strings.Contains(page, ">"+string(one)+"\n"+string(more[0])+"\n"+string(more[1])+"\n</textarea>") {
		t.Errorf("they are not in it: %s", page)
	}
}

// What a decision about many patches counts has an address that can be passed on, as has the sentence that it leads back to.
func TestManyPatchesHaveAShortAddress(t *testing.T) {
	w := fleet()
	h := w.open(t)
	var list strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&list, "bookworm-security/some-source/1.0-%d+deb12u1\n", i)
	}
	form := url.Values{"verb": {"approve"}, "label": {"all"}, "why": {"the monthly round"}, "patches": {list.String()}, "group": {"eligible os=" + string(sampleOS)}}
	got := ask(h, http.MethodPost, "/decide/pairs", form)
	address := got.Header().Get("Location")
	if got.Code != http.StatusSeeOther || len(address) > 300 || !strings.HasPrefix(address, "/decide/pairs?group=eligible+os%3D") {
		t.Fatalf("status %d to %.400s", got.Code, address)
	}
	page := html.UnescapeString(ask(h, http.MethodGet, address, nil).Body.String())
	back := regexp.MustCompile(`href="(/decide\?[^"]+)"`).FindStringSubmatch(page)
	if !strings.Contains(page, "22 times a patch on a machine") && !strings.Contains(page, "24 times a patch on a machine") || back == nil {
		t.Fatalf("what is counted is not listed: %s", page)
	}
	if again := ask(h, http.MethodGet, back[1], nil).Body.String(); !strings.Contains(again, "<strong>5,000 patches</strong>") {
		t.Errorf("%s does not lead back to the sentence", back[1])
	}
	form.Set("patches", string(w.patches[1].Patch.ID))
	if got := ask(h, http.MethodPost, "/decide/pairs", form).Header().Get("Location"); !strings.Contains(got, "perl") {
		t.Errorf("one patch is not named in %s", got)
	}
	clear(w.lists)
	if gone := ask(h, http.MethodGet, address, nil); gone.Code != http.StatusNotFound || !strings.Contains(gone.Body.String(), "is not kept any more") {
		t.Errorf("a list that is gone: status %d", gone.Code)
	}
}
