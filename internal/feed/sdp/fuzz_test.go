package sdp

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

const onePackage = `<?xml version="1.0"?><p:SoftwareDistributionPackage xmlns:p="p"><p:Properties PackageID="11111111-0000-0000-0000-000000000001" VendorName="V" CreationDate="2020-01-01T00:00:00"/>
<p:Prerequisites><p:AtLeastOne><p:PackageID>11111111-0000-0000-0000-000000000001</p:PackageID></p:AtLeastOne></p:Prerequisites><p:BundledPackages><p:PackageID>x</p:PackageID></p:BundledPackages>
<p:InstallableItem ID="i"><p:ApplicabilityRules><p:IsInstalled><l:And><b:WmiQuery WqlQuery="select * from a where (b like '%c%' or not d=1) and e is null"/><b:FileVersion Csidl="37" Path="a.dll" Comparison="LessThan" Version="1.0.0.0"/>
<b:RegKeyLoop Key="HKEY_LOCAL_MACHINE" Subkey="s" TrueIf="All"><l:Not><b:RegSz Key="HKEY_LOOP_TARGET" Subkey="." Value="v" Comparison="Contains" Data="x"/></l:Not></b:RegKeyLoop></l:And></p:IsInstalled>
<p:IsInstallable><l:Or><m:MsiPatchInstallable/><b:WindowsVersion Comparison="LessThan" MajorVersion="6" MinorVersion="1" SuiteMask="6"/></l:Or></p:IsInstallable>
<p:Metadata><m:MsiPatchMetadata><x:MsiPatch PatchGUID="{BBBBBBBB-0000-0000-0000-000000000001}"><x:TargetProduct><x:TargetProductCode>{BBBBBBBB-0000-0000-0000-000000000002}</x:TargetProductCode></x:TargetProduct></x:MsiPatch></m:MsiPatchMetadata></p:Metadata>
</p:ApplicabilityRules><c:CommandLineInstallerData Program="a.exe"><c:ReturnCode Code="0" Result="Succeeded"/></c:CommandLineInstallerData><p:OriginFile Digest="EfrMI6rqa5XDEwAcDiJmA5CB0L0=" FileName="a.exe" Size="1"/></p:InstallableItem></p:SoftwareDistributionPackage>`

func FuzzRead(f *testing.F) {
	f.Add([]byte(onePackage))
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Add(makeCabinet(f, 1, []string{"a.sdp"}, map[string][]byte{"a.sdp": []byte(onePackage)}))
	facts := full().facts(patch.FlagComplete)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Set
		if s.ReadAny("fuzz", bytes.NewReader(b), int64(len(b))) != nil {
			return
		}
		answers, err := s.Evaluate(t.Context(), facts)
		if err != nil || len(answers) != len(s.Packages) {
			t.Fatalf("%d answers for %d packages: %v", len(answers), len(s.Packages), err)
		}
		for _, e := range s.Entries() {
			if strings.ContainsAny(string(e.Patch.ID), " \n\x00") && !strings.ContainsAny(string(b), " \n\x00&") {
				t.Errorf("a patch is called %q", e.Patch.ID)
			}
		}
	})
}

// stream repeats a package with another ID each time.
type stream struct {
	head, body string
	n, left    int
	buf        []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.buf) == 0 {
		s.n++
		switch {
		case s.n == 1:
			s.buf = []byte(s.head)
		case s.n > s.left:
			return strings.NewReader("").Read(p)
		default:
			s.buf = []byte(strings.ReplaceAll(s.body, "NUMBER", strings.Repeat("x", s.n%7)+string(rune('a'+s.n%26))+strings.Repeat("0123456789"[s.n%10:s.n%10+1], 3)+strconv.Itoa(s.n)))
		}
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// Whatever a catalog holds, what is kept of it stays below the bound: it is refused before.
func TestMemoryIsBounded(t *testing.T) {
	leaf := `<b:FileVersion Path="C:\NUMBER" Comparison="LessThan" Version="1.0.0.0"/>`
	for name, in := range map[string]*stream{
		"many packages": {head: "<c>", body: `<p:SoftwareDistributionPackage><p:Properties PackageID="NUMBER"/><p:IsInstalled><b:Or>` + strings.Repeat(leaf, 20) + `</b:Or></p:IsInstalled></p:SoftwareDistributionPackage>`, left: 1 << 30},
		"small ones":    {head: "<c>", body: `<p:SoftwareDistributionPackage><p:Properties PackageID="NUMBER"/></p:SoftwareDistributionPackage>`, left: 1 << 30},
		"one package":   {head: `<p:SoftwareDistributionPackage><p:IsInstalled><b:Or>`, body: leaf, left: 100_000},
		"nothing":       {head: "<c>", body: "<x>NUMBER</x>", left: 100_000},
		"one tag":       {head: "<c ", body: "NUMBER='1' ", left: 1 << 30},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var s Set
		if err := s.Read(name, in); err == nil {
			t.Errorf("%s: read whole", name)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %d packages in %d MiB", name, len(s.Packages), kept>>20)
		if kept > 64<<20 {
			t.Errorf("%s: %d MiB are kept", name, kept>>20)
		}
		runtime.KeepAlive(&s)
	}
}
