package sdp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// machine is a Windows with all items of some classes.
type machine map[string][]patch.Item

// it makes an item of "name=value" words; a name with "!" has no value on this machine.
func it(fields ...string) patch.Item {
	var i patch.Item
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		if missing, ok := strings.CutSuffix(name, "!"); ok {
			i.Fields = append(i.Fields, patch.Field{Name: missing, Status: patch.StatusNotExist})
			continue
		}
		i.Fields = append(i.Fields, patch.Field{Name: name, Value: value})
	}
	return i
}

func (m machine) facts(flag patch.Flag) *patch.Facts {
	f := &patch.Facts{OS: patch.OSFacts{Key: "windows-6.1-sp1-amd64", ID: "windows", VersionID: "6.1.7601", Codename: "Service Pack 1", Language: "0407", Arch: "amd64"}}
	for class, items := range m {
		c := patch.Collected{Class: class, Flag: flag, Fields: []string{item.Every}, Items: items}
		if len(items) == 0 && flag == patch.FlagComplete {
			c.Flag = patch.FlagNotExist
		}
		f.Objects = append(f.Objects, c)
	}
	return f
}

// value judges one rule, with metadata beside it.
func value(t *testing.T, rule, metadata string, f *patch.Facts) item.Value {
	t.Helper()
	var s Set
	doc := `<p:SoftwareDistributionPackage><p:Properties PackageID="a"/><p:InstallableItem><p:ApplicabilityRules><p:IsInstalled>` + rule + `</p:IsInstalled><p:Metadata>` + metadata +
		`</p:Metadata></p:ApplicabilityRules></p:InstallableItem></p:SoftwareDistributionPackage>`
	if err := s.Read("rule", strings.NewReader(doc)); err != nil {
		t.Fatal(err, rule)
	}
	answers, err := s.Evaluate(t.Context(), f)
	if err != nil || len(answers) != 1 {
		t.Fatal(err, rule)
	}
	return answers[0].Installed
}

var orders = []struct {
	comparison string
	want       [3]bool // of what is less, equal, greater
}{{"LessThan", [3]bool{true, false, false}}, {"LessThanOrEqualTo", [3]bool{true, true, false}}, {"EqualTo", [3]bool{false, true, false}},
	{"GreaterThanOrEqualTo", [3]bool{false, true, true}}, {"GreaterThan", [3]bool{false, false, true}}}

