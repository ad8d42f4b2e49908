//go:build !windows

package host

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/macos"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

const systemVersion = "System/Library/CoreServices/SystemVersion.plist"

func isMac(root string) bool { return isFile(root, systemVersion) }

// macFacts reads what a macOS says of itself. Its programs are asked for as items.
func macFacts(ctx context.Context, root string) (patch.Facts, error) {
	b, err := readLimited(root, systemVersion, macos.MaxSmall)
	if err != nil {
		return patch.Facts{}, err
	}
	r, err := macos.ReadRelease(b)
	if err != nil {
		return patch.Facts{}, err
	}
	f := patch.Facts{OS: patch.OSFacts{ID: "macos", VersionID: r.Version, Build: r.Build, Pretty: strings.TrimSpace(r.Name + " " + r.Version), Arch: macArch(root)}, Packages: []patch.Package{}}
	if live(root) {
		f.OS.Model = tidy(sysctl("hw.model"), 40)
	}
	if f.OS.Key = f.OS.HostOS(); f.OS.Key == "" {
		return patch.Facts{}, &patch.Error{Kind: patch.Invalid, What: "cannot tell which macOS this is", Why: phrase.Of("its SystemVersion.plist names the version {1}", r.Version), Do: "Nothing was judged."}
	}
	return f, ctx.Err()
}

// macArch is the processor that a macOS is for: the running one's, or that of the libraries in a directory.
func macArch(root string) string {
	if live(root) {
		return runtime.GOARCH
	}
	for _, dir := range []string{"System/Library/dyld", "System/Volumes/Preboot/Cryptexes/OS/System/Library/dyld"} {
		if isFile(root, dir+"/dyld_shared_cache_arm64e") {
			return "arm64"
		}
	}
	return "amd64"
}

// macInventory reads a Mac as labels and people see it.
func macInventory(ctx context.Context, root string, f patch.Facts) (patch.Inventory, error) {
	hash, _, err := wire.HashJSON(f)
	if err != nil {
		return patch.Inventory{}, err
	}
	v := patch.Inventory{Hostname: hostname(root), Zone: zoneName(root), OS: f.OS, Network: readNetwork(root),
		Hardware: patch.Hardware{Vendor: "Apple", Model: f.OS.Model, Cores: runtime.NumCPU(), DiskMB: diskSize(root) >> 20},
		Kernel:   patch.Kernel{Running: f.OS.VersionID, Installed: f.OS.VersionID}, Reboot: macReboot(root), Changes: macChanges(root), Facts: hash}
	if live(root) {
		v.Hardware.CPU, v.Hardware.MemoryMB = tidy(sysctl("machdep.cpu.brand_string"), 120), sysctlNumber("hw.memsize")>>20
	}
	return v, ctx.Err()
}

// macReboot looks for what macOS leaves where an update waits for a restart.
func macReboot(root string) (r patch.RebootSignal) {
	for name, says := range map[string]string{"var/db/.SoftwareUpdateAtLogout": "an update waits for a restart", "var/db/.StagedAppleUpgrade": "an upgrade of macOS waits for a restart"} {
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
			r.Reasons = append(r.Reasons, says)
		}
	}
	r.Owed = len(r.Reasons) > 0
	return r
}

// macChanges is macOS' own history of installations, newest first.
func macChanges(root string) []patch.PkgChange {
	b, err := readLimited(root, "Library/Receipts/InstallHistory.plist", macos.MaxList)
	if err != nil {
		return []patch.PkgChange{}
	}
	all, err := macos.ReadHistory(b)
	if err != nil {
		return []patch.PkgChange{}
	}
	out := make([]patch.PkgChange, 0, min(len(all), maxChanges))
	for i := len(all) - 1; i >= 0 && len(out) < maxChanges; i-- {
		x := all[i]
		c := patch.PkgChange{At: x.At.Truncate(time.Second), Action: "install", Name: x.Name, To: x.Version, Evidence: "InstallHistory.plist: " + x.By}
		c.By, c.Who = macHand(x.By)
		out = append(out, c)
	}
	return out
}

// macHand tells by the program that installed something who wanted it.
func macHand(process string) (by string, who patch.Doer) {
	switch process {
	case "softwareupdated", "softwareupdate", "Software Update", "macOS Installer", "osinstallersetupd":
		return patch.SoftwareUpdate, patch.DoerService
	case "appstoreagent", "App Store", "appstored", "storedownloadd":
		return "app-store", patch.DoerService
	case "Installer": // the one with windows
		return process, patch.DoerPerson
	}
	return process, patch.DoerUnknown // "installer" on the command line is anybody's
}
