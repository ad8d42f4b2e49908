package story_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed/apps"
	"github.com/fettle-project/fettle/internal/feed/msrc"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/feed/sofa"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// list makes a revision of what feeds' parsers gave.
func (s *site) list(os patch.HostOS, entries ...detect.Entry) {
	s.t.Helper()
	r := &revision{index: map[patch.ID]int{}, files: map[patch.ID][]patch.PayloadFile{}}
	var defs []detect.Definition
	for i, e := range entries {
		r.patches, r.index[e.Patch.ID] = append(r.patches, e.Patch), i
		defs = append(defs, e.Definition)
	}
	b, err := detect.Compile(os, version.Of(os), defs)
	s.must(err)
	r.sigs, err = detect.Open(b)
	s.must(err)
	sum := sha256.Sum256(b)
	r.meta = patch.RevisionMeta{ID: patch.RevisionID(hex.EncodeToString(sum[:8])), OS: os, Patches: len(r.patches), Built: s.now, Origins: []patch.Origin{{Suite: "vendor", Dated: s.now}}}
	s.must(s.store.PutRevision(s.ctx(), r.meta, []byte("{}"), r.patches))
	s.cat.revs[r.meta.ID], s.cat.newest[os] = r, r
	feed := patch.Feed{Name: "feed-" + string(os), Kind: "sdp", OS: os}
	s.must(s.store.PutFeed(s.ctx(), s.admin, feed))
	s.must(s.store.PutFeedRun(s.ctx(), patch.FeedRun{Feed: feed.Name, Started: s.now, Ended: s.now, Outcome: "new"}, nil))
}

// machine enrols one that says of itself what os says.
func (s *site) machine(name string, os patch.OSFacts) *box {
	s.t.Helper()
	os.Key = os.HostOS()
	b := s.enrol(name, os.Key)
	b.become(os)
	return b
}

// become is a machine after its operating system has changed.
func (b *box) become(os patch.OSFacts) {
	os.Key = os.HostOS()
	b.facts.OS = os
}

// packages reads software packages.
func packages(t *testing.T, all ...string) []detect.Entry {
	t.Helper()
	var set sdp.Set
	if err := set.Read("packages", strings.NewReader("<c>"+strings.Join(all, "")+"</c>")); err != nil {
		t.Fatal(err)
	}
	return set.Entries()
}

// pack writes a software package.
func pack(id, kb, installable, installed string) string {
	return `<p:SoftwareDistributionPackage><p:Properties PackageID="` + id + `" VendorName="Vendor"/><p:LocalizedProperties><p:Language>en</p:Language><p:Title>` + id + `</p:Title></p:LocalizedProperties>` +
		`<p:UpdateSpecificData UpdateClassification="Service Packs"><p:KBArticleID>` + kb + `</p:KBArticleID></p:UpdateSpecificData><p:InstallableItem><p:ApplicabilityRules><p:IsInstalled>` + installed + `</p:IsInstalled><p:IsInstallable>` + installable +
		`</p:IsInstallable></p:ApplicabilityRules></p:InstallableItem></p:SoftwareDistributionPackage>`
}

