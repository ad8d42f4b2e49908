package msrc

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const cvrfDocument = `{"DocumentTitle":{"Value":"x"},"DocumentTracking":{"InitialReleaseDate":"2026-01-13T08:00:00"},
"Vulnerability":[{"CVE":"CVE-2026-1","Threats":[{"Description":{"Value":"Important"},"ProductID":["1"],"Type":3},{"Description":{"Value":"Spoofing"},"ProductID":["1"],"Type":0}],
 "Remediations":[{"Description":{"Value":"5000002"},"Supercedence":"5000001","ProductID":["1"],"Type":2,"SubType":"Security Update","FixedBuild":"10.0.19045.4000"},
  {"Description":{"Value":"5000002"},"ProductID":["2"],"Type":2,"SubType":"Security Update","FixedBuild":"10.0.19045.4000"},{"Description":{"Value":"Click to Run"},"ProductID":["3"],"Type":2,"FixedBuild":"16.0.1.2"},
  {"Description":{"Value":"5000009"},"ProductID":["3"],"Type":2},{"Description":{"Value":"advice 5000007"},"ProductID":["1"],"Type":1}]},
 {"CVE":"CVE-2026-2","Threats":[{"Description":{"Value":"Critical"},"ProductID":["1"],"Type":3}],"Remediations":[{"Description":{"Value":"5000002"},"ProductID":["1","4"],"Type":2,"SubType":"Security Update","FixedBuild":"10.0.19045.4000"}]}],
"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 10 Version 22H2 for x64-based Systems"},{"ProductID":"2","Value":"Windows 10 Version 22H2 for ARM64-based Systems"},{"ProductID":"3","Value":"Microsoft Office 2021"}]}}`

const cvrfXML = `<?xml version="1.0"?><cvrf:cvrfdoc xmlns:cvrf="c" xmlns:prod="p" xmlns:vuln="v"><cvrf:DocumentTracking><cvrf:InitialReleaseDate>2026-01-13T08:00:00Z</cvrf:InitialReleaseDate></cvrf:DocumentTracking>
<prod:ProductTree><prod:FullProductName ProductID="1">Windows 10 Version 22H2 for x64-based Systems</prod:FullProductName><prod:FullProductName ProductID="2">Windows 10 Version 22H2 for ARM64-based Systems</prod:FullProductName></prod:ProductTree>
<vuln:Vulnerability Ordinal="1"><vuln:CVE>CVE-2026-1</vuln:CVE><vuln:Threats><vuln:Threat Type="Severity"><vuln:Description>Important</vuln:Description><vuln:ProductID>1</vuln:ProductID></vuln:Threat></vuln:Threats>
<vuln:Remediations><vuln:Remediation Type="Vendor Fix"><vuln:Description>5000002</vuln:Description><vuln:Supercedence>5000001</vuln:Supercedence><vuln:ProductID>1</vuln:ProductID><vuln:ProductID>2</vuln:ProductID><vuln:SubType>Security Update</vuln:SubType><vuln:FixedBuild>10.0.19045.4000</vuln:FixedBuild></vuln:Remediation></vuln:Remediations></vuln:Vulnerability>
<vuln:Vulnerability Ordinal="2"><vuln:CVE>CVE-2026-2</vuln:CVE><vuln:Threats><vuln:Threat Type="Severity"><vuln:Description>Critical</vuln:Description><vuln:ProductID>1</vuln:ProductID></vuln:Threat></vuln:Threats>
<vuln:Remediations><vuln:Remediation Type="Vendor Fix"><vuln:Description>5000002</vuln:Description><vuln:ProductID>1</vuln:ProductID><vuln:SubType>Security Update</vuln:SubType><vuln:FixedBuild>10.0.19045.4000</vuln:FixedBuild></vuln:Remediation></vuln:Remediations></vuln:Vulnerability></cvrf:cvrfdoc>`

