package sdp

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	winversion "github.com/fettle-project/fettle/internal/version"
)

// fleetOf gives n definitions, each about a registry value and a file's version of its own, and the facts that a machine collects for them.
func fleetOf(t testing.TB, n int) (*detect.Signatures, *patch.Facts) {
	t.Helper()
	var b strings.Builder
	m := machine{"folder": {it("csidl=37", `path=C:\Windows\System32`)}}
	for i := range n {
		fmt.Fprintf(&b, `<p:SoftwareDistributionPackage><p:Properties PackageID="p%05d"/><p:InstallableItem><p:ApplicabilityRules><p:IsInstalled><b:FileVersion Csidl="37" Path="lib%d.dll" Comparison="GreaterThanOrEqualTo" Version="10.0.%d.1"/></p:IsInstalled>
<p:IsInstallable><l:And><b:WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="6" MinorVersion="1"/><b:RegSz Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\Vendor\App%d" Value="Edition" Comparison="EqualTo" Data="Pro"/></l:And></p:IsInstallable></p:ApplicabilityRules></p:InstallableItem></p:SoftwareDistributionPackage>`, i, i, i%3000, i)
		if i%3 > 0 {
			m["file"] = append(m["file"], it(fmt.Sprintf(`filepath=C:\Windows\System32\lib%d.dll`, i), fmt.Sprintf("version=10.0.%d.2", 1500)))
			m["registry"] = append(m["registry"], it("hive=HKEY_LOCAL_MACHINE", fmt.Sprintf(`key=SOFTWARE\Vendor\App%d`, i), "name=Edition", "type=reg_sz", "value=Pro"))
		}
	}
	var s Set
	if err := s.Read("fleet", strings.NewReader("<c>"+b.String()+"</c>")); err != nil {
		t.Fatal(err)
	}
	var defs []detect.Definition
	for _, e := range s.Entries() {
		defs = append(defs, e.Definition)
	}
	file, err := detect.Compile(patch.AnyOS, winversion.Windows, defs)
	if err != nil {
		t.Fatal(err)
	}
	signatures, err := detect.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := m.facts(patch.FlagComplete)
	facts := &patch.Facts{OS: whole.OS}
	if err := signatures.Collect(t.Context(), facts, item.NewStored(whole.Objects)); err != nil { // as an agent asks: item by item
		t.Fatal(err)
	}
	return signatures, facts
}

func BenchmarkFiveThousandOnFacts(b *testing.B) {
	s, f := fleetOf(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Evaluate(f); err != nil {
			b.Fatal(err)
		}
	}
}

// spent is the processor time that this process has used: other programs on the machine do not count.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A detect of 5,000 definitions of files and registry values over facts takes at most 20 ms of a processor.
func TestFiveThousandAreJudgedAtOnce(t *testing.T) {
	if raced {
		t.Skip("SKIPPED: figures mean nothing with the race detector")
	}
	s, f := fleetOf(t, 5000)
	best := time.Hour
	for range 20 {
		start := spent(t)
		r, err := s.Evaluate(f)
		best = min(best, spent(t)-start)
		if counts := r.Verdicts.Counts(); err != nil || r.Errors != 0 || counts[patch.NotPatched] == 0 || counts[patch.Patched] == 0 || counts[patch.NotApplicable] == 0 {
			t.Fatalf("%v, %d errors, %v", err, r.Errors, counts)
		}
	}
	t.Logf("%d definitions over %d facts in %v", s.Len(), len(f.Objects), best)
	if best > 20*time.Millisecond {
		t.Errorf("it took %v", best)
	}
}
