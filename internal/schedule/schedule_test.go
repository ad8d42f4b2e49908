package schedule

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func berlin(t testing.TB) *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("SKIPPED: this machine has no time zone database")
	}
	return loc
}

func TestWindowsAreWhereAPersonExpectsThem(t *testing.T) {
	loc := berlin(t)
	for _, c := range []struct{ rule, from, want string }{
		{"every day 22:00-04:00", "2026-11-26 12:00", "2026-11-26 22:00 to 2026-11-27 04:00"},
		{"every day 22:00-04:00", "2026-11-27 03:59", "2026-11-26 22:00 to 2026-11-27 04:00"},
		{"every day 22:00-04:00", "2026-11-27 04:00", "2026-11-27 22:00 to 2026-11-28 04:00"},
		{"mon-fri 12:00-13:00", "2026-11-27 13:00", "2026-11-30 12:00 to 2026-11-30 13:00"},
		{"fri-mon 12:00-13:00", "2026-11-27 13:00", "2026-11-28 12:00 to 2026-11-28 13:00"},
		{"sat,sun 00:00-24:00", "2026-11-26 00:00", "2026-11-28 00:00 to 2026-11-29 00:00"},
		{"second tuesday 20:00-22:00", "2026-12-01 00:00", "2026-12-08 20:00 to 2026-12-08 22:00"},
		{"second tuesday + 3 days 22:00-04:00", "2026-12-01 00:00", "2026-12-11 22:00 to 2026-12-12 04:00"},
		{"last sunday 02:00-06:00", "2026-11-01 00:00", "2026-11-29 02:00 to 2026-11-29 06:00"},
		{"last friday + 5 days 02:00-06:00", "2027-01-01 00:00", "2027-02-03 02:00 to 2027-02-03 06:00"},
		{"fifth monday 10:00-11:00", "2026-12-01 00:00", "2027-03-29 10:00 to 2027-03-29 11:00"},
		{"first,third wed 21:00-23:30", "2026-11-26 00:00", "2026-12-02 21:00 to 2026-12-02 23:30"},
		{"day 31 23:00-01:00", "2026-11-26 00:00", "2026-12-31 23:00 to 2027-01-01 01:00"},
		{"day 31 or last 23:00-01:00", "2026-11-26 00:00", "2026-11-30 23:00 to 2026-12-01 01:00"},
		{"day 29,30 20:00-22:00", "2027-02-01 00:00", "2027-03-29 20:00 to 2027-03-29 22:00"},
		{"day 29 20:00-22:00", "2028-02-01 00:00", "2028-02-29 20:00 to 2028-02-29 22:00"},
		{"last day 20:00-22:00", "2027-02-01 00:00", "2027-02-28 20:00 to 2027-02-28 22:00"},
		{"every day 22:00-04:00 except 2026-12-20..2027-01-06", "2026-12-20 12:00", "2027-01-07 22:00 to 2027-01-08 04:00"},
		{"every day 22:00-04:00 except 2026-11-26", "2026-11-26 12:00", "2026-11-27 22:00 to 2026-11-28 04:00"},
		// Clocks go forward on 28 March 2027 from 02:00 to 03:00, and back on 25 October 2026 from 03:00 to 02:00.
		{"every day 02:30-05:00", "2027-03-28 00:00", "2027-03-28 03:00 to 2027-03-28 05:00"},
		{"every day 01:00-02:30", "2027-03-28 00:00", "2027-03-28 01:00 to 2027-03-28 03:00"},
		{"every day 22:00-04:00", "2027-03-27 12:00", "2027-03-27 22:00 to 2027-03-28 04:00"},
	} {
		r, err := Parse(c.rule)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		from, err := time.ParseInLocation("2006-01-02 15:04", c.from, loc)
		if err != nil {
			t.Fatal(err)
		}
		o, ok := r.At(from, loc)
		got := o.Start.In(loc).Format("2006-01-02 15:04") + " to " + o.End.In(loc).Format("2006-01-02 15:04")
		if !ok || got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.rule, c.from, got, c.want)
		}
	}
}

func TestWindowOverTheRepeatedHour(t *testing.T) {
	loc := berlin(t)
	for rule, want := range map[string]time.Duration{
		"every day 22:00-04:00": 7 * time.Hour,    // the night is an hour longer
		"every day 02:30-02:45": 75 * time.Minute, // from the first 02:30 to the last 02:45
		"every day 03:00-04:00": time.Hour,
	} {
		r, err := Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2026, 10, 24, 21, 0, 0, 0, loc)
		if strings.Contains(rule, " 0") {
			from = time.Date(2026, 10, 25, 0, 30, 0, 0, loc)
		}
		o, _ := r.At(from, loc)
		if got := o.End.Sub(o.Start); got != want {
			t.Errorf("%s lasts %v, want %v (%v)", rule, got, want, o)
		}
	}
}

func TestZones(t *testing.T) {
	loc := berlin(t)
	from := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for rule, want := range map[string]int{
		"every day 20:00-22:00":                 19,
		"every day 20:00-22:00 UTC":             20,
		"every day 20:00-22:00 America/Chicago": 2,
	} {
		r, err := Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		o, _ := r.At(from, loc)
		if o.Start.UTC().Hour() != want {
			t.Errorf("%s starts at %v", rule, o.Start.UTC())
		}
	}
}

