package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func FuzzXML(f *testing.F) {
	f.Add("/a/b/@i", "<a><b i='1'>t</b></a>")
	f.Add("count(//b) + 1", "<a><b/></a>")
	f.Fuzz(func(t *testing.T, path, file string) {
		if len(path) > 200 || len(file) > 2000 {
			return
		}
		expr, err := compilePath(path)
		if err != nil {
			return
		}
		if values, found, err := find(expr, []byte(file)); err != nil && (found || values != nil) {
			t.Error(values, found, err)
		}
	})
}

func TestLargeXMLIsRefused(t *testing.T) {
	expr, err := compilePath("//a")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"deep": strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300), "wide": "<r>" + strings.Repeat("<a/>", 110_000) + "</r>",
		"entities": `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "cut": "<a><b>"} {
		if _, found, err := find(expr, []byte(file)); err == nil || found {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// One file that is no XML does not hide what is in another.
func TestBrokenXMLIsAnItemOfItsOwn(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{"a.xml": "<a><b/></a>", "b.xml": "<a>", "c.xml": "<a>1</a>"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(top)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got := ask(t, m, "xmlfilecontent", []string{"value_of"}, equals("path", "/"), matches("filename", "xml$"), equals("xpath", "count(/a) div 4"))
	if got.Flag != patch.FlagIncomplete || len(got.Items) != 3 || got.Items[1].Status != patch.StatusError || got.Items[0].Fields[2].Value != "0.25" || got.Items[0].Fields[2].Type != "float" {
		t.Errorf("%+v", got)
	}
	if got := ask(t, m, "xmlfilecontent", nil, equals("filepath", "/a.xml"), equals("xpath", "///")); got.Flag != patch.FlagError {
		t.Errorf("%+v", got)
	}
}
