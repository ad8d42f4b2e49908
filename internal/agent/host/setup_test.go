package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestInstallersRunWithAFixedArgv(t *testing.T) {
	for _, c := range []struct {
		setup   patch.Setup
		program string
		args    string
	}{
		{patch.Setup{Kind: patch.SetupMSI, Switches: []string{"ALLUSERS=1"}}, "msiexec.exe", "/i|F|/qn|/norestart|/l*|L|REBOOT=ReallySuppress|ALLUSERS=1"},
		{patch.Setup{Kind: patch.SetupMSP}, "msiexec.exe", "/p|F|/qn|/norestart|/l*|L|REBOOT=ReallySuppress"},
		{patch.Setup{Kind: patch.SetupMSU}, "wusa.exe", "F|/quiet|/norestart"},
		{patch.Setup{Kind: patch.SetupCAB}, "dism.exe", "/online|/add-package|/packagepath:F|/quiet|/norestart"},
		{patch.Setup{Kind: patch.SetupInno, Switches: []string{"/NOICONS"}}, "F", "/VERYSILENT|/SUPPRESSMSGBOXES|/NORESTART|/SP-|/NOICONS"},
		{patch.Setup{Kind: patch.SetupNSIS}, "F", "/S"},
		{patch.Setup{Kind: patch.SetupBurn}, "F", "/quiet|/norestart"},
		{patch.Setup{Kind: patch.SetupPlain, Switches: []string{"--silent"}}, "F", "--silent"},
	} {
		program, args, err := setupArgs(&c.setup, "F", "L")
		if diff := cmp.Diff(c.args, strings.Join(args, "|")); diff != "" || program != c.program || err != nil {
			t.Errorf("%s: %s %v\n%s", c.setup.Kind, program, err, diff)
		}
	}
	if _, _, err := setupArgs(&patch.Setup{Kind: patch.SetupNSIS, Switches: []string{"/D=C:\\"}}, "F", "L"); err == nil {
		t.Error("a switch of no known shape is given to an installer")
	}
}

func TestExitCodesBecomeCauses(t *testing.T) {
	p := patch.PlanPackage{Name: "kettle", Version: "2.0"}
	for _, c := range []struct {
		code   int
		reboot bool
		cause  patch.FailCause
		says   string
	}{
		{0, false, "", ""}, {3010, true, "", ""}, {1641, true, "", ""}, {1618, false, patch.FailLock, "another installation"},
		{1603, false, patch.FailPatch, "exit code 1603: a fatal error"}, {7, false, patch.FailPatch, "exit code 7"},
	} {
		reboot, err := ended(&patch.Setup{Kind: patch.SetupMSI}, p, c.code, "log")
		var cause patch.FailCause
		text := ""
		if f, ok := err.(*Failure); ok {
			cause, text = f.Cause, f.Text
		}
		if reboot != c.reboot || cause != c.cause || !strings.Contains(text, c.says) {
			t.Errorf("%d: %v, %q, %q", c.code, reboot, cause, text)
		}
	}
}

// Windows Installer that breaks off by itself is asked once more in the same attempt, and nothing else is. The patch gets the blame for an internal error that comes twice, and
// never for a service that does not answer, nor for another installation that is going on: that one is for the next attempt.
func TestWindowsInstallerIsAskedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		setup patch.Setup
		codes []int // what it ends with, run by run
		cause patch.FailCause
		says  string
	}{
		"an internal error, once":       {patch.Setup{Kind: patch.SetupMSI}, []int{1359, 0}, "", ""},
		"an internal error, twice":      {patch.Setup{Kind: patch.SetupMSI}, []int{1359, 1359}, patch.FailPatch, "exit code 1359: an internal error of Windows Installer, and so the second time"},
		"no service, once":              {patch.Setup{Kind: patch.SetupMSP}, []int{1601, 3010}, "", ""},
		"no service, twice":             {patch.Setup{Kind: patch.SetupMSP}, []int{1601, 1601}, patch.FailLock, "the Windows Installer service does not answer (exit code 1601 of kettle); it is tried again later"},
		"the second time a fatal one":   {patch.Setup{Kind: patch.SetupMSI}, []int{1359, 1603}, patch.FailPatch, "exit code 1603: a fatal error"},
		"a fatal error":                 {patch.Setup{Kind: patch.SetupMSI}, []int{1603}, patch.FailPatch, "exit code 1603: a fatal error"},
		"busy":                          {patch.Setup{Kind: patch.SetupMSI}, []int{1618}, patch.FailLock, "busy: another installation is going on on this machine (exit code 1618 of kettle)"},
		"what the definition says":      {patch.Setup{Kind: patch.SetupMSI, Codes: map[int]patch.SetupOutcome{1359: patch.SetupDone}}, []int{1359}, "", ""},
		"the same of another program":   {patch.Setup{Kind: patch.SetupNSIS}, []int{1601}, patch.FailPatch, "exit code 1601"},
		"success is not done once more": {patch.Setup{Kind: patch.SetupMSI}, []int{0}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			code, _, err := twice(t.Context(), &c.setup, time.Millisecond, func() (int, string, error) {
				runs++
				return c.codes[min(runs, len(c.codes))-1], "log", nil
			})
			if err != nil || runs != len(c.codes) {
				t.Errorf("%v after %d runs", err, runs)
			}
			f := &Failure{}
			if _, err = ended(&c.setup, patch.PlanPackage{Name: "kettle", Version: "2.0"}, code, "log"); err != nil && !errors.As(err, &f) {
				t.Fatal(err)
			}
			if f.Cause != c.cause || !strings.Contains(f.Text, c.says) || c.cause == patch.FailLock && f.Cause.UsesUp() {
				t.Errorf("%s: %s", f.Cause, f.Text)
			}
		})
	}
	late, stop := context.WithCancel(t.Context())
	stop()
	runs := 0
	if code, _, err := twice(late, &patch.Setup{Kind: patch.SetupMSI}, time.Hour, func() (int, string, error) { runs++; return 1601, "", nil }); code != 1601 || err != nil || runs != 1 {
		t.Errorf("its time is over: %d, %v, %d runs", code, err, runs)
	}
}

