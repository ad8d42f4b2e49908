package phrase

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func german() *Language {
	return NewLanguage("de", map[string][]string{
		"approved for {1} by {2}":  {"von {2} für {1} freigegeben"},
		"{n} patch":                {"{n} Patch", "{n} Patches"},
		"today {1}":                {"heute {1}"},
		"thousands separator\x04,": {"."},
		"verdict\x04unknown":       {"unbekannt"},
		"{n} day":                  {"{n} Tag", "{n} Tage"},
		"it waits: {1}":            {"es wartet: {1}"},
	}, func(n int) int {
		if n == 1 {
			return 0
		}
		return 1
	})
}

func TestSaying(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 40, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		p      Phrase
		en, de string
	}{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{"verdict\x04unknown", "unknown", "unbekannt"},
		{Of("approved for {1} by {2}", "web", "m.keller"), "approved for web by m.keller", "von m.keller für web freigegeben"},
		{Count(1, "{n} patch", "{n} patches"), "1 patch", "1 Patch"},
		{Count(34589, "{n} patch", "{n} patches"), "34,589 patches", "34.589 Patches"},
		{Sentence(Of("it waits: {1}", Count(2, "{n} patch", "{n} patches"))), "It waits: 2 patches.", "Es wartet: 2 Patches."},
		{Of("it waits: {1}", At(now, now.Add(-2*time.Hour))), "it waits: today 06:40", "es wartet: heute 06:40"},
		{Of("it waits: {1}", At(now, time.Time{})), "it waits: never", "es wartet: never"},
		{Of("it waits: {1}", On(now, now.Add(-2*time.Hour).UTC())), "it waits: 23 Nov 2026 06:40 +01:00", "es wartet: 23 Nov 2026 06:40 +01:00"},
		{Of("it waits: {1}", 50*time.Hour), "it waits: 2 days", "es wartet: 2 Tage"},
		{Of("it waits: {1}", Size(7_410_000)), "it waits: 7.4 MB", "es wartet: 7.4 MB"},
		{Of("it waits: {1}", "{2} {n} \x10"), "it waits: {2} {n} \x10", "es wartet: {2} {n} \x10"},
		{Of("{1} {3} {x} {", "a"), "a {3} {x} {", "a {3} {x} {"},
		{Join(nil, ", "), "", ""},
		{Join([]Phrase{"plain"}, ", "), "plain", "plain"},
		{Join([]Phrase{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", Count(2, "{n} patch", "{n} patches")}, "; "), "1; 2; 3; 4; 5; 6; 7; 8; 9; 10; 2 patches", "1; 2; 3; 4; 5; 6; 7; 8; 9; 10; 2 Patches"},
		{Verbatim("verdict\x04unknown"), "verdict\x04unknown", "verdict\x04unknown"},
		{Verbatim("plain"), "plain", "plain"},
	} {
		if d := cmp.Diff([]string{c.en, c.de}, []string{c.p.String(), german().Say(c.p)}); d != "" {
			t.Error(d)
		}
	}
	if one, other := Of("approved for {1} by {2}", "web", "x"), Of("approved for {1} by {2}", "web", "x"); one != other {
		t.Error("equal phrases differ")
	}
}

func TestAPhraseIsEnglishInJSON(t *testing.T) {
	p := Count(2, "{n} patch", "{n} patches")
	raw, err := json.Marshal(map[string]Phrase{"text": p, "none": ""})
	if err != nil || string(raw) != `{"none":"","text":"2 patches"}` {
		t.Errorf("%s, %v", raw, err)
	}
	var back map[string]Phrase
	if err := json.Unmarshal(raw, &back); err != nil || back["text"].String() != "2 patches" {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"text":"\u0010\u0005hello"}`), &back); err != nil || back["text"].String() != "\x10\x05hello" {
		t.Errorf("%q, %v", back["text"].String(), err)
	}
}

func TestNumbersAndTimes(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 40, 0, 0, time.UTC)
	en, de := English, german()
	for got, want := range map[string]string{
		en.Number(0): "0", en.Number(-1234): "−1,234", en.Number(999): "999", en.Number(1234567): "1,234,567", de.Number(63440): "63.440",
		en.Size(999): "999 B", en.Size(1_999_999_999): "2.0 GB", en.Size(123_456_789): "123 MB",
		en.When(now, now.AddDate(0, 0, -1)): "yesterday 08:40", en.When(now, now.AddDate(0, 0, 1)): "tomorrow 08:40", en.When(now, now.AddDate(0, 0, -3)): "Fri 08:40",
		en.Near(now, now.Add(44*time.Second)): "now", en.Near(now, now.Add(-50*time.Second)): "1 minute ago", en.Near(now, now.Add(-59*time.Minute-29*time.Second)): "59 minutes ago",
		en.Near(now, now.Add(150*time.Second)): "in 3 minutes", en.Near(now, now.Add(-59*time.Minute-30*time.Second)): "today 07:40", en.Near(now, time.Time{}): "never",
		en.When(now, now.AddDate(0, 0, -30)): "24 Oct 08:40", en.When(now, now.AddDate(-1, 0, 0)): "23 Nov 2025", en.Full(now): "Monday 23 November 2026, 08:40:00 UTC",
		en.Span(90 * time.Minute): "1 hour", en.Span(time.Millisecond): "a moment",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// FuzzSay says whatever bytes somebody takes for a phrase: nothing breaks, and data stays as it is.
func FuzzSay(f *testing.F) {
	now := time.Now()
	for _, p := range []Phrase{"", "x", Of("{1}", Of("{1}{1}", "x")), Count(3, "{n}", "{n}s", At(now, now)), Sentence("x"), Verbatim("y"), "\x12\x12\x12\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add(string(p))
	}
	f.Fuzz(func(t *testing.T, s string) {
		said := german().Say(Phrase(s))
		if s != "" && s[0] > verbatim && !strings.Contains(s, "\x04") && german().texts[s] == nil && said != s {
			t.Errorf("%q, not %q", said, s)
		}
		if plain := Verbatim(s).String(); plain != s {
			t.Errorf("%q, not %q", plain, s)
		}
		if given := Of("{1}", s).String(); given != s {
			t.Errorf("%q, not %q", given, s)
		}
	})
}

var sink Phrase

func BenchmarkOf(b *testing.B) {
	now := time.Now()
	at := now.Add(-26 * time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		sink = Of("approved for {1} by {2} {3}", "web", "m.keller", At(now, at))
	}
}

func BenchmarkSay(b *testing.B) {
	p, german := Of("approved for {1} by {2} {3}", "web", "m.keller", "x"), german()
	b.ReportAllocs()
	for b.Loop() {
		if !strings.HasPrefix(german.Say(p), "approved") {
			b.Fatal(p)
		}
	}
}

// What is kept reads as English, and says in another language later what it said before, but for moments, which have no now any more.
func TestKeeping(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 40, 0, 0, time.FixedZone("", 3600))
	many := Count(2, "{n} patch", "{n} patches")
	for _, c := range []struct {
		p            Phrase
		stored, said string
	}{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{Verbatim("the machine's \x1e own"), "the machine's   own", "the machine's   own"},
		{Sentence(Of("it waits: {1}", many)), "It waits: 2 patches.", "Es wartet: 2 Patches."},
		{Count(1, "{n} patch", "{n} patches"), "1 patch", "1 Patch"},
		{Of("{1} {2} {3} {4} {5} {6}", At(now, now.Add(-time.Hour)), Size(2_000_000), 50*time.Hour, -7, "a\x1eb", many), "23 Nov 2026 07:40 +01:00 2.0 MB 2 days −7 a\x1eb 2 patches", "23 Nov 2026 07:40 +01:00 2.0 MB 2 Tage −7 a\x1eb 2 Patches"},
		{Of("it waits: {1}", At(now, time.Time{})), "it waits: never", "es wartet: never"},
		{Of("it waits: {1}", Of("{1}", At(now, now))), "it waits: 23 Nov 2026 08:40 +01:00", "es wartet: 23 Nov 2026 08:40 +01:00"},
	} {
		stored := c.p.Keep()
		var back Phrase
		if err := back.Scan([]byte(stored)); err != nil {
			t.Fatal(err)
		}
		english := stored
		if at := strings.LastIndex(stored, "\x1e"); at >= 0 {
			english = stored[:at]
		}
		if d := cmp.Diff([]string{c.stored, c.stored, c.said}, []string{english, back.String(), german().Say(back)}); d != "" {
			t.Error(d)
		}
		if back.Keep() != stored {
			t.Errorf("%q is kept again as %q", stored, back.Keep())
		}
	}
	for _, old := range []string{"it was stored before\x1e", "x\x1e!!", "x\x1eAAAA", "\x10\x05hello", "a\nb\x04c"} {
		if got := Recall(old).String(); got != old && old != "x\x1eAAAA" {
			t.Errorf("%q is recalled as %q", old, got)
		}
	}
}

func TestPhrasesCannotGrowWithoutBound(t *testing.T) {
	p := Of("x")
	for range deepest + 3 {
		p = Of(Phrase(strings.Repeat("{1}", 100)), p)
	}
	if n := len(p.String()); n > 4*longest {
		t.Errorf("%d bytes", n)
	}
}

func FuzzRecall(f *testing.F) {
	f.Add(Sentence(Of("it waits: {1} {2}", Count(2, "{n} patch", "{n} patches"), At(time.Unix(0, 0), time.Unix(9, 0)))).Keep())
	f.Fuzz(func(t *testing.T, s string) {
		p := Recall(s)
		if again := Recall(p.Keep()); again.String() != Recall(again.Keep()).String() {
			t.Errorf("%q", s)
		}
	})
}
