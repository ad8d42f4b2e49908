package apps

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Kinds are the words for what an installer was made with. An archive and an msix are known and not installed.
var kinds = map[string]patch.SetupKind{"msi": patch.SetupMSI, "msp": patch.SetupMSP, "msu": patch.SetupMSU, "cab": patch.SetupCAB, "inno": patch.SetupInno, "nsis": patch.SetupNSIS,
	"burn": patch.SetupBurn, "exe": patch.SetupPlain, "msix": "", "archive": ""}

// outcomes are the words for exit codes.
var outcomes = map[string]patch.SetupOutcome{"done": patch.SetupDone, "present": patch.SetupDone, "reboot": patch.SetupReboot, "rebooting": patch.SetupReboot,
	"busy": patch.SetupBusy, "blocked": patch.SetupBusy, "cancelled": patch.SetupFailed, "failed": patch.SetupFailed, "disk-full": patch.SetupFailed}

// setup is how agents run an installer; nil where they do not.
func (p *Package) setup() *patch.Setup {
	kind := kinds[p.Kind]
	if kind == "" {
		return nil
	}
	s := &patch.Setup{Kind: kind, Signer: p.Signer, Blockers: p.Blockers, Minutes: p.Minutes, Uninstall: p.Uninstall}
	for _, w := range strings.Fields(p.Switches) {
		if !always(kind, w) {
			s.Switches = append(s.Switches, w)
		}
	}
	for code, word := range p.ExitCodes {
		if s.Codes == nil {
			s.Codes = map[int]patch.SetupOutcome{}
		}
		s.Codes[code] = outcomes[word]
	}
	if s.Check() != nil {
		return nil
	}
	return s
}

// always reports switches that agents give to every installer of a kind by themselves.
func always(kind patch.SetupKind, word string) bool {
	switch kind {
	case patch.SetupMSI, patch.SetupMSP, patch.SetupMSU, patch.SetupCAB:
		switch strings.ToLower(word) {
		case "/qn", "/quiet", "/q", "/passive", "/norestart", "reboot=reallysuppress":
			return true
		}
	}
	return false
}
