package host

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestWindowsIsNamedAsItIsPatched(t *testing.T) {
	for _, c := range []struct {
		about   string
		release windowsRelease
		want    patch.OSFacts
	}{
		{"a service pack is an OS of its own", windowsRelease{product: "Microsoft Windows XP", version: "5.1", build: "2600", service: "Service Pack 2", kind: "WinNT", processor: "x86", language: "0407"},
			patch.OSFacts{Key: "windows-5.1-sp2-x86", ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 2", Pretty: "Microsoft Windows XP", Arch: "x86", Language: "0407"}},
		{"before the first service pack", windowsRelease{version: "6.1", build: "7600", kind: "WinNT", processor: "AMD64"},
			patch.OSFacts{Key: "windows-6.1-amd64", ID: "windows", VersionID: "6.1.7600", Arch: "amd64"}},
		{"since Windows 10 by build, and CurrentVersion says 6.3 for ever", windowsRelease{product: "Windows 10 Pro", major: 10, version: "6.3", build: "19045", revision: 3803, display: "22H2", edition: "Professional", kind: "WinNT", processor: "AMD64"},
			patch.OSFacts{Key: "windows-10.0.19045-amd64", ID: "windows", VersionID: "10.0.19045.3803", Codename: "22H2", Pretty: "Windows 10 Pro", Edition: "Professional", Arch: "amd64"}},
		{"a domain controller is a server", windowsRelease{major: 10, version: "6.3", build: "17763", revision: 1, kind: "LanmanNT", processor: "ARM64"},
			patch.OSFacts{Key: "windows-server-10.0.17763-arm64", ID: "windows", VersionID: "10.0.17763.1", Arch: "arm64"}},
	} {
		got, err := c.release.facts()
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.about, err, diff)
		}
	}
}

func TestAWindowsThatDoesNotSayWhatItIsHasNoName(t *testing.T) {
	whole := windowsRelease{version: "6.1", build: "7601", processor: "AMD64"}
	for _, change := range []func(*windowsRelease){
		func(r *windowsRelease) { r.version = "" }, func(r *windowsRelease) { r.version = "../6" }, func(r *windowsRelease) { r.build = "" },
		func(r *windowsRelease) { r.build = "76x" }, func(r *windowsRelease) { r.processor = "MIPS" },
	} {
		r := whole
		change(&r)
		if f, err := r.facts(); err == nil {
			t.Errorf("%+v is called %s", r, f.Key)
		}
	}
}

func TestARestartIsOwedForWhatWillBeReplaced(t *testing.T) {
	for _, c := range []struct {
		pairs []string
		want  int
	}{
		{nil, 0},
		{[]string{`\??\C:\Windows\Temp\a.tmp`, ""}, 0},
		{[]string{`\??\C:\x\new.dll`, ""}, 0}, // which is there, and only waits to be deleted
		{[]string{`\??\C:\Windows\Temp\a.tmp`, "", `\??\C:\x\new.dll`, `!\??\C:\x\old.dll`}, 1},
		{[]string{`\??\C:\x\new.dll`}, 0},
		{[]string{`\??\C:\x\gone.dll`, `!\??\C:\x\old.dll`}, 0}, // a restart cannot do it any more
		{[]string{`*1\??\C:\x\new.dll`, `*1\??\C:\x\old.dll`}, 1},
		{[]string{`\??\C:\x\new.dll`, `\??\C:\Users\eve\AppData\Local\Temp\1.tmp`}, 0},
	} {
		if got := replacements(c.pairs, func(path string) bool { return path == `C:\x\new.dll` }); got != c.want {
			t.Errorf("%q: %d files will be replaced and not %d", c.pairs, got, c.want)
		}
	}
}

// What has outlived a restart waits for something else; a clock that was set back a little makes no difference.
func TestASignThatOutlivedARestartOwesNone(t *testing.T) {
	booted := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for written, want := range map[time.Time]bool{booted.Add(-time.Hour): true, booted.Add(-time.Minute): false, booted.Add(time.Hour): false, {}: false} {
		if outlived(written, booted) != want {
			t.Errorf("%s: %v", written, !want)
		}
	}
}
