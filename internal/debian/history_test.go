package debian

import (
	"io"
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
	changes := attributed(t, sampleLog, sampleHistory, zone)
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 11, day, hour-1, minute, second, 0, time.UTC)
	}
	want := []patch.PkgChange{
		{At: at(20, 10, 0, 2), Action: "install", Name: "perl", Arch: "amd64", To: "5.36.0-7+deb12u3", By: "apt-get install perl by ann (1000)",
			Who: patch.DoerPerson, Evidence: "/var/log/apt/history.log: Commandline: apt-get install perl; Requested-By: ann (1000)"},
		{At: at(21, 10, 0, 5), Action: "upgrade", Name: "perl", Arch: "amd64", From: "5.36.0-7+deb12u3", To: "5.36.0-7+deb12u4", By: "unattended-upgrades",
			Who: patch.DoerService, Evidence: "/var/log/apt/history.log: Commandline: /usr/bin/python3 /usr/bin/unattended-upgrade"},
		{At: at(22, 11, 0, 0), Action: "remove", Name: "perl", Arch: "amd64", From: "5.36.0-7+deb12u4"},
		{At: at(22, 12, 0, 0), Action: "upgrade", Name: "apt", Arch: "amd64", From: "2.6.1", To: "2.6.2", By: "fettle",
			Who: patch.DoerFettle, Evidence: "/var/log/apt/history.log: Commandline: apt-get -y -o Fettle::Attempt=01J install -- apt:amd64=2.6.2"},
		{At: at(23, 12, 0, 0), Action: "upgrade", Name: "bash", Arch: "amd64", From: "1", To: "2"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Error(diff)
	}
}

// Two runs within one second: a change is that run's which lists its package, not the later one's.
func TestRunsThatShareASecond(t *testing.T) {
	const history = `
Start-Date: 2026-11-27  01:03:37
Commandline: /usr/bin/unattended-upgrade
Upgrade: shop-door:all (1.0-1, 1.0-2), shop-slow:all (1.0-1, 1.0-2)
Install: shop-new:all (1.0-1, automatic)
End-Date: 2026-11-27  01:03:38

Start-Date: 2026-11-27  01:03:38
Commandline: apt-get -y -o Fettle::Attempt=01J install -- shop-till:all=1.0-2
Upgrade: shop-till:all (1.0-1, 1.0-2)
End-Date: 2026-11-27  01:03:38
`
	const log = `2026-11-27 01:03:37 upgrade shop-slow:all 1.0-1 1.0-2
2026-11-27 01:03:38 upgrade shop-door:all 1.0-1 1.0-2
2026-11-27 01:03:38 install shop-new:all <none> 1.0-1
2026-11-27 01:03:38 upgrade shop-till:all 1.0-1 1.0-2
2026-11-27 01:03:38 upgrade shop-more:all 1.0-1 1.0-2
`
	want := map[string]string{"shop-slow": "unattended-upgrades", "shop-door": "unattended-upgrades", "shop-new": "unattended-upgrades", "shop-till": "fettle", "shop-more": "fettle"}
	for _, c := range attributed(t, log, history, time.UTC) {
		if c.By != want[c.Name] {
			t.Errorf("%s by %q, not %q", c.Name, c.By, want[c.Name])
		}
	}
}

// attributed reads both logs, and who did what.
func attributed(t *testing.T, log, history string, zone *time.Location) []patch.PkgChange {
	t.Helper()
	changes, err := ParseDpkgLog(strings.NewReader(log), zone)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := ParseAptHistory(strings.NewReader(history), zone)
	if err != nil {
		t.Fatal(err)
	}
	var all []Run
	for _, r := range runs {
		all = append(all, r.Run("Fettle::Attempt=", "/var/log/apt/history.log"))
	}
	Attribute(changes, all)
	return changes
}

func TestCommandLinesNameHands(t *testing.T) {
	for _, c := range []struct {
		run AptRun
		by  string
		who patch.Doer
	}{
		{AptRun{Commandline: "/usr/bin/unattended-upgrade"}, "unattended-upgrades", patch.DoerService},
		{AptRun{Commandline: "/usr/bin/python3 /usr/bin/unattended-upgrade --debug", RequestedBy: "ann (1000)"}, "unattended-upgrades", patch.DoerService},
		{AptRun{Commandline: "packagekit role='update-packages'", RequestedBy: "ann (1000)"}, "packagekit", patch.DoerService},
		{AptRun{Commandline: "aptdaemon role='role-commit-packages' sender=':1.99'"}, "aptdaemon", patch.DoerService},
		{AptRun{Commandline: "/usr/bin/landscape-package-changer --quiet"}, "landscape", patch.DoerService},
		{AptRun{Commandline: "apt-get install x", RequestedBy: "ann (1000)"}, "apt-get install x by ann (1000)", patch.DoerPerson},
		{AptRun{Commandline: "apt full-upgrade"}, "apt full-upgrade by somebody as root", patch.DoerPerson},
		{AptRun{Commandline: "aptitude"}, "aptitude by somebody as root", patch.DoerPerson},
		{AptRun{Commandline: "apt-get -y upgrade"}, "apt-get -y upgrade", patch.DoerUnknown},
		{AptRun{}, "", patch.DoerUnknown},
		{AptRun{Commandline: "apt-get -o Fettle::Attempt=1 install -- x:amd64=1", RequestedBy: "ann (1000)"}, "fettle", patch.DoerFettle},
	} {
		if r := c.run.Run("Fettle::Attempt=", "f"); r.By != c.by || r.Who != c.who || !strings.HasPrefix(r.Evidence, "f: ") {
			t.Errorf("%q by %q: %+v", c.run.Commandline, c.run.RequestedBy, r)
		}
	}
}

