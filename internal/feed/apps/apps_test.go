package apps

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const scribbler = `id: example.scribbler
name: Scribbler
publisher: Maker, Inc.
version: 2.10.0
released: 2026-11-20
severity: high
cves: [CVE-2026-1, CVE-2026-2]
packages:
  - architecture: amd64
    url: https://maker.example/dl/scribbler-2.10.0-x64.msi
    sha256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
    size: 42
    kind: msi
    switches: /qn
    exit-codes: {0: done, 3010: reboot}
`

func setOf(t *testing.T, files map[string]string) *Set {
	t.Helper()
	var s Set
	for name, body := range files {
		if err := s.Read(name, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	return &s
}

// on gives a Windows with programs, each "name|publisher|version|id|scope".
func on(os patch.OSFacts, programs ...string) *patch.Facts {
	c := patch.Collected{Class: "program", Flag: patch.FlagComplete, Fields: []string{item.Every}}
	for _, p := range programs {
		var it patch.Item
		for i, v := range append(strings.Split(p, "|"), "", "", "")[:5] {
			f := patch.Field{Name: []string{"name", "publisher", "version", "id", "scope"}[i], Value: v}
			if v == "" {
				f.Status = patch.StatusNotExist
			}
			it.Fields = append(it.Fields, f)
		}
		c.Items = append(c.Items, it)
	}
	return &patch.Facts{OS: os, Objects: []patch.Collected{c}}
}

func ten(arch string) patch.OSFacts {
	return patch.OSFacts{Key: patch.HostOS("windows-10.0.19045-" + arch), ID: "windows", VersionID: "10.0.19045.3803", Arch: arch}
}

func judge(t *testing.T, e detect.Entry, f *patch.Facts) patch.Verdict {
	t.Helper()
	b, err := detect.Compile(patch.AnyOS, version.Windows, []detect.Definition{e.Definition})
	if err != nil {
		t.Fatal(err)
	}
	s, err := detect.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Evaluate(f)
	if err != nil {
		t.Fatal(err)
	}
	return r.Verdicts.At(0)
}

func TestVerdictsOfApps(t *testing.T) {
	const NA, NP, P, E = patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty
	with := func(more string) string { return scribbler + more }
	for _, c := range []struct {
		about, app string
		facts      *patch.Facts
		want       patch.Verdict
	}{
		{"older", scribbler, on(ten("amd64"), "Scribbler 2.9.1 (x64)|Maker|2.9.1"), NP}, {"the same", scribbler, on(ten("amd64"), "Scribbler|Maker Ltd.|2.10.0"), P}, {"newer", scribbler, on(ten("amd64"), "Scribbler 2.11|Maker|2.11"), P},
		{"another program", scribbler, on(ten("amd64"), "Scribbler Pro 2.9|Maker|2.9"), NA}, {"another publisher", scribbler, on(ten("amd64"), "Scribbler 2.9|Fraud|2.9"), NA}, {"nothing", scribbler, on(ten("amd64")), NA},
		{"two, one of them older", scribbler, on(ten("amd64"), "Scribbler 2.11|Maker|2.11", "Scribbler 2.9|Maker|2.9"), NP}, {"no version", scribbler, on(ten("amd64"), "Scribbler|Maker|"), E}, {"a version that is none", scribbler, on(ten("amd64"), "Scribbler|Maker|<1"), E},
		{"no version beside a current one", scribbler, on(ten("amd64"), "Scribbler|Maker|", "Scribbler|Maker|3"), E}, {"programs that nobody looked at", scribbler, &patch.Facts{OS: ten("amd64")}, E},
		{"a processor that it does not run on", scribbler, on(ten("x86"), "Scribbler|Maker|1"), NA}, {"one that emulates", scribbler, on(ten("arm64"), "Scribbler|Maker|1"), NP},
		{"no Windows", scribbler, on(patch.OSFacts{Key: "debian-12-amd64", ID: "debian", VersionID: "12", Arch: "amd64"}, "Scribbler|Maker|1"), NA},
		{"a Windows that is too old", with("requires: {windows: 10.0.22000}\n"), on(ten("amd64"), "Scribbler|Maker|1"), NA}, {"one that is new enough", with("requires: {windows: 10.0.19045}\n"), on(ten("amd64"), "Scribbler|Maker|1"), NP},
		{"one that is too new", with("requires: {below: 10.0.19045}\n"), on(ten("amd64"), "Scribbler|Maker|1"), NA}, {"another program is needed and missing", with("requires: {programs: [{name: Runtime, version: 3}]}\n"), on(ten("amd64"), "Scribbler|Maker|1", "Runtime|X|2"), NA},
		{"another program is needed and there", with("requires: {programs: [{name: Runtime, version: 3}]}\n"), on(ten("amd64"), "Scribbler|Maker|1", "Runtime|X|3"), NP},
		{"by its key", with("match: [{id: '{AB}'}]\n"), on(ten("amd64"), "Kritzler|Macher|1|{ab}"), NP}, {"by a pattern", with("match: [{like: 'Scrib*LTS'}]\n"), on(ten("amd64"), "Scribbler 2 LTS|Maker|1"), NP}, {"not by a pattern", with("match: [{like: 'Scrib*LTS'}]\n"), on(ten("amd64"), "Scribbler 2|Maker|1"), NA},
		{"for users only", with("match: [{name: Scribbler, scope: user}]\n"), on(ten("amd64"), "Scribbler|Maker|1||machine"), NA}, {"the list says another version", with("match: [{name: Scribbler, version: '210'}]\n"), on(ten("amd64"), "Scribbler|Maker|210"), P},
		{"one of two matches is old", with("match: [{name: Scribbler}, {id: K}]\n"), on(ten("amd64"), "Scribbler|Maker|3", "Other|Maker|1|K"), NP}, {"offered to new machines", with("new-too: true\n"), on(ten("amd64")), NP}, {"new ones that have it", with("new-too: true\n"), on(ten("amd64"), "Scribbler|Maker|3"), P},
		{"a word that is not known", with("colour: red\n"), on(ten("amd64"), "Scribbler|Maker|1"), E}, {"a severity that is not known", strings.Replace(scribbler, "high", "awful", 1), on(ten("amd64"), "Scribbler|Maker|1"), E}, {"a match of nothing", with("match: [{scope: user}]\n"), on(ten("amd64"), "Scribbler|Maker|1"), E},
		{"an exit code that means nothing", strings.Replace(scribbler, "reboot", "dance", 1), on(ten("amd64")), E}, {"a hash that is none", strings.Replace(scribbler, "E3B0", "XXXX", 1), on(ten("amd64")), E}, {"no version of its own", strings.Replace(scribbler, "2.10.0", "''", 1), on(ten("amd64")), E},
	} {
		s := setOf(t, map[string]string{"a.yaml": c.app})
		if len(s.Apps) != 1 {
			t.Fatal(c.about, s.Notes)
		}
		if got := judge(t, s.Entries()[0], c.facts); got != c.want {
			t.Errorf("%s: %v, not %v %v", c.about, got, c.want, s.Notes)
		}
		if (s.Unclear() > 0) != (c.want == E && s.Apps[0].fault != "") {
			t.Errorf("%s: %d not understood: %v", c.about, s.Unclear(), s.Notes)
		}
	}
}

func TestWhatADefinitionSays(t *testing.T) {
	s := setOf(t, map[string]string{"a.yaml": scribbler + "---\n" + strings.Replace(scribbler, "version: 2.10.0", "version: 2.9.0", 1)})
	e := s.Entries()
	want := patch.Patch{ID: "apps/example.scribbler/2.10.0", Title: "Scribbler 2.10.0", Source: "example.scribbler", Version: "2.10.0", Suite: "apps", Category: patch.Security, Severity: patch.High, CVEs: []string{"CVE-2026-1", "CVE-2026-2"},
		Released: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Supersedes: []patch.ID{"apps/example.scribbler/2.9.0"}}
	if d := cmp.Diff(want, e[0].Patch); d != "" {
		t.Error(d)
	}
	files := []patch.PayloadFile{{Payload: patch.Payload{Name: "scribbler-2.10.0-x64.msi", Arch: "amd64", Version: "2.10.0", Size: 42}, URL: "https://maker.example/dl/scribbler-2.10.0-x64.msi", SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		Setup: &patch.Setup{Kind: patch.SetupMSI, Codes: map[int]patch.SetupOutcome{0: patch.SetupDone, 3010: patch.SetupReboot}}}}
	if d := cmp.Diff(files, e[0].Files); d != "" {
		t.Error(d)
	}
	if s := setOf(t, map[string]string{"a.yaml": scribbler + "---\n" + scribbler}); len(s.Apps) != 1 || len(s.Notes) != 1 {
		t.Error("two definitions of one version", s.Notes)
	}
}

const wingetInstallerFile = `PackageIdentifier: Example.Scribbler
PackageVersion: 2.10.0
InstallerType: inno
MinimumOSVersion: 10.0.17763.0
InstallerSuccessCodes: [7]
ExpectedReturnCodes:
- InstallerReturnCode: 3010
  ReturnResponse: rebootRequiredToFinish
- InstallerReturnCode: 5
  ReturnResponse: custom
AppsAndFeaturesEntries:
- DisplayVersion: 2.10.0.7
  ProductCode: Scribbler_is1
Installers:
- Architecture: x64
  InstallerUrl: https://maker.example/s-x64.exe
  InstallerSha256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
- Architecture: x86
  InstallerType: wix
  InstallerUrl: https://maker.example/s.msi
  InstallerSha256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
  InstallerSwitches: {Silent: /quiet, Custom: ALL=1}
ReleaseDate: 2026-11-20
`

func TestWingetManifests(t *testing.T) {
	locale := "PackageIdentifier: Example.Scribbler\nPackageVersion: 2.10.0\nPackageLocale: en-US\nPublisher: Maker Inc.\nPackageName: Scribbler\n"
	several := map[string]string{"s.installer.yaml": wingetInstallerFile + "ManifestType: installer\n", "s.locale.en-US.yaml": locale + "ManifestType: defaultLocale\n",
		"s.locale.de-DE.yaml": strings.Replace(locale, "Scribbler\n", "Kritzler\n", 2) + "ManifestType: locale\n", "s.yaml": "PackageIdentifier: Example.Scribbler\nPackageVersion: 2.10.0\nDefaultLocale: en-US\nManifestType: version\n"}
	delete(several, "s.locale.de-DE.yaml")
	single := map[string]string{"s.yaml": wingetInstallerFile + "Publisher: Maker Inc.\nPackageName: Scribbler\nManifestType: singleton\n"}
	want := App{ID: "Example.Scribbler", Name: "Scribbler", Publisher: "Maker Inc.", Version: "2.10.0", Released: "2026-11-20", Match: []Match{{ID: "Scribbler_is1", Version: "2.10.0.7"}, {Name: "Scribbler", Publisher: "Maker Inc.", Version: "2.10.0.7"}},
		Requires: Requires{Windows: "10.0.17763.0"}, Packages: []Package{
			{Architecture: "amd64", URL: "https://maker.example/s-x64.exe", SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Kind: "exe", Switches: "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART", ExitCodes: map[int]string{7: "done", 3010: "reboot", 5: "failed"}},
			{Architecture: "x86", URL: "https://maker.example/s.msi", SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Kind: "msi", Switches: "/quiet ALL=1", ExitCodes: map[int]string{7: "done", 3010: "reboot", 5: "failed"}}}}
	for name, files := range map[string]map[string]string{"several files": several, "one file": single} {
		s := setOf(t, files)
		if len(s.Apps) != 1 || s.Unclear() > 0 {
			t.Fatalf("%s: %d apps, %v", name, len(s.Apps), s.Notes)
		}
		got := *s.Apps[0]
		got.from, got.source = "", ""
		if d := cmp.Diff(want, got, cmp.AllowUnexported(App{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		e := s.Entries()[0]
		for facts, verdict := range map[string]patch.Verdict{"Scribbler 2.9|Maker|2.9.0.1": patch.NotPatched, "Scribbler 2.10|Maker|2.10.0.7": patch.Patched, "Kritzler|Macher|2.10.0.1|scribbler_is1": patch.NotPatched, "Else|Maker|1": patch.NotApplicable} {
			if v := judge(t, e, on(ten("amd64"), facts)); v != verdict {
				t.Errorf("%s: %s is %v", name, facts, v)
			}
		}
	}
	delete(several, "s.installer.yaml")
	if s := setOf(t, several); len(s.Apps) != 1 || s.Unclear() != 1 || judge(t, s.Entries()[0], on(ten("amd64"))) != patch.Faulty {
		t.Errorf("half of a manifest: %v", s.Notes)
	}
}

func TestScoopManifests(t *testing.T) {
	s := setOf(t, map[string]string{"bucket/scribbler.json": `{"version":"2.10.0","homepage":"https://maker.example","architecture":{"64bit":{"url":["https://maker.example/s.exe#/setup.exe","https://maker.example/x"],"hash":["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","sha1:00"],"installer":{"args":["/S","/D"]}},"32bit":{"url":"https://maker.example/s.zip","hash":"md5:00"}}}`,
		"plain.json": `{"version":"1","url":"https://maker.example/p.msi","hash":"sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"}`, "inno.json": `{"version":"1","url":"https://maker.example/p.exe","hash":"sha512:00","innosetup":true}`,
		"broken.json": `{"version":1}`, "empty.json": `{}`, "odd.json": `{"version":"1","architecture":{"sparc":{"url":"u"}}}`})
	byID := map[string]*App{}
	for _, a := range s.Apps {
		byID[a.ID] = a
	}
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for id, want := range map[string][]Package{
		"scribbler": {{Architecture: "amd64", URL: "https://maker.example/s.exe", SHA256: hash, Kind: "exe", Switches: "/S /D"}, {Architecture: "x86", URL: "https://maker.example/s.zip", Kind: "archive"}},
		"plain":     {{Architecture: "any", URL: "https://maker.example/p.msi", SHA256: hash, Kind: "msi", Switches: "/qn /norestart"}}, "inno": {{Architecture: "any", URL: "https://maker.example/p.exe", Kind: "exe", Switches: "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"}},
	} {
		if d := cmp.Diff(want, byID[id].Packages); d != "" || byID[id].fault != "" {
			t.Errorf("%s: %s %s", id, d, byID[id].fault)
		}
	}
	if len(s.Apps) != 6 || s.Unclear() != 3 {
		t.Errorf("%d apps, not understood: %q", len(s.Apps), s.Notes)
	}
	if v := judge(t, s.Entries()[0], on(ten("amd64"))); v == patch.Patched {
		t.Error(v)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a.yaml", []byte(scribbler))
	f.Add("a.yaml", []byte(wingetInstallerFile+"ManifestType: singleton\n"))
	f.Add("a.json", []byte(`{"version":"1","url":"https://maker.example/p.msi","hash":"x"}`))
	f.Add("a.yaml", []byte("a: &a [x]\nb: [*a,*a]\n"))
	facts := on(ten("amd64"), "Scribbler|Maker|1")
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if !readable(name) {
			return
		}
		var s Set
		if s.Read(name, strings.NewReader(string(b))) != nil || s.Finish() != nil {
			return
		}
		for _, e := range s.Entries() {
			defs, err := detect.Assemble(patch.AnyOS, version.Windows, []detect.Definition{{ID: "x", Prerequisite: e.Definition.Prerequisite, Installed: e.Definition.Installed, Unclear: e.Definition.Unclear}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := defs.Evaluate(facts); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Switches that agents give by themselves are left out; a definition whose switches no agent would give is detected and not installed.
func TestHowInstallersAreRun(t *testing.T) {
	for _, c := range []struct {
		pkg  Package
		want *patch.Setup
	}{
		{Package{Kind: "msi", Switches: "/qn /norestart ALLUSERS=1", Signer: "Maker, Inc."}, &patch.Setup{Kind: patch.SetupMSI, Switches: []string{"ALLUSERS=1"}, Signer: "Maker, Inc."}},
		{Package{Kind: "exe", Switches: "/quiet /norestart"}, &patch.Setup{Kind: patch.SetupPlain, Switches: []string{"/quiet", "/norestart"}}},
		{Package{Kind: "nsis", Blockers: []string{"pot.exe"}, Minutes: 5}, &patch.Setup{Kind: patch.SetupNSIS, Blockers: []string{"pot.exe"}, Minutes: 5}},
		{Package{Kind: "exe"}, nil}, {Package{Kind: "exe", Switches: `/D="C:\\x y"`}, nil}, {Package{Kind: "archive"}, nil}, {Package{Kind: "msix"}, nil},
	} {
		if d := cmp.Diff(c.want, c.pkg.setup()); d != "" {
			t.Errorf("%+v: %s", c.pkg, d)
		}
	}
}
