package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestListsAt(t *testing.T) {
	if got := ListsAt(t.TempDir()); !got.IsZero() {
		t.Errorf("no lists are of %s", got)
	}
	at := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	for name, late := range map[string]time.Duration{"var/lib/apt/lists/mirror.example.org_debian_dists_bookworm_InRelease": 0, "var/cache/dnf/baseos-1a2b/repodata/repomd.xml": time.Hour,
		"var/cache/libdnf5/baseos-1a2b/repodata/repomd.xml": 2 * time.Hour} {
		root := makeTree(t, map[string]string{name: "", "var/lib/apt/lists/lock": "", "var/cache/dnf/x.solv": ""})
		if err := os.Chtimes(filepath.Join(root, name), at.Add(late), at.Add(late)); err != nil {
			t.Fatal(err)
		}
		if got := ListsAt(root); !got.Equal(at.Add(late)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
