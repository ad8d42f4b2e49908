package patch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/phrase"
)

// OldCode is a program that runs code which is not on the disk any more: files of it were replaced while it ran. It is read live, so that it clears
// by itself.
type OldCode struct {
	Unit    string   `json:"unit,omitempty"` // the systemd unit that it belongs to: "nginx.service", "session-3.scope"; empty where there is none
	Program string   `json:"program"`        // "nginx"
	PID     int      `json:"pid"`            // of its oldest such process
	Files   []string `json:"files"`          // what was replaced: "/usr/lib/x86_64-linux-gnu/libssl.so.3"; sorted, at most MaxOldFiles
	More    int      `json:"more,omitempty"` // files beyond them
}

// Limits of what a machine tells about old code.
const (
	MaxOldCode  = 100
	MaxOldFiles = 5
)

// String tells it with its evidence.
func (o OldCode) String() string {
	s := o.Unit
	if s == "" {
		s = o.Program
	} else if base, _, _ := strings.Cut(s, "."); base != o.Program {
		s += " (" + o.Program + ")"
	}
	s += ", process " + strconv.Itoa(o.PID) + ": " + strings.Join(o.Files, ", ")
	if o.More > 0 {
		s += " and " + strconv.Itoa(o.More) + " more"
	}
	return s
}

var serviceShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,120}\.service$`) })

// CheckRestart says why a unit may not be restarted after an installation; nil where it may. What people's sessions, the machine's start or Fettle
// itself hang on never is.
func CheckRestart(unit string) error {
	if !serviceShape().MatchString(unit) {
		return Errorf(Invalid, "%.80q is not a service: a systemd unit such as nginx.service", unit)
	}
	name := strings.TrimSuffix(unit, ".service")
	never := []string{"dbus", "dbus-broker", "elogind", "display-manager", "gdm", "gdm3", "kdm", "lightdm", "lxdm", "nodm", "sddm", "slim", "wdm", "xdm", "greetd", "ly",
		"plasmalogin", "accounts-daemon", "console-getty", "container-getty", "getty", "serial-getty", "autovt", "user", "user-runtime-dir", "emergency", "rescue",
		"initrd-switch-root", "apt-daily", "apt-daily-upgrade", "unattended-upgrades", "packagekit", "dnf-automatic", "fettle-agent"}
	base, _, _ := strings.Cut(name, "@")
	if strings.HasPrefix(name, "systemd-") || strings.HasPrefix(name, "plymouth") || slices.Contains(never, base) {
		return &Error{Kind: Invalid, What: phrase.Of("{1} is never restarted", unit), Why: "people's sessions, the machine's start or other updates hang on it", Do: "Restart the machine instead: --reboot if-needed."}
	}
	return nil
}
