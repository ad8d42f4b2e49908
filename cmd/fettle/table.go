package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// column is one column of a printed table.
type column struct {
	title string
	right bool // numbers
	flex  bool // may be shortened so that the table fits the terminal
}

// table prints rows so that they fit the width of a terminal; width 0 means that nothing is shortened.
type table struct {
	columns []column
	rows    [][]string
}

const (
	gutter  = 2
	minFlex = 8
)

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = clean(c)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) print(w io.Writer, width int) {
	t.dropEmpty()
	widths := t.fit(width)
	head := make([]string, len(t.columns))
	for i, c := range t.columns {
		head[i] = strings.ToUpper(c.title)
	}
	t.line(w, head, widths)
	for _, r := range t.rows {
		t.line(w, r, widths)
	}
}

// dropEmpty leaves out columns in which no row has anything.
func (t *table) dropEmpty() {
	for i := len(t.columns) - 1; i > 0 && len(t.rows) > 0; i-- {
		if slices.ContainsFunc(t.rows, func(r []string) bool { return r[i] != "" }) {
			continue
		}
		t.columns = slices.Delete(t.columns, i, i+1)
		for j := range t.rows {
			t.rows[j] = slices.Delete(t.rows[j], i, i+1)
		}
	}
}

// fit gives each column its natural width and then takes from the widest flexible one until all fit.
func (t *table) fit(width int) []int {
	widths := make([]int, len(t.columns))
	total := gutter * (len(widths) - 1)
	for i, c := range t.columns {
		widths[i] = runewidth.StringWidth(c.title)
		for _, r := range t.rows {
			widths[i] = max(widths[i], runewidth.StringWidth(r[i]))
		}
		total += widths[i]
	}
	for width > 0 && total > width {
		widest := -1
		for i, c := range t.columns {
			if c.flex && widths[i] > minFlex && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

func (t *table) line(w io.Writer, cells []string, widths []int) {
	var b strings.Builder
	for i, c := range cells {
		c = runewidth.Truncate(c, widths[i], "…")
		pad := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(c)))
		if t.columns[i].right {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
		b.WriteString(strings.Repeat(" ", gutter))
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// clean makes text from a machine or a feed harmless to a terminal: control characters and direction overrides become visible.
func clean(s string) string {
	if strings.IndexFunc(s, unsafeRune) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafeRune(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// paragraph cleans text of several lines, keeping its line ends.
func paragraph(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(strings.ReplaceAll(l, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
