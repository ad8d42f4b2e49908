package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"golang.org/x/net/html"
)

// stayEnglish are the texts of the sample's pages that no phrase makes. The list only gets shorter.
func stayEnglish() map[string]bool {
	all := map[string]bool{}
	for _, s := range []string{
		// Kept as text when they happened: alarms, attempts, feeds' runs, halts, what agents report of other services, errors.
		"debian-bookworm-updates shrank from 812 to 2 packages and is quarantined", "Look at the archive. If it is meant, remove the feed and add it again.",
		"it lists 2 packages where the last good one listed 812 (−99.8 %); the last good state is kept",
		"the archive answers 404 for pool/updates/main/o/openssl · neuer Versuch",
		"perl is halted in the ring canary …", "it has not sent an inventory yet", "No revision begins with none",
		// What people and vendors wrote.
		"the shop's vendor patches it", ": not now", "command line tool for transferring data with URL syntax",
		// Reasons of detects.
		"none of its packages is installed", ": none of its packages is installed", "zum Beispiel: none of its packages is installed", ": its administrator holds the package",
		"every installed package of it is at its version or newer", "vim-common is half-installed, so it could not be judged",
		// The sample's own words for what gates say; TestGatesAreExplainedInGerman has the gates themselves.
		"a reboot is owed for it", "Approved for canary, but web-01 has left that label since Tuesday", "bookworm-security is subscribed and was read well", "its agent detects when it runs",
		"installed without error, and the next detect still says not patched", "list 4f1c09d2aa7e31b6 of debian-12-amd64 is published", "not asked yet", "nothing until one of them is installed",
		"it is patch 21,807 of 36,120", "the approval is for canary, and web-01 has left that label since Tuesday", "it has never completed a detect",
		"Approved for canary: 12 patched, 7 to be decided, 2 not applicable (none of its packages is installed), 1 never detected",
		"not installed yet", "no newer patch replaces it",
		"the engine judged the stored facts once more with list 4f1c09d2aa7e31b6",
		"Hold 1 patch for label all — now: 6 machines will get it, 2 don't apply (none of its packages is installed; held by its administrator), 1 not seen for a week, 1 held.",
	} {
		all[s] = true
	}
	return all
}

// Every page of the sample appliance, which has something of everything, is read in German: a sentence of ours with English words in it was
// made without a phrase, or from one too early.
func TestPagesAreGermanThroughout(t *testing.T) {
	w := fleet()
	h := w.open(t)
	told, known := map[string]string{}, stayEnglish()
	for _, address := range w.addresses() {
		got := ask(h, http.MethodGet, address, nil, "Accept-Language", "de")
		if got.Code != http.StatusOK {
			t.Fatalf("%s: status %d", address, got.Code)
		}
		for _, s := range sentences(t, got.Body.String()) {
			if english(s) && told[s] == "" {
				told[s] = address
			}
		}
	}
	for s, address := range told {
		if !known[s] {
			t.Errorf("%s: %q", address, s)
		}
		delete(known, s)
	}
	for s := range known {
		t.Errorf("no page says %q: take it off the list", s)
	}
}

// english reports whether a text has so many of English's small words that it is a sentence.
func english(s string) bool {
	n := 0
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' }) {
		if slices.Contains([]string{"the", "of", "and", "is", "are", "not", "has", "have", "been", "that", "this", "with", "by", "for", "to", "it", "its", "no", "now", "yet", "from"}, w) {
			n++
		}
	}
	return n >= 2
}

// sentences are the texts of a page that people see, without what is named as somebody else's.
func sentences(t *testing.T, page string) (out []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (slices.Contains([]string{"bdi", "code", "pre", "kbd", "script", "style"}, n.Data) || slices.Contains(n.Attr, html.Attribute{Key: "translate", Val: "no"})) {
			return
		}
		if s := strings.Join(strings.Fields(n.Data), " "); n.Type == html.TextNode && s != "" {
			out = append(out, s)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return out
}

// States that the store writes are said in words that translators see: none comes through as it is.
func TestStatesAreSaidInWords(t *testing.T) {
	for _, state := range []any{patch.PayloadWanted, patch.PayloadFetching, patch.PayloadReady, patch.PayloadFailed, "new", "unchanged", "failed", "quarantined", patch.Confirmed, patch.Rejected, patch.Withdrawn} {
		if word(state) == phrase.Verbatim(fmt.Sprint(state)) {
			t.Errorf("%v is said as the store writes it", state)
		}
	}
}
