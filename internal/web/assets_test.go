package web

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestAssetsHaveAnAddressOfTheirVersion(t *testing.T) {
	h := fleet().open(t)
	page := ask(h, http.MethodGet, "/", nil).Body.String()
	for _, name := range []string{"console.css", "console.js"} {
		address := regexp.MustCompile(`/assets/` + name + `\?v=[0-9a-f]{12}`).FindString(page)
		if address == "" {
			t.Fatalf("%s has no versioned address", name)
		}
		got := ask(h, http.MethodGet, address, nil)
		if got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Cache-Control"), "immutable") || got.Header().Get("ETag") == "" {
			t.Errorf("%s: status %d, %v", address, got.Code, got.Header())
		}
		if again := ask(h, http.MethodGet, "/assets/"+name, nil, "If-None-Match", got.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s is sent again: status %d", name, again.Code)
		}
		if other := ask(h, http.MethodGet, "/assets/"+name+"?v=0", nil); strings.Contains(other.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s of another version may be kept for ever", name)
		}
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	h := fleet().open(t)
	plain := ask(h, http.MethodGet, "/machines", nil).Body.String()
	for encoding, open := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		got := ask(h, http.MethodGet, "/machines", nil, "Accept-Encoding", encoding)
		if got.Header().Get("Content-Encoding") != encoding || got.Body.Len() > len(plain)/3 {
			t.Errorf("%s: it is %q, %d of %d bytes", encoding, got.Header().Get("Content-Encoding"), got.Body.Len(), len(plain))
			continue
		}
		r, err := open(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != plain {
			t.Errorf("%s: it is another page: %v", encoding, err)
		}
	}
}

// TestAPageWithChartsKeepsWithinItsBudget counts what a browser loads for Reports at its first visit.
func TestAPageWithChartsKeepsWithinItsBudget(t *testing.T) {
	const budget = 60_000
	h := fleet().open(t)
	page := ask(h, http.MethodGet, "/reports", nil, "Accept-Encoding", "gzip, deflate, br, zstd")
	all := page.Body.Len()
	for _, address := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(ask(h, http.MethodGet, "/reports", nil).Body.String(), -1) {
		got := ask(h, http.MethodGet, address, nil, "Accept-Encoding", "gzip, deflate, br, zstd")
		if got.Code == http.StatusNotFound {
			t.Skipf("the budget was NOT tested: %s is missing; run make build", address)
		}
		all += got.Body.Len()
	}
	if all > budget {
		t.Errorf("it is %d bytes, more than %d", all, budget)
	}
	t.Logf("%d bytes", all)
}
