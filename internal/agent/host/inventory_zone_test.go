//go:build !windows

package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestZoneName(t *testing.T) {
	for name, c := range map[string]struct{ link, file, want string }{
		"a link":             {"/usr/share/zoneinfo/Europe/Berlin", "", "Europe/Berlin"},
		"a relative link":    {"../usr/share/zoneinfo/posix/America/New_York", "UTC\n", "America/New_York"},
		"a file":             {"", "Asia/Tokyo\n", "Asia/Tokyo"},
		"a link to nowhere":  {"/etc/other", "Asia/Tokyo\n", "Asia/Tokyo"},
		"neither":            {"", "", ""},
		"an escape sequence": {"/usr/share/zoneinfo/\x1b[2J", "", "[2J"},
	} {
		root := t.TempDir()
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(os.Mkdir(filepath.Join(root, "etc"), 0o755))
		if c.link != "" {
			must(os.Symlink(c.link, filepath.Join(root, "etc/localtime")))
		}
		if c.file != "" {
			must(os.WriteFile(filepath.Join(root, "etc/timezone"), []byte(c.file), 0o644))
		}
		if got := zoneName(root); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
