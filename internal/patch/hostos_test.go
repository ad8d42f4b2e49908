package patch

import "testing"

func TestSystemsAreNamedAsTheyArePatched(t *testing.T) {
	for _, c := range []struct {
		about string
		os    OSFacts
		want  HostOS
	}{
		{"XP with Service Pack 2", OSFacts{ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 2", Arch: "x86"}, "windows-5.1-sp2-x86"},
		{"XP with Service Pack 3 is another", OSFacts{ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 3", Arch: "x86"}, "windows-5.1-sp3-x86"},
		{"7 before its service pack", OSFacts{ID: "windows", VersionID: "6.1.7600", Arch: "amd64"}, "windows-6.1-amd64"},
		{"8.1", OSFacts{ID: "windows", VersionID: "6.3.9600.20000", Arch: "amd64"}, "windows-6.3-amd64"},
		{"10 22H2, whatever its revision", OSFacts{ID: "windows", VersionID: "10.0.19045.3803", Codename: "22H2", Pretty: "Windows 10 Pro", Arch: "amd64"}, "windows-10.0.19045-amd64"},
		{"11 23H2", OSFacts{ID: "windows", VersionID: "10.0.22631.2861", Codename: "23H2", Arch: "arm64"}, "windows-10.0.22631-arm64"},
		{"a server of a build that clients have too", OSFacts{ID: "windows", VersionID: "10.0.26100.1", Pretty: "Windows Server 2025 Standard", Arch: "amd64"}, "windows-server-10.0.26100-amd64"},
		{"a Windows without a build", OSFacts{ID: "windows", VersionID: "10.0", Arch: "amd64"}, ""},
		{"no Windows' version", OSFacts{ID: "windows", VersionID: "../10.0.1", Arch: "amd64"}, ""},
		{"no architecture", OSFacts{ID: "windows", VersionID: "10.0.19045.1"}, ""},
		{"macOS 14.4", OSFacts{ID: "macos", VersionID: "14.4", Arch: "arm64"}, "macos-14-arm64"},
		{"14.5 is the same", OSFacts{ID: "macos", VersionID: "14.5", Arch: "arm64"}, "macos-14-arm64"},
		{"a response", OSFacts{ID: "macos", VersionID: "13.4.1 (a)", Arch: "amd64"}, "macos-13-amd64"},
		{"an old macOS", OSFacts{ID: "macos", VersionID: "10.15.7", Arch: "amd64"}, "macos-10.15-amd64"},
		{"Linux says so itself", OSFacts{ID: "debian", VersionID: "12", Arch: "amd64"}, ""},
	} {
		if got := c.os.HostOS(); got != c.want {
			t.Errorf("%s: %q, not %q", c.about, got, c.want)
		}
	}
	if p := (&OSFacts{ID: "windows", Key: "windows-5.1-sp2-x86"}).ServicePack(); p != "2" {
		t.Errorf("service pack by the key: %q", p)
	}
}
