package sdp

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	winversion "github.com/fettle-project/fettle/internal/version"
)

const (
	yes   = `<l:True/>`
	no    = `<l:False/>`
	maybe = `<b:InstalledOnce/>`
)

// pkg writes a package: what is inside of it, and one item for each of "installed installable superseded".
func pkg(id, inside string, items ...string) string {
	var b strings.Builder
	b.WriteString(`<p:SoftwareDistributionPackage><p:Properties PackageID="` + id + `"/>` + inside)
	for _, rules := range items {
		three := append(strings.Split(rules, " "), "", "")
		b.WriteString(`<p:InstallableItem><p:ApplicabilityRules><p:IsInstalled>` + three[0] + `</p:IsInstalled><p:IsSuperseded>` + three[2] + `</p:IsSuperseded><p:IsInstallable>` + three[1] + `</p:IsInstallable></p:ApplicabilityRules></p:InstallableItem>`)
	}
	return b.String() + `</p:SoftwareDistributionPackage>`
}

func needs(groups ...string) string {
	var b strings.Builder
	for _, group := range groups {
		b.WriteString(`<p:AtLeastOne>`)
		for id := range strings.SplitSeq(group, "|") {
			b.WriteString(`<p:PackageID>` + id + `</p:PackageID>`)
		}
		b.WriteString(`</p:AtLeastOne>`)
	}
	return `<p:Prerequisites>` + b.String() + `</p:Prerequisites>`
}

func bundles(ids ...string) string {
	return `<p:BundledPackages><p:PackageID>` + strings.Join(ids, `</p:PackageID><p:PackageID>`) + `</p:PackageID></p:BundledPackages>`
}

func setOf(t *testing.T, packages ...string) *Set {
	t.Helper()
	var s Set
	if err := s.Read("set", strings.NewReader("<c>"+strings.Join(packages, "")+"</c>")); err != nil {
		t.Fatal(err)
	}
	return &s
}

// What a package is follows from its own rules, its items', its prerequisites' and what it bundles.
func TestPackagesAreTheirParts(t *testing.T) {
	top := func(installed, installable string) string {
		return `<p:IsInstallable>` + installable + `</p:IsInstallable><p:IsInstalled>` + installed + `</p:IsInstalled>`
	}
	others := []string{pkg("on", top(yes, yes)), pkg("off", top(no, yes)), pkg("dim", top(maybe, yes)), pkg("OnlyOn", needs("on")+top(yes, yes)), pkg("OnlyOff", needs("off")+top(yes, yes)),
		pkg("done", "", yes+" "+yes), pkg("open", "", no+" "+yes), pkg("foreign", "", no+" "+no), pkg("ring", needs("chain")+top(yes, yes)), pkg("chain", needs("ring")+top(yes, yes))}
	const NA, NP, P, E = patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty
	for _, c := range []struct {
		about  string
		p      string
		states string // installed, installable
		want   patch.Verdict
	}{
		{"not there and installable", pkg("x", "", no+" "+yes), "false true", NP}, {"there and installable", pkg("x", "", yes+" "+yes), "true true", P}, {"there and not installable any more", pkg("x", "", yes+" "+no), "true false", P},
		{"for another machine", pkg("x", "", no+" "+no), "false false", NA}, {"something newer is there", pkg("x", "", no+" "+no+" "+yes), "false false", P}, {"nobody knows whether it is there", pkg("x", "", maybe+" "+yes), "unknown true", E},
		{"nobody knows whether it is installable", pkg("x", "", no+" "+maybe), "false unknown", E}, {"there, whoever may install it", pkg("x", "", yes+" "+maybe), "true unknown", P}, {"nobody knows whether something newer is there", pkg("x", "", no+" "+yes+" "+maybe), "false true", E},
		{"the package's rule joins the item's", pkg("x", top(yes, no), no+" "+yes), "false false", NA}, {"a rule of the package says that it is not there", pkg("x", top(no, yes), yes+" "+yes), "false true", NP},
		{"an item without rules has the package's", `<p:SoftwareDistributionPackage><p:Properties PackageID="x"/>` + top(yes, yes) + `<p:InstallableItem/></p:SoftwareDistributionPackage>`, "true true", P},
		{"one of two items is for this machine, and there", pkg("x", "", no+" "+no, yes+" "+yes), "true true", P}, {"both are, and one is missing", pkg("x", "", no+" "+yes, yes+" "+yes), "false true", NP},
		{"a prerequisite holds", pkg("x", needs("ON"), no+" "+yes), "false true", NP}, {"a prerequisite does not hold", pkg("x", needs("off"), no+" "+yes), "false false", NA}, {"one of two is enough", pkg("x", needs("off|on"), no+" "+yes), "false true", NP},
		{"each of two must hold", pkg("x", needs("on", "off"), no+" "+yes), "false false", NA}, {"nobody knows", pkg("x", needs("dim"), no+" "+yes), "false unknown", E}, {"a prerequisite has a prerequisite that holds", pkg("x", needs("onlyon"), no+" "+yes), "false true", NP},
		{"a prerequisite has one that does not", pkg("x", needs("onlyoff"), no+" "+yes), "false false", NA}, {"the catalog has no such package", pkg("x", needs("lost"), no+" "+yes), "false error", E}, {"one that is there is enough even so", pkg("x", needs("lost|on"), no+" "+yes), "false true", NP},
		{"prerequisites in a circle", pkg("x", needs("ring"), no+" "+yes), "false error", E}, {"a package needs itself", pkg("x", needs("x"), no+" "+yes), "false error", E},
		{"bundles are their packages", pkg("x", bundles("done")), "true true", P}, {"one of the bundled is missing", pkg("x", bundles("done", "open")), "false true", NP}, {"a bundled one is for another machine", pkg("x", bundles("done", "foreign")), "true true", P},
		{"a bundle of what is for other machines", pkg("x", bundles("foreign")), "false false", NA}, {"a bundle of what nobody has", pkg("x", bundles("lost")), "error error", E}, {"a bundle of itself", pkg("x", bundles("x")), "error error", E},
		{"it does not say how to tell", pkg("x", `<p:IsInstallable>`+yes+`</p:IsInstallable>`) /* and installs nothing */, "false true", E},
	} {
		s := setOf(t, append([]string{c.p}, others...)...)
		answers, err := s.Evaluate(t.Context(), machine{}.facts(""))
		if err != nil {
			t.Fatal(err)
		}
		if got := answers[0].Installed.String() + " " + answers[0].Installable.String(); got != c.states {
			t.Errorf("%s: %s", c.about, got)
		}
		e := s.Entries()[0]
		signatures, err := detect.Compile(patch.AnyOS, winversion.Windows, []detect.Definition{e.Definition})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := detect.Open(signatures)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := opened.Evaluate(machine{}.facts("")); err != nil || r.Verdicts.At(0) != c.want {
			t.Errorf("%s: %v, not %v (%v)", c.about, r.Verdicts.At(0), c.want, err)
		}
	}
}

