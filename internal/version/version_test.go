package version

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

var orders = []struct {
	scheme Scheme
	a      string
	rel    string
	b      string
}{
	{Dpkg, "1.0", "=", "1.0"},
	{Dpkg, "1.0", "=", "0:1.0-0"},
	{Dpkg, "1.0", "=", "1.0-00"},
	{Dpkg, "1.0~rc1", "<", "1.0"},
	{Dpkg, "1.0~~", "<", "1.0~"},
	{Dpkg, "1.0-1~deb12u1", "<", "1.0-1"},
	{Dpkg, "1.0-1", "<", "1.0-1+b1"},
	{Dpkg, "1.0-2-1", ">", "1.0-10"},
	{Dpkg, "1.0-2-1", ">", "1.0-1-10"},
	{Dpkg, "9.9.9", "<", "1:0.1"},
	{Dpkg, "1.2.9", "<", "1.2.10"},
	{Dpkg, "1.2a", "<", "1.2+"},
	{Dpkg, "1.2", "<", "1.2a"},
	{Dpkg, "1.27+1.3.9", "<", "1.27.1+1.3.9"},
	{Dpkg, "6.12.101+deb13", ">", "6.12.96+deb13"},
	{Dpkg, "0" + strings.Repeat("9", 60), "<", "1" + strings.Repeat("0", 60)},
	{Dpkg, "00001", "=", "1"},
	{RPM, "1.27+1.3.9", ">", "1.27.1+1.3.9"},
	{RPM, "1.0~rc1", "<", "1.0"},
	{RPM, "1.0^git1", ">", "1.0"},
	{RPM, "1.0^git1", "<", "1.0.1"},
	{RPM, "1.0^git1~pre", "<", "1.0^git1"},
	{RPM, "1.0~rc1^git1", ">", "1.0~rc1"},
	{RPM, "0:2.0-1.el7", "=", "2.0-1.el7"},
	{RPM, "2.0-1.el7", "<", "2.0-1.el7_9"},
	{RPM, "2:1.0", ">", "1:9"},
	{RPM, "10xyz", "<", "10.1xyz"},
	{RPM, "xyz.4", "<", "8"},
	{RPM, "1.05", "=", "1.5"},
	{APK, "1.0_alpha", "<", "1.0"},
	{APK, "1.0_p1", ">", "1.0"},
	{APK, "1.0_rc2", "<", "1.0_rc10"},
	{APK, "1.0a", "<", "1.0b"},
	{APK, "1.0-r1", "<", "1.0-r10"},
	{APK, "1.01", "<", "1.1"},
	{APK, "1.2.3", ">", "1.2"},
	{APK, "1.0_git20240101~abc-r1", ">", "1.0_alpha-r9"},
	{Windows, "10.0.19045", "=", "10.0.19045.0"},
	{Windows, "10.0.19045.3803", "<", "10.0.19045.4046"},
	{Windows, "6.1", "<", "10"},
	{Winget, "1.0", "=", "1.0.0"},
	{Winget, "1.0", "=", " v1. 0 "},
	{Winget, "Version 1.0", "=", "1.0"},
	{Winget, "v0.0.1", "<", "0.0.2"},
	{Winget, "13.9.8", "<", "14.1"},
	{Winget, "1.2.10", ">", "1.2.9"},
	{Winget, "1.0.0-rc1", "<", "1.0"},
	{Winget, "1.0-RC1", "=", "1.0-rc1"},
	{Winget, "0.0.1-beta", "<", "0.0.2-alpha"},
	{Winget, "1.0-alpha", "<", "1.0-beta"},
	{Winget, "13.2.0-bugfix", "<", "13.2.0"},
	{Winget, "1.a2", "<", "1.b1"},
	{Winget, "alpha", "<", "beta"},
	{Winget, ".1", "=", "0.1"},
	{Winget, "latest", ">", "99999"},
	{Winget, "Unknown", "<", "0"},
	{Winget, "unknown", "<", "alpha"},
	{Winget, "Latest", "=", "latest"},
	{Winget, "18446744073709551616", "<", "1"},
	{Winget, "18446744073709551615", ">", "1"},
	{MacOS, "14.4", "<", "14.4.1"},
	{MacOS, "14.4.1", "<", "15.0"},
	{MacOS, "14.4", "=", "14.4.0"},
	{MacOS, "10.15.7", "<", "11.0.1"},
	{MacOS, "15.7.9", "<", "26.0"},
	{MacOS, "13.4.1", "<", "13.4.1 (a)"},
	{MacOS, "13.4.1 (a)", "<", "13.4.1 (c)"},
	{MacOS, "13.4.1 (c)", "<", "13.5"},
	{MacOS, "23E214", "<", "23E224"},
	{MacOS, "23E224", "<", "24A335"},
	{MacOS, "23G1020", ">", "23G93"},
	{MacOS, "9A581", "<", "23A344"},
	{MacOS, "23E5180j", "<", "23E214"},
	{MacOS, "23E5180j", "<", "23E5191e"},
	{MacOS, "23D60", "<", "23E5180j"},
	{MacOS, "22F82", "<", "22F770820b"},
	{MacOS, "22F770820b", "<", "22F770820d"},
	{Semver, "1.0.0-alpha", "<", "1.0.0-alpha.1"},
	{Semver, "1.0.0-alpha.1", "<", "1.0.0-alpha.beta"},
	{Semver, "1.0.0-beta.2", "<", "1.0.0-beta.11"},
	{Semver, "1.0.0-rc.1", "<", "1.0.0"},
	{Semver, "1.0.0+a", "=", "1.0.0+b"},
	{Semver, "1.0.0--", ">", "1.0.0-1"},
}

