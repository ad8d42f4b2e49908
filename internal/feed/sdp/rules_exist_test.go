package sdp

import (
	"testing"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

const hklm = ` Key="HKEY_LOCAL_MACHINE" Subkey="Software\App" `

// full is a machine that has one of everything.
func full() machine {
	in := func(more ...string) patch.Item {
		return it(append([]string{"hive=HKEY_LOCAL_MACHINE", `key=Software\App`}, more...)...)
	}
	return machine{
		"folder": {it("csidl=38", `path=C:\Program Files`)},
		"file":   {it(`filepath=C:\Program Files\a.exe`, "version=1.0.0.0", "size=10", "language_id=1031", "c_time=1", "m_time=130969760010000000"), it(`filepath=C:\novers.txt`, "version!")},
		"registry": {in("name!"), in("name=", "type=reg_sz", "value=x"), in("name=N", "type=reg_dword", "value=1"), in("name=Dir", "type=reg_expand_sz", `value=C:\Program Files`),
			in("name=Number", "type=reg_dword", "value=5"), it("hive=HKEY_LOCAL_MACHINE", `key=Software\Narrow`, "name!", "windows_view=32_bit")},
		"windows":         {it("mui=true", "mui_language=de-DE", "mui_language=en-GB", "clustered=false", "processor_level=6", "processor_revision=!", "suite_mask=256")},
		"msiproduct":      {it("product_code={AAAAAAAA-0000-0000-0000-000000000001}", "version=2.5.1", "language=1031", "upgrade_code={CCCCCCCC-0000-0000-0000-000000000001}")},
		"msifeature":      {it("product_code={AAAAAAAA-0000-0000-0000-000000000001}", "feature=Main"), it("product_code={AAAAAAAA-0000-0000-0000-000000000001}", "feature=Help"), it("product_code={AAAAAAAA-0000-0000-0000-000000000002}", "feature=Main")},
		"msicomponent":    {it("product_code={AAAAAAAA-0000-0000-0000-000000000001}", "component_code={D}")},
		"msipatch":        {it("patch_code={BBBBBBBB-0000-0000-0000-000000000001}", "product_code={AAAAAAAA-0000-0000-0000-000000000001}", "state=applied"), it("patch_code={BBBBBBBB-0000-0000-0000-000000000002}", "product_code={AAAAAAAA-0000-0000-0000-000000000001}", "state=superseded")},
		"device":          {it(`hardware_id=PCI\VEN_1`, `hardware_id=PCI\CC_03`, "driver_date=20160101", "driver_version=2.0.0.0", "driver_provider=Maker")},
		"installhistory":  {it("id=A"), it("id=a")},
		"genericquery":    {it("namespace=n", "type=t", "parameter=p", "value=1.10.0"), it("namespace=n", "type=t", "parameter=q", "value=word")},
		"clusterresource": {it("name=pre-word-post", "owner=true"), it("name=other", "owner=false")},
		"wmiobject": {it("namespace=root\\cimv2", "wmi_class=win32_bios", "version=A12", "releasedate=20151014000000.000000+000", "smbiosmajor=2", "primary=true", "serial!", "caps=1", "caps=7", "maker=Hewlett-Packard"),
			it("namespace=root\\wmi", "wmi_class=thing", "x=1")},
	}
}

func TestRulesAboutWhatThereIs(t *testing.T) {
	const product1, product2, product9 = "{aaaaaaaa-0000-0000-0000-000000000001}", "{AAAAAAAA-0000-0000-0000-000000000002}", "{AAAAAAAA-0000-0000-0000-000000000009}"
	const T, F, U, E = item.True, item.False, item.Unknown, item.Error
	features := func(attributes, inner string) string {
		return `<MsiFeatureInstalledForProduct ` + attributes + `>` + inner + `</MsiFeatureInstalledForProduct>`
	}
	wmi := func(query string) string { return `<WmiQuery WqlQuery="` + query + `"/>` }
	for rule, want := range map[string]item.Value{
		// files
		`<FileExists Path="C:\Program Files\A.EXE"/>`: T, `<FileExists Csidl="38" Path="a.exe"/>`: T, `<FileExists Csidl="38" Path="b.exe"/>`: F, `<FileExists Csidl="99" Path="a.exe"/>`: F,
		`<FileExists Csidl="38" Path="a.exe" Version="1.0.0.0" Size="10" Language="1031" Modified="2016-01-11T08:53:21"/>`: T, `<FileExists Csidl="38" Path="a.exe" Version="1.0.0.1" Size="10"/>`: F,
		`<FileExists Csidl="38" Path="a.exe" Size="11"/>`: F, `<FileExists Csidl="38" Path="a.exe" Language="1033"/>`: F, `<FileExists Csidl="38" Path="a.exe" Created="2016-01-11T08:53:21"/>`: F,
		`<FileExists Csidl="x" Path="a.exe"/>`: E, `<FileExists/>`: E, `<FileExists Csidl="38" Path="a.exe" Size="big"/>`: E, `<FileVersion Path="C:\novers.txt" Comparison="LessThan" Version="1.0.0.0"/>`: F,
		`<FileVersion Path="C:\Program Files\a.exe" Comparison="LessThan" Version="latest"/>`: E, `<FileSize Path="C:\Program Files\a.exe" Comparison="EqualTo"/>`: E,
		`<FileExistsPrependRegSz` + hklm + `Value="Dir" Path="a.exe"/>`: T, `<FileExistsPrependRegSz` + hklm + `Value="Dir" Path="b.exe"/>`: F, `<FileExistsPrependRegSz` + hklm + `Value="None" Path="a.exe"/>`: F,
		`<FileExistsPrependRegSz` + hklm + `Value="Number" Path="a.exe"/>`: F, `<FileExistsPrependRegSz Key="HKEY_USERS" Subkey="x" Value="v" Path="a.exe"/>`: E,
		// registry
		`<RegKeyExists` + hklm + `/>`: T, `<RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="Software\No"/>`: F, `<RegKeyExists Key="HKEY_LOCAL_MACHINE"/>`: E,
		`<RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="Software\Narrow" RegType32="true"/>`: T, `<RegValueExists` + hklm + `Value="n"/>`: T, `<RegValueExists` + hklm + `/>`: T, `<RegValueExists` + hklm + `Value="M"/>`: F,
		`<RegValueExists` + hklm + `Value="N" Type="REG_DWORD"/>`: T, `<RegValueExists` + hklm + `Value="N" Type="REG_SZ"/>`: F, `<RegDword` + hklm + `Value="Dir" Comparison="EqualTo" Data="1"/>`: F,
		`<RegDword` + hklm + `Value="N" Comparison="EqualTo" Data="one"/>`: E, `<RegSz` + hklm + `Value="N" Comparison="Resembles" Data="1"/>`: E, `<RegSz` + hklm + `Value="N" Comparison="EqualTo"/>`: E,
		`<RegSzToVersion` + hklm + `Value="" Comparison="EqualTo" Data="1.0.0.0"/>`: E, `<RegKeyExists Key="HKEY_LOOP_TARGET" Subkey="x"/>`: E,
		// Windows and the processor: 6.1 for amd64, in German
		`<Processor Architecture="9"/>`: T, `<Processor Architecture="0"/>`: F, `<Processor Architecture="9" Level="6"/>`: T, `<Processor Architecture="9" Level="15"/>`: F, `<Processor Architecture="9" Revision="1"/>`: E,
		`<Processor/>`: E, `<MuiInstalled/>`: T, `<MuiLanguageInstalled Language="en"/>`: T, `<MuiLanguageInstalled Language="fr"/>`: F, `<WindowsLanguage Language="de"/>`: F, `<ClusteredOS/>`: F, `<MuiLanguageInstalled/>`: E,
		`<ClusterResourceOwner` + hklm + `Value="" Prefix="pre-" Suffix="-post"/>`: F, `<SystemMetric Index="a" Comparison="EqualTo" Value="1"/>`: E,
		// MSI
		`<MsiProductInstalled ProductCode="` + product1 + `"/>`: T, `<MsiProductInstalled ProductCode="` + product9 + `"/>`: F, `<MsiProductInstalled ProductCode="x"/>`: E,
		`<MsiProductInstalled ProductCode="` + product1 + `" VersionMin="2.5.1" VersionMax="2.5.1"/>`: T, `<MsiProductInstalled ProductCode="` + product1 + `" VersionMin="2.5.1" ExcludeVersionMin="true"/>`: F,
		`<MsiProductInstalled ProductCode="` + product1 + `" VersionMax="2.5.1" ExcludeVersionMax="1"/>`: F, `<MsiProductInstalled ProductCode="` + product1 + `" VersionMax="2.5"/>`: F, `<MsiProductInstalled ProductCode="` + product1 + `" VersionMin="2.10"/>`: F,
		`<MsiProductInstalled ProductCode="` + product1 + `" Language="1031"/>`: T, `<MsiProductInstalled ProductCode="` + product1 + `" Language="1033"/>`: F, `<MsiProductInstalled ProductCode="` + product1 + `" VersionMin="new"/>`: E,
		features(``, `<Feature>Main</Feature><Feature>Extra</Feature><Product>`+product1+`</Product>`): T, features(`AllFeaturesRequired="true"`, `<Feature>Main</Feature><Feature>Extra</Feature><Product>`+product1+`</Product>`): F,
		features(`AllFeaturesRequired="true"`, `<Feature>Main</Feature><Feature>Help</Feature><Product>`+product1+`</Product>`): T, features(`AllProductsRequired="true"`, `<Feature>Help</Feature><Product>`+product1+`</Product><Product>`+product2+`</Product>`): F,
		features(`AllProductsRequired="true"`, `<Feature>Main</Feature><Product>`+product1+`</Product><Product>`+product2+`</Product>`): T, features(``, `<Feature>Help</Feature><Product>`+product9+`</Product><Product>`+product1+`</Product>`): T, features(``, `<Feature>Help</Feature>`): E,
		`<MsiComponentInstalledForProduct><Component>{D}</Component><Product>` + product1 + `</Product></MsiComponentInstalledForProduct>`: T, `<MsiComponentInstalledForProduct AllComponentsRequired="true"><Component>{D}</Component><Component>{E}</Component><Product>` + product1 + `</Product></MsiComponentInstalledForProduct>`: F,
		`<MsiPatchInstalledForProduct PatchCode="{BBBBBBBB-0000-0000-0000-000000000001}" ProductCode="` + product1 + `"/>`: T, `<MsiPatchInstalledForProduct PatchCode="{BBBBBBBB-0000-0000-0000-000000000002}" ProductCode="` + product1 + `"/>`: F,
		`<MsiPatchInstalledForProduct PatchCode="{BBBBBBBB-0000-0000-0000-000000000001}" ProductCode="` + product1 + `" VersionMax="2.0"/>`: F, `<MsiPatchInstalledForProduct PatchCode="{BBBBBBBB-0000-0000-0000-000000000001}" ProductCode="` + product2 + `"/>`: F,
		`<MsiPatchInstalledForProduct ProductCode="` + product1 + `"/>`: E, `<MsiPatchInstalled/>`: E, `<MsiApplicationInstalled/>`: E, `<WindowsDriverInstalled/>`: E,
		// history and extensions
		`<InstalledOnce/>`: T, `<GenericQuery Namespace="n" Type="t" Parameter="p"/>`: T, `<GenericQuery Namespace="n" Type="t" Parameter="r"/>`: F, `<GenericQuery Namespace="n" Type="t"/>`: E,
		`<GenericQuery Namespace="n" Type="t" Parameter="p" Comparison="GreaterThan" Value="1.9.0"/>`: T, `<GenericQuery Namespace="n" Type="t" Parameter="q" Value="word"/>`: T, `<GenericQuery Namespace="n" Type="t" Parameter="q" Comparison="LessThan" Value="word"/>`: E,
		// WMI
		wmi("select * from Win32_BIOS"): T, wmi("SELECT Version, SMBIOSMajor FROM win32_bios"): T, wmi("select * from Win32_Fan"): F, `<WmiQuery Namespace="Root/WMI" WqlQuery="select * from thing where x=1"/>`: T, `<WmiQuery Namespace="\root\\wmi" WqlQuery="select * from thing where x=2"/>`: F,
		wmi("select * from Win32_BIOS where Version='a12'"): T, wmi("select * from Win32_BIOS where 'A13' = Version"): F, wmi("select * from Win32_BIOS where Version &lt;> 'A12'"): F, wmi("select * from Win32_BIOS where Version != 'A13'"): T,
		wmi("select * from Win32_BIOS where Version like 'A%' and not Version like '%3'"): T, wmi("select * from Win32_BIOS where not (Version like 'A%' or SMBIOSMajor > 5)"): F, wmi("select * from Win32_BIOS where SMBIOSMajor >= 2 and 3 > SMBIOSMajor"): T,
		wmi("select * from Win32_BIOS where SMBIOSMajor &lt; '10'"): T, wmi("select * from Win32_BIOS where ReleaseDate >= '20151014'"): T, wmi("select * from Win32_BIOS where ReleaseDate > '20151014'"): F, wmi("select * from Win32_BIOS where Primary = TRUE"): T,
		wmi("select * from Win32_BIOS where Primary &lt;> true"): F, wmi("select * from Win32_BIOS where Serial is null"): T, wmi("select * from Win32_BIOS where Serial is not null"): F, wmi("select * from Win32_BIOS where Version is not null"): T, wmi("select * from Win32_BIOS where Serial = NULL"): T,
		wmi("select * from Win32_BIOS where Serial like '%'"): F, wmi("select * from Win32_BIOS where not Serial like '%'"): F, wmi("select * from Win32_BIOS where Caps = 7"): T, wmi("select * from Win32_BIOS where not Caps = 7"): F, wmi("select * from Win32_BIOS where Height = 7"): U,
		wmi(`select * from Win32_BIOS where Maker = &quot;hewlett-packard&quot;`): T, wmi(`select * from Win32_BIOS where Maker like 'Hewlett\-%'`): T, wmi("select * from Win32_BIOS where (Maker='Hewlett-Packard' and not (Version like '%ProLiant%')) or (Maker='HP') "): T,
		wmi("select * from Win32_BIOS where Version > 'A11'"): E, wmi("select * from Win32_BIOS where Version"): E, wmi("select * from Win32_BIOS where Version = "): E, wmi("select * from Win32_BIOS where Version = 'A12' and"): E, wmi("select * from Win32_BIOS where Version = 'A12' and Maker = 'x"): E,
		wmi("select * from Win32_BIOS where (Version = 'A12'"): E, wmi("select * from Win32_BIOS where Version ISA 'x'"): E, wmi("select * from Win32_BIOS where Version = Maker"): E, wmi("select * from"): E, wmi("delete from Win32_BIOS"): E, wmi("select * from Win32_BIOS having x"): E, wmi(""): E,
		wmi("associators of {x}"): E, `<WmiQuery/>`: E, `<Moonphase/>`: E,
	} {
		if got := value(t, rule, "", full().facts(patch.FlagComplete)); got != want {
			t.Errorf("%s is %v, not %v", rule, got, want)
		}
		for _, none := range []patch.Flag{patch.FlagNotCollected, patch.FlagError} {
			m := full()
			delete(m, "windows")
			got := value(t, rule, "", m.facts(none))
			if got == item.True && (want != T || none == patch.FlagError) && rule[:10] != `<Processor` {
				t.Errorf("%s of what was not collected (%s) is %v", rule, none, got)
			}
		}
	}
	if got := value(t, `<WindowsLanguage Language="de"/>`, "", machine{"windows": {it("mui=false")}}.facts(patch.FlagComplete)); got != T {
		t.Errorf("a German Windows: %v", got)
	}
	if got := value(t, `<ClusterResourceOwner`+hklm+`Value="Word" Prefix="pre-" Suffix="-post"/>`, "", machine{"clusterresource": full()["clusterresource"],
		"registry": {it("hive=HKEY_LOCAL_MACHINE", `key=Software\App`, "name=Word", "type=reg_sz", "value=word")}}.facts(patch.FlagComplete)); got != T {
		t.Errorf("the owner of a cluster resource: %v", got)
	}
}

func TestRulesOverMetadata(t *testing.T) {
	const T, F, E = item.True, item.False, item.Error
	app := func(code string) string {
		return `<MsiApplicationMetadata><ProductCode>` + code + `</ProductCode></MsiApplicationMetadata>`
	}
	msp := func(code, target string) string {
		return `<MsiPatchMetadata><b:MsiPatch PatchGUID="` + code + `"><b:TargetProduct>` + target + `</b:TargetProduct><b:TargetProductCode>{AAAAAAAA-0000-0000-0000-000000000001}</b:TargetProductCode></b:MsiPatch></MsiPatchMetadata>`
	}
	version := func(kind, filter, v string) string {
		return `<b:TargetVersion Validate="true" ComparisonType="` + kind + `" ComparisonFilter="` + filter + `">` + v + `</b:TargetVersion>`
	}
	driver := func(id, date, v, more string) string {
		return `<WindowsDriverMetaData HardwareID="` + id + `" DriverVerDate="` + date + `" DriverVerVersion="` + v + `" ` + more + `/>`
	}
	const patch1, patch2, patch9 = "{BBBBBBBB-0000-0000-0000-000000000001}", "{BBBBBBBB-0000-0000-0000-000000000002}", "{BBBBBBBB-0000-0000-0000-000000000009}"
	const mine, other = "{AAAAAAAA-0000-0000-0000-000000000001}", "{AAAAAAAA-0000-0000-0000-000000000009}"
	for _, c := range []struct {
		metadata               string
		installed, old, usable item.Value
		kind                   string
	}{
		{app(mine), T, F, F, "MsiApplication"}, {app(other), F, F, T, "MsiApplication"}, {app("x"), E, E, E, "MsiApplication"},
		{msp(patch1, ""), T, F, F, "MsiPatch"}, {msp(patch2, ""), F, T, F, "MsiPatch"}, {msp(patch9, ""), F, F, T, "MsiPatch"}, {msp("x", ""), E, E, E, "MsiPatch"},
		{msp(patch9, `<b:TargetProductCode Validate="true">`+other+`</b:TargetProductCode>`), F, F, F, "MsiPatch"}, {msp(patch9, `<b:TargetProductCode Validate="true">`+mine+`</b:TargetProductCode>`), F, F, T, "MsiPatch"},
		{msp(patch9, version("Equal", "MajorMinor", "2.5.9")), F, F, T, "MsiPatch"}, {msp(patch9, version("Equal", "MajorMinorUpdate", "2.5.9")), F, F, F, "MsiPatch"}, {msp(patch9, version("Equal", "Major", "2.9")), F, F, T, "MsiPatch"},
		{msp(patch9, version("LessThan", "MajorMinor", "2.5")), F, F, F, "MsiPatch"}, {msp(patch9, version("LessThan", "MajorMinor", "2.6")), F, F, T, "MsiPatch"}, {msp(patch9, version("LessThanOrEqual", "MajorMinor", "2.5.0")), F, F, T, "MsiPatch"},
		{msp(patch9, version("GreaterThan", "MajorMinor", "2.5.0")), F, F, F, "MsiPatch"}, {msp(patch9, version("GreaterThan", "MajorMinor", "2.4.9")), F, F, T, "MsiPatch"}, {msp(patch9, version("GreaterThanOrEqual", "MajorMinorUpdate", "2.5.1")), F, F, T, "MsiPatch"},
		{msp(patch9, version("None", "None", "9.9")), F, F, T, "MsiPatch"}, {msp(patch9, version("Roughly", "Major", "2")), F, F, E, "MsiPatch"}, {msp(patch9, version("Equal", "Minor", "2")), F, F, E, "MsiPatch"},
		{msp(patch9, `<b:TargetLanguage Validate="true">1031</b:TargetLanguage>`), F, F, T, "MsiPatch"}, {msp(patch9, `<b:TargetLanguage Validate="true">1033</b:TargetLanguage>`), F, F, F, "MsiPatch"},
		{msp(patch9, `<b:UpgradeCode Validate="true">{CCCCCCCC-0000-0000-0000-000000000001}</b:UpgradeCode>`), F, F, T, "MsiPatch"}, {msp(patch9, `<b:UpgradeCode Validate="true">`+other+`</b:UpgradeCode>`), F, F, F, "MsiPatch"},
		{driver(`pci\ven_1`, "2016-01-01", "2.0.0.0", `Provider="maker"`), T, F, F, "WindowsDriver"}, {driver(`PCI\CC_03`, "2016-01-01", "2.0.0.0", `Provider="Maker"`), T, F, F, "WindowsDriver"},
		{driver(`PCI\VEN_1`, "2016-01-01", "2.0.0.0", `Provider="Other"`), F, F, F, "WindowsDriver"}, {driver(`PCI\VEN_1`, "2015-12-31", "9.0.0.0", `Provider="Maker"`), F, T, F, "WindowsDriver"},
		{driver(`PCI\VEN_1`, "2016-01-01", "1.9.0.0", `Provider="Maker"`), F, T, F, "WindowsDriver"}, {driver(`PCI\VEN_1`, "2016-01-01", "2.0.0.1", `Provider="Maker"`), F, F, T, "WindowsDriver"},
		{driver(`PCI\VEN_1`, "2016-01-02", "1.0.0.0", `Provider="Other"`), F, F, T, "WindowsDriver"}, {driver(`PCI\VEN_1`, "2016-01-02", "1.0.0.0", `Provider="Other" Class="Printers"`), F, F, F, "WindowsDriver"},
		{driver(`PCI\VEN_2`, "2016-01-02", "1.0.0.0", ``), F, F, F, "WindowsDriver"}, {driver(`PCI\VEN_1`, "soon", "1.0.0.0", ``), E, E, E, "WindowsDriver"},
	} {
		for suffix, want := range map[string]item.Value{"Installed": c.installed, "Superseded": c.old, "Installable": c.usable} {
			if got := value(t, "<"+c.kind+suffix+"/>", c.metadata, full().facts(patch.FlagComplete)); got != want {
				t.Errorf("%s%s with %s is %v, not %v", c.kind, suffix, c.metadata, got, want)
			}
		}
	}
}

// A loop over three keys, of which some are as the rule within says.
func TestRegKeyLoop(t *testing.T) {
	const T, F, U, E = item.True, item.False, item.Unknown, item.Error
	key := func(name string, fields ...string) patch.Item {
		return it(append([]string{"hive=HKEY_LOCAL_MACHINE", `key=Software\Apps`, "name=" + name}, fields...)...)
	}
	three := machine{"registrysubkeys": {
		key("a", "value:name=Editor", "type:name=reg_sz", "value:v=2.0", "type:v=reg_sz", "key:more=true", `type:more\n=reg_dword`, `value:more\n=1`),
		key("b", "value:name=Editor", "type:name=reg_sz", "value:v=1.0", "type:v=reg_sz", "key:more!", `type:more\n!`, `value:more\n!`),
		key("c", "value:name=Viewer", "type:name=reg_sz", "type:v!", "value:v!", "key:more!", `type:more\n!`, `value:more\n!`)}}
	target := ` Key="HKEY_LOOP_TARGET" Subkey="." `
	name := func(s string) string {
		return `<RegSz` + target + `Value="Name" Comparison="EqualTo" Data="` + s + `"/>`
	}
	version := func(op, s string) string {
		return `<RegSzToVersion` + target + `Value="V" Comparison="` + op + `" Data="` + s + `"/>`
	}
	for _, c := range []struct {
		rule           string
		any, all, none item.Value
	}{
		{name("Editor"), T, F, F}, {name("Player"), F, F, T}, {`<lar:Or>` + name("Editor") + name("Viewer") + `</lar:Or>`, T, T, F},
		{`<lar:And>` + name("Editor") + version("LessThan", "1.5.0.0") + `</lar:And>`, T, F, F}, {`<lar:And>` + name("Viewer") + version("LessThan", "9.0.0.0") + `</lar:And>`, F, F, T},
		{`<lar:Not>` + name("Player") + `</lar:Not>`, T, T, F}, {`<lar:Not>` + version("GreaterThanOrEqualTo", "1.5.0.0") + `</lar:Not>`, T, F, F}, {`<lar:Not>` + version("GreaterThan", "9.0.0.0") + `</lar:Not>`, T, T, F},
		{`<lar:Not><lar:And>` + name("Editor") + version("EqualTo", "2.0.0.0") + `</lar:And></lar:Not>`, T, F, F}, {`<lar:Not><RegSz` + target + `Value="Name" Comparison="BeginsWith" Data="E"/></lar:Not>`, T, F, F},
		{`<lar:Not><RegSz` + target + `Value="Name" Comparison="Contains" Data="ewe"/></lar:Not>`, T, F, F}, {`<lar:Not><RegSz` + target + `Value="Name" Comparison="EndsWith" Data="er"/></lar:Not>`, T, F, F},
		{`<RegKeyExists Key="HKEY_LOOP_TARGET" Subkey="More"/>`, T, F, F}, {`<lar:Not><RegKeyExists Key="HKEY_LOOP_TARGET" Subkey="More"/></lar:Not>`, T, F, F}, {`<RegValueExists` + target + `Value="V"/>`, T, F, F}, {`<lar:Not><RegValueExists` + target + `Value="V"/></lar:Not>`, T, F, F},
		{`<RegDword Key="HKEY_LOOP_TARGET" Subkey="\More\" Value="N" Comparison="EqualTo" Data="1"/>`, T, F, F}, {`<RegValueExists` + target + `Value="V" Type="REG_DWORD"/>`, F, F, T}, {`<RegExpandSz` + target + `Value="Name" Comparison="EqualTo" Data="Editor"/>`, F, F, T},
		{`<RegSz` + target + `Value="Colour" Comparison="EqualTo" Data="red"/>`, U, U, U}, {`<lar:Not><RegSz` + target + `Value="Colour" Comparison="EqualTo" Data="red"/></lar:Not>`, U, U, U},
		{version("EqualTo", "two"), E, E, E}, {`<RegSz Key="HKEY_LOCAL_MACHINE" Subkey="x" Value="y" Comparison="EqualTo" Data="z"/>`, E, E, E}, {`<FileExists Path="x"/>`, E, E, E}, {``, E, E, E}, {`<lar:And/>`, E, E, E}, {`<RegKeyExists Key="HKEY_LOOP_TARGET" Subkey="."/>`, E, E, E},
	} {
		for kind, want := range map[string]item.Value{"Any": c.any, "All": c.all, "None": c.none} {
			rule := `<RegKeyLoop Key="HKEY_LOCAL_MACHINE" Subkey="Software\Apps" TrueIf="` + kind + `">` + c.rule + `</RegKeyLoop>`
			if got := value(t, rule, "", three.facts(patch.FlagComplete)); got != want {
				t.Errorf("%s is %v, not %v", rule, got, want)
			}
		}
	}
	for kind, want := range map[string]item.Value{"Any": F, "All": F, "None": T, "Some": E} {
		rule := `<RegKeyLoop Key="HKEY_LOCAL_MACHINE" Subkey="Software\Apps" TrueIf="` + kind + `">` + name("Editor") + `</RegKeyLoop>`
		if got := value(t, rule, "", machine{"registrysubkeys": nil}.facts(patch.FlagComplete)); got != want {
			t.Errorf("%s of no keys is %v", rule, got)
		}
		if got := value(t, rule, "", machine{}.facts("")); kind != "Some" && got != U && !(kind == "None" && got == U) {
			t.Errorf("%s without facts is %v", rule, got)
		}
	}
}
