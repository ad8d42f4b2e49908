package debian

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

const sampleLog = `2026-11-20 10:00:01 startup archives unpack
2026-11-20 10:00:02 install perl:amd64 <none> 5.36.0-7+deb12u3
2026-11-20 10:00:02 status half-installed perl:amd64 5.36.0-7+deb12u3
2026-11-21 10:00:05 upgrade perl:amd64 5.36.0-7+deb12u3 5.36.0-7+deb12u4
garbage ` + "\x00\xff" + `
2026-99-21 10:00:05 upgrade perl:amd64 1 2
2026-11-22 11:00:00 remove perl:amd64 5.36.0-7+deb12u4 <none>
2026-11-22 12:00:00 upgrade apt:amd64 2.6.1 2.6.2
2026-11-23 12:00:00 upgrade bash:amd64 1 2
`

const sampleHistory = `
Start-Date: 2026-11-20  10:00:00
Commandline: apt-get install perl
Requested-By: ann (1000)
Install: perl:amd64 (5.36.0-7+deb12u3)
End-Date: 2026-11-20  10:00:04

Start-Date: 2026-11-21  10:00:00
Commandline: /usr/bin/python3 /usr/bin/unattended-upgrade
Upgrade: perl:amd64 (5.36.0-7+deb12u3, 5.36.0-7+deb12u4)
End-Date: 2026-11-21  10:00:09

Start-Date: 2026-11-22  12:00:00
Commandline: apt-get -y -o Fettle::Attempt=01J install -- apt:amd64=2.6.2
Upgrade: apt:amd64 (2.6.1, 2.6.2)
End-Date: 2026-11-22  12:00:03
`

func TestHistoryNamesWhoDidIt(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	changes, err := ParseDpkgLog(strings.NewReader(sampleLog), zone)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := ParseAptHistory(strings.NewReader(sampleHistory), zone)
	if err != nil {
		t.Fatal(err)
	}
	Attribute(changes, runs, "Fettle::Attempt=")
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 11, day, hour-1, minute, second, 0, time.UTC)
	}
	want := []patch.PkgChange{
		{At: at(20, 10, 0, 2), Action: "install", Name: "perl", Arch: "amd64", To: "5.36.0-7+deb12u3", By: "apt-get install perl by ann (1000)"},
		{At: at(21, 10, 0, 5), Action: "upgrade", Name: "perl", Arch: "amd64", From: "5.36.0-7+deb12u3", To: "5.36.0-7+deb12u4", By: "unattended-upgrades"},
		{At: at(22, 11, 0, 0), Action: "remove", Name: "perl", Arch: "amd64", From: "5.36.0-7+deb12u4"},
		{At: at(22, 12, 0, 0), Action: "upgrade", Name: "apt", Arch: "amd64", From: "2.6.1", To: "2.6.2", By: "fettle"},
		{At: at(23, 12, 0, 0), Action: "upgrade", Name: "bash", Arch: "amd64", From: "1", To: "2"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Error(diff)
	}
}

func TestLongLinesAreSkippedWhole(t *testing.T) {
	text := "Start-Date: 2026-11-20  10:00:00\nInstall: " + strings.Repeat("x", maxLogLine+10) + "\nEnd-Date: 2026-11-20  10:00:04\n"
	runs, err := ParseAptHistory(strings.NewReader(text), time.UTC)
	if err != nil || len(runs) != 1 || runs[0].End.IsZero() {
		t.Errorf("%+v %v", runs, err)
	}
}

func FuzzHistory(f *testing.F) {
	f.Add(sampleLog, sampleHistory)
	f.Fuzz(func(t *testing.T, log, history string) {
		changes, err := ParseDpkgLog(strings.NewReader(log), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := ParseAptHistory(strings.NewReader(history), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		Attribute(changes, runs, "Fettle")
		for _, c := range changes {
			if strings.ContainsAny(c.By+c.Name+c.From+c.To, "\x00\n\x1b") {
				t.Fatalf("%+v", c)
			}
		}
	})
}