func TestOrder(t *testing.T) {
	want := map[string]int{"<": -1, "=": 0, ">": 1}
	for _, c := range orders {
		for _, turn := range []struct {
			a, b string
			want int
		}{{c.a, c.b, want[c.rel]}, {c.b, c.a, -want[c.rel]}} {
			got, err := Compare(c.scheme, turn.a, turn.b)
			if err != nil || got != turn.want {
				t.Errorf("%s: Compare(%q, %q) = %d, %v; want %d", c.scheme, turn.a, turn.b, got, err, turn.want)
			}
		}
	}
}

func TestNoVersion(t *testing.T) {
	bad := map[Scheme][]string{
		Dpkg: {"", " ", "1.0 ", "a", "1.0-", ":1", "1:", "x:1", "-1:1", "9999999999:1", "1_0", "1.0-1_2", "-1", "1.0\n", "1.0-é", "~1",
			strings.Repeat("1", maxLength+1)},
		RPM:     {"", "1 0", "1:", "-1", "1\x00"},
		APK:     {"", "a", ".1", "1.", "1__alpha", "1_foobar", "1-r", "1-pre1", "1bc", "1.0-r1-r2", "1.0_p1~", "1.0~xyz", "1..2"},
		Windows: {"", "a", "1.", "1.2.3.4.5", "1..2", "4294967296", "-1"},
		Winget:  {"", "  ", "1\x00", "< 1.0", "> 2", strings.Repeat("1", maxLength+1)},
		MacOS:   {"", "14.", "14.4 (A)", "14.4(a)", " (a)", "23E", "E224", "23e224", "23E224ab", "1.2.3.4.5", "14 .4"},
		Semver:  {"", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.0-a..b", "1.0.0.0", "1.0.0-a_b"},
	}
	good := map[Scheme]string{Dpkg: "1", RPM: "1", APK: "1", Windows: "1", Winget: "1", Semver: "1.0.0", MacOS: "1"}
	for scheme, list := range bad {
		for _, s := range list {
			for _, pair := range [][2]string{{s, good[scheme]}, {good[scheme], s}} {
				if c, err := Compare(scheme, pair[0], pair[1]); patch.KindOf(err) != patch.Invalid {
					t.Errorf("%s: Compare(%q, %q) = %d, %v; want an Invalid error", scheme, pair[0], pair[1], c, err)
				}
			}
		}
	}
	if c, err := Compare(MacOS, "14.4", "23E214"); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a product version against a build is %d, %v", c, err)
	}
	if _, err := Compare("deb", "1", "1"); patch.KindOf(err) != patch.Invalid {
		t.Errorf("an unknown scheme gives %v", err)
	}
}

func TestDpkgCompareAllocatesNothing(t *testing.T) {
	a, b := "1:5.36.0-7+deb12u3", "1:5.36.0-7+deb12u4"
	if n := testing.AllocsPerRun(100, func() { DpkgCompare(a, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDpkgCompare(b *testing.B) {
	for b.Loop() {
		DpkgCompare("1:5.36.0-7+deb12u3", "1:5.36.0-7+deb12u4")
	}
}
