package oval

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestFeed(t *testing.T) {
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	path := filepath.Join(t.TempDir(), "debian.xml")
	write := func(platform string) {
		text := `<oval_definitions><generator><timestamp>2026-01-02T03:04:05</timestamp></generator><definitions><definition id="oval:org.example:def:1" class="patch">
			<metadata><affected><platform>` + platform + `</platform></affected></metadata></definition>
			<definition id="oval:org.example:def:2" class="patch" deprecated="true"/></definitions></oval_definitions>`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fetch := func(sub patch.Feed, last *patch.FeedState) (feed.Fetched, error) {
		return NewFetcher().Fetch(t.Context(), sub, last, dir, time.Now(), func(feed.Progress) {})
	}
	open := func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }
	write("Debian GNU/Linux 12")
	sub := patch.Feed{Name: "site", Kind: Kind, URI: path, Arch: "x86_64"}
	got, err := fetch(sub, nil)
	if err != nil || got.Unchanged || got.State.OS != "debian-12-amd64" || got.State.Packages != 1 || got.State.Dated.Year() != 2026 {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := fetch(sub, &got.State); err != nil || !again.Unchanged {
		t.Errorf("fetched again: %+v, %v", again, err)
	}
	entries, withdrawn, err := Generation("debian-12-amd64", got.State, open)
	if err != nil || len(entries) != 1 || entries[0].Patch.ID != "org.example/1" || len(withdrawn) != 1 || withdrawn[0] != "org.example/2" {
		t.Errorf("%+v, %v, %v", entries, withdrawn, err)
	}
	sub.OS = "ubuntu-24.04-amd64"
	if _, err := fetch(sub, nil); patch.KindOf(err) != patch.Invalid || err == nil {
		t.Errorf("a document about another system is taken: %v", err)
	}
	write("Plan 9") // no system that is known: what the feed says
	if got, err = fetch(sub, nil); err != nil {
		t.Fatal(err)
	}
	if entries, _, err = Generation(sub.OS, got.State, open); err != nil || len(entries) != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
	sub.URI = "http://mirror.example.org/debian.xml"
	if _, err := fetch(sub, nil); err == nil {
		t.Error("a document comes over plain http")
	}
}
