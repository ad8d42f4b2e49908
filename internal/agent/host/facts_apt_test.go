package host

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestAptPolicy(t *testing.T) {
	own := "deb http://deb.example.org/debian bookworm main\ndeb http://deb.example.org/debian bookworm-updates main\ndeb http://security.example.org bookworm-security main\n"
	backports := "Types: deb\nURIs: http://deb.example.org/debian\nSuites: bookworm bookworm-backports\nComponents: main\n"
	pin := "Package: perl\nPin: release a=x\nPin-Priority: 7\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  *patch.AptPolicy
	}{
		"plain": {map[string]string{"etc/apt/sources.list": own, "etc/machine-id": "00aa\n", "etc/apt/preferences": "# nothing\n", "etc/apt/preferences.d/x.bak": pin,
			"etc/apt/preferences.d/.x": pin, "etc/apt/sources.list.d/x.list.save": "deb http://h s c\n"}, nil},
		"backports": {map[string]string{"etc/apt/sources.list.d/b.sources": backports,
			"var/lib/apt/lists/deb.example.org_debian_dists_bookworm-backports_InRelease": "-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: Debian Backports\nLabel: x\n"},
			&patch.AptPolicy{Sources: []patch.AptSource{{Site: "deb.example.org", Suite: "bookworm-backports", Components: []string{"main"}, Origin: "Debian Backports"}}}},
		"pins": {map[string]string{"etc/apt/preferences": pin, "etc/apt/preferences.d/z.pref": pin},
			&patch.AptPolicy{Pins: []patch.AptPin{{Packages: "perl", Pin: "release a=x", Priority: 7, File: "/etc/apt/preferences"}, {Packages: "perl", Pin: "release a=x", Priority: 7, File: "/etc/apt/preferences.d/z.pref"}}}},
		"a pin by site": {map[string]string{"etc/apt/preferences.d/z": strings.Replace(pin, "release a=x", "origin deb.example.org", 1), "etc/apt/sources.list": own[:strings.Index(own, "\n")+1]},
			&patch.AptPolicy{Pins: []patch.AptPin{{Packages: "perl", Pin: "origin deb.example.org", Priority: 7, File: "/etc/apt/preferences.d/z"}},
				Sources: []patch.AptSource{{Site: "deb.example.org", Suite: "bookworm", Components: []string{"main"}}}}},
		"refused": {map[string]string{"etc/apt/preferences.d/z": "Package: perl\nPin: release a=x\n"}, &patch.AptPolicy{Fault: `/etc/apt/preferences.d/z has no valid priority for "perl": ""`}},
		"default release": {map[string]string{"etc/apt/apt.conf.d/50x": "APT::Default-Release \"bookworm\";"},
			&patch.AptPolicy{DefaultRelease: "bookworm"}},
		"phased": {map[string]string{"etc/os-release": "ID=mint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=21\nVERSION_CODENAME=vera\n", "etc/machine-id": "00aa\n", "etc/apt/apt.conf": "APT::Get::Never-Include-Phased-Updates true;"},
			&patch.AptPolicy{Phasing: "never", MachineID: "00aa"}},
	} {
		f, err := CollectFacts(context.Background(), makeTree(t, debianTree(c.files)))
		if diff := cmp.Diff(c.want, f.Apt); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}
