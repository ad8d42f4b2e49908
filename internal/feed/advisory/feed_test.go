package advisory

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestFetch(t *testing.T) {
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	from := t.TempDir()
	put := func(name, text string) patch.Feed {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return patch.Feed{Name: "dsa", Kind: Kind, URI: "file://" + path, Arch: "amd64", OS: "debian-12-amd64"}
	}
	fetch := func(f patch.Feed, last *patch.FeedState) (feed.Fetched, error) {
		return NewFetcher().Fetch(t.Context(), f, last, dir, time.Now(), func(feed.Progress) {})
	}
	f := put("list", dsas)
	got, err := fetch(f, nil)
	if err != nil || got.State.Packages != 3 || !got.State.Dated.Equal(day(29, 11)) || got.Unchanged {
		t.Fatalf("%+v, %v", got, err)
	}
	open := func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }
	if notes, err := Notes(got.State, open); err != nil || len(notes) != 3 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	if again, err := fetch(f, &got.State); err != nil || !again.Unchanged {
		t.Errorf("%+v, %v", again, err)
	}
	file, err := os.Create(filepath.Join(from, "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(file)
	w, _ := z.Create("USN-7002-1.json")
	io.WriteString(w, osvNotice)
	z.Close()
	file.Close()
	packed := f
	packed.URI = "file://" + file.Name()
	if got, err := fetch(packed, nil); err != nil || got.State.Packages != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	plain := f
	plain.URI, plain.Keyring = "http://tracker.example/list", "/k.gpg"
	for name, bad := range map[string]patch.Feed{"nothing in it": put("empty", "hello\n"), "cut": put("cut", usn[:100]), "no such file": {Name: "x", Kind: Kind, URI: "file:///none"}, "plain http": plain} {
		if _, err := fetch(bad, nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