func csafDocument(cve, severity, details string) string {
	return `{"document":{"tracking":{"initial_release_date":"2026-01-13T08:00:00.000Z"},"aggregate_severity":{"text":"` + severity + `"}},"product_tree":{"branches":[{"category":"vendor","name":"Microsoft","branches":[
 {"category":"product_name","name":"Windows 10 Version 22H2 for x64-based Systems","branches":[{"category":"product_version_range","name":"<10.0.19045.4000","product":{"product_id":"1"}},{"category":"product_version","name":"10.0.19045.4000","product":{"product_id":"11"}}]}]}]},
 "vulnerabilities":[{"cve":"` + cve + `","threats":[{"category":"impact","details":"Elevation of Privilege"}],"remediations":[{"category":"vendor_fix","details":"` + details + `","product_ids":["1"],"url":"https://catalog.example/Search.aspx?q=KB5000002"},{"category":"mitigation","details":"KB5000003","product_ids":["1"]}]}]}`
}

const x64 = patch.HostOS("windows-10.0.19045-amd64")

func setOf(t testing.TB, docs ...string) *Set {
	t.Helper()
	var s Set
	for i, d := range docs {
		if err := s.Read(fmt.Sprint(i), strings.NewReader(d)); err != nil {
			t.Fatal(err)
		}
	}
	return &s
}