const (
	sampleUnattended = `2026-11-21 06:25:01,123 INFO Starting unattended upgrades script
2026-11-21 06:25:01,124 INFO Allowed origins are: origin=Debian,codename=bookworm,label=Debian-Security
2026-11-21 06:25:10,456 INFO Packages that will be upgraded: libssl3 openssl
2026-11-21 06:25:11,000 INFO Writing dpkg log to /var/log/unattended-upgrades/unattended-upgrades-dpkg.log
2026-11-21 06:25:40,789 INFO All upgrades installed
2026-11-22 06:25:10,456 INFO Packages that will be upgraded: curl
2026-11-23 06:25:10,456 INFO Starting unattended upgrades script
2026-99-23 06:25:10,456 INFO Packages that will be upgraded: nothing
Traceback (most recent call last):
`
	sampleTerm = "\nLog started: 2026-11-20  10:00:01\nUnpacking perl ...\nLog ended: 2026-11-20  10:00:04\n\nLog started: 2026-11-24  10:00:01\n"
	sampleCron = "CRON-APT RUN [/etc/cron-apt/config]: Sat Nov 21 04:00:01 CET 2026\nCRON-APT SLEEP: 12, Sat Nov 21 04:00:13 CET 2026\nCRON-APT ACTION: 5-install\n"
)

func TestLogsOfServices(t *testing.T) {
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 11, day, hour, minute, second, 0, time.UTC)
	}
	uu, err := ParseUnattended(strings.NewReader(sampleUnattended), time.UTC, "uu.log")
	if err != nil || len(uu) != 2 || !uu[0].End.Equal(at(21, 6, 25, 40)) || !uu[1].End.Equal(at(23, 6, 25, 10)) {
		t.Fatalf("%+v %v", uu, err)
	}
	term, err := ParseTermLog(strings.NewReader(sampleTerm), time.UTC, "term.log")
	if err != nil || len(term) != 2 || !term[0].End.Equal(at(20, 10, 0, 4)) || !term[1].End.IsZero() {
		t.Fatalf("%+v %v", term, err)
	}
	cron, err := ParseCronApt(strings.NewReader(sampleCron), time.UTC, "cron.log")
	if err != nil || len(cron) != 1 || !cron[0].Start.Equal(at(21, 4, 0, 1)) {
		t.Fatalf("%+v %v", cron, err)
	}
	changes := []patch.PkgChange{
		{At: at(20, 10, 0, 2), Name: "perl"},
		{At: at(21, 4, 30, 0), Name: "bash", By: "apt-get -o quiet=1 dist-upgrade -y", Evidence: "history.log: it ran"},
		{At: at(21, 4, 31, 0), Name: "nano", By: "apt-get install nano", Evidence: "history.log: it ran"},
		{At: at(21, 6, 25, 20), Name: "libssl3"}, {At: at(21, 6, 25, 21), Name: "bash"},
		{At: at(21, 6, 25, 22), Name: "openssl", By: "apt-get install openssl by ann (1000)", Who: patch.DoerPerson, Evidence: "history.log: Requested-By: ann (1000)"},
		{At: at(25, 0, 0, 0), Name: "perl"},
	}
	for _, runs := range [][]Run{uu, cron, term} {
		Attribute(changes, runs)
	}
	var got []string
	for _, c := range changes {
		got = append(got, c.Name+"|"+c.By+"|"+string(c.Who)+"|"+c.Evidence)
	}
	want := []string{
		"perl|apt||term.log: Log started: 2026-11-20  10:00:01",
		"bash|cron-apt|service|history.log: it ran; cron.log: CRON-APT RUN [/etc/cron-apt/config]: Sat Nov 21 04:00:01 CET 2026",
		"nano|apt-get install nano||history.log: it ran",
		"libssl3|unattended-upgrades|service|uu.log: 2026-11-21 06:25:10,456 INFO Packages that will be upgraded: libssl3 openssl",
		"bash|||",
		"openssl|apt-get install openssl by ann (1000)|person|history.log: Requested-By: ann (1000)",
		"perl|||",
	}
	if diff := cmp.Diff(want, got); diff != "" {
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

func names(runs []Run) (out []string) {
	for _, r := range runs {
		out = append(out, r.Names...)
	}
	return out
}

func evidence(runs []Run) (out string) {
	for _, r := range runs {
		out += r.Evidence
	}
	return out
}

func FuzzHistory(f *testing.F) {
	f.Add(sampleLog, sampleHistory)
	f.Add(sampleUnattended, sampleTerm+sampleCron)
	f.Fuzz(func(t *testing.T, log, history string) {
		changes := attributed(t, log, history, time.UTC)
		for _, parse := range []func(io.Reader, *time.Location, string) ([]Run, error){ParseUnattended, ParseTermLog, ParseCronApt} {
			more, err := parse(strings.NewReader(history), time.UTC, "f")
			if err != nil {
				t.Fatal(err)
			}
			Attribute(changes, more)
			changes = append(changes, patch.PkgChange{Name: strings.Join(names(more), ""), Evidence: evidence(more)})
		}
		for _, c := range changes {
			if strings.ContainsAny(c.By+c.Name+c.From+c.To+c.Evidence, "\x00\n\x1b") {
				t.Fatalf("%+v", c)
			}
		}
	})
}
