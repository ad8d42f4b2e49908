package macos

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"howett.net/plist"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of what is read, in bytes and entries.
const (
	MaxList    = 16 << 20 // InstallHistory.plist of a machine of ten years has 1 MiB
	MaxSmall   = 1 << 20  // every other property list
	maxHistory = 20_000
	maxText    = 300
)

// Release is what SystemVersion.plist says of a macOS.
type Release struct {
	Name    string // ProductName: "macOS"
	Version string // ProductVersion, with a response's letter: "13.4.1 (a)"
	Build   string // ProductBuildVersion: "23F79"
}

// ReadRelease reads SystemVersion.plist.
func ReadRelease(b []byte) (Release, error) {
	var v struct {
		Name    string `plist:"ProductName"`
		Version string `plist:"ProductVersion"`
		Extra   string `plist:"ProductVersionExtra"`
		Build   string `plist:"ProductBuildVersion"`
	}
	if err := decode(b, MaxSmall, &v); err != nil {
		return Release{}, err
	}
	if v.Version == "" {
		return Release{}, patch.Errorf(patch.Invalid, "a system version names no ProductVersion")
	}
	return Release{clip(v.Name), clip(strings.TrimSpace(v.Version + " " + v.Extra)), clip(v.Build)}, nil
}

// Receipt is what the installer keeps of a package, in /var/db/receipts.
type Receipt struct{ ID, Version string }

// ReadReceipt reads one.
func ReadReceipt(b []byte) (Receipt, error) {
	var v struct {
		ID      string `plist:"PackageIdentifier"`
		Version string `plist:"PackageVersion"`
	}
	if err := decode(b, MaxSmall, &v); err != nil {
		return Receipt{}, err
	}
	if v.ID == "" {
		return Receipt{}, patch.Errorf(patch.Invalid, "a receipt names no PackageIdentifier")
	}
	return Receipt{clip(v.ID), clip(v.Version)}, nil
}

// App is what an application's Info.plist says of it.
type App struct{ ID, Name, Version string }

// ReadApp reads one; folder is how its folder is called, "Scribbler.app", which names an application that does not name itself.
func ReadApp(b []byte, folder string) (App, error) {
	var v struct {
		ID      string `plist:"CFBundleIdentifier"`
		Display string `plist:"CFBundleDisplayName"`
		Name    string `plist:"CFBundleName"`
		Short   string `plist:"CFBundleShortVersionString"`
		Version string `plist:"CFBundleVersion"`
	}
	if err := decode(b, MaxSmall, &v); err != nil {
		return App{}, err
	}
	return App{clip(v.ID), clip(first(v.Display, v.Name, strings.TrimSuffix(folder, ".app"))), clip(first(v.Short, v.Version))}, nil
}

// Installed is one line of InstallHistory.plist.
type Installed struct {
	At      time.Time
	Name    string
	Version string
	By      string // the program that installed it: "softwareupdated", "installer"
}

// ReadHistory reads InstallHistory.plist, oldest first.
func ReadHistory(b []byte) ([]Installed, error) {
	var all []struct {
		At      time.Time `plist:"date"`
		Name    string    `plist:"displayName"`
		Version string    `plist:"displayVersion"`
		By      string    `plist:"processName"`
	}
	if err := decode(b, MaxList, &all); err != nil {
		return nil, err
	}
	if len(all) > maxHistory {
		all = all[len(all)-maxHistory:]
	}
	out := make([]Installed, 0, len(all))
	for _, x := range all {
		if x.Name != "" {
			out = append(out, Installed{x.At.UTC(), clip(x.Name), clip(x.Version), clip(x.By)})
		}
	}
	return out, nil
}

// decode reads a property list in either form. The library's own faults are errors of the file.
func decode(b []byte, limit int, v any) (err error) {
	if len(b) > limit {
		return patch.Errorf(patch.Invalid, "a property list has more than %d bytes", limit)
	}
	defer func() {
		if r := recover(); r != nil {
			err = patch.Errorf(patch.Invalid, "a property list cannot be read: %.100s", fmt.Sprint(r))
		}
	}()
	if err := plist.NewDecoder(bytes.NewReader(b)).Decode(v); err != nil {
		return patch.Errorf(patch.Invalid, "a property list cannot be read: %w", err)
	}
	return nil
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// clip bounds a text from a machine and leaves out what could steer a terminal.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return strings.TrimSpace(s)
}