// The same month told in three formats gives the same patches.
func TestDocumentsOfEveryFormat(t *testing.T) {
	want := setOf(t, cvrfDocument).Entries(x64)
	if len(want) != 1 {
		t.Fatal(want)
	}
	p := want[0].Patch
	if p.ID != "msrc/KB5000002" || p.Severity != patch.Critical || p.Category != patch.Security || p.Version != "10.0.19045.4000" || !cmp.Equal(p.CVEs, []string{"CVE-2026-1", "CVE-2026-2"}) ||
		!cmp.Equal(p.Supersedes, []patch.ID{"msrc/KB5000001"}) || p.Title != "KB5000002: Security Update for Windows 10 Version 22H2 for x64-based Systems (10.0.19045.4000)" || p.Released.Format("2006-01-02") != "2026-01-13" {
		t.Errorf("%+v", p)
	}
	for name, docs := range map[string][]string{"CVRF as XML": {cvrfXML}, "CVRF twice": {cvrfDocument, "\ufeff" + cvrfDocument},
		"CSAF": {csafDocument("CVE-2026-1", "Important", "10.0.19045.4000:Security Update:https://support.example/help/5000002"), csafDocument("CVE-2026-2", "Critical", "x:Security Update:y")}} {
		got := setOf(t, docs...).Entries(x64)
		if name == "CSAF" && len(got) == 1 { // which says nothing of what is replaced
			got[0].Patch.Supersedes = want[0].Patch.Supersedes
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s := setOf(t, cvrfDocument)
	if d := cmp.Diff([]patch.HostOS{x64, "windows-10.0.19045-arm64"}, s.OSes()); d != "" || s.Others != 2 {
		t.Error(d, s.Others)
	}
	for _, bad := range []string{"", "[]", "{}", "<a/>", "x", `{"Vulnerability":{}}`, `{"ProductTree":`, cvrfDocument[:500], cvrfXML[:800]} {
		var s Set
		if err := s.Read("bad", strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// month writes a document of updates "KB replaces build kind" of one product.
func month(product string, updates ...string) string {
	var b strings.Builder
	for i, u := range updates {
		f := append(strings.Split(u, " "), "", "", "")
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Description":{"Value":%q},"Supercedence":%q,"ProductID":["1"],"Type":2,"FixedBuild":%q,"SubType":%q}`, f[0], strings.ReplaceAll(f[1], "+", ", "), f[2], strings.ReplaceAll(f[3], "_", " "))
	}
	return `{"Vulnerability":[{"CVE":"CVE-2026-1","Remediations":[` + b.String() + `]}],"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"` + product + `"}]}}`
}

func TestVerdictsByBuild(t *testing.T) {
	const NA, NP, P, E = patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty
	ten, seven := "Windows 10 Version 22H2 for x64-based Systems", "Windows 7 for 32-bit Systems Service Pack 1"
	chain := month(ten, "5000001  10.0.19045.3000", "5000002 5000001 10.0.19045.4000", "5000003 5000009+5000003 10.0.19045.5000", "5000008", "5000009 5000008 ", "5000010")
	for _, c := range []struct {
		about, doc  string
		os, version string
		hotfixes    []string // nil: not collected
		want        map[string]patch.Verdict
	}{
		{"between two builds", chain, string(x64), "10.0.19045.4000", nil, map[string]patch.Verdict{"KB5000001": P, "KB5000002": P, "KB5000003": NP}},
		{"older than all", chain, string(x64), "10.0.19045.1", []string{"KB5000002"}, map[string]patch.Verdict{"KB5000001": NP, "KB5000002": NP, "KB5000003": NP}}, // a list of hotfixes proves nothing here
		{"replaced by way of one without a build", chain, string(x64), "10.0.19045.5000", []string{}, map[string]patch.Verdict{"KB5000008": P, "KB5000009": P, "KB5000010": E}},
		{"not replaced yet", chain, string(x64), "10.0.19045.4999", []string{}, map[string]patch.Verdict{"KB5000008": E, "KB5000009": E, "KB5000010": E}},
		{"without a build, and listed", chain, string(x64), "10.0.19045.1", []string{"KB5000010", "kb5000009"}, map[string]patch.Verdict{"KB5000010": P, "KB5000008": P, "KB5000009": P}},
		{"no revision is known", chain, string(x64), "10.0.19045", []string{}, map[string]patch.Verdict{"KB5000001": E, "KB5000008": E}},
		{"a machine of another build", chain, string(x64), "10.0.19044.9999", []string{}, map[string]patch.Verdict{"KB5000001": NA, "KB5000010": NA}},
		{"a security-only update of Windows 7, by its hotfix", month(seven, "4000001  6.1.7601.24000 Security_Only", "4000002 4000001 6.1.7601.24100 Monthly_Rollup"), "windows-6.1-sp1-x86", "6.1.7601.17514", []string{"KB4000001"}, map[string]patch.Verdict{"KB4000001": P, "KB4000002": NP}},
		{"a rollup that replaces it is listed", month(seven, "4000001  6.1.7601.24000 Security_Only", "4000002 4000001 6.1.7601.24100 Monthly_Rollup"), "windows-6.1-sp1-x86", "6.1.7601.17514", []string{"KB4000002"}, map[string]patch.Verdict{"KB4000001": P, "KB4000002": P}},
	} {
		s := setOf(t, c.doc)
		var defs []detect.Definition
		for _, e := range s.Entries(patch.HostOS(c.os)) {
			defs = append(defs, e.Definition)
		}
		b, err := detect.Compile(patch.HostOS(c.os), version.Windows, defs)
		if err != nil {
			t.Fatal(err)
		}
		signatures, err := detect.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		f := &patch.Facts{OS: patch.OSFacts{Key: patch.HostOS(c.os), ID: "windows", VersionID: c.version, Arch: "amd64"}}
		if c.hotfixes != nil {
			hot := patch.Collected{Class: "hotfix", Flag: patch.FlagComplete, Fields: []string{item.Every}}
			for _, id := range c.hotfixes {
				hot.Items = append(hot.Items, patch.Item{Fields: []patch.Field{{Name: "id", Value: id}}})
			}
			f.Objects = []patch.Collected{hot}
		}
		r, err := signatures.Evaluate(f)
		if err != nil {
			t.Fatal(err)
		}
		for kb, want := range c.want {
			i := slices.IndexFunc(defs, func(d detect.Definition) bool { return d.ID == patchID(kb) })
			if i < 0 || r.Verdicts.At(i) != want {
				t.Errorf("%s: %s is %v, not %v", c.about, kb, r.Verdicts.At(i), want)
			}
		}
	}
}

func TestSupersedence(t *testing.T) {
	s := setOf(t, month("Windows 10 Version 22H2 for x64-based Systems", "5000001 5000003 10.0.19045.1", "5000002 5000001 10.0.19045.2", "5000003 5000002 10.0.19045.3", "5000004 5000004+4999999 10.0.19045.3", "5000005  10.0.19045.9"))
	if d := cmp.Diff([]string{"KB5000002", "KB5000003"}, s.replacers(x64, "KB5000001")); d != "" { // a circle ends
		t.Error(d)
	}
	if d := cmp.Diff([]string{"KB5000004"}, s.replacers(x64, "KB4999999")); d != "" {
		t.Error(d)
	}
	if len(s.replacers(x64, "KB5000004")) != 0 {
		t.Error("an update replaces itself")
	}
	for _, e := range s.Entries(x64) {
		if e.Patch.ID == "msrc/KB5000005" && !cmp.Equal(e.Patch.Supersedes, []patch.ID{"msrc/KB5000004"}) {
			t.Errorf("the next build: %v", e.Patch.Supersedes)
		}
	}
}

func TestHostOSesOfProducts(t *testing.T) {
	for product, want := range map[string]patch.HostOS{
		"Windows 10 Version 1809 for 32-bit Systems": "windows-10.0.17763-x86", "Windows 11 Version 24H2 for ARM64-based Systems": "windows-10.0.26100-arm64", "Windows Server 2025": "windows-server-10.0.26100-amd64",
		"Windows Server 2025 (Server Core installation)": "windows-server-10.0.26100-amd64", "Windows 7 for x64-based Systems Service Pack 1": "windows-6.1-sp1-amd64", "Windows Server 2008 R2 for x64-based Systems Service Pack 1": "windows-server-6.1-sp1-amd64",
		"Windows Server 2008 for 32-bit Systems Service Pack 2": "windows-server-6.0-sp2-x86", "Windows Server 2012 R2": "windows-server-6.3-amd64", "Windows 10 for 32-bit Systems": "windows-10.0.10240-x86", "Windows XP Service Pack 3 for 32-bit Systems": "windows-5.1-sp3-x86",
		"Microsoft .NET Framework 4.8 on Windows 10 Version 1809 for x64-based Systems": "", "Microsoft Edge (Chromium-based)": "", "Windows Admin Center": "", "Windows RT 8.1": "",
	} {
		if os, _, _, _ := hostOS(product, ""); os != want {
			t.Errorf("%s is %q, not %q", product, os, want)
		}
	}
}

// Real supersedence has circles, updates that replace themselves and chains with gaps: it is closed to the end, whatever it holds. The gaps are
// why a build decides where one is known.
func TestRealSupersedenceIsClosed(t *testing.T) {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with real supersedence (windows/wesng-cves-*.csv.zst)")
	}
	paths, err := filepath.Glob(filepath.Join(truth, "windows/wesng-cves-*.csv.zst"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	r := csv.NewReader(strings.NewReader(string(unpacked(t, paths[0]))))
	r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = true, -1, true
	var s Set
	rows, selves := 0, 0
	for row, err := r.Read(); err != io.EOF; row, err = r.Read() {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; len(row) > 8 {
			if strings.Contains(row[8], row[2]) {
				selves++
			}
			if err := s.add(fix{product: strings.Clone(row[4]), kb: strings.Clone(row[2]), replaces: []string{strings.Clone(row[8])}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	direct, closed := 0, 0
	for _, u := range s.updates {
		direct += len(s.parents[u.os][u.kb])
		all := s.replacers(u.os, u.kb)
		closed += len(all)
		if slices.Contains(all, u.kb) {
			t.Errorf("%s replaces itself", u.kb)
		}
	}
	t.Logf("%d rows (%d say that an update replaces itself): %d updates of %d host OSes, %d of other products; pairs of updates and what replaces them: %d by their words, %d in the end", rows, selves, len(s.updates), len(s.OSes()), s.Others, direct, closed)
	if len(s.updates) < 5000 || closed < 2*direct {
		t.Error("supersedence is not closed")
	}
}

func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	b, err := exec.Command("zstdcat", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzRead(f *testing.F) {
	f.Add(cvrfDocument)
	f.Add(cvrfXML)
	f.Add(csafDocument("CVE-1", "Important", "10.0.19045.4000:Security Update:https://support.example/help/5000002"))
	f.Fuzz(func(t *testing.T, doc string) {
		var s Set
		if s.Read("x", strings.NewReader(doc)) != nil {
			return
		}
		for _, os := range s.OSes() {
			if len(s.Entries(os)) != s.Count(os) {
				t.Error("updates are lost")
			}
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	one := `{"CVE":"CVE-NUMBER","Remediations":[{"Description":{"Value":"NUMBER"},"ProductID":["1"],"Type":2,"FixedBuild":"10.0.19045.1"}]},`
	for name, doc := range map[string]string{"updates": `{"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 10 Version 22H2 for x64-based Systems"}]},"Vulnerability":[` + many(one, 400_000) + `{}]}`,
		"a value": `{"ProductTree":"` + strings.Repeat("x", 20<<20) + `"}`} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var s Set
		if err := s.Read(name, strings.NewReader(doc)); err == nil {
			t.Errorf("%s: read whole", name)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 64<<20 {
			t.Errorf("%s: %d MiB are kept", name, kept>>20)
		}
		runtime.KeepAlive(&s)
	}
}

func many(s string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(s, "NUMBER", fmt.Sprint(1_000_000+i)))
	}
	return b.String()
}

// The shapes are those that Microsoft publishes: a score for each product in CVRF, as XML and as JSON, and in CSAF.
func TestScores(t *testing.T) {
	json := strings.Replace(cvrfDocument, `"Remediations":[{"Description":{"Value":"5000002"},"Supercedence"`,
		`"CVSSScoreSets":[{"BaseScore":7.8,"TemporalScore":6.8,"Vector":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:C","ProductID":["1"]},{"BaseScore":9.9,"ProductID":["2"]}],"Remediations":[{"Description":{"Value":"5000002"},"Supercedence"`, 1)
	xml := strings.Replace(cvrfXML, `<vuln:Remediations>`,
		`<vuln:CVSSScoreSets><vuln:ScoreSet><vuln:BaseScore>7.8</vuln:BaseScore><vuln:TemporalScore>6.8</vuln:TemporalScore><vuln:ProductID>1</vuln:ProductID></vuln:ScoreSet></vuln:CVSSScoreSets><vuln:Remediations>`, 1)
	csaf := strings.Replace(csafDocument("CVE-2026-1", "Important", "10.0.19045.4000:Security Update:https://support.example/help/5000002"), `"remediations":`,
		`"scores":[{"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H","baseScore":7.8,"baseSeverity":"HIGH"},"products":["1"]},{"cvss_v3":{"baseScore":9.9},"products":["12"]}],"remediations":`, 1)
	for name, c := range map[string]struct {
		doc  string
		want float64
	}{
		"CVRF as JSON": {json, 7.8}, "CVRF as XML": {xml, 7.8}, "CSAF": {csaf, 7.8}, "none": {cvrfDocument, 0},
		"no number": {strings.Replace(xml, "7.8", "high", 1), 0}, "no JSON number": {strings.Replace(json, "7.8", `"x"`, 1), 0},
	} {
		got := setOf(t, c.doc).Entries(x64)
		if len(got) != 1 || got[0].Patch.CVSS != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