// The seed's own machine, on facts and by the rules of the vendor's package: Windows XP with Service Pack 2 needs Service Pack 3. With it
// the machine has another host OS; the service pack has left the list, and is told from both sides as satisfied by upgrade. The machine's own
// list of programs has it.
func TestServicePackByTheVendorsRules(t *testing.T) {
	const sp3 patch.ID = "vendor/windowsxp-sp3"
	two := patch.OSFacts{ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 2", Pretty: "Microsoft Windows XP", Arch: "x86", Language: "0409"}
	three := two
	three.Codename = "Service Pack 3"
	xp := `<b:WindowsVersion MajorVersion="5" MinorVersion="1"/>`
	entries := packages(t, pack("windowsxp-sp3", "936929", `<l:And>`+xp+`<b:WindowsVersion MajorVersion="5" MinorVersion="1" ServicePackMajor="2"/></l:And>`, `<b:WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="5" MinorVersion="1" ServicePackMajor="3"/>`),
		pack("later", "958644", xp, `<b:FileVersion Path="C:\WINDOWS\system32\netapi32.dll" Comparison="GreaterThanOrEqualTo" Version="5.1.2600.5694"/>`))
	s := newSite(t)
	s.list(xpSP2, entries[0])
	s.list(xpSP3, entries[1])
	b := s.machine("till-4", two)
	b.facts.Objects = []patch.Collected{{Class: "file", Flag: patch.FlagComplete, Fields: []string{"*"}, Items: []patch.Item{{Fields: []patch.Field{{Name: "filepath", Value: `C:\WINDOWS\system32\netapi32.dll`}, {Name: "version", Value: "5.1.2600.2180"}}}}}}
	b.detect()
	if ex := s.explain(b, sp3); ex.Row.Verdict != patch.NotPatched || b.facts.OS.Key != xpSP2 {
		t.Fatalf("with Service Pack 2: %s on %s", ex.Row.Verdict, b.facts.OS.Key)
	}
	s.later(24 * time.Hour) // another service installs it behind the appliance's back
	b.become(three)
	b.history = []patch.PkgChange{{At: s.now, Action: "install", Name: "KB936929"}, {At: s.now, Action: "install", Name: "Windows XP Service Pack 3", Arch: "x86", To: "20080414.031525"}}
	b.detect()
	if b.facts.OS.Key != xpSP3 {
		t.Fatal(b.facts.OS.Key)
	}
	ex := s.explain(b, sp3)
	if ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), "atisfied by upgrade: windows-5.1-sp2-x86 → windows-5.1-sp3-x86") {
		t.Errorf("the service pack, after it: %s", ex.Answer.Sentence)
	}
	if ex := s.explain(b, "vendor/later"); ex.Row.Verdict != patch.NotPatched || ex.Transitions[0].Cause != patch.OSChange {
		t.Errorf("what comes after the service pack: %s, %+v", ex.Row.Verdict, ex.Transitions)
	}
	rows, _, err := s.ledger.PatchRows(t.Context(), sp3, ledger.RowFilter{Closed: true})
	s.must(err)
	if len(rows) != 1 || rows[0].Code != gate.CodeUpgraded || rows[0].Closed == nil {
		t.Errorf("on the service pack's page: %+v", rows)
	}
	old, err := s.ledger.Formerly(t.Context(), b.id)
	s.must(err)
	if len(old) != 1 || old[0].OS != xpSP2 || old[0].Next != xpSP3 {
		t.Errorf("what the machine was: %+v", old)
	}
}

// A service pack that stays on the list of what it made of the machine is patched there, and the machine's own list of updates agrees.
func TestServicePackThatStaysOnTheList(t *testing.T) {
	two := patch.OSFacts{ID: "windows", VersionID: "5.1.2600", Codename: "Service Pack 2", Arch: "x86"}
	entries := packages(t, pack("windowsxp-sp3", "936929", `<b:WindowsVersion MajorVersion="5" MinorVersion="1" ServicePackMajor="2"/>`, `<b:WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="5" MinorVersion="1" ServicePackMajor="3"/>`))
	s := newSite(t)
	s.list(xpSP2, entries...)
	s.list(xpSP3, entries...)
	b := s.machine("till-5", two)
	b.detect()
	s.later(time.Hour)
	two.Codename = "Service Pack 3"
	b.become(two)
	b.history = []patch.PkgChange{{At: s.now, Action: "install", Name: "KB936929"}}
	b.detect()
	ex := s.explain(b, "vendor/windowsxp-sp3")
	if ex.Row.Verdict != patch.Patched {
		t.Errorf("%s: %s", ex.Row.Verdict, ex.Answer.Sentence)
	}
	r, err := s.ledger.Reconcile(t.Context(), b.id)
	s.must(err)
	if r.Installed != 1 || r.Agreed != 1 || len(r.Items) != 0 {
		t.Errorf("the machine's own list: %+v", r)
	}
}

