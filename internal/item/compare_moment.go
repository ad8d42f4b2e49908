package item

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// moments orders CIM datetimes: yyyymmddHHMMSS.mmmmmm±UUU, the offset being minutes from UTC. What is left out at the end is zero.
func moments(seen, want string) (int, error) {
	a, ok := readMoment(seen)
	if !ok {
		return 0, noValue(DateTime, seen)
	}
	b, ok := readMoment(want)
	if !ok {
		return 0, noValue(DateTime, want)
	}
	return cmp.Compare(a, b), nil
}

// readMoment gives microseconds since 1970.
func readMoment(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	offset := 0
	if i := strings.LastIndexAny(s, "+-"); i >= 14 {
		n, err := strconv.Atoi(s[i:])
		if err != nil || len(s)-i != 4 {
			return 0, false
		}
		s, offset = s[:i], n
	}
	layout := "20060102150405.000000"
	if len(s) != 8 && len(s) != 14 && len(s) != len(layout) {
		return 0, false
	}
	t, err := time.Parse(layout[:len(s)], s)
	if err != nil {
		return 0, false
	}
	return t.UnixMicro() - int64(offset)*60_000_000, true
}
