package patch_test

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestSetupTakesNoCommands(t *testing.T) {
	for _, good := range []patch.Setup{
		{Kind: patch.SetupMSI}, {Kind: patch.SetupMSI, Switches: []string{"ALLUSERS=1", "INSTALL_DIR=kettle-2.0"}, Signer: "Fettle Test", Blockers: []string{"kettle.exe"}},
		{Kind: patch.SetupPlain, Switches: []string{"/S", "--quiet", "-norestart", "/log=no"}, Codes: map[int]patch.SetupOutcome{5: patch.SetupReboot}},
		{Kind: patch.SetupMSU}, {Kind: patch.SetupInno, Switches: []string{"/NOICONS"}, Minutes: 60},
	} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []patch.Setup{
		{}, {Kind: "sh"}, {Kind: patch.SetupPlain}, {Kind: patch.SetupMSU, Switches: []string{"/x"}},
		{Kind: patch.SetupMSI, Switches: []string{"/i"}}, {Kind: patch.SetupMSI, Switches: []string{`TRANSFORMS=\\host\share\x.mst`}},
		{Kind: patch.SetupMSI, Switches: []string{"TRANSFORMS=http://x/y"}}, {Kind: patch.SetupNSIS, Switches: []string{`/D=C:\Windows`}},
		{Kind: patch.SetupPlain, Switches: []string{"a.exe"}}, {Kind: patch.SetupPlain, Switches: []string{"/S /T"}}, {Kind: patch.SetupPlain, Switches: []string{"/x=\"&calc\""}},
		{Kind: patch.SetupMSI, Blockers: []string{`..\x.exe`}}, {Kind: patch.SetupMSI, Minutes: 1000}, {Kind: patch.SetupMSI, Codes: map[int]patch.SetupOutcome{1: "fine"}},
		{Kind: patch.SetupCAB, Switches: []string{"/x"}}, {Kind: patch.SetupMSI, Uninstall: "msiexec\x1b[2J"}, {Kind: patch.SetupMSI, Uninstall: string(make([]byte, 301))},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestExitCodesMeanWhatTheDefinitionSaysFirst(t *testing.T) {
	s := patch.Setup{Kind: patch.SetupMSI, Codes: map[int]patch.SetupOutcome{0: patch.SetupReboot}}
	for code, want := range map[int]patch.SetupOutcome{0: patch.SetupReboot, 3010: patch.SetupReboot, 1641: patch.SetupReboot, 1618: patch.SetupBusy,
		1603: patch.SetupFailed, -1: patch.SetupFailed, 2359302: patch.SetupFailed} {
		if got := s.Outcome(code); got != want {
			t.Errorf("%d means %s and not %s", code, got, want)
		}
	}
}
