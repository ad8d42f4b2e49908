package rpm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// pkg writes a package of a primary.xml; extra goes into its format element.
func pkg(name, arch, epoch, version, release, source, extra string) string {
	return fmt.Sprintf(`<package type="rpm"><name>%s</name><arch>%s</arch><version epoch="%s" ver="%s" rel="%s"/><checksum type="sha256">%s</checksum>
		<location href="Packages/%s-%s.rpm"/><size package="10"/><format><sourcerpm>%s</sourcerpm>%s</format></package>`, name, arch, epoch, version, release, sum, name, version, source, extra)
}

func update(id, attrs, rows string) string {
	return `<update type="security" ` + attrs + `><id>` + id + `</id><pkglist><collection>` + rows + `</collection></pkglist></update>`
}

func row(name, version string) string {
	return fmt.Sprintf(`<package name="%s" version="%s" release="1" epoch="0" arch="x86_64"/>`, name, version)
}

// world of one repository with these packages, advisories and modules.
func entriesOf(t *testing.T, packages, updates []string, modules string) map[patch.ID]detect.Entry {
	t.Helper()
	r := newRepository(t)
	r.publish(at("2024-03-01T00:00:00Z"), map[string]string{"primary": "<metadata>" + strings.Join(packages, "") + "</metadata>",
		"updateinfo": "<updates>" + strings.Join(updates, "") + "</updates>", "modules": modules})
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	by := map[patch.ID]detect.Entry{}
	for _, e := range r.entries() {
		by[e.Patch.ID] = e
	}
	for _, id := range r.withdrawn {
		if _, ok := by[id]; !ok {
			by[id] = detect.Entry{Patch: patch.Patch{ID: id, Title: "withdrawn"}}
		}
	}
	return by
}

func ids(by map[patch.ID]detect.Entry) []string {
	var all []string
	for id := range by {
		all = append(all, strings.TrimPrefix(string(id), "almalinux-9/"))
	}
	slices.Sort(all)
	return all
}

// Only builds that are newer than the advisories' builds of the repository are patches of their own.
func TestUpdatesWithoutAnAdvisory(t *testing.T) {
	by := entriesOf(t, []string{
		pkg("a", "x86_64", "0", "1", "1", "a-1-1.src.rpm", ""), pkg("a", "x86_64", "0", "2", "1", "a-2-1.src.rpm", ""), pkg("a", "x86_64", "0", "3", "1", "a-3-1.src.rpm", ""),
		pkg("a-libs", "x86_64", "0", "3", "1", "a-3-1.src.rpm", ""), pkg("a-libs", "i686", "0", "3", "1", "a-3-1.src.rpm", ""), pkg("a-libs-debuginfo", "x86_64", "0", "3", "1", "a-3-1.src.rpm", ""),
		pkg("a", "src", "0", "3", "1", "", ""), pkg("a", "aarch64", "0", "3", "1", "a-3-1.src.rpm", ""),
		pkg("b", "x86_64", "0", "1", "1", "b-1-1.src.rpm", ""),
	}, []string{update("ALSA-1", "", row("a", "2")), update("ALSA-2", "", row("b", "2")), update("ALSA-3", `status="retracted"`, row("b", "9"))}, "")
	if d := cmp.Diff([]string{"ALSA-1", "ALSA-2", "ALSA-3", "a/3-1", "b/1-1"}, ids(by)); d != "" {
		t.Error(d)
	}
	if by["almalinux-9/ALSA-3"].Patch.Title != "withdrawn" {
		t.Error("the retracted advisory is a patch")
	}
	own := by["almalinux-9/a/3-1"]
	want := []detect.PackageRule{{Name: "a", Arch: "x86_64", Version: "3-1"}, {Name: "a-libs", Arch: "i686", Version: "3-1"}, {Name: "a-libs", Arch: "x86_64", Version: "3-1"}}
	if d := cmp.Diff(want, own.Definition.Packages); d != "" {
		t.Error(d)
	}
	if !slices.Equal(own.Patch.Supersedes, []patch.ID{"almalinux-9/ALSA-1"}) || own.Patch.Category != patch.Update {
		t.Errorf("%+v", own.Patch)
	}
	if f := by["almalinux-9/ALSA-2"].Files; len(f) != 0 {
		t.Errorf("files of a build that the repository does not have: %v", f)
	}
}

