package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestThePatchesAreSortedByTheirColumns(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for by, want := range map[string]string{"": `aria-sort="descending"><a href="/patches?sort=need">Not patched`, "need": `aria-sort="ascending"><a href="/patches?sort=-need">Not patched`,
		"-name": `aria-sort="descending"><a href="/patches?sort=name">Patch`, "released": `aria-sort="ascending"><a href="/patches?sort=-released">Known since`} {
		got := ask(h, http.MethodGet, "/patches?sort="+by, nil).Body.String()
		if by == "" {
			got = ask(h, http.MethodGet, "/patches", nil).Body.String()
		}
		if strings.Count(got, "aria-sort=") != 1 || !strings.Contains(got, want) {
			t.Errorf("by %q: no %s", by, want)
		}
		if w.sorted != patch.PatchSort(by) {
			t.Errorf("by %q the ledger is asked for %q", by, w.sorted)
		}
	}
}

// A machine of an OS that no catalog is published for takes no page away.
func TestAnOSWithoutACatalogIsNoError(t *testing.T) {
	w := fleet()
	w.fleet.OSes = append(w.fleet.OSes, ledger.OSStatus{OS: "plan9-4-amd64", Machines: 1000})
	h := w.open(t)
	for _, path := range []string{"/", "/patches", "/patches?os=plan9-4-amd64", "/search?q=CVE-2026-1"} {
		if res := ask(h, http.MethodGet, path, nil); res.Code != http.StatusOK {
			t.Errorf("%s: %d", path, res.Code)
		}
	}
}

func TestALongDetailOfTheAuditLogIsCut(t *testing.T) {
	long := strings.Repeat("ä", 5000)
	if got := beginning(long); len(got) > 410 || !strings.HasSuffix(got, "ä…") || !utf8.ValidString(got) {
		t.Errorf("%d bytes of 10,000 are shown, and end with %q", len(got), got[len(got)-6:])
	}
	if got := beginning("short"); got != "short" {
		t.Errorf("%q is shown for \"short\"", got)
	}
}

// Numbers over the whole fleet lead to a page of one host OS: it says how many wait on each of the others.
func TestPatchesWaitOnEveryOS(t *testing.T) {
	w := fleet()
	w.patches[0].OS, w.patches[0].Undecided = "ubuntu-24.04-amd64", 3
	if got := ask(w.open(t), "GET", "/patches", nil).Body.String(); strings.Contains(got, "of each host OS") {
		t.Error("there is one host OS alone")
	}
	w.fleet.OSes = append(w.fleet.OSes, ledger.OSStatus{OS: "ubuntu-24.04-amd64", Revision: "4f1c09d2aa7e31b7", Machines: 2})
	if got := ask(w.open(t), "GET", "/patches", nil).Body.String(); !strings.Contains(got, `<a href="/patches?show=undecided&amp;os=ubuntu-24.04-amd64">ubuntu-24.04-amd64 1</a>`) {
		t.Error(got)
	}
}

func TestAPageIsFoundByWhatPeopleTypeInItsAddress(t *testing.T) {
	w := fleet()
	h := w.open(t)
	m, p := w.machines[0], w.patches[0]
	for typed, where := range map[string]string{
		"/machines/" + m.Name + "?verdict=patched": machineURL(m.ID) + "?verdict=patched",
		"/patches/" + p.Patch.Source:               patchURL(p.Patch.ID),
	} {
		if got := ask(h, http.MethodGet, typed, nil); got.Code != http.StatusSeeOther || got.Header().Get("Location") != where {
			t.Errorf("%s: %d, %q; want %q", typed, got.Code, got.Header().Get("Location"), where)
		}
	}
	for _, typed := range []string{"/machines/nobodys", "/patches/nothing"} {
		if got := ask(h, http.MethodGet, typed, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", typed, got.Code)
		}
	}
}

// Of a patch with hundreds of files those that somebody has to look at are on its page, and all the others on the next ones.
func TestAPatchsFilesComeInPages(t *testing.T) {
	w := fleet()
	some, id := w.payloads[0], w.patches[0].Patch.ID
	w.payloads = nil
	for i := range 2*filesSize + 5 {
		p := some
		p.Name, p.State = fmt.Sprintf("file-%02d", i), patch.PayloadReady
		w.payloads = append(w.payloads, p)
	}
	w.payloads[40].State, w.payloads[41].State = patch.PayloadFetching, patch.PayloadFailed
	h := w.open(t)
	files := func(address string) (names []string, page string) {
		page = ask(h, http.MethodGet, patchURL(id)+address, nil).Body.String()
		for _, after := range strings.Split(page, "<bdi>file-")[1:] {
			names = append(names, after[:2])
		}
		return names, page
	}
	first, page := files("?verdict=patched")
	if len(first) != filesSize || !slices.Equal(first[:3], []string{"41", "40", "00"}) || !strings.Contains(page, `href="`+patchURL(id)+`?files=2&amp;verdict=patched#payloads" rel="next"`) {
		t.Errorf("first %v", first)
	}
	second, _ := files("?files=2")
	third, page := files("?files=3")
	if all := slices.Sorted(slices.Values(slices.Concat(first, second, third))); len(slices.Compact(all)) != len(w.payloads) || len(third) != 5 || !strings.Contains(page, `?files=2#payloads" rel="prev"`) {
		t.Errorf("then %v and %v", second, third)
	}
	for _, beyond := range []string{"?files=4", "?files=0", "?files=x"} {
		if got, _ := files(beyond); !slices.Equal(got, first) {
			t.Errorf("%s shows %v", beyond, got)
		}
	}
}
