package macos

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"howett.net/plist"
)

const head = `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0">`

func TestReadRelease(t *testing.T) {
	for text, want := range map[string]Release{
		`<dict><key>ProductBuildVersion</key><string>23F79</string><key>ProductName</key><string>macOS</string><key>ProductVersion</key><string>14.5</string><key>iOSSupportVersion</key><string>17.5</string></dict>`: {"macOS", "14.5", "23F79"},
		`<dict><key>ProductVersion</key><string>13.4.1</string><key>ProductVersionExtra</key><string>(a)</string></dict>`:                                                                                              {"", "13.4.1 (a)", ""},
	} {
		got, err := ReadRelease([]byte(head + text + `</plist>`))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	for _, bad := range []string{"", "bplist00", head + "<dict/></plist>", head + "<array/></plist>", "\x00\x01", strings.Repeat(" ", MaxSmall+1)} {
		if r, err := ReadRelease([]byte(bad)); err == nil {
			t.Errorf("%.20q is %v", bad, r)
		}
	}
}

// Both forms of property lists say the same.
func TestReadWhatWasInstalled(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	rows := []map[string]any{{"date": at, "displayName": "macOS 14.5", "displayVersion": "14.5", "processName": "softwareupdated", "packageIdentifiers": []string{"x"}},
		{"date": at, "displayName": "Evil\x1b[2J", "processName": "installer"}, {"date": at}}
	for _, format := range []int{plist.XMLFormat, plist.BinaryFormat} {
		list := rows
		if format == plist.XMLFormat {
			list = []map[string]any{rows[0], rows[2]}
		}
		b, err := plist.Marshal(list, format)
		if err != nil {
			t.Fatal(err)
		}
		want := []Installed{{at, "macOS 14.5", "14.5", "softwareupdated"}}
		if format == plist.BinaryFormat {
			want = append(want, Installed{at, "Evil[2J", "", "installer"})
		}
		got, err := ReadHistory(b)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	b, err := plist.Marshal(map[string]any{"PackageIdentifier": "com.example.scribbler", "PackageVersion": "2.1", "InstallDate": at}, plist.BinaryFormat)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ReadReceipt(b); err != nil || r != (Receipt{"com.example.scribbler", "2.1"}) {
		t.Errorf("%+v %v", r, err)
	}
	if a, err := ReadApp([]byte(head+`<dict><key>CFBundleIdentifier</key><string>com.example.s</string><key>CFBundleShortVersionString</key><string>2.1</string><key>CFBundleVersion</key><string>2100</string></dict></plist>`), "Scribbler.app"); err != nil || a != (App{"com.example.s", "Scribbler", "2.1"}) {
		t.Errorf("%+v %v", a, err)
	}
}

const listed = `Software Update Tool

Finding available software
Software Update found the following new or updated software:
* Label: macOS Sonoma 14.5-23F79
	Title: macOS Sonoma 14.5, Version: 14.5, Size: 3276800KiB, Recommended: YES, Action: restart, 
* Label: Safari17.5VenturaAuto-17.5
	Title: Safari, for Ventura, Version: 17.5, Size: 163840KiB, Recommended: YES, 
`

func TestWhatSoftwareUpdateOffers(t *testing.T) {
	all, known := ReadOffers(listed)
	want := []Offer{{"macOS Sonoma 14.5-23F79", "macOS Sonoma 14.5", "14.5", true}, {"Safari17.5VenturaAuto-17.5", "Safari, for Ventura", "17.5", false}}
	if diff := cmp.Diff(want, all); diff != "" || !known {
		t.Errorf("%v\n%s", known, diff)
	}
	for text, want := range map[string]bool{"Software Update Tool\n\nFinding available software\nNo new software available.\n": true, "": false,
		"Can't connect to the Apple Software Update server": false} {
		if all, known := ReadOffers(text); len(all) > 0 || known != want {
			t.Errorf("%q: %v %v", text, all, known)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(head + `<array><dict><key>displayName</key><string>x</string></dict></array></plist>`))
	for _, format := range []int{plist.BinaryFormat, plist.OpenStepFormat} {
		b, _ := plist.Marshal(map[string]any{"ProductVersion": "14.5", "PackageIdentifier": "x", "n": []int{1, 2}}, format)
		f.Add(b)
	}
	f.Add([]byte(listed))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ReadRelease(b)
		_, _ = ReadReceipt(b)
		_, _ = ReadHistory(b)
		_, _ = ReadApp(b, "x.app")
		all, _ := ReadOffers(string(b))
		for _, o := range all {
			if len(o.Label) > maxText {
				t.Errorf("%d letters", len(o.Label))
			}
		}
	})
}
