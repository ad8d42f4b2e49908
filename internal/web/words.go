package web

import (
	"fmt"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// word is the plain word for a value that the model gives: of the four axes, a category, a severity, a state. What is none of them is written
// as it is.
func word(v any) phrase.Phrase {
	s := fmt.Sprint(v)
	for _, say := range []func(string) phrase.Phrase{axisWord, patchWord, stateWord, causeWord} {
		if p := say(s); p != "" {
			return p
		}
	}
	return phrase.Verbatim(s)
}

func axisWord(s string) phrase.Phrase {
	switch s {
	case "", "none":
		return "–"
	case "not-applicable":
		return "verdict\x04not applicable"
	case "not-patched":
		return "verdict\x04not patched"
	case "patched":
		return "verdict\x04patched"
	case "error":
		return "verdict\x04error"
	case "unknown":
		return "verdict\x04unknown"
	case "undecided":
		return "policy\x04undecided"
	case "approved":
		return "policy\x04approved"
	case "declined":
		return "policy\x04declined"
	case "held":
		return "policy\x04held"
	case "waiting":
		return "execution\x04waiting"
	case "downloading":
		return "execution\x04downloading"
	case "installing":
		return "execution\x04installing"
	case "done":
		return "execution\x04done"
	case "failed":
		return "execution\x04failed"
	case "withdrawn":
		return "execution\x04withdrawn"
	case "verified":
		return "effect\x04verified"
	case "needs-reboot":
		return "effect\x04needs reboot"
	case "not-effective":
		return "effect\x04not effective"
	case "undone":
		return "effect\x04undone"
	case "rolled-back":
		return "effect\x04rolled back"
	}
	return ""
}

// patchWord says the categories and severities of patches.
func patchWord(s string) phrase.Phrase {
	switch s {
	case "security":
		return "category\x04security"
	case "update":
		return "category\x04update"
	case "exploited":
		return "severity\x04exploited"
	case "critical":
		return "severity\x04critical"
	case "high":
		return "severity\x04high"
	case "medium":
		return "severity\x04medium"
	case "low":
		return "severity\x04low"
	}
	return ""
}

// stateWord says the states of machines and deployments, and what people decide.
func stateWord(s string) phrase.Phrase {
	switch s {
	case "running":
		return "deployment\x04running"
	case "finished":
		return "deployment\x04finished"
	case "pending":
		return "machine\x04pending"
	case "admitted":
		return "machine\x04admitted"
	case "revoked":
		return "machine\x04revoked"
	case "halted":
		return "deployment\x04halted"
	case "approve":
		return "verb\x04approve"
	case "decline":
		return "verb\x04decline"
	case "hold":
		return "verb\x04hold"
	case "clear":
		return "verb\x04take back"
	case "confirmed":
		return "proposal\x04confirmed"
	case "rejected":
		return "proposal\x04rejected"
	}
	return feedWord(s)
}

// feedWord says the states of a payload, and how a feed's run ended.
func feedWord(s string) phrase.Phrase {
	switch s {
	case "ready":
		return "payload\x04verified"
	case "fetching":
		return "execution\x04downloading"
	case "wanted":
		return "execution\x04waiting"
	case "new":
		return "feed's run\x04new"
	case "unchanged":
		return "feed's run\x04unchanged"
	case "quarantined":
		return "feed's run\x04quarantined"
	}
	return ""
}

// causeWord says why something failed, and what an alarm is about.
func causeWord(s string) phrase.Phrase {
	switch s {
	case "patch":
		return "cause\x04patch"
	case "dependency":
		return "cause\x04dependency"
	case "drift":
		return "cause\x04drift"
	case "lock":
		return "cause\x04lock"
	case "network":
		return "cause\x04network"
	case "untrusted":
		return "cause\x04untrusted"
	case "disk":
		return "cause\x04disk"
	case "window":
		return "cause\x04window"
	case "interrupted":
		return "cause\x04interrupted"
	case "power":
		return "cause\x04power"
	case "clock":
		return "cause\x04clock"
	case "room":
		return "cause\x04room"
	case "blocker":
		return "cause\x04blocker"
	case "hook":
		return "cause\x04hook"
	case "local-policy":
		return "cause\x04owner's policy"
	case "time-out":
		return "cause\x04time-out"
	case "inventory":
		return "newer\x04inventory"
	case "detection":
		return "newer\x04detection"
	case "feed":
		return "alarm\x04feed"
	case "catalog":
		return "alarm\x04catalog"
	case "detect":
		return "alarm\x04detect"
	case "mismatch":
		return "alarm\x04mismatch"
	case "notify":
		return "alarm\x04notification"
	case "payload":
		return "alarm\x04files"
	case "restart":
		return "alarm\x04restart"
	case "ring":
		return "alarm\x04ring"
	case "suspect":
		return "alarm\x04suspect"
	case "updater":
		return "alarm\x04other updater"
	}
	return ""
}

// handWord says where a take-over of another patch service stands.
func handWord(h patch.Hand) phrase.Phrase {
	switch h {
	case patch.HandOff:
		return "take-over\x04off"
	case patch.HandUndone:
		return "take-over\x04undone"
	case patch.HandFailed:
		return "take-over\x04failed"
	case patch.HandVetoed:
		return "take-over\x04vetoed"
	case patch.HandWaiting:
		return "take-over\x04waiting"
	}
	return phrase.Verbatim(string(h))
}

// rulingWord says what is wanted of another patch service.
func rulingWord(v patch.RulingVerb) phrase.Phrase {
	switch v {
	case patch.Adopt:
		return "ruling\x04adopt"
	case patch.AlertOn:
		return "ruling\x04alert"
	case patch.TakeOver:
		return "ruling\x04take-over"
	}
	return phrase.Verbatim(string(v))
}

// gateWord is the short name of a gate.
func gateWord(n gate.Name) phrase.Phrase {
	switch n {
	case gate.Feed:
		return "gate\x04feed"
	case gate.Catalog:
		return "gate\x04catalog"
	case gate.List:
		return "gate\x04list"
	case gate.Snapshot:
		return "gate\x04snapshot"
	case gate.Prerequisites:
		return "gate\x04prerequisites"
	case gate.InstalledTest:
		return "gate\x04installed test"
	case gate.Previous:
		return "gate\x04version before"
	case gate.Owed:
		return "gate\x04restart owed"
	case gate.Superseded:
		return "gate\x04superseded"
	case gate.Policy:
		return "gate\x04policy"
	case gate.Label:
		return "gate\x04label"
	case gate.Hold:
		return "gate\x04hold"
	case gate.Ring:
		return "gate\x04ring"
	case gate.Freeze:
		return "gate\x04freeze"
	case gate.Window:
		return "gate\x04window"
	case gate.Machine:
		return "gate\x04machine"
	case gate.Payload:
		return "gate\x04payload"
	case gate.Preflight:
		return "gate\x04preflight"
	case gate.Attempts:
		return "gate\x04attempts"
	case gate.Installed:
		return "gate\x04installed"
	case gate.Reboot:
		return "gate\x04reboot"
	case gate.Verified:
		return "gate\x04verified"
	case gate.Undone:
		return "gate\x04undone"
	}
	return phrase.Verbatim(string(n))
}
