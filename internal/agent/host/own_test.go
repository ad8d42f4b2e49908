//go:build !windows

package host

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestServicesComeAndGo(t *testing.T) {
	for system, path := range map[string]string{"linux": unitPath, "darwin": jobPath} {
		root := t.TempDir()
		s := Service{Root: root, System: system, Program: "/usr/local/bin/fettle-agent", State: "/var/lib/fettle-agent"}
		for range 2 { // again is an upgrade
			if started, err := s.Install(t.Context()); started || err != nil {
				t.Fatalf("%s: in a directory it is started: %v, %v", system, started, err)
			}
		}
		b, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || !strings.Contains(string(b), "/usr/local/bin/fettle-agent") || !strings.Contains(string(b), "/var/lib/fettle-agent") {
			t.Errorf("%s: %s, %v", system, b, err)
		}
		if system == "darwin" {
			d := xml.NewDecoder(strings.NewReader(string(b)))
			for err = nil; err == nil; _, err = d.Token() {
			}
			if !errors.Is(err, io.EOF) {
				t.Errorf("the job is not XML: %v", err)
			}
		}
		for range 2 {
			if err := s.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(root, filepath.Dir(path), "*")); len(left) != 0 {
			t.Errorf("%s: it leaves %v", system, left)
		}
	}
	bad := Service{Root: t.TempDir(), System: "linux", Program: "/tmp/a\nExecStartPre=/bin/rm", State: "/var/lib/fettle-agent"}
	if _, err := bad.Install(t.Context()); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a path of two lines became a unit: %v", err)
	}
	if got := unitArgs("enable"); !slices.Equal(got, []string{"enable", "--quiet", "--now", "--", unitName}) {
		t.Errorf("systemctl %q", got)
	}
}
