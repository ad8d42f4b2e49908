//go:build linux

package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestPower(t *testing.T) {
	supply := func(files map[string]string, name string, pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			files["sys/class/power_supply/"+name+"/"+pairs[i]] = pairs[i+1] + "\n"
		}
	}
	battery := func(status, charge string) map[string]string {
		files := map[string]string{}
		supply(files, "BAT0", "type", "Battery", "status", status, "capacity", charge)
		return files
	}
	mains := battery("Discharging", "5")
	supply(mains, "AC", "type", "Mains", "online", "1")
	unplugged := battery("Discharging", "29")
	supply(unplugged, "AC", "type", "Mains", "online", "0")
	mouse := map[string]string{}
	supply(mouse, "mouse", "type", "Battery", "status", "Discharging", "capacity", "2", "scope", "Device")
	for name, c := range map[string]struct {
		files map[string]string
		low   bool
	}{
		"a server": {map[string]string{}, false}, "on battery": {battery("Discharging", "80"), false}, "on little battery": {battery("Discharging", "29"), true},
		"charging": {battery("Charging", "5"), false}, "plugged in": {mains, false}, "unplugged": {unplugged, true}, "a mouse": {mouse, false},
		"unreadable": {battery("Discharging", "much"), false},
	} {
		err := CheckPower(makeTree(t, debianTree(c.files)))
		f := (*Failure)(nil)
		if (err != nil) != c.low || c.low && (!errors.As(err, &f) || f.Cause != patch.FailPower || !strings.Contains(f.Text, "29 %")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
