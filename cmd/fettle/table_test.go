package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

func TestTableFitsTheTerminal(t *testing.T) {
	for _, width := range []int{0, 40, 80, 200} {
		tab := table{columns: []column{{title: "patch", flex: true}, {title: "n", right: true}, {title: "empty"}, {title: "why", flex: true}}}
		tab.add("bookworm-security/perl/5.36.0-7+deb12u4", "12", "", strings.Repeat("because ", 20))
		tab.add("größe 日本語", "3", "", "x")
		var b bytes.Buffer
		tab.print(&b, width)
		for l := range strings.Lines(b.String()) {
			if n := runewidth.StringWidth(strings.TrimRight(l, "\n")); width > 0 && n > width {
				t.Errorf("a line of %d columns on a terminal of %d: %s", n, width, l)
			}
			if width == 0 && strings.Contains(l, "…") {
				t.Errorf("shortened without a terminal: %s", l)
			}
		}
		if strings.Contains(b.String(), "EMPTY") {
			t.Error("an empty column is shown")
		}
	}
}

func TestCleanShowsWhatWouldHarm(t *testing.T) {
	for in, want := range map[string]string{
		"web-14":          "web-14",
		"\x1b]0;owned\a":  `\u001b]0;owned\u0007`,
		"a\u202eb":        `a\u202eb`,
		"a\u009bc\nd":     `a\u009bc\u000ad`,
		"größe":           "größe",
		"tab\tis control": `tab\u0009is control`,
	} {
		if got := clean(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.IndexFunc(clean(s), unsafeRune) >= 0 || strings.ContainsAny(paragraph(s), "\x1b\x00\r") {
			t.Errorf("%q became %q", s, clean(s))
		}
	})
}

func TestMomentsAsPeopleTypeThem(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"3d":                        now.AddDate(0, 0, 3),
		"12h":                       now.Add(12 * time.Hour),
		"2026-12-01":                time.Date(2026, 12, 1, 0, 0, 0, 0, time.Local),
		"2026-12-01 18:30":          time.Date(2026, 12, 1, 18, 30, 0, 0, time.Local),
		"2026-12-01T18:30:00+02:00": time.Date(2026, 12, 1, 16, 30, 0, 0, time.UTC),
		"":                          {},
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-3d", "0d", "-1h", "soon", "2026-13-01", "15"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestMomentsThatHavePassed(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"3d":         now.AddDate(0, 0, -3),
		"7d ago":     now.AddDate(0, 0, -7),
		"12h":        now.Add(-12 * time.Hour),
		"2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.Local),
		"":           {},
	} {
		if got, err := parsePast(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if got, err := parseBack("2026-12-01", now); err != nil || got.Month() != time.December {
		t.Errorf("the end of this month is %v, %v", got, err)
	}
	for _, text := range []string{"2026-11-23", "2030-01-01", "yesterday", "-3d"} {
		if got, err := parsePast(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 63440: "63,440", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 3_500_000: "3.5 MB", 160_900: "160.9 kB", 25_280_000_000: "25.28 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

// Every command has help with at least one example.
func TestEveryCommandHasExamples(t *testing.T) {
	var tree commands
	parser, err := newParser(t.Context(), newScreen(), &tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if len(leaf.Positional) == 0 && leaf.Name == "show" && leaf.Parent.Name == "version" {
			continue
		}
		if !strings.Contains(leaf.Detail, "Example") || !strings.Contains(leaf.Detail, "fettle ") && !strings.Contains(leaf.Detail, "printf") {
			t.Errorf("%s has no example", leaf.FullPath())
		}
		if leaf.Help == "" {
			t.Errorf("%s has no help", leaf.FullPath())
		}
	}
}