// What Windows' own installers of updates have said by a number is told in words; so is how to remove what a failed one left.
func TestCodesOfWindowsUpdatesAreToldInWords(t *testing.T) {
	p := patch.PlanPackage{Name: "KB5034122.msu", Version: "1"}
	for _, c := range []struct {
		kind patch.SetupKind
		code int // as the program ends: a 32-bit number with a sign
		says string
	}{
		{patch.SetupMSU, -2145124329, "exit code -2145124329: it does not apply to this machine"}, {patch.SetupCAB, -2146498530, "it does not apply"},
		{patch.SetupCAB, -2146498525, "newer servicing stack"}, {patch.SetupMSP, 1642, "not installed, or is of a version"},
		{patch.SetupNSIS, 1642, "exit code 1642; to remove what it may have left: unins.exe /S"},
	} {
		_, err := ended(&patch.Setup{Kind: c.kind, Uninstall: "unins.exe /S"}, p, c.code, "")
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasSuffix(err.Error(), "; to remove what it may have left: unins.exe /S") {
			t.Errorf("%s %d: %v", c.kind, c.code, err)
		}
	}
	if reboot, err := ended(&patch.Setup{Kind: patch.SetupMSU}, p, 2359302, ""); reboot || err != nil {
		t.Errorf("one that is there already: %v %v", reboot, err)
	}
}

