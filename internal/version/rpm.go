package version

import (
	"strings"

	rpm "github.com/knqyf263/go-rpm-version"
)

// rpmValid accepts [epoch:]version[-release]. rpm itself orders any bytes; what no EVR can hold is refused.
func rpmValid(s string) error {
	if s == "" || len(s) > maxLength {
		return invalid(RPM, s, "it is empty or longer than 1,024 bytes")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return invalid(RPM, s, "it has a blank or a character outside ASCII")
		}
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		if why := epochFault(s[:i]); why != "" {
			return invalid(RPM, s, why)
		}
		s = s[i+1:]
	}
	if s == "" || s[0] == '-' || strings.IndexByte(s, ':') >= 0 {
		return invalid(RPM, s, "it has no version or a second colon")
	}
	return nil
}

func rpmCompare(a, b string) int { return rpm.NewVersion(a).Compare(rpm.NewVersion(b)) }
