package debian

import (
	"math"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of preferences: a file, and all records of a machine.
const (
	MaxPreferences = 1 << 20
	maxPins        = 2000
	maxPinText     = 2000
)

// ParsePreferences reads one preferences file (apt_preferences(5)) and adds its records to those read before it. An error means that
// apt itself refuses the file, and then works no more; what apt only warns about is left out, as apt leaves it out.
func ParsePreferences(text []byte, file string, pins []patch.AptPin) ([]patch.AptPin, error) {
	if len(text) > MaxPreferences {
		return pins, fault("%s is larger than %d bytes", file, MaxPreferences)
	}
	for _, record := range pinRecords(string(text)) {
		names := strings.Join(strings.Fields(record["package"]), " ")
		if names == "" {
			return pins, fault("%s has a record without a Package", file)
		}
		pin := strings.Join(strings.Fields(record["pin"]), " ")
		kind, _, _ := strings.Cut(pin, " ")
		switch strings.ToLower(kind) {
		case "version":
			if names == "*" {
				continue
			}
		case "release", "origin":
		default:
			continue
		}
		priority, err := pinPriority(strings.TrimSpace(record["pin-priority"]), names, file)
		if err != nil {
			return pins, err
		}
		if len(pins) == maxPins || len(names)+len(pin) > maxPinText {
			return pins, fault("%s has more or longer records than can be judged", file)
		}
		pins = append(pins, patch.AptPin{Packages: clean([]byte(names), maxPinText), Pin: clean([]byte(pin), maxPinText), Priority: priority, File: file})
	}
	return pins, nil
}

func pinPriority(text, names, file string) (int, error) {
	if text == "never" {
		if names != "*" {
			return 0, fault("%s uses the priority \"never\" for other than all packages", file)
		}
		return patch.NeverPin, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n == 0 || n < math.MinInt16 || n > math.MaxInt16:
		return 0, fault("%s has no valid priority for %s: %s", file, short(names), short(text))
	case n == patch.NeverPin:
		n++
	}
	return n, nil
}

// pinRecords cuts a file at its empty lines. Names are in lower case; of a doubled field (Explanation) the first counts.
func pinRecords(text string) []map[string]string {
	var records []map[string]string
	record, name, fresh := map[string]string{}, "", false
	finish := func() {
		if len(record) > 0 {
			records = append(records, record)
		}
		record, name = map[string]string{}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "":
			finish()
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if name != "" && fresh {
				record[name] += "\n" + line
			}
		default:
			field, value, _ := strings.Cut(line, ":")
			name = strings.ToLower(strings.TrimSpace(field))
			if _, double := record[name]; !double {
				record[name] = value
				fresh = true
				continue
			}
			fresh = false
		}
	}
	finish()
	return records
}
