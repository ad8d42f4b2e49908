package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Answers of Windows Update in the form in which its child prints them; written by hand, for none runs here. A failed one is told in words, and never looks like "nothing is needed".
func TestWhatWindowsUpdateSaid(t *testing.T) {
	for _, c := range []struct {
		file    string
		from    Source
		updates int
		says    string
	}{
		{"online", Online, 2, ""},
		{"wsus-overloaded", Managed, 0, "Windows Update failed at Search with 0x80244022: the server is overloaded (HTTP 503)"},
		{"offline-expired", Offline, 0, "Windows Update failed at AddScanPackageService with 0x80248015: the offline catalog has expired and a newer one is needed"},
		{"half-searched", Online, 0, "with 0x80004004: it was aborted"},
	} {
		b, err := os.ReadFile(filepath.Join("testdata/wua", c.file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		o, err := readAnswer(b, c.from)
		if err != nil || len(o.Updates) != c.updates || o.Source != string(c.from) || o.Provider != patch.WindowsUpdate || !strings.Contains(o.Text, c.says) || (o.Text == "") != (c.says == "") {
			t.Errorf("%s: %+v %v", c.file, o, err)
		}
	}
	b, err := os.ReadFile("testdata/wua/cut.json")
	if err != nil {
		t.Fatal(err)
	}
	if o, err := readAnswer(b, Online); patch.KindOf(err) != patch.Invalid {
		t.Errorf("what was cut off is %+v, %v", o, err)
	}
	evil := []byte(`{"updates":[{"id":"a\u001b[2J","title":"` + strings.Repeat("x", 1000) + `"}]}`)
	if o, err := readAnswer(evil, Online); err != nil || o.Updates[0].ID != "a[2J" || len(o.Updates[0].Title) != 300 {
		t.Errorf("%+v %v", o, err)
	}
}

func TestWhatSoftwareUpdateSaid(t *testing.T) {
	if o := macOffers("Software Update Tool\n\n* Label: macOS Sonoma 14.5-23F79\n\tTitle: macOS Sonoma 14.5, Version: 14.5, Size: 1KiB, Recommended: YES, Action: restart, \n"); len(o.Updates) != 1 || !o.Updates[0].Restart || o.Text != "" {
		t.Errorf("%+v", o)
	}
	if o := macOffers("No new software available.\n"); len(o.Updates) != 0 || o.Text != "" {
		t.Errorf("%+v", o)
	}
	if o := macOffers("Can't connect to the server"); o.Text == "" {
		t.Errorf("a failure looks like nothing new: %+v", o)
	}
}

func FuzzReadAnswer(f *testing.F) {
	all, _ := filepath.Glob("testdata/wua/*.json")
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := readAnswer(b, Online); err == nil && o.Updates == nil {
			t.Error("no list")
		}
	})
}