// Windows 10 22H2 becomes Windows 11 23H2: its cumulative update closes as satisfied by upgrade, whether it was there or not.
func TestFeatureUpdateClosesTheOldWindows(t *testing.T) {
	var set msrc.Set
	s := newSite(t)
	s.must(set.Read("month", strings.NewReader(`{"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 10 Version 22H2 for x64-based Systems"},{"ProductID":"2","Value":"Windows 11 Version 23H2 for x64-based Systems"}]},"Vulnerability":[{"CVE":"CVE-2024-1",
		"Remediations":[{"Description":{"Value":"5034122"},"ProductID":["1"],"Type":2,"FixedBuild":"10.0.19045.3930"},{"Description":{"Value":"5034123"},"ProductID":["2"],"Type":2,"FixedBuild":"10.0.22631.3007"}]}]}`)))
	ten, eleven := patch.HostOS("windows-10.0.19045-amd64"), patch.HostOS("windows-10.0.22631-amd64")
	s.list(ten, set.Entries(ten)...)
	s.list(eleven, set.Entries(eleven)...)
	b := s.machine("pc-7", patch.OSFacts{ID: "windows", VersionID: "10.0.19045.3803", Codename: "22H2", Pretty: "Windows 10 Pro", Arch: "amd64"})
	b.detect()
	if v := b.judged["msrc/KB5034122"]; v != patch.NotPatched {
		t.Fatal(v)
	}
	s.later(24 * time.Hour)
	b.become(patch.OSFacts{ID: "windows", VersionID: "10.0.22631.3007", Codename: "23H2", Pretty: "Windows 11 Pro", Arch: "amd64"})
	b.detect()
	if ex := s.explain(b, "msrc/KB5034122"); ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), "windows-10.0.19045-amd64 → windows-10.0.22631-amd64") {
		t.Errorf("%s", ex.Answer.Sentence)
	}
	if ex := s.explain(b, "msrc/KB5034123"); ex.Row.Verdict != patch.Patched {
		t.Errorf("the new one's: %s", ex.Row.Verdict)
	}
}

// macOS 14.4 becomes 14.5 by its owner's hand: the same host OS, so its patch is patched, by another one's doing. To become 15 is an
// upgrade, which closes what was open.
func TestComboUpdateOfMacOS(t *testing.T) {
	feed, err := sofa.Read("feed", strings.NewReader(`{"OSVersions":[{"OSVersion":"Sequoia 15","SupportedModels":[{"Identifiers":{"Mac14,7":"x"}}],"SecurityReleases":[{"ProductVersion":"15.0","AllBuilds":["24A335"],"CVEs":{}}]},
		{"OSVersion":"Sonoma 14","SecurityReleases":[{"ProductVersion":"14.5","AllBuilds":["23F79"],"CVEs":{"CVE-2024-1":{}}},{"ProductVersion":"14.6","AllBuilds":["23G80"],"CVEs":{}}]}]}`))
	s := newSite(t)
	s.must(err)
	fourteen, fifteen := patch.HostOS("macos-14-arm64"), patch.HostOS("macos-15-arm64")
	s.list(fourteen, feed.Entries(fourteen)...)
	s.list(fifteen, feed.Entries(fifteen)...)
	mac := patch.OSFacts{ID: "macos", VersionID: "14.4", Build: "23E214", Model: "Mac14,7", Arch: "arm64"}
	b := s.machine("mac-1", mac)
	b.detect()
	if b.judged["macos/14.5"] != patch.NotPatched || b.judged["macos/upgrade-15"] != patch.NotPatched {
		t.Fatalf("%v", b.judged)
	}
	s.later(time.Hour)
	mac.VersionID, mac.Build = "14.5", "23F79"
	b.become(mac)
	b.detect()
	if c := s.last(b, "macos/14.5"); c.To != patch.Patched || c.Cause != patch.ByOther || b.facts.OS.Key != fourteen {
		t.Errorf("%+v", c)
	}
	s.later(time.Hour)
	mac.VersionID, mac.Build = "15.0", "24A335"
	b.become(mac)
	b.detect()
	for _, id := range []patch.ID{"macos/14.6", "macos/upgrade-15"} {
		if ex := s.explain(b, id); ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), "macos-14-arm64 → macos-15-arm64") {
			t.Errorf("%s: %s", id, ex.Answer.Sentence)
		}
	}
}

