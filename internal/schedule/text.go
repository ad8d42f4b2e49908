package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// IsZero reports whether there is no window.
func (r Rule) IsZero() bool { return r.start == 0 && r.end == 0 }

// String writes the rule in its one canonical form, which Parse reads back.
func (r Rule) String() string {
	if r.IsZero() {
		return ""
	}
	parts := []string{r.days.String(), clock(r.start) + "-" + clock(r.end)}
	if r.zone != "" {
		parts = append(parts, r.zone)
	}
	if len(r.except) > 0 {
		var spans []string
		for _, s := range r.except {
			text := s.from.Format(time.DateOnly)
			if s.to != s.from {
				text += ".." + s.to.Format(time.DateOnly)
			}
			spans = append(spans, text)
		}
		parts = append(parts, "except", strings.Join(spans, ","))
	}
	return strings.Join(parts, " ")
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

func (d days) String() string {
	text := "every day"
	switch {
	case d.dates != nil:
		var n []string
		for _, day := range d.dates {
			n = append(n, strconv.Itoa(day))
		}
		text = "day " + strings.Join(n, ",")
		if d.orLast {
			text += " or last"
		}
	case d.weekdays != nil:
		var names []string
		for _, w := range d.weekdays {
			names = append(names, weekdayNames[w])
		}
		text = strings.Join(names, ",")
		if d.nth != nil {
			var nths []string
			for _, n := range d.nth {
				if n < 0 {
					nths = append([]string{"last"}, nths...)
					continue
				}
				nths = append(nths, nthNames[n-1])
			}
			text = strings.Join(nths, ",") + " " + text
		}
	}
	switch d.plus {
	case 0:
		return text
	case 1:
		return text + " + 1 day"
	}
	return fmt.Sprintf("%s + %d days", text, d.plus)
}