func TestObsoletes(t *testing.T) {
	obsoletes := func(entries string) string { return "<obsoletes>" + entries + "</obsoletes>" }
	for relation, want := range map[string]map[string]bool{
		`flags="LT" epoch="0" ver="2"`:         {"1.9-9": true, "2-1": false, "2-0": false, "3-1": false, "2~rc1-1": true},
		`flags="LE" epoch="0" ver="2"`:         {"1.9-9": true, "2-1": true, "2-99": true, "2.0.1-1": false, "3-1": false},
		`flags="LE" epoch="0" ver="2" rel="3"`: {"2-3": true, "2-2": true, "2-3.1": false, "2-4": false, "1:1-1": false},
		`flags="EQ" epoch="1" ver="2" rel="3"`: {"1:2-3": true, "2-3": false, "1:2-2": false, "1:2-3.el9": false},
		`flags="GE" epoch="0" ver="2"`:         {"1-1": false, "2-1": true, "3-1": true},
		`flags="GT" epoch="0" ver="2"`:         {"2-1": false, "2.1-1": true},
		``:                                     {"1-1": true, "9:9-9": true},
	} {
		by := entriesOf(t, []string{
			pkg("new", "x86_64", "0", "1", "1", "new-1-1.src.rpm", obsoletes(`<entry name="older"/>`)),
			pkg("new", "x86_64", "0", "2", "1", "new-2-1.src.rpm", obsoletes(`<entry name="old" `+relation+`/><entry name="new" flags="LT" ver="1"/>`)),
		}, nil, "")
		if d := cmp.Diff([]string{"new/1-1", "new/2-1", "obsoletes/new.x86_64/2-1"}, ids(by)); d != "" {
			t.Fatal(d)
		}
		for v, needed := range want {
			facts := patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "x86_64", Manager: "rpm"}, Packages: []patch.Package{
				{Name: "old", Arch: "x86_64", Version: v, State: patch.Installed},
				{Name: "older", Arch: "x86_64", Version: "1-1", State: patch.Installed}, // which the newest build does not replace any more
			}}
			j := judge(t, facts, []detect.Entry{by["almalinux-9/obsoletes/new.x86_64/2-1"], by["almalinux-9/new/2-1"]})
			verdict := patch.NotApplicable
			if needed {
				verdict = patch.NotPatched
			}
			if f := j.findings["almalinux-9/obsoletes/new.x86_64/2-1"]; f.Verdict != verdict {
				t.Errorf("%s: old %s is %s", relation, v, f.Verdict)
			}
			facts.Packages[0].Held = true
			if f := judge(t, facts, []detect.Entry{by["almalinux-9/obsoletes/new.x86_64/2-1"]}).findings["almalinux-9/obsoletes/new.x86_64/2-1"]; f.Verdict != patch.NotApplicable {
				t.Errorf("%s: old %s, which is held, is %s", relation, v, f.Verdict)
			}
			// Where the new one has come, nothing of the old one may be left.
			facts.Packages[0].Held = false
			both := append(facts.Packages[:2:2], patch.Package{Name: "new", Arch: "x86_64", Version: "2-1", State: patch.Installed})
			verdict = patch.Patched
			if needed {
				verdict = patch.NotPatched
			}
			facts.Packages = both
			if f := judge(t, facts, []detect.Entry{by["almalinux-9/obsoletes/new.x86_64/2-1"]}).findings["almalinux-9/obsoletes/new.x86_64/2-1"]; f.Verdict != verdict {
				t.Errorf("%s: old %s beside the new one is %s", relation, v, f.Verdict)
			}
			// The new package is no update of the old one.
			if f := j.findings["almalinux-9/new/2-1"]; f.Verdict != patch.NotApplicable || f.Reason.Code != patch.ReasonNotInstalled {
				t.Errorf("new on a machine with old: %s, %s", f.Verdict, f.Reason.Code)
			}
		}
	}
}

// modules.yaml tells the streams of packages that updateinfo.xml only marks by their release.
func TestModulesTellTheStream(t *testing.T) {
	by := entriesOf(t, []string{
		pkg("nodejs", "x86_64", "1", "18.1", "1.module_el9+1", "nodejs-18.1-1.module_el9+1.src.rpm", ""),
		pkg("plain", "x86_64", "0", "1", "1.module_el9+9", "plain-1-1.module_el9+9.src.rpm", ""),
	}, []string{update("ALSA-1", "", `<package name="nodejs" version="18.1" release="1.module_el9+1" epoch="1" arch="x86_64"/>`)}, modulemd)
	if m := by["almalinux-9/ALSA-1"].Definition.Packages[0].Module; m != "nodejs:1.10" {
		t.Errorf("the advisory is for %q", m)
	}
	if m := by["almalinux-9/plain/1-1.module_el9+9"].Definition.Packages[0].Module; m != "*:*" {
		t.Errorf("a build of a module that nobody describes is for %q", m)
	}
}

// A payload names the packages of its patch that it requires in its own version.
func TestNeeds(t *testing.T) {
	requires := `<requires><entry name="a-libs(x86-64)" flags="EQ" ver="3" rel="1"/><entry name="zlib" flags="EQ" ver="1"/><entry name="a-data"/></requires>`
	by := entriesOf(t, []string{pkg("a", "x86_64", "0", "3", "1", "a-3-1.src.rpm", requires), pkg("a-data", "noarch", "0", "3", "1", "a-3-1.src.rpm", ""),
		pkg("a-libs", "x86_64", "0", "3", "1", "a-3-1.src.rpm", "")}, nil, "")
	got := map[string][]string{}
	for _, f := range by["almalinux-9/a/3-1"].Files {
		got[f.Name] = f.Needs
	}
	if d := cmp.Diff(map[string][]string{"a": {"a-libs"}, "a-data": nil, "a-libs": nil}, got); d != "" {
		t.Error(d)
	}
}

// An advisory that cannot be understood, or whose identifier hides in another's, is kept and judged "error".
func TestUnclearAdvisories(t *testing.T) {
	by := entriesOf(t, []string{pkg("", "x86_64", "0", "1", "1", "", "")}, []string{
		update("ALSA-1", "", `<package name="a" version="1:2" release="1" arch="x86_64"/>`),
		update("ALSA-2", "", row("a", "1")), update("ALSA-2", "", row("b", "1")),
	}, "")
	facts := patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "x86_64", Manager: "rpm"}, Packages: []patch.Package{
		{Name: "a", Arch: "x86_64", Version: "1-1", State: patch.Installed}, {Name: "b", Arch: "x86_64", Version: "0-1", State: patch.Installed}}}
	var all []detect.Entry
	for _, e := range by {
		all = append(all, e)
	}
	got := map[string]patch.Verdict{}
	for id, f := range judge(t, facts, all).findings {
		got[strings.TrimPrefix(string(id), "almalinux-9/")] = f.Verdict
	}
	if d := cmp.Diff(map[string]patch.Verdict{"ALSA-1": patch.Faulty, "ALSA-2": patch.NotPatched, "unclear/_": patch.Faulty}, got); d != "" {
		t.Error(d)
	}
}
