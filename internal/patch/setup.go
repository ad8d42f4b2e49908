package patch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Setup says how a file that belongs to no package manager is installed. It travels in signed orders only. It names an installer's kind,
// never a command: the agent has the argv of each kind in a fixed table.
type Setup struct {
	Kind SetupKind `json:"kind"`
	// Switches are further arguments: of an MSI "PROPERTY=value", of others "/word", "-word" or "/word=value".
	Switches []string `json:"switches,omitempty"`
	// Signer is whom the file's signature (Authenticode) must name: the common name of the signing certificate. Empty where the vendor does
	// not sign: then the hash alone vouches.
	Signer string `json:"signer,omitempty"`
	// Codes says what exit codes mean beside those that every installer of the kind has.
	Codes map[int]SetupOutcome `json:"codes,omitempty"`
	// Blockers are programs during whose running nothing is installed: "winword.exe".
	Blockers []string `json:"blockers,omitempty"`
	// Minutes is how long the installer may take; 0 means 30.
	Minutes int `json:"minutes,omitempty"`
	// Uninstall is the command by which a person removes what it installs. It is shown where the installer failed, and never run.
	Uninstall string `json:"uninstall,omitempty"`
}

// SetupKind is what an installer was made with; that decides how it is silent.
type SetupKind string

// The kinds of installers.
const (
	SetupMSI   SetupKind = "msi"   // Windows Installer package
	SetupMSP   SetupKind = "msp"   // Windows Installer patch
	SetupMSU   SetupKind = "msu"   // update of Windows itself
	SetupCAB   SetupKind = "cab"   // component package of Windows, what an msu holds
	SetupInno  SetupKind = "inno"  // Inno Setup
	SetupNSIS  SetupKind = "nsis"  // Nullsoft
	SetupBurn  SetupKind = "burn"  // WiX bundle
	SetupPlain SetupKind = "plain" // a program that is silent by its switches alone
)

// SetupOutcome is what an exit code means.
type SetupOutcome string

// What exit codes mean.
const (
	SetupDone   SetupOutcome = "done"
	SetupReboot SetupOutcome = "reboot" // done, and a restart is owed
	SetupBusy   SetupOutcome = "busy"   // another installation is going on; later it may work
	SetupFailed SetupOutcome = "failed"
)

const (
	maxSwitches  = 16
	maxBlockers  = 32
	maxMinutes   = 240
	maxUninstall = 300
)

var (
	switchShape = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[/-]{1,2}[A-Za-z][A-Za-z0-9_-]{0,63}([=:][A-Za-z0-9._,-]{1,128})?$`)
	})
	propertyShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z_][A-Z0-9_.]{0,63}=[A-Za-z0-9._,-]{1,128}$`) })
	programShape  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,126}\.[A-Za-z]{2,4}$`)
	})
)

// Check refuses what no agent would carry out.
func (s *Setup) Check() error {
	bad := func(why string) error {
		return &Error{Kind: Invalid, What: "an installer cannot be run as its definition says", Why: phrase.Verbatim(why)}
	}
	kinds := []SetupKind{SetupMSI, SetupMSP, SetupMSU, SetupCAB, SetupInno, SetupNSIS, SetupBurn, SetupPlain}
	outcomes := []SetupOutcome{SetupDone, SetupReboot, SetupBusy, SetupFailed}
	shape := switchShape()
	if s.Kind == SetupMSI || s.Kind == SetupMSP {
		shape = propertyShape()
	}
	switch {
	case !slices.Contains(kinds, s.Kind):
		return bad("its kind " + strconv.Quote(string(s.Kind)) + " is not one of msi, msp, msu, cab, inno, nsis, burn and plain")
	case len(s.Switches) > maxSwitches || len(s.Blockers) > maxBlockers || len(s.Codes) > 100:
		return bad("it has too many switches, blockers or exit codes")
	case len(s.Uninstall) > maxUninstall || strings.ContainsFunc(s.Uninstall, func(r rune) bool { return !unicode.IsPrint(r) }):
		return bad("its command for removal is too long, or cannot be shown")
	case len(s.Signer) > 200:
		return bad("its signer's name is too long")
	case s.Minutes < 0 || s.Minutes > maxMinutes:
		return bad("it may take at most " + strconv.Itoa(maxMinutes) + " minutes")
	case s.Kind == SetupPlain && len(s.Switches) == 0:
		return bad("without a switch that makes it silent it would wait for somebody")
	case (s.Kind == SetupMSU || s.Kind == SetupCAB) && len(s.Switches) > 0:
		return bad("updates of Windows take no switches")
	}
	for _, w := range s.Switches {
		if !shape.MatchString(w) {
			return bad("the switch " + strconv.Quote(w) + " is none that an installer of the kind " + string(s.Kind) + " may be given")
		}
	}
	for _, b := range s.Blockers {
		if !programShape().MatchString(b) {
			return bad(strconv.Quote(b) + " is not the name of a program")
		}
	}
	for code, o := range s.Codes {
		if !slices.Contains(outcomes, o) {
			return bad("the exit code " + strconv.Itoa(code) + " means " + strconv.Quote(string(o)) + ", which is none of done, reboot, busy and failed")
		}
	}
	return nil
}

// Outcome says what an exit code of an installer means. Codes that Windows Installer has are those of every kind that installs through it;
// see its list of error codes.
func (s *Setup) Outcome(code int) SetupOutcome {
	if o, known := s.Codes[code]; known {
		return o
	}
	switch code {
	case 0:
		return SetupDone
	case 3010, 1641:
		return SetupReboot
	case 1618:
		return SetupBusy
	case 2359302: // WU_S_ALREADY_INSTALLED, of wusa
		if s.Kind == SetupMSU {
			return SetupDone
		}
	}
	return SetupFailed
}
