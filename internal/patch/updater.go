package patch

import (
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Names of patch services other than Fettle, as history, inventory and policies know them.
const (
	UnattendedUpgrades = "unattended-upgrades"
	DNFAutomatic       = "dnf-automatic"
	PackageKit         = "packagekit"
	CronApt            = "cron-apt"
	Landscape          = "landscape"
	WindowsUpdate      = "windows-update" // of Microsoft's own servers
	WSUS               = "wsus"           // Windows Update of a server of one's own
	ConfigMgr          = "configmgr"
	Intune             = "intune"
	SoftwareUpdate     = "softwareupdate" // of macOS
)

// UpdaterState is another patch service as it stands on a machine.
type UpdaterState struct {
	Name     string `json:"name"`
	Enabled  bool   `json:"enabled"`            // it installs by itself, or for whoever asks it
	Evidence string `json:"evidence,omitempty"` // what on the machine says so, or that it is off
	// Hand is where a take-over stands; empty where none was asked for.
	Hand  Hand      `json:"hand,omitempty"`
	Since time.Time `json:"since,omitzero"` // when Hand became so
	Text  string    `json:"text,omitempty"` // of Hand, for a person
}

// Hand is where Fettle's take-over of another patch service stands on a machine.
type Hand string

const (
	HandOff     Hand = "off"     // we turned it off, and it is off
	HandUndone  Hand = "undone"  // we turned it off, and somebody turned it on again; it is left alone until a person asks anew
	HandFailed  Hand = "failed"  // it could not be turned off
	HandVetoed  Hand = "vetoed"  // the machine's owner does not allow it
	HandWaiting Hand = "waiting" // asked for; one thing at a time is done
)

// Doer is what kind of hand changed a machine's packages, as far as the machine's own history tells.
type Doer string

const (
	DoerUnknown Doer = ""        // history does not tell, or names a command that anybody may have started
	DoerFettle  Doer = "fettle"  // an installation of ours
	DoerService Doer = "service" // another patch service, which By names
	DoerPerson  Doer = "person"  // somebody at a terminal; By names them where history does
)

// Outside reports whether a verdict was moved by a hand other than Fettle's.
func (c Cause) Outside() bool { return c == ByService || c == ByPerson || c == ByOther }

// Words says what moved a verdict, for people.
func (c Cause) Words() phrase.Phrase {
	switch c {
	case FirstDetect:
		return "first detect"
	case ByFettle:
		return "by Fettle"
	case ByService:
		return "by another service"
	case ByPerson:
		return "by a person"
	case ByOther:
		return "by something else"
	case CatalogChange:
		return "the catalog changed"
	case OSChange:
		return "the OS changed"
	}
	return phrase.Verbatim(string(c))
}

// Ruling is what a person wants of another patch service on the machines of a label.
type Ruling struct {
	Updater string     `json:"updater"` // its name, or AnyUpdater
	Label   string     `json:"label"`
	Verb    RulingVerb `json:"verb"`
	By      string     `json:"by"`
	At      time.Time  `json:"at"` // asking again moves it: what was turned on again is then turned off once more
	Why     string     `json:"why,omitempty"`
}

// AnyUpdater stands for every other patch service in a ruling.
const AnyUpdater = "any"

// RulingVerb is one of three ways to live with another patch service.
type RulingVerb string

const (
	Adopt    RulingVerb = "adopt"     // what it does is fine
	AlertOn  RulingVerb = "alert"     // raise an alarm while it is on
	TakeOver RulingVerb = "take-over" // turn it off, and keep verifying that it stays off
)

// MachineUpdater is another patch service on one machine.
type MachineUpdater struct {
	Machine MachineID `json:"machine"`
	Name    string    `json:"machine_name"`
	UpdaterState
}
