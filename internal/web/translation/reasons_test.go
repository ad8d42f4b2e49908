package translation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/web/translation"
)

// Why a patch is or is not for a machine is the sentence that people come for: it is read here as a whole, in both languages.
func TestReasonsAreSaidInBothLanguages(t *testing.T) {
	perl := func(version string, state patch.PackageState, held bool) []patch.Package {
		return []patch.Package{{Name: "libperl5.36", Arch: "amd64", Version: version, State: state}, {Name: "perl-base", Arch: "amd64", Version: version, State: state, Held: held}}
	}
	rules := []detect.PackageRule{{Name: "perl-base", Arch: "amd64", Version: "5.36-7"}, {Name: "libperl5.36", Arch: "amd64", Version: "5.36-7"}}
	for name, c := range map[string]struct {
		packages []patch.Package
		def      detect.Definition
		want     [4]string // English, German, the first clause in German: expected and seen
	}{
		"older": {perl("5.36-6", patch.Installed, false), detect.Definition{Packages: rules}, [4]string{
			"libperl5.36 is at 5.36-6, and the patch brings 5.36-7; one more of its packages is older too.",
			"libperl5.36 ist in Version 5.36-6 installiert, der Patch bringt 5.36-7; ein weiteres seiner Pakete ist ebenfalls älter.", "5.36-7 oder neuer", "5.36-6"}},
		"current": {perl("5.36-8", patch.Installed, false), detect.Definition{Packages: rules[:1]}, [4]string{
			"perl-base is at 5.36-8, which is not older than the patch's 5.36-7.",
			"perl-base ist in Version 5.36-8 installiert und damit nicht älter als der Patch (5.36-7).", "5.36-7 oder neuer", "5.36-8"}},
		"held": {perl("5.36-6", patch.Installed, true), detect.Definition{Packages: rules[:1]}, [4]string{
			"perl-base is held on this machine (apt-mark hold) at 5.36-6, before the patch's 5.36-7.",
			"perl-base ist auf dieser Maschine bei 5.36-6 festgehalten (apt-mark hold); der Patch bringt 5.36-7.", "nicht festgehalten", "bei 5.36-6 festgehalten"}},
		"half-way": {perl("5.36-7", patch.Broken, false), detect.Definition{Packages: rules[:1]}, [4]string{
			`The package manager left perl-base half-way (at 5.36-7; the patch brings 5.36-7): run "dpkg --configure -a" and detect again.`,
			"Die Paketverwaltung hat perl-base halb fertig zurückgelassen (bei 5.36-7; der Patch bringt 5.36-7): „dpkg --configure -a“ ausführen und erneut prüfen.",
			"installiert und konfiguriert", "von der Paketverwaltung bei 5.36-7 halb fertig zurückgelassen"}},
		"half-way and older": {perl("5.36-6", patch.Broken, false), detect.Definition{Packages: rules[:1]}, [4]string{
			"The package manager left perl-base half-way at 5.36-6, and the patch brings 5.36-7, which is installed over it.",
			"Die Paketverwaltung hat perl-base bei 5.36-6 halb fertig zurückgelassen, der Patch bringt 5.36-7 und wird darüber installiert.",
			"5.36-7 oder neuer", "von der Paketverwaltung bei 5.36-6 halb fertig zurückgelassen"}},
		"not there": {nil, detect.Definition{Packages: rules}, [4]string{
			"None of its 2 packages is installed: libperl5.36 and perl-base.", "Keines seiner 2 Pakete ist installiert: libperl5.36 und perl-base.", "installiert", "nicht installiert"}},
		"removed": {perl("5.36-6", patch.Removed, false), detect.Definition{Packages: rules[:1]}, [4]string{
			"Its package perl-base was removed; only its configuration files are left.", "Sein Paket perl-base wurde entfernt; nur die Konfigurationsdateien sind noch da.",
			"installiert", "entfernt, nur die Konfigurationsdateien sind noch da"}},
		"not understood": {nil, detect.Definition{Unclear: "the document has no test 7"}, [4]string{
			"The patch cannot be judged: expected a definition that can be understood, seen the document has no test 7.",
			"Der Patch lässt sich nicht beurteilen: erwartet eine verständliche Definition, gesehen the document has no test 7.", "eine verständliche Definition", "the document has no test 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.def.ID = "a/b/c"
			file, err := detect.Compile("debian-12-amd64", version.Dpkg, []detect.Definition{c.def})
			if err != nil {
				t.Fatal(err)
			}
			s, err := detect.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			r := s.Find(&patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}, Packages: c.packages}, 0).Reason
			de := german(t)
			if d := cmp.Diff(c.want, [4]string{r.Text.String(), de.Say(r.Text), de.Say(r.Clauses[0].Expected), de.Say(r.Clauses[0].Seen)}); d != "" {
				t.Error(d)
			}
		})
	}
}

func german(t *testing.T) *translation.Catalog {
	all, err := translation.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Tag == "de" {
			return c
		}
	}
	t.Fatal("there is no German catalogue")
	return nil
}
