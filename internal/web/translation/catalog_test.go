package translation_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leonelquinteros/gotext"
)

var update = flag.Bool("update", false, "rewrite the catalogues from the source")

// TestCatalogs holds the catalogues to the source: the template has every text, and each language says all of them.
func TestCatalogs(t *testing.T) {
	texts := extracted(t)
	hold(t, "messages.pot", catalog(header(""), texts, nil))
	names, err := filepath.Glob("*.po")
	if err != nil || len(names) == 0 {
		t.Fatal("there is no catalogue", err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			po := gotext.NewPo()
			po.Parse(raw)
			head, _, _ := strings.Cut(string(raw), "\n\n")
			hold(t, name, catalog(head+"\n", texts, po.GetDomain()))
			complete(t, name, texts)
		})
	}
}

// TestCatalogsAreWhatGettextReads asks the field's own tool.
func TestCatalogsAreWhatGettextReads(t *testing.T) {
	msgfmt, err := exec.LookPath("msgfmt")
	if err != nil {
		t.Skip("the catalogues were NOT read by gettext: msgfmt is missing; install it with apt-get install gettext")
	}
	for _, name := range []string{"messages.pot", "de.po"} {
		if out, err := exec.CommandContext(t.Context(), msgfmt, "--check", "-o", os.DevNull, name).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func header(language string) string {
	return "msgid \"\"\nmsgstr \"\"\n\"Language: " + language + "\\n\"\n\"MIME-Version: 1.0\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n" +
		"\"Content-Transfer-Encoding: 8bit\\n\"\n\"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n"
}

// catalog writes every text, with what a language says so far.
func catalog(head string, texts map[string]*entry, said *gotext.Domain) string {
	var b strings.Builder
	b.WriteString(head)
	plain, within := map[string]*gotext.Translation{}, map[string]map[string]*gotext.Translation{}
	if said != nil { // each of these copies all that there is
		plain, within = said.GetTranslations(), said.GetCtxTranslations()
	}
	keys := slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return strings.Compare(texts[a].ID+"\x00"+a, texts[b].ID+"\x00"+b)
	})
	for _, k := range keys {
		e := texts[k]
		b.WriteString("\n")
		for _, n := range e.Notes {
			fmt.Fprintf(&b, "#. %s\n", n)
		}
		for _, f := range e.from {
			fmt.Fprintf(&b, "#: %s\n", f)
		}
		if e.Context != "" {
			fmt.Fprintf(&b, "msgctxt %s\n", quoted(e.Context))
		}
		fmt.Fprintf(&b, "msgid %s\n", quoted(e.ID))
		t := plain[e.ID]
		if e.Context != "" {
			t = within[e.Context][e.ID]
		}
		if t == nil {
			t = gotext.NewTranslation()
		}
		if e.Many == "" {
			fmt.Fprintf(&b, "msgstr %s\n", quoted(t.Trs[0]))
			continue
		}
		fmt.Fprintf(&b, "msgid_plural %s\n", quoted(e.Many))
		for i := range max(2, len(t.Trs)) {
			fmt.Fprintf(&b, "msgstr[%d] %s\n", i, quoted(t.Trs[i]))
		}
	}
	return b.String()
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// hold compares a file with what it must be, or rewrites it.
func hold(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s is not what the source says (run: go test ./internal/web/translation -update)\n%s", file, d)
	}
}