// References that multiply are cut before they take the machine's memory.
func TestReferencesThatMultiply(t *testing.T) {
	packages := []string{pkg("p00", `<p:IsInstalled>`+yes+`</p:IsInstalled>`)}
	for i := 1; i < 9; i++ {
		before := "p" + strconv.Itoa(100 + i - 1)[1:]
		packages = append(packages, pkg("p"+strconv.Itoa(100 + i)[1:], needs(before+"|"+before, before, before)+`<p:IsInstalled>`+yes+`</p:IsInstalled>`, yes+" "+yes))
	}
	start := time.Now()
	answers, err := setOf(t, packages...).Evaluate(t.Context(), machine{}.facts(""))
	if err != nil || len(answers) != 9 || answers[5].Installable != item.True || answers[8].Installable != item.Error {
		t.Errorf("%v, %d answers: %v … %v", err, len(answers), answers[5].Installable, answers[8].Installable)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWhatAPackageSays(t *testing.T) {
	s := setOf(t, `<p:SoftwareDistributionPackage><p:Properties PackageID="{AAAAAAAA-0000-0000-0000-000000000001}" CreationDate="2026-01-02T03:04:05" VendorName="Maker &amp; Sons, Ltd."><p:ProductName>Editor</p:ProductName></p:Properties>
		<p:LocalizedProperties><p:Language>de</p:Language><p:Title>Schreiber 2</p:Title></p:LocalizedProperties><p:LocalizedProperties><p:Language>en-US</p:Language><p:Title>Editor 2</p:Title></p:LocalizedProperties>
		<p:UpdateSpecificData MsrcSeverity="Important" UpdateClassification="Updates"><p:CveID>CVE-2026-1</p:CveID><p:CveID>CVE-2026-2</p:CveID><p:KBArticleID>7</p:KBArticleID></p:UpdateSpecificData>
		<p:SupersededPackages><p:PackageID>AAAAAAAA-0000-0000-0000-000000000009</p:PackageID></p:SupersededPackages>
		<p:InstallableItem ID="i"><p:ApplicabilityRules><p:IsInstalled>`+no+`</p:IsInstalled><p:IsInstallable>`+yes+`</p:IsInstallable></p:ApplicabilityRules><p:InstallProperties RebootBehavior="CanRequestReboot" RequiresNetworkConnectivity="true" Impact="RequiresExclusiveHandling"/>
		<c:CommandLineInstallerData Program="e.exe" Arguments="/s &quot;/v&quot;" DefaultResult="Cancelled" RebootByDefault="true"><c:ReturnCode Code="0" Result="Succeeded"/><c:ReturnCode Code="3010" Result="Succeeded" Reboot="true"/><c:ReturnCode Code="-5" Result="Failed"/></c:CommandLineInstallerData>
		<p:OriginFile Digest="EfrMI6rqa5XDEwAcDiJmA5CB0L0=" FileName="e.exe" Size="42" Modified="2026-01-01T00:00:00" OriginUri="https://maker.example/e.exe"><p:AdditionalDigest Algorithm="SHA256">47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</p:AdditionalDigest></p:OriginFile><p:Language>en</p:Language></p:InstallableItem></p:SoftwareDistributionPackage>`,
		pkg("AAAAAAAA-0000-0000-0000-000000000002", "", no+" "+yes),
		`<p:SoftwareDistributionPackage><p:Properties PackageID="d" UpdateType="Detectoid"/></p:SoftwareDistributionPackage>`, `<p:SoftwareDistributionPackage><p:Properties PackageID="e" PublicationState="Expired"/></p:SoftwareDistributionPackage>`)
	entries := s.Entries()
	if len(entries) != 2 || len(s.Packages) != 4 {
		t.Fatalf("%d patches of %d packages", len(entries), len(s.Packages))
	}
	want := patch.Patch{ID: "maker-sons-ltd/aaaaaaaa-0000-0000-0000-000000000001", Title: "Editor 2", Source: "Editor", Suite: "maker-sons-ltd", Category: patch.Security, Severity: patch.High,
		CVEs: []string{"CVE-2026-1", "CVE-2026-2"}, Advisory: "7", Released: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Supersedes: []patch.ID{"maker-sons-ltd/aaaaaaaa-0000-0000-0000-000000000009"}}
	if d := cmp.Diff(want, entries[0].Patch); d != "" {
		t.Error(d)
	}
	files := []patch.PayloadFile{{Payload: patch.Payload{Name: "e.exe", Size: 42}, URL: "https://maker.example/e.exe", SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
	if d := cmp.Diff(files, entries[0].Files); d != "" {
		t.Error(d)
	}
	i := s.Packages[0].Items[0]
	if i.File.SHA1 != "11facc23aaea6b95c313001c0e2266039081d0bd" || i.Reboot != "CanRequestReboot" || !i.Network || !i.Exclusive || i.Input {
		t.Errorf("%+v %+v", i, i.File)
	}
	for code, want := range map[int]ReturnCode{0: {0, "Succeeded", false}, 3010: {3010, "Succeeded", true}, -5: {-5, "Failed", false}, 1: {1, "Cancelled", true}} {
		if got := i.Installer.Return(code); got != want {
			t.Errorf("%d means %+v", code, got)
		}
	}
	if d := cmp.Diff([]patch.ID{"sdp/e"}, s.Withdrawn()); d != "" {
		t.Error(d)
	}
}

func TestFilesThatAreRead(t *testing.T) {
	dir := t.TempDir()
	one, two := pkg("one", "", yes+" "+yes), pkg("two", "", yes+" "+yes)
	wide := []byte{0xff, 0xfe}
	for _, r := range `<?xml version="1.0" encoding="utf-16"?>` + pkg("three", "", yes+" "+yes) {
		wide = append(wide, byte(r), 0)
	}
	for name, body := range map[string][]byte{"one.sdp": []byte("\ufeff" + one), "sub/two.cab": makeCabinet(t, 1, []string{`V2\two.sdp`, "index.xml", "readme.txt"}, map[string][]byte{`V2\two.sdp`: []byte(two), "index.xml": []byte("<i/>"), "readme.txt": []byte("x")}),
		"three.xml": wide, "broken.sdp": []byte("<a><b></a>"), "notes.txt": []byte("x"), "other.xml": []byte("<html/>")} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var s Set
	if err := s.ReadPath(dir); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range s.Packages {
		ids = append(ids, p.ID)
	}
	if d := cmp.Diff([]string{"one", "two", "three"}, ids); d != "" || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "broken.sdp") {
		t.Error(d, s.Notes)
	}
	for _, bad := range []string{"", "<a/>", "no xml", "<!DOCTYPE a><a/>", `<?xml version="1.0" encoding="ebcdic"?><a/>`, "<p:SoftwareDistributionPackage>", "<p:SoftwareDistributionPackage></q></p:SoftwareDistributionPackage>", strings.Repeat("<a>", 100)} {
		var s Set
		if err := s.Read("bad", strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// What only SHA-1 speaks for is not offered, and neither is the rest of its package.
func TestFilesNeedSHA256(t *testing.T) {
	with := func(files ...string) []patch.PayloadFile {
		doc := `<p:SoftwareDistributionPackage><p:Properties PackageID="a"/>`
		for _, f := range files {
			doc += `<p:InstallableItem><p:ApplicabilityRules><p:IsInstalled>` + no + `</p:IsInstalled></p:ApplicabilityRules><p:OriginFile Digest="EfrMI6rqa5XDEwAcDiJmA5CB0L0=" FileName="e.exe" Size="42" OriginUri="https://maker.example/e.exe">` + f + `</p:OriginFile></p:InstallableItem>`
		}
		return setOf(t, doc+`</p:SoftwareDistributionPackage>`).Entries()[0].Files
	}
	const good = `<p:AdditionalDigest Algorithm="SHA256">47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</p:AdditionalDigest>`
	if n := len(with(good, good)); n != 2 {
		t.Errorf("%d files", n)
	}
	if n := len(with("")) + len(with(good, "")) + len(with(`<p:AdditionalDigest Algorithm="SHA256">47DE</p:AdditionalDigest>`)); n != 0 {
		t.Errorf("%d files without a hash are offered", n)
	}
}
