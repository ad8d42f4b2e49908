package patch

import "testing"

func TestCheckRestart(t *testing.T) {
	for _, unit := range []string{"nginx.service", "postgresql@15-main.service", "php8.2-fpm.service", "user-api.service"} {
		if err := CheckRestart(unit); err != nil {
			t.Error(err)
		}
	}
	for _, unit := range []string{"", "nginx", "nginx.socket", "-x.service", "x y.service", "x/../y.service", "x\n.service", "--all.service", "dbus.service", "dbus-broker.service",
		"systemd-logind.service", "systemd-networkd.service", "gdm3.service", "lightdm.service", "display-manager.service", "getty@tty1.service", "user@1000.service",
		"apt-daily-upgrade.service", "unattended-upgrades.service", "fettle-agent.service"} {
		if CheckRestart(unit) == nil {
			t.Errorf("%q may be restarted", unit)
		}
	}
}
