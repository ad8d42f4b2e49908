package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

const eventHead = `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s'/><EventID Qualifiers='0'>%d</EventID><TimeCreated SystemTime='2026-03-10T08:30:15.1234567Z'/><Security UserID='%s'/></System>`

func installerEvent(id int, user string, data ...string) string {
	return fmt.Sprintf(eventHead, "MsiInstaller", id, user) + "<EventData><Data>" + strings.Join(data, "</Data><Data>") + "</Data><Binary>7B33</Binary></EventData></Event>"
}

func updateEvent(id int, title, service string) string {
	return fmt.Sprintf(eventHead, "Microsoft-Windows-WindowsUpdateClient", id, "S-1-5-18") + "<EventData><Data Name='updateTitle'>" + title +
		"</Data><Data Name='updateRevisionNumber'>1</Data><Data Name='serviceGuid'>" + service + "</Data></EventData></Event>"
}

func servicingEvent(name, state, code, client string) string {
	return fmt.Sprintf(eventHead, "Microsoft-Windows-Servicing", 2, "S-1-5-18") + "<UserData><CbsPackageChangeState xmlns='http://manifests.microsoft.com/win/2004/08/windows/setup_provider'><PackageIdentifier>" +
		name + "</PackageIdentifier><IntendedPackageState>" + state + "</IntendedPackageState><ErrorCode>" + code + "</ErrorCode><Client>" + client + "</Client></CbsPackageChangeState></UserData></Event>"
}

const (
	person  = "S-1-5-21-1-2-3-1001"
	system  = "S-1-5-18"
	managed = "{3DA21691-E39D-4DA6-8A4B-B43877BCB1B7}"
	online  = "{9482F4B4-E343-43B6-B170-9A65BC822C77}"
)

func TestWhatEventsOfWindowsSay(t *testing.T) {
	at := time.Date(2026, 3, 10, 8, 30, 15, 0, time.UTC)
	for _, c := range []struct {
		about, text string
		want        *patch.PkgChange
	}{
		{"a person installed a program", installerEvent(1033, person, "Kettle", "2.0.0", "1033", "0", "Fettle Test", "(NULL)"),
			&patch.PkgChange{At: at, Action: "install", Name: "Kettle", To: "2.0.0", By: `HOME\ann`, Who: patch.DoerPerson, Evidence: "event log Application: MsiInstaller, account " + person}},
		{"the system installed one, for whom it does not say", installerEvent(1033, system, "Kettle", "2.0.0", "1033", "3010", "Fettle Test"),
			&patch.PkgChange{At: at, Action: "install", Name: "Kettle", To: "2.0.0"}},
		{"one that failed", installerEvent(1033, person, "Kettle", "2.0.0", "1033", "1603", "Fettle Test"), nil},
		{"one that was removed", installerEvent(1034, system, "Kettle", "1.0.0", "1033", "0", "Fettle Test"), &patch.PkgChange{At: at, Action: "remove", Name: "Kettle", From: "1.0.0"}},
		{"a patch of a program", installerEvent(1036, system, "Office", "16.0", "0", "Security Update for Office (KB5002345)", "0", "Maker"), &patch.PkgChange{At: at, Action: "install", Name: "KB5002345"}},
		{"an event of another kind", installerEvent(1040, person, "Kettle", "2.0.0", "1033", "0"), nil},
		{"an update of WSUS", updateEvent(19, "2026-03 Cumulative Update for Windows 10 (KB5035845)", managed),
			&patch.PkgChange{At: at, Action: "install", Name: "KB5035845", By: patch.WSUS, Who: patch.DoerService, Evidence: "event log System: WindowsUpdateClient, service " + managed}},
		{"an update of Microsoft's", updateEvent(19, "A driver - 1.2.3", online),
			&patch.PkgChange{At: at, Action: "install", Name: "A driver - 1.2.3", By: patch.WindowsUpdate, Who: patch.DoerService, Evidence: "event log System: WindowsUpdateClient, service " + online}},
		{"an update that failed", updateEvent(20, "2026-03 Cumulative Update (KB5035845)", online), nil},
		{"a package of Windows", servicingEvent("KB5035845", "Installed", "0x0", "WindowsUpdateAgent"),
			&patch.PkgChange{At: at, Action: "install", Name: "KB5035845", By: patch.WindowsUpdate, Who: patch.DoerService, Evidence: "event log Setup: InstallClient: WindowsUpdateAgent"}},
		{"a package that a person took away", servicingEvent("KB5035845", "Absent", "0x0", "WUSA"),
			&patch.PkgChange{At: at, Action: "remove", Name: "KB5035845", By: "WUSA", Evidence: "event log Setup: InstallClient: WUSA"}},
		{"a package that could not be installed", servicingEvent("KB5035845", "Installed", "0x800f0922", "WUSA"), nil},
		{"without a moment", strings.Replace(servicingEvent("KB5035845", "Installed", "0x0", "WUSA"), "2026-", "yesterday", 1), nil},
	} {
		e, err := parseEvent(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.about, err)
		}
		got, ok := e.change(false, func(string) string { return `HOME\ann` })
		if ok != (c.want != nil) {
			t.Errorf("%s: %v, %+v", c.about, ok, got)
		} else if ok {
			if diff := cmp.Diff(*c.want, got); diff != "" {
				t.Errorf("%s: %s", c.about, diff)
			}
		}
	}
}

// handwritten are event logs that were written by hand.
type handwritten map[string][]string

func (w handwritten) events(channel, _ string, _ int) []string { return w[channel] }

// Logs name the hand where lists do not, and add what is on no list; they never overrule what a list knows.
func TestEventLogsTestify(t *testing.T) {
	listed := []patch.PkgChange{{Action: "install", Name: "Kettle", To: "2.0.0", Arch: "amd64"}, {Action: "install", Name: "KB1", By: patch.ConfigMgr, Who: patch.DoerService}}
	logs := handwritten{"Application": {installerEvent(1033, person, "Kettle", "2.0.0", "1033", "0"), installerEvent(1034, person, "Kettle", "1.0.0", "1033", "0"), "<Event", "", "<a></a>"},
		"Setup": {servicingEvent("KB1", "Installed", "0x0", "WUSA"), servicingEvent("KB50358", "Installed", "0x0", "WUSA")}}
	got := testify(listed, logs, false, func(string) string { return "ann" })
	for i, want := range []string{"install Kettle ann", "install KB1 " + patch.ConfigMgr, "remove Kettle ann", "install KB50358 WUSA"} {
		if i >= len(got) || got[i].Action+" "+got[i].Name+" "+got[i].By != want {
			t.Fatalf("%+v", got)
		}
	}
	if len(got) != 4 || got[0].Arch != "amd64" {
		t.Errorf("%+v", got)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(installerEvent(1036, person, "Office", "16.0", "0", "KB5002345", "0"))
	f.Add(updateEvent(19, "(KB5035845)", managed))
	f.Add(servicingEvent("KB5035845", "5112", "0x0", "WUSA"))
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEvent(text)
		if err != nil {
			return
		}
		c, ok := e.change(true, func(s string) string { return s })
		if ok && (c.Name == "" || c.At.IsZero() || len(c.Name) > 900 || strings.ContainsAny(c.Name+c.To+c.From+c.By+c.Evidence, "\x00\x1b\n")) {
			t.Errorf("%+v", c)
		}
	})
}