func TestWhatIsNoWindowIsRefusedWithTheReason(t *testing.T) {
	for text, why := range map[string]string{
		"": "empty", "every day": "no start and end", "22:00-04:00": "not a day", "every day 22:00": "no start and end", "every day 25:00-26:00": "not a time of day",
		"every day 10:00-10:00": "ends when it starts", "every day 24:00-01:00": "24:00", "day 32 10:00-11:00": "day of a month", "day 0 10:00-11:00": "day of a month",
		"every day 10:00-11:00 Mars/Base": "not a time zone", "second 10:00-11:00": "not a day", "second tuesday + 40 days 10:00-11:00": "1 to 27",
		"every day 10:00-11:00 except 2026-13-01": "not a date", "every day 10:00-11:00 except 2026-12-02..2026-12-01": "range", "every day 10:00-11:00 UTC now": "not understood",
		"every day 10:00-11:00 local": "ambiguous", "every day 1e1:00-11:00": "not a time of day", "every day -1:00-11:00": "not a time of day", "mo 10:00-11:00": "not a day",
		strings.Repeat("every ", 100): "too long", "every day 10:00-11:0": "not a time of day",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

// anyRule writes a random rule as a person would.
func anyRule(t *rapid.T) string {
	days := rapid.SampledFrom([]string{"every day", "daily", "mon", "tue,thu", "fri-mon", "second tuesday", "last sunday", "first,last wed", "day 31", "day 1,15",
		"day 30 or last", "last day", "fifth friday"}).Draw(t, "days")
	plus := rapid.SampledFrom([]string{"", " + 1 day", " + 3 days", " + 27 days"}).Draw(t, "plus")
	start := rapid.IntRange(0, 1439).Draw(t, "start")
	end := rapid.IntRange(0, 1440).Filter(func(n int) bool { return n != start }).Draw(t, "end")
	zone := rapid.SampledFrom([]string{"", " Europe/Berlin", " America/St_Johns", " Australia/Lord_Howe", " UTC"}).Draw(t, "zone")
	except := rapid.SampledFrom([]string{"", " except 2026-12-20..2027-01-06", " except 2027-03-28,2027-10-31"}).Draw(t, "except")
	return days + plus + " " + clock(start) + "-" + clock(end) + zone + except
}

func TestRulesReadBackAndWindowsAreInOrder(t *testing.T) {
	berlin(t)
	rapid.Check(t, func(t *rapid.T) {
		text := anyRule(t)
		r, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		back, err := Parse(r.String())
		if err != nil || back.String() != r.String() {
			t.Fatalf("%s reads back as %q, %v", r, back, err)
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 2*365*24*60).Draw(t, "minutes")) * time.Minute)
		all := r.Between(from, from.AddDate(0, 4, 0), time.UTC, 400)
		for i, o := range all {
			length := o.End.Sub(o.Start)
			if !o.End.After(from) || length <= 0 || length > 26*time.Hour || i > 0 && !o.Start.After(all[i-1].Start) {
				t.Fatalf("%s from %v: window %d is %v to %v", text, from, i, o.Start, o.End)
			}
			if next, ok := r.At(o.Start, time.UTC); !ok || next.Start.After(o.Start) {
				t.Fatalf("%s: asked at the start of a window, At gives %v", text, next)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"every day 22:00-04:00", "second tuesday + 3 days 22:00-04:00 Europe/Berlin", "day 31 or last 23:00-01:00 UTC except 2026-12-20..2027-01-06"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if back, err := Parse(r.String()); err != nil || back.String() != r.String() {
			t.Errorf("%q gives %q, which reads back as %q: %v", text, r, back, err)
		}
		r.At(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), time.UTC)
	})
}

func TestWindowsOfEachMachine(t *testing.T) {
	loc := berlin(t)
	r, err := Parse("every day 01:00-05:00 Machine except 2026-12-24")
	if err != nil || !r.OfMachine() || r.String() != "every day 01:00-05:00 machine except 2026-12-24" {
		t.Fatalf("%q %v", r, err)
	}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	here, _ := r.At(at, loc)
	there, _ := r.At(at, time.UTC)
	if !here.Start.Equal(there.Start.Add(-time.Hour)) {
		t.Errorf("%v in Berlin, %v in UTC", here.Start, there.Start)
	}
	if other, _ := Parse("every day 01:00-05:00 UTC"); other.OfMachine() {
		t.Error("a named zone is each machine's own")
	}
}

func TestTheWindowBefore(t *testing.T) {
	r, err := Parse("every day 22:00-04:00")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		day, hour int
		within    time.Duration
		want      int // the day on which it began; 0: none
	}{{26, 5, 2 * time.Hour, 25}, {26, 4, time.Hour, 25}, {26, 7, 2 * time.Hour, 0}, {26, 3, 2 * time.Hour, 0}, {26, 3, 48 * time.Hour, 24}, {26, 23, 24 * time.Hour, 25}} {
		o, ok := r.Last(time.Date(2026, 11, c.day, c.hour, 0, 0, 0, time.UTC), c.within, time.UTC)
		if ok != (c.want > 0) || ok && o.Start.Day() != c.want {
			t.Errorf("at %d %d:00 within %v: %v %v", c.day, c.hour, c.within, o, ok)
		}
	}
}
