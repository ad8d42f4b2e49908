package item

import (
	"strconv"
	"strings"
	"time"
)

// timeDifference subtracts the second operand's times from the first one's, in seconds, for every pair; one operand is subtracted from
// the current time. All times are UTC, as the definitions schema says of the current one. OpenSCAP 1.3.7 reads dates as 1,900 years
// earlier and gives unsigned differences.
func (j *Judge) timeDifference(c *Component, of []*list) *list {
	out := &list{}
	if out.flag, out.why = worst(of); !out.has() {
		return out
	}
	if len(of) > 2 {
		return failed("time_difference takes one or two components")
	}
	first := []int64{j.now().Unix()}
	if len(of) == 2 {
		var why string
		if first, why = seconds(of[0], c.Formats[0]); why != "" {
			return failed(why)
		}
	}
	second, why := seconds(of[len(of)-1], c.Formats[1])
	if why != "" {
		return failed(why)
	}
	if len(first)*len(second) > maxValues {
		return failed("the product of a variable's values is larger than 65,536")
	}
	for _, a := range first {
		for _, b := range second {
			out.values = append(out.values, typed{strconv.FormatInt(a-b, 10), Int})
		}
	}
	return out
}

// now is the time that the judge was given, else the clock's, read once.
func (j *Judge) now() time.Time {
	if j.Now.IsZero() {
		j.Now = time.Now()
	}
	return j.Now
}

func seconds(l *list, format string) ([]int64, string) {
	all := make([]int64, len(l.values))
	for i, v := range l.values {
		t, ok := readTime(strings.TrimSpace(v.text), format)
		if !ok {
			return nil, strconv.Quote(v.text) + " is not a time in the format " + strconv.Quote(format)
		}
		all[i] = t
	}
	return all, ""
}

// layouts are the forms of dates that a format has, in Go's reference time.
func layouts(format string) []string {
	switch format {
	case "", "year_month_day":
		return []string{"20060102", "20060102T150405", "2006/01/02 15:04:05", "2006/01/02", "2006-01-02 15:04:05", "2006-01-02"}
	case "month_day_year":
		return []string{"01/02/2006 15:04:05", "01/02/2006", "01-02-2006 15:04:05", "01-02-2006", "January, 02 2006 15:04:05",
			"January, 02 2006", "Jan, 02 2006 15:04:05", "Jan, 02 2006"}
	case "day_month_year":
		return []string{"02/01/2006 15:04:05", "02/01/2006", "02-01-2006 15:04:05", "02-01-2006"}
	}
	return nil
}

// readTime gives seconds since 1970 by OVAL's DateTimeFormatEnumeration; no format is year_month_day.
func readTime(s, format string) (_ int64, ok bool) {
	switch format {
	case "seconds_since_epoch":
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && n < 1<<53 && n > -1<<53
	case "win_filetime":
		return fileTime(s)
	case "cim_datetime":
		return cimTime(s)
	}
	for _, layout := range layouts(format) {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

// fileTime reads Windows' hundreds of nanoseconds since 1601, in decimal or, as registries keep them, in hexadecimal behind "0x".
func fileTime(s string) (int64, bool) {
	base := 10
	if hex, is := strings.CutPrefix(s, "0x"); is {
		s, base = hex, 16
	}
	n, err := strconv.ParseUint(s, base, 64)
	return int64(n/10_000_000) - 11_644_473_600, err == nil
}

// cimTime reads "yyyymmddHHMMSS.mmmmmmsUUU", whose end is minutes from UTC, and what queries write instead.
func cimTime(s string) (int64, bool) {
	if len(s) == 25 && s[14] == '.' && (s[21] == '+' || s[21] == '-') {
		t, err := time.Parse("20060102150405", s[:14])
		offset, err2 := strconv.Atoi(s[21:])
		_, err3 := strconv.ParseUint(s[15:21], 10, 32)
		return t.Unix() - int64(offset)*60, err == nil && err2 == nil && err3 == nil
	}
	for _, layout := range [...]string{"2006-01-02 15:04:05", "01-02-2006 15:04:05"} {
		if n := len(layout); len(s) == n+4 && s[n] == ':' {
			t, err := time.Parse(layout, s[:n])
			_, err2 := strconv.ParseUint(s[n+1:], 10, 16)
			if err == nil && err2 == nil {
				return t.Unix(), true
			}
		}
	}
	return 0, false
}
