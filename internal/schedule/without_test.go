package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsLeftOfAWindow(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 12, 20, hour, 0, 0, 0, time.UTC) }
	window := Occurrence{at(10), at(16)}
	for name, c := range map[string]struct{ taken, left []Occurrence }{
		"nothing taken":              {nil, []Occurrence{window}},
		"before and after":           {[]Occurrence{{at(1), at(10)}, {at(16), at(20)}}, []Occurrence{window}},
		"all of it":                  {[]Occurrence{{at(9), at(17)}}, nil},
		"all of it in two":           {[]Occurrence{{at(9), at(12)}, {at(12), at(17)}}, nil},
		"the beginning":              {[]Occurrence{{at(9), at(12)}}, []Occurrence{{at(12), at(16)}}},
		"the end":                    {[]Occurrence{{at(12), at(20)}}, []Occurrence{{at(10), at(12)}}},
		"the middle":                 {[]Occurrence{{at(12), at(13)}}, []Occurrence{{at(10), at(12)}, {at(13), at(16)}}},
		"two that lie on each other": {[]Occurrence{{at(11), at(13)}, {at(12), at(14)}}, []Occurrence{{at(10), at(11)}, {at(14), at(16)}}},
	} {
		if d := cmp.Diff(c.left, window.Without(c.taken)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
