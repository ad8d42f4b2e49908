// Package workbook writes tables for other programs: Office Open XML workbooks (ECMA-376, SpreadsheetML) and comma-separated values.
//
// It owns the file formats and nothing of what is in them. Text stays text whatever it looks like: no name from a machine or a feed becomes
// a formula.
package workbook

import (
	"archive/zip"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Sheet is one table. A cell is a string, an int, a float64 or a time.Time; nil is empty.
type Sheet struct {
	Name    string // at most 31 characters, none of []:*?/\
	Columns []string
	Rows    [][]any
}

// Limits of the format.
const (
	maxName = 31
	maxRows = 1_048_576
	maxCell = 32_767
)

const (
	header     = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	main       = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	officeRels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	pkgRels    = "http://schemas.openxmlformats.org/package/2006/relationships"
	types      = "http://schemas.openxmlformats.org/package/2006/content-types"
	sheetType  = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// styles: 0 plain, 1 bold (column titles), 2 a moment, 3 a share in percent.
const styles = header + `<styleSheet xmlns="` + main + `"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd hh:mm"/></numFmts>` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>` +
	`<cellXfs count="4"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="10" applyNumberFormat="1"/></cellXfs></styleSheet>`

// Write writes a workbook.
func Write(w io.Writer, sheets []Sheet) error {
	z := zip.NewWriter(w)
	var overrides, names, rels strings.Builder
	for i, s := range sheets {
		if len(s.Rows) >= maxRows {
			return patch.Errorf(patch.Invalid, "the sheet %s has %d rows, and a workbook takes %d", s.Name, len(s.Rows), maxRows-1)
		}
		n := strconv.Itoa(i + 1)
		overrides.WriteString(`<Override PartName="/xl/worksheets/sheet` + n + `.xml" ContentType="` + sheetType + `worksheet+xml"/>`)
		names.WriteString(`<sheet name="` + text(sheetName(s.Name)) + `" sheetId="` + n + `" r:id="rId` + n + `"/>`)
		rels.WriteString(`<Relationship Id="rId` + n + `" Type="` + officeRels + `/worksheet" Target="worksheets/sheet` + n + `.xml"/>`)
		if err := s.write(z, "xl/worksheets/sheet"+n+".xml"); err != nil {
			return err
		}
	}
	parts := [][2]string{
		{"[Content_Types].xml", header + `<Types xmlns="` + types + `"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="` + sheetType + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + sheetType + `styles+xml"/>` + overrides.String() + `</Types>`},
		{"_rels/.rels", header + `<Relationships xmlns="` + pkgRels + `"><Relationship Id="rId1" Type="` + officeRels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", header + `<workbook xmlns="` + main + `" xmlns:r="` + officeRels + `"><sheets>` + names.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", header + `<Relationships xmlns="` + pkgRels + `">` + rels.String() + `<Relationship Id="styles" Type="` + officeRels + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", styles},
	}
	for _, p := range parts {
		f, err := z.Create(p[0])
		if err == nil {
			_, err = io.WriteString(f, p[1])
		}
		if err != nil {
			return unwritten(err)
		}
	}
	if err := z.Close(); err != nil {
		return unwritten(err)
	}
	return nil
}

func unwritten(err error) error {
	return &patch.Error{Kind: patch.Unavailable, What: "cannot write the workbook", Err: err}
}

func (s Sheet) write(z *zip.Writer, name string) error {
	f, err := z.Create(name)
	if err != nil {
		return unwritten(err)
	}
	var b strings.Builder
	b.WriteString(header + `<worksheet xmlns="` + main + `"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData><row>`)
	for _, c := range s.Columns {
		b.WriteString(inline(c, 1))
	}
	b.WriteString(`</row>`)
	for _, row := range s.Rows {
		b.WriteString(`<row>`)
		for _, v := range row {
			b.WriteString(cell(v))
		}
		b.WriteString(`</row>`)
		if b.Len() > 1<<20 {
			if _, err := io.WriteString(f, b.String()); err != nil {
				return unwritten(err)
			}
			b.Reset()
		}
	}
	b.WriteString(`</sheetData></worksheet>`)
	if _, err := io.WriteString(f, b.String()); err != nil {
		return unwritten(err)
	}
	return nil
}

func inline(s string, style int) string {
	return `<c t="inlineStr" s="` + strconv.Itoa(style) + `"><is><t xml:space="preserve">` + text(s) + `</t></is></c>`
}

// Share is a part of a whole, from 0 to 1, shown in percent.
type Share float64

// epoch is day 0 of spreadsheets.
func epoch() time.Time { return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC) }

func cell(v any) string {
	switch x := v.(type) {
	case nil:
		return `<c/>`
	case int:
		return `<c><v>` + strconv.Itoa(x) + `</v></c>`
	case float64:
		return `<c><v>` + strconv.FormatFloat(x, 'g', -1, 64) + `</v></c>`
	case Share:
		return `<c s="3"><v>` + strconv.FormatFloat(float64(x), 'g', -1, 64) + `</v></c>`
	case time.Time:
		if x.IsZero() {
			return `<c/>`
		}
		return `<c s="2"><v>` + strconv.FormatFloat(x.UTC().Sub(epoch()).Hours()/24, 'f', 6, 64) + `</v></c>`
	}
	return inline(fmt.Sprint(v), 0)
}

// text escapes what a person, a machine or a feed wrote, and drops what XML cannot hold.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > maxCell {
		s = string(r[:maxCell])
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

func sheetName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return '-'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxName {
		s = string(r[:maxName])
	}
	return s
}

// WriteCSV writes one sheet as comma-separated values. Text that a spreadsheet would take for a formula is quoted as text.
func WriteCSV(w io.Writer, s Sheet) error {
	out := csv.NewWriter(w)
	rows := [][]string{s.Columns}
	for _, row := range s.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = plain(v)
		}
		rows = append(rows, line)
	}
	if err := out.WriteAll(rows); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the table", Err: err}
	}
	return nil
}

func plain(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case Share:
		return strconv.FormatFloat(float64(x), 'f', 4, 64)
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339)
	case string:
		if x != "" && (strings.ContainsRune("=+-@", rune(x[0])) || x[0] < ' ') {
			return "'" + x
		}
		return x
	}
	return fmt.Sprint(v)
}
