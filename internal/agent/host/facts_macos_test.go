package host

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

const plistHead = `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">`

// A Mac in a directory is read as the running one is, apart from what only its kernel tells.
func TestFactsOfAMac(t *testing.T) {
	root := makeTree(t, map[string]string{
		systemVersion: plistHead + `<dict><key>ProductName</key><string>macOS</string><key>ProductVersion</key><string>13.4.1</string><key>ProductVersionExtra</key><string>(a)</string><key>ProductBuildVersion</key><string>22F770820b</string></dict></plist>`,
		"System/Volumes/Preboot/Cryptexes/OS/System/Library/dyld/dyld_shared_cache_arm64e": "",
		"var/db/.SoftwareUpdateAtLogout": "",
		"Library/Receipts/InstallHistory.plist": plistHead + `<array><dict><key>date</key><date>2026-11-25T10:00:00Z</date><key>displayName</key><string>Scribbler</string><key>displayVersion</key><string>2.1</string><key>processName</key><string>installer</string></dict>
			<dict><key>date</key><date>2026-11-26T10:00:00Z</date><key>displayName</key><string>macOS 13.4.1 (a)</string><key>displayVersion</key><string>13.4.1 (a)</string><key>processName</key><string>softwareupdated</string></dict></array></plist>`,
	})
	f, err := CollectFacts(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	want := patch.Facts{OS: patch.OSFacts{Key: "macos-13-arm64", ID: "macos", VersionID: "13.4.1 (a)", Build: "22F770820b", Pretty: "macOS 13.4.1 (a)", Arch: "arm64"}, Packages: []patch.Package{}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	v, err := CollectInventory(t.Context(), root, f)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	changes := []patch.PkgChange{
		{At: day, Action: "install", Name: "macOS 13.4.1 (a)", To: "13.4.1 (a)", By: patch.SoftwareUpdate, Who: patch.DoerService, Evidence: "InstallHistory.plist: softwareupdated"},
		{At: day.AddDate(0, 0, -1), Action: "install", Name: "Scribbler", To: "2.1", By: "installer", Evidence: "InstallHistory.plist: installer"},
	}
	if diff := cmp.Diff(changes, v.Changes); diff != "" || !v.Reboot.Owed || !RebootSignal(root).Owed {
		t.Errorf("%+v\n%s", v.Reboot, diff)
	}
	if _, err := CollectFacts(t.Context(), makeTree(t, map[string]string{systemVersion: "bplist00"})); err == nil {
		t.Error("a Mac that cannot be read has facts")
	}
}