// Every rule that compares: each comparison with a value that is less, equal and greater; nothing there is false, facts that lack the class
// are unknown, a class that could not be read and a value that is none are errors.
func TestComparingRules(t *testing.T) {
	file := func(path, field string) func(v string) machine {
		return func(v string) machine {
			return machine{"file": {it("filepath="+path, field+"="+v)}, "folder": {it("csidl=37", `path=C:\Windows\System32`)},
				"registry": {it("hive=HKEY_LOCAL_MACHINE", `key=Software\App`, "name=Dir", "type=reg_sz", `value=C:\App\`)}}
		}
	}
	registry := func(kind string) func(v string) machine {
		return func(v string) machine {
			return machine{"registry": {it("hive=HKEY_LOCAL_MACHINE", `key=Software\App`, "name=V", "type="+kind, "value="+v)}}
		}
	}
	system := func(field string) func(v string) machine {
		return func(v string) machine { return machine{"windows": {it(field + "=" + v)}} }
	}
	const prepend = ` Key="HKEY_LOCAL_MACHINE" Subkey="Software\App" Value="Dir"`
	const key = ` Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\\App\" Value="v"`
	moments := []string{"130969760000000000", "130969760010000000", "130969760020000000"} // 2016-01-11T08:53:21 and the seconds before and after, since 1601
	for _, c := range []struct {
		rule   string
		with   func(v string) machine
		values []string // less, equal, greater, and what is no value
		class  string   // the one that may be missing
	}{
		{`<FileVersion Path="C:\a\\b.exe" Version="2.10.0.0" %s/>`, file(`c:\A\B.EXE`, "version"), []string{"2.9.9.9", "2.10.0.0", "2.10.0.1", "none"}, "file"},
		{`<FileVersion Csidl="37" Path="\b.dll" Version="2.10.0.0" %s/>`, file(`C:\Windows\System32\b.dll`, "version"), []string{"2.9.9.9", "2.10.0.0", "10.0.0.0", "none"}, "file"},
		{`<FileVersionPrependRegSz` + prepend + ` Path="b.dll" Version="2.10.0.0" %s/>`, file(`C:\App\b.dll`, "version"), []string{"2.9.9.9", "2.10.0.0", "10.0.0.0", "none"}, "file"},
		{`<FileSize Path="C:\b" Size="100" %s/>`, file(`C:\b`, "size"), []string{"99", "100", "1000", "many"}, "file"},
		{`<FileSize Csidl="37" Path="b" Size="100" %s/>`, file(`C:\Windows\System32\b`, "size"), []string{"99", "100", "1000", "many"}, "file"},
		{`<FileSizePrependRegSz` + prepend + ` Path="\b" Size="100" %s/>`, file(`C:\App\b`, "size"), []string{"99", "100", "1000", "many"}, "file"},
		{`<FileCreated Path="C:\b" Created="2016-01-11T08:53:21" %s/>`, file(`C:\b`, "c_time"), append(moments, "now"), "file"},
		{`<FileCreated Csidl="37" Path="b" Created="2016-01-11T08:53:21Z" %s/>`, file(`C:\Windows\System32\b`, "c_time"), append(moments, "now"), "file"},
		{`<FileCreatedPrependRegSz` + prepend + ` Path="b" Created="2016-01-11T09:53:21+01:00" %s/>`, file(`C:\App\b`, "c_time"), append(moments, "now"), "file"},
		{`<FileModified Path="C:\b" Modified="2016-01-11T08:53:21" %s/>`, file(`C:\b`, "m_time"), append(moments, "now"), "file"},
		{`<FileModified Csidl="37" Path="b" Modified="2016-01-11T08:53:21Z" %s/>`, file(`C:\Windows\System32\b`, "m_time"), append(moments, "now"), "file"},
		{`<FileModifiedPrependRegSz` + prepend + ` Path="b" Modified="2016-01-11T09:53:21+01:00" %s/>`, file(`C:\App\b`, "m_time"), append(moments, "now"), "file"},
		{`<RegDword` + key + ` Data="10" %s/>`, registry("reg_dword"), []string{"9", "10", "100", "x"}, "registry"},
		{`<RegSzToVersion` + key + ` Data="1.10.0.0" %s/>`, registry("reg_sz"), []string{"1.9", "1.10", "1.10.0.1", "x"}, "registry"},
		{`<NumberOfProcessors Number="4" %s/>`, system("processors"), []string{"2", "4", "16", "x"}, ""},
		{`<SystemMetric Index="87" Value="4" %s/>`, func(v string) machine {
			return machine{"systemmetric": {it("index=87", "value="+v), it("index=8", "value=4")}}
		}, []string{"-1", "4", "16", "x"}, "systemmetric"},
		{`<GenericQuery Namespace="n" Type="t" Parameter="p" Value="10" %s/>`, func(v string) machine {
			return machine{"genericquery": {it("namespace=n", "type=t", "parameter=p", "value="+v)}}
		}, []string{"9", "10", "11", "x"}, "genericquery"},
	} {
		for _, o := range orders {
			rule := fmt.Sprintf(c.rule, `Comparison="`+o.comparison+`"`)
			for i, want := range []item.Value{item.Truth(o.want[0]), item.Truth(o.want[1]), item.Truth(o.want[2]), item.Error} {
				if got := value(t, rule, "", c.with(c.values[i]).facts(patch.FlagComplete)); got != want {
					t.Errorf("%s of %s is %v, not %v", rule, c.values[i], got, want)
				}
			}
			m := c.with(c.values[1])
			if c.class != "" {
				m[c.class] = nil
				if got := value(t, rule, "", m.facts(patch.FlagComplete)); got != item.False {
					t.Errorf("%s of nothing is %v", rule, got)
				}
				delete(m, c.class)
				if got := value(t, rule, "", m.facts(patch.FlagComplete)); got != item.Unknown {
					t.Errorf("%s without facts is %v", rule, got)
				}
				if got := value(t, rule, "", c.with(c.values[1]).facts(patch.FlagError)); got != item.Error {
					t.Errorf("%s of what could not be read is %v", rule, got)
				}
			} else if got := value(t, rule, "", machine{}.facts(patch.FlagComplete)); got != item.Unknown {
				t.Errorf("%s without facts is %v", rule, got)
			}
		}
		for _, bad := range []string{`Comparison="Roughly"`, ``} {
			if got := value(t, fmt.Sprintf(c.rule, bad), "", c.with(c.values[1]).facts(patch.FlagComplete)); got != item.Error && !(bad == "" && strings.Contains(c.rule, "Generic")) {
				t.Errorf("%s is %v", fmt.Sprintf(c.rule, bad), got)
			}
		}
	}
}

// Texts: each comparison with a value that is equal, begins, holds, ends so, is of another case, of another type.
func TestTextRules(t *testing.T) {
	for element, kind := range map[string]string{"RegSz": "reg_sz", "RegExpandSz": "reg_expand_sz"} {
		for comparison, wants := range map[string][]string{"EqualTo": {"a.b"}, "BeginsWith": {"a.b", "a.bc"}, "Contains": {"a.b", "a.bc", "xa.bc", "xa.b"}, "EndsWith": {"a.b", "xa.b"}} {
			rule := fmt.Sprintf(`<%s Key="HKEY_LOCAL_MACHINE" Subkey="Software\App" Value="V" Comparison="%s" Data="a.b"/>`, element, comparison)
			for _, v := range []string{"a.b", "a.bc", "xa.bc", "xa.b", "A.B", "aXb", ""} {
				for _, k := range []string{"reg_sz", "reg_expand_sz", "reg_multi_sz"} {
					m := machine{"registry": {it("hive=HKEY_LOCAL_MACHINE", `key=Software\App`, "name=V", "type="+k, "value="+v)}}
					want := item.Truth(slices.Contains(wants, v) && k == kind)
					if got := value(t, rule, "", m.facts(patch.FlagComplete)); got != want {
						t.Errorf("%s of %s %q is %v", rule, k, v, got)
					}
				}
			}
		}
	}
}

// WindowsVersion compares versions and service packs as VerifyVersionInfo does; the machine is 6.1.7601 with Service Pack 1.
func TestWindowsVersion(t *testing.T) {
	ver := func(major, minor, pack int) int { return major*10000 + minor*100 + pack }
	for _, o := range orders {
		for _, c := range [][3]int{{5, 0, 0}, {5, 9, 9}, {6, 0, 9}, {6, 1, 0}, {6, 1, 1}, {6, 1, 2}, {6, 2, 0}, {7, 0, 0}, {10, 0, 0}} {
			rule := fmt.Sprintf(`<WindowsVersion Comparison="%s" MajorVersion="%d" MinorVersion="%d" ServicePackMajor="%d"/>`, o.comparison, c[0], c[1], c[2])
			at := 1
			if machine, wanted := ver(6, 1, 1), ver(c[0], c[1], c[2]); machine < wanted {
				at = 0
			} else if machine > wanted {
				at = 2
			}
			if got := value(t, rule, "", machine{}.facts("")); got != item.Truth(o.want[at]) {
				t.Errorf("%s is %v", rule, got)
			}
		}
		for i, build := range []int{8000, 7601, 7600} {
			rule := fmt.Sprintf(`<WindowsVersion Comparison="%s" BuildNumber="%d"/>`, o.comparison, build)
			if got := value(t, rule, "", machine{}.facts("")); got != item.Truth(o.want[i]) {
				t.Errorf("%s is %v", rule, got)
			}
		}
	}
	for rule, want := range map[string]item.Value{
		`<WindowsVersion MajorVersion="6" MinorVersion="1"/>`:                                       item.True,
		`<WindowsVersion MajorVersion="6" MinorVersion="2"/>`:                                       item.False,
		`<WindowsVersion Comparison="GreaterThan" MajorVersion="6"/>`:                               item.False,
		`<WindowsVersion MajorVersion="6" ProductType="1"/>`:                                        item.True,
		`<WindowsVersion Comparison="GreaterThan" ProductType="0"/>`:                                item.False,
		`<WindowsVersion SuiteMask="256"/>`:                                                         item.True,
		`<WindowsVersion SuiteMask="258"/>`:                                                         item.True,
		`<WindowsVersion SuiteMask="258" AllSuitesMustBePresent="true"/>`:                           item.False,
		`<WindowsVersion SuiteMask="768" AllSuitesMustBePresent="true"/>`:                           item.True,
		`<WindowsVersion SuiteMask="6"/>`:                                                           item.False,
		`<WindowsVersion MajorVersion="six"/>`:                                                      item.Error,
		`<WindowsVersion/>`:                                                                         item.Error,
		`<WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="6" ServicePackMinor="0"/>`: item.Unknown,
	} {
		if got := value(t, rule, "", machine{"windows": {it("suite_mask=768")}}.facts(patch.FlagComplete)); got != want {
			t.Errorf("%s is %v, not %v", rule, got, want)
		}
	}
	if got := value(t, `<WindowsVersion SuiteMask="2"/>`, "", machine{}.facts("")); got != item.Unknown {
		t.Errorf("suites that nobody looked at: %v", got)
	}
}

// Logic: And, Or and Not over every pair of the values that rules can have.
func TestLogicalRules(t *testing.T) {
	rules := map[item.Value]string{item.True: `<lar:True/>`, item.False: `<lar:False/>`, item.Unknown: `<FileExists Path="C:\x"/>`, item.Error: `<Nonsense/>`}
	for a, x := range rules {
		if got := value(t, `<lar:Not>`+x+`</lar:Not>`, "", machine{}.facts("")); got != a.Not() {
			t.Errorf("not %v is %v", a, got)
		}
		for b, y := range rules {
			and, or := max(a, b), max(a, b) // error is stronger than unknown
			switch {
			case a == item.False || b == item.False:
				and = item.False
			case a == item.True && b == item.True:
				and = item.True
			}
			switch {
			case a == item.True || b == item.True:
				or = item.True
			case a == item.False && b == item.False:
				or = item.False
			}
			if got := value(t, `<lar:And>`+x+y+`</lar:And>`, "", machine{}.facts("")); got != and {
				t.Errorf("%v and %v is %v", a, b, got)
			}
			if got := value(t, `<lar:Or>`+x+y+`</lar:Or>`, "", machine{}.facts("")); got != or {
				t.Errorf("%v or %v is %v", a, b, got)
			}
		}
	}
	for _, bad := range []string{`<lar:And/>`, `<lar:Or/>`, `<lar:Not/>`, `<lar:Not><lar:True/><lar:True/></lar:Not>`, `<lar:True/><lar:True/>`} {
		if got := value(t, bad, "", machine{}.facts("")); got != item.Error {
			t.Errorf("%s is %v", bad, got)
		}
	}
	if got := value(t, ``, "", machine{}.facts("")); got != item.False {
		t.Errorf("no rule is %v", got)
	}
}
