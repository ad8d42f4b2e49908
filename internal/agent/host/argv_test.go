package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A machine's default release is one of its own sources, which our private sources do not have: apt must not ask for it.
func TestDefaultReleaseDoesNotStopApt(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"apt.conf": "APT::Default-Release \"bookworm\";\n", "etc/sources.list": "", "lists/partial/x": "", "archives/partial/x": "", "cache/x": "", "extended_states": ""} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := &Apt{Dir: dir}
	cmd := exec.Command("apt-get", append(a.aptOptions(), "-s", "install")...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "APT_CONFIG=" + filepath.Join(dir, "apt.conf")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