// What the machine is in the way of (its disk, its policy, what else goes on there) is no patch's fault: it uses up no attempt, and its text says who acts.
func TestAMachineThatIsInTheWayIsNotThePatchsFault(t *testing.T) {
	for _, c := range []struct {
		kind  patch.SetupKind
		code  uint32
		cause patch.FailCause
		says  string
	}{
		{patch.SetupMSI, 112, patch.FailDisk, "disk is full (exit code 112 of kettle); whoever keeps the machine makes room"}, {patch.SetupCAB, 0x80070070, patch.FailDisk, "disk is full"}, {patch.SetupCAB, 112, patch.FailDisk, "disk is full"},
		{patch.SetupMSP, 1632, patch.FailDisk, "the system may not write to it (exit code 1632 of kettle); whoever keeps"}, {patch.SetupMSI, 1622, patch.FailDisk, "cannot write its log"},
		{patch.SetupMSI, 1625, patch.FailPolicy, "policy forbids the installation (exit code 1625 of kettle); whoever administers"}, {patch.SetupMSP, 1643, patch.FailPolicy, "forbids patches of this kind (exit code 1643 of kettle); whoever administers"},
		{patch.SetupMSI, 1640, patch.FailPolicy, "from elsewhere (exit code 1640 of kettle); whoever administers"}, {patch.SetupMSI, 1645, patch.FailPolicy, "from elsewhere"}, {patch.SetupMSI, 1644, patch.FailPolicy, "adapted by (exit code 1644 of kettle); whoever administers"},
		{patch.SetupMSU, 0x80240016, patch.FailLock, "busy: another installation is going on, or a restart is owed first (exit code -2145124330 of kettle); it is tried again later; whoever keeps the machine restarts it where a restart is owed"},
		{patch.SetupMSU, 0x80240009, patch.FailLock, "busy: another operation is going on"}, {patch.SetupMSU, 0x8024001b, patch.FailLock, "busy: Windows Update is updating itself"},
		{patch.SetupMSU, 0x8024001e, patch.FailLock, "service was shut down (exit code -2145124322 of kettle); it is tried again"}, {patch.SetupMSU, 0x8024800c, patch.FailLock, "local store is busy"}, {patch.SetupMSU, 0x80070652, patch.FailLock, "busy: another installation"},
		{patch.SetupCAB, 0x80070020, patch.FailLock, "in use (exit code -2147024864 of kettle); it is tried again"}, {patch.SetupCAB, 32, patch.FailLock, "in use"}, {patch.SetupCAB, 0x8007000e, patch.FailLock, "too little memory"}, {patch.SetupMSU, 0x80070641, patch.FailLock, "does not answer"},
		{patch.SetupBurn, 1652, patch.FailLock, "safe mode"}, {patch.SetupMSU, 0x80070bc9, patch.FailLock, "whoever keeps the machine restarts it"}, {patch.SetupMSU, 0x80242014, patch.FailLock, "restarts it"},
		{patch.SetupCAB, 0x800f0816, patch.FailLock, "restarts it"}, {patch.SetupMSU, 0x80070422, patch.FailPolicy, "is disabled (exit code -2147023838 of kettle); whoever administers the machine enables it"}, {patch.SetupMSU, 0x80240025, patch.FailPolicy, "policy forbids it (exit code -2145124315 of kettle); whoever administers"},
		{patch.SetupMSU, 0x8024002e, patch.FailPolicy, "reach no server (exit code -2145124306 of kettle); whoever administers"}, {patch.SetupBurn, 1618, patch.FailLock, "busy: another installation"},
		{patch.SetupNSIS, 112, patch.FailPatch, "exit code 112"}, {patch.SetupMSI, 0x80240016, patch.FailPatch, "exit code"}, {patch.SetupMSI, 32, patch.FailPatch, "exit code 32"}, {patch.SetupMSU, 0x80070643, patch.FailPatch, "a fatal error"},
		{patch.SetupMSI, 1612, patch.FailPatch, "its source is not there"}, {patch.SetupMSU, 0x80070005, patch.FailPatch, "access is denied"},
	} {
		f := &Failure{}
		_, err := ended(&patch.Setup{Kind: c.kind}, patch.PlanPackage{Name: "kettle", Version: "2.0"}, int(int32(c.code)), "log")
		if !errors.As(err, &f) || f.Cause != c.cause || f.Cause.UsesUp() != (c.cause == patch.FailPatch) || !strings.Contains(f.Text, c.says) || f.Log != "log" {
			t.Errorf("%s %#x: %s: %s", c.kind, c.code, f.Cause, f.Text)
		}
	}
	meant := &patch.Setup{Kind: patch.SetupMSI, Codes: map[int]patch.SetupOutcome{1625: patch.SetupFailed}}
	f := &Failure{}
	if _, err := ended(meant, patch.PlanPackage{Name: "kettle"}, 1625, ""); !errors.As(err, &f) || f.Cause != patch.FailPatch {
		t.Errorf("what the definition says comes first: %v", err)
	}
}

func TestAnInstallerThatIsNotTheOrdersIsRefused(t *testing.T) {
	sum := patch.Hash("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
	if err := checkOpen(strings.NewReader("abc"), patch.PlanPackage{Size: 3, SHA256: sum}); err != nil {
		t.Error(err)
	}
	for _, p := range []patch.PlanPackage{{Size: 4, SHA256: sum}, {Size: 3, SHA256: sum[:63] + "e"}} {
		if checkOpen(strings.NewReader("abc"), p) == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

func TestInstallersInOrdersAreHeldAgainstTheirShape(t *testing.T) {
	good := patch.PlanPackage{Name: "Kettle 2.0 (x64).msi", Arch: "amd64", Version: "2.0", Size: 3, SHA256: patch.Hash(strings.Repeat("ab", 32)), Setup: &patch.Setup{Kind: patch.SetupMSI}}
	if err := CheckSetup(good); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*patch.PlanPackage){
		func(p *patch.PlanPackage) { p.Name = `..\x.msi` }, func(p *patch.PlanPackage) { p.Name = "" }, func(p *patch.PlanPackage) { p.Arch = "mips" },
		func(p *patch.PlanPackage) { p.Version = "2\n0" }, func(p *patch.PlanPackage) { p.Size = 0 }, func(p *patch.PlanPackage) { p.SHA256 = "x" },
		func(p *patch.PlanPackage) { p.Setup = &patch.Setup{Kind: "script"} },
	} {
		bad := good
		change(&bad)
		if CheckSetup(bad) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
