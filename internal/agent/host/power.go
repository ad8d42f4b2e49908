package host

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
)

// leastBattery is the charge, in percent, below which nothing is begun on battery.
const leastBattery = 30

// CheckPower refuses to begin on a battery that may not last: without mains, and with a battery of the machine's own that discharges and has
// less than 30 % (Linux's sysfs-class-power).
func CheckPower(root string) error {
	lowest := 101
	all, _ := filepath.Glob(filepath.Join(root, "sys/class/power_supply/*"))
	for _, path := range all {
		dir := filepath.Join("sys/class/power_supply", filepath.Base(path))
		switch line(root, dir+"/type") {
		case "Mains", "USB", "Wireless":
			if line(root, dir+"/online") == "1" {
				return nil
			}
		case "Battery":
			charge, err := strconv.Atoi(line(root, dir+"/capacity"))
			if err == nil && line(root, dir+"/scope") != "Device" && line(root, dir+"/status") == "Discharging" {
				lowest = min(lowest, charge)
			}
		}
	}
	if lowest < leastBattery {
		return &Failure{Cause: patch.FailPower, Text: fmt.Sprintf("the machine runs on battery, and %d %% are left; %d %% or mains are needed", lowest, leastBattery)}
	}
	return nil
}
