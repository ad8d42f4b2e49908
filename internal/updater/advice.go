package updater

import (
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Advice is what people are told about one patch service.
type Advice struct {
	Name string        `json:"name"`
	What phrase.Phrase `json:"what"` // what it does, in one sentence
	// Command turns it off on the machine, to be pasted as it is.
	Command  string `json:"command"`
	TakeOver bool   `json:"take_over"` // Fettle can do that by itself
}

// advices lists what is known, by name. The commands do what the agent's own table looks for, whatever starts the machine's services: no fact tells.
func advices() []Advice {
	masked := func(units, program string) string {
		return "if [ -d /run/systemd/system ]; then sudo systemctl mask --now " + units + "; else sudo apt-get remove " + program + "; fi"
	}
	const noAutomatic = `reg add HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU /v NoAutoUpdate /t REG_DWORD /d 1 /f`
	return []Advice{
		{patch.ConfigMgr, "is Microsoft's fleet manager (SCCM) and installs what its site says; leave the machine to one of the two",
			"sc config CcmExec start= disabled & sc stop CcmExec", false},
		{patch.CronApt, "runs apt-get from cron, as its action files say", "sudo touch /etc/cron-apt/refrain", true},
		{patch.DNFAutomatic, "installs or downloads updates from a systemd timer",
			"sudo systemctl disable --now dnf-automatic.timer dnf-automatic-install.timer dnf-automatic-download.timer dnf5-automatic.timer", true},
		{patch.Intune, "is Microsoft's device management and sets when Windows updates itself; leave the machine to one of the two, or take it out of Intune's update rings",
			"start ms-settings:workplace", false},
		{patch.Landscape, "is Canonical's fleet manager and may install what its server says; leave the machine to one of the two",
			masked("landscape-client.service", "landscape-client"), false},
		{patch.PackageKit, "installs what desktop programs and their users ask for", masked("packagekit.service packagekit-offline-update.service", "packagekit"), true},
		{patch.UnattendedUpgrades, "installs security updates once a day, at a time of its own",
			`echo 'APT::Periodic::Unattended-Upgrade "0";' | sudo tee /etc/apt/apt.conf.d/99zz-no-unattended-upgrades`, true},
		{patch.WindowsUpdate, "downloads and installs what Microsoft publishes, and restarts the machine for it", noAutomatic, true},
		{patch.WSUS, "installs what a WSUS server of your own approves; its policy may come back with the domain's", noAutomatic, true},
	}
}

// AdviceOn gives what is known about a service; ok is false where nothing is.
func AdviceOn(name string) (Advice, bool) {
	for _, a := range advices() {
		if a.Name == name {
			return a, true
		}
	}
	return Advice{Name: name, What: "is not known to Fettle"}, false
}
