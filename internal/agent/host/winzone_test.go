package host

import (
	"testing"
	"time"
)

// Every place of the table is one that there is, and winter's distance from UTC is that of the name.
func TestZonesOfWindows(t *testing.T) {
	for name, hours := range map[string]float64{"UTC": 0, "GMT Standard Time": 0, "W. Europe Standard Time": 1, "FLE Standard Time": 2, "Russian Standard Time": 3, "India Standard Time": 5.5,
		"China Standard Time": 8, "Tokyo Standard Time": 9, "AUS Eastern Standard Time": 11, "New Zealand Standard Time": 13, "Pacific Standard Time": -8, "Mountain Standard Time": -7,
		"Central Standard Time": -6, "Eastern Standard Time": -5, "E. South America Standard Time": -3, "Newfoundland Standard Time": -3.5} {
		place, err := time.LoadLocation(zoneOfWindows(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, offset := time.Date(2026, 1, 15, 12, 0, 0, 0, place).Zone(); float64(offset) != hours*3600 {
			t.Errorf("%s is %s, %d seconds from UTC", name, place, offset)
		}
	}
	if z := zoneOfWindows("Somewhere"); z != "" {
		t.Errorf("an unknown zone is %s", z)
	}
}
