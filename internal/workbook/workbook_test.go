package workbook

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func sample() []Sheet {
	at := time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC)
	return []Sheet{{Name: "a/b:c[d] and far too long to be the name of one", Columns: []string{"label", "n", "share", "at", "x"},
		Rows: [][]any{{"=HYPERLINK(\"http://x\")", 42, Share(0.925), at, nil}, {"<b>&\"'\x00\x1b ü\t", -1, Share(1), time.Time{}, 1.5}, {" padded ", 0, nil, at, "@x"}}}, {Name: "Empty", Columns: []string{"only"}}}
}

// Another program's reader finds the same cells, and no formula.
func TestWorkbookIsReadByAnotherProgram(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := f.GetSheetList()
	if len(names) != 2 || names[0] != "a-b-c-d- and far too long to be" || names[1] != "Empty" {
		t.Fatalf("%q", names)
	}
	for at, want := range map[string]string{"A1": "label", "A2": "=HYPERLINK(\"http://x\")", "B2": "42", "C2": "92.50%", "D2": "2026-11-26 09:30", "A3": "<b>&\"' ü\t", "D3": "", "E3": "1.5", "A4": " padded ", "E4": "@x"} {
		got, err := f.GetCellValue(names[0], at)
		if err != nil || got != want {
			t.Errorf("%s is %q, not %q (%v)", at, got, want, err)
		}
		if formula, _ := f.GetCellFormula(names[0], at); formula != "" {
			t.Errorf("%s is the formula %s", at, formula)
		}
	}
}

func TestCSVRunsNothing(t *testing.T) {
	var b bytes.Buffer
	if err := WriteCSV(&b, sample()[0]); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != "'=HYPERLINK(\"http://x\")" || rows[1][2] != "0.9250" || rows[1][3] != "2026-11-26T09:30:00Z" || rows[3][4] != "'@x" {
		t.Errorf("%q %v", rows, err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("=1+1<>&\x00")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := Write(&b, []Sheet{{Name: s, Columns: []string{s}, Rows: [][]any{{s}}}}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text(s), "<\x00") {
			t.Fatalf("%q", text(s))
		}
	})
}
