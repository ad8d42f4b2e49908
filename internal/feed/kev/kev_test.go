package kev

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

const small = `{"title":"known","catalogVersion":"2026.11.20","dateReleased":"2026-11-20T15:00:06.1234Z","count":3,"vulnerabilities":[
 {"cveID":"CVE-2026-1000","vendorProject":"A","product":"B","dateAdded":"2026-11-01","dueDate":"2026-11-22","knownRansomwareCampaignUse":"Known","cwes":["CWE-1"]},
 {"cveID":"cve-2026-20000 ","dateAdded":"yesterday","dueDate":"","knownRansomwareCampaignUse":"Unknown"},
 {"cveID":["not text"]}],"more":{"a":[1,2]}}`

const smallCSV = "\ufeffcveID,vendorProject,dateAdded,dueDate,knownRansomwareCampaignUse,notes\n" +
	"CVE-2026-1000,A,2026-11-01,2026-11-22,Known,\"two\nlines\"\nCVE-2026-20000,B,,,Unknown\nnonsense,C\n"

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func want() patch.Exploits {
	return patch.Exploits{"CVE-2026-1000": {CVE: "CVE-2026-1000", Added: day(2026, 11, 1), Due: day(2026, 11, 22), Ransomware: true}, "CVE-2026-20000": {CVE: "CVE-2026-20000"}}
}

func TestRead(t *testing.T) {
	for name, text := range map[string]string{"json": small, "csv": smallCSV} {
		c, err := Read(strings.NewReader(text))
		if d := cmp.Diff(want(), c.Exploits); err != nil || d != "" || c.Skipped != 1 {
			t.Errorf("%s: %v, %d skipped\n%s", name, err, c.Skipped, d)
		}
	}
	if c, _ := Read(strings.NewReader(small)); c.Dated.Year() != 2026 || c.Dated.Day() != 20 {
		t.Errorf("dated %v", c.Dated)
	}
	twice := strings.Replace(small, "cve-2026-20000 \",\"dateAdded\":\"yesterday\",\"dueDate\":\"\"", "CVE-2026-1000\",\"dueDate\":\"2027-01-01\"", 1)
	if c, err := Read(strings.NewReader(twice)); err != nil || !c.Exploits["CVE-2026-1000"].Due.Equal(day(2026, 11, 22)) {
		t.Errorf("%v %v", c.Exploits, err)
	}
}

func TestWhatIsNoCatalogIsRefusedAsAWhole(t *testing.T) {
	for name, text := range map[string]string{"empty": " \n", "cut": small[:len(small)-40], "cut after the list": small[:strings.Index(small, `,"more"`)], "fewer than it says": strings.Replace(small, `"count":3`, `"count":1500`, 1),
		"another file": `{"vulnerabilities":{}}`, "no CVE": `{"vulnerabilities":[{"cveID":"x"}]}`, "a page": "<html>moved</html>", "csv of another kind": "a,b\n1,2\n", "null": "null",
		"too long": `{"title":"` + strings.Repeat("x", maxFile) + `"}`} {
		if c, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: taken: %v", name, c.Exploits)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add(smallCSV)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read(strings.NewReader(text))
		if err == nil && len(c.Exploits) == 0 {
			t.Error("nothing was read, without an error")
		}
		for cve, x := range c.Exploits {
			if cve != x.CVE || !cveName().MatchString(cve) {
				t.Errorf("%q is %+v", cve, x)
			}
		}
	})
}

// memory is feeds in memory.
type memory map[string]patch.FeedState

func (m memory) ListFeeds(context.Context) (out []patch.FeedStatus, err error) {
	for name := range m {
		out = append(out, patch.FeedStatus{Feed: patch.Feed{Name: name, Kind: Kind}})
	}
	return append(out, patch.FeedStatus{Feed: patch.Feed{Name: "archive", Kind: "apt"}}, patch.FeedStatus{Feed: patch.Feed{Name: "new", Kind: Kind}}), nil
}

func (m memory) FindFeedState(_ context.Context, name string) (patch.FeedState, error) {
	s, ok := m[name]
	if !ok {
		return s, patch.Errorf(patch.NotFound, "no state")
	}
	return s, nil
}

func TestFetchAndKnow(t *testing.T) {
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	from := t.TempDir()
	fetch := func(name, text string, last *patch.FeedState) (feed.Fetched, error) {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return NewFetcher().Fetch(t.Context(), patch.Feed{Name: name, Kind: Kind, URI: "file://" + path}, last, dir, time.Now(), func(feed.Progress) {})
	}
	opened := 0
	k := &Known{Store: memory{}, Open: func(h patch.Hash) (io.ReadCloser, error) { opened++; return dir.Open(h) }}
	if x, err := k.Exploits(t.Context()); err != nil || x != nil {
		t.Errorf("without a catalog: %v, %v", x, err)
	}
	got, err := fetch("kev.json", small, nil)
	if err != nil || got.State.Packages != 2 || got.State.OS != patch.AnyOS {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := fetch("kev.json", small, &got.State); err != nil || !again.Unchanged {
		t.Errorf("%+v, %v", again, err)
	}
	other, err := fetch("own.csv", "cveID,dueDate\nCVE-2026-1000,2026-11-10\nCVE-2025-7777,\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	k.Store = memory{"kev.json": got.State, "own.csv": other.State}
	for range 2 {
		x, err := k.Exploits(t.Context())
		if err != nil || len(x) != 3 || !x["CVE-2026-1000"].Due.Equal(day(2026, 11, 10)) || opened != 2 {
			t.Errorf("%v, %v, opened %d times", x, err, opened)
		}
	}
	if d := cmp.Diff([]string{"CVE-2026-1000"}, want().Among([]string{"CVE-2026-9", "CVE-2026-1000"})); d != "" {
		t.Error(d)
	}
	if _, err := fetch("cut.json", small[:200], nil); err == nil {
		t.Error("a cut catalog was taken")
	}
	if _, err := NewFetcher().Fetch(t.Context(), patch.Feed{Name: "x", Kind: Kind, URI: "http://kev.example/x", Keyring: "/k"}, nil, dir, time.Now(), nil); err == nil {
		t.Error("plain http was taken")
	}
}

func TestEntriesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("cveID\n")
	for i := range maxEntries + 1 {
		fmt.Fprintf(&b, "CVE-2026-%07d\n", i)
	}
	if _, err := Read(strings.NewReader(b.String())); err == nil {
		t.Error("an endless catalog was taken")
	}
}