// What other services install on Windows is told by their names: updates of Windows by the article that Windows lists, programs by name
// and version.
func TestWhoUpdatedWindows(t *testing.T) {
	var docs msrc.Set
	var own apps.Set
	s := newSite(t)
	s.must(docs.Read("month", strings.NewReader(`{"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 10 Version 22H2 for x64-based Systems"}]},"Vulnerability":[{"CVE":"CVE-2024-1",
		"Remediations":[{"Description":{"Value":"5034122"},"ProductID":["1"],"Type":2,"FixedBuild":"10.0.19045.3930"}]}]}`)))
	for _, name := range []string{"Scribbler", "Compare"} {
		s.must(own.Read(name+".yaml", strings.NewReader("id: example."+name+"\nname: "+name+"\nversion: \"2.1.0\"\npackages: [{architecture: any, kind: exe}]\n")))
	}
	ten := patch.HostOS("windows-10.0.19045-amd64")
	s.list(ten, append(docs.Entries(ten), own.Entries()...)...)
	me := patch.OSFacts{ID: "windows", VersionID: "10.0.19045.3803", Arch: "amd64"}
	b := s.machine("pc-8", me)
	have := func(version string) {
		c := patch.Collected{Class: "program", Flag: patch.FlagComplete, Fields: []string{"*"}}
		for _, name := range []string{"Scribbler", "Compare"} {
			c.Items = append(c.Items, patch.Item{Fields: []patch.Field{{Name: "id", Value: name}, {Name: "name", Value: name}, {Name: "version", Value: version}, {Name: "scope", Value: "machine"}}})
		}
		b.facts.Objects = []patch.Collected{c}
	}
	have("2.0.0")
	b.detect()
	s.later(time.Hour)
	me.VersionID = "10.0.19045.3930"
	b.become(me)
	have("2.1.0")
	b.history = []patch.PkgChange{
		{At: s.now, Action: "install", Name: "KB5034122", By: patch.WSUS, Who: patch.DoerService, Evidence: "InstallClient: WindowsUpdateAgent"},
		{At: s.now, Action: "install", Name: "KB5034123", By: patch.WindowsUpdate, Who: patch.DoerService},
		{At: s.now, Action: "install", Name: "Scribbler 2.1.0 (x64)", To: "2.1.0", By: patch.ConfigMgr, Who: patch.DoerService, Evidence: `InstallSource: C:\Windows\ccmcache\1`},
		{At: s.now, Action: "install", Name: "Compare", To: "2.0.0", By: patch.ConfigMgr, Who: patch.DoerService}, // an older one brings nothing
	}
	b.detect()
	for id, want := range map[patch.ID]string{
		"msrc/KB5034122":               "service wsus: install of KB5034122 (InstallClient: WindowsUpdateAgent)",
		"apps/example.scribbler/2.1.0": `service configmgr: install of Scribbler 2.1.0 (x64) (InstallSource: C:\Windows\ccmcache\1)`,
		"apps/example.compare/2.1.0":   "other ",
	} {
		c := s.last(b, id)
		if got := string(c.Cause) + " " + c.Note.String(); c.To != patch.Patched || got != want {
			t.Errorf("%s: %s, %q", id, c.To, got)
		}
	}
	s.later(time.Hour)
	b.facts.Objects[0].Items = nil
	b.history = []patch.PkgChange{{At: s.now, Action: "remove", Name: "Scribbler", From: "2.1.0", By: `HOME\ann`, Who: patch.DoerPerson, Evidence: "event log"}}
	b.detect()
	if c := s.last(b, "apps/example.scribbler/2.1.0"); string(c.Cause)+" "+c.Note.String() != `person HOME\ann: remove of Scribbler (event log)` {
		t.Errorf("removed by %s %q", c.Cause, c.Note)
	}
}
