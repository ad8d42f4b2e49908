package host

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ListsAt is when the machine's own package lists were last brought up to date: the newest of apt's Release files or of dnf's repomd.xml, by
// the time that they were fetched; zero where there is none. It says how old what the machine itself knows is; detection does not rest on it.
func ListsAt(root string) time.Time {
	var newest time.Time
	note := func(path string) {
		if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() && st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	lists := filepath.Join(root, "var/lib/apt/lists")
	for _, name := range namesIn(root, "var/lib/apt/lists") {
		if strings.HasSuffix(name, "_InRelease") || strings.HasSuffix(name, "_Release") {
			note(filepath.Join(lists, name))
		}
	}
	// apt keeps the vendor's date as a list's time, and touches the stamp when it has looked.
	note(filepath.Join(root, "var/lib/apt/periodic/update-success-stamp"))
	if st, err := os.Lstat(filepath.Join(lists, "partial")); err == nil && !newest.IsZero() && st.ModTime().After(newest) {
		newest = st.ModTime()
	}
	for _, cache := range []string{"var/cache/dnf", "var/cache/libdnf5"} {
		found, _ := filepath.Glob(filepath.Join(root, cache, "*/repodata/repomd.xml"))
		for _, path := range found[:min(len(found), 1000)] {
			note(path)
		}
	}
	return newest
}
