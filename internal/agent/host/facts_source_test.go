package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Tools print banners ("This system is not registered with an entitlement server"), headings ("Obsoleting Packages"), "Security:" lines and
// "Finished Dependency Resolution", each in the user's language. None of it can become a package or an error: facts are read from
// databases, and no program runs.
func TestFactsComeFromDatabasesNotFromOutput(t *testing.T) {
	rpmRoot := makeTree(t, map[string]string{"etc/os-release": "ID=almalinux\nVERSION_ID=9.4\nID_LIKE=\"rhel centos fedora\"\n"})
	for name, root := range map[string]string{"dpkg": makeTree(t, debianTree(nil)), "apk": makeTree(t, alpineTree(nil)), "rpm": rpmRoot} {
		want, wantErr := CollectFacts(t.Context(), root)
		bin, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
		tool := "#!/bin/sh\ntouch " + ran + "\necho 'This system is not registered with an entitlement server.'\necho 'Obsoleting Packages'\n" +
			"echo 'Security: kernel-core-5.14.0-503.el9.x86_64 is an installed security update'\necho '--> Finished Dependency Resolution'\nexit 100\n"
		for _, program := range []string{"dpkg", "dpkg-query", "apt-get", "apt", "apt-mark", "rpm", "dnf", "yum", "zypper", "apk", "lsb_release"} {
			if err := os.WriteFile(filepath.Join(bin, program), []byte(tool), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", bin)
		t.Setenv("LC_ALL", "de_DE.UTF-8")
		t.Setenv("LANGUAGE", "de")
		got, err := CollectFacts(t.Context(), root)
		if d := cmp.Diff(want, got); d != "" || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: tools and languages change the facts: %v, %v\n%s", name, wantErr, err, d)
		}
		if _, err := os.Stat(ran); err == nil {
			t.Errorf("%s: collecting facts runs a package manager", name)
		}
	}
}
