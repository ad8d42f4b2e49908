package oval

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// vendor wraps definitions, tests and the rest into a document.
func vendor(t *testing.T, definitions string) *Document {
	t.Helper()
	d, err := Read(strings.NewReader(`<oval_definitions xmlns:lin="`+nsDefinitions+`#linux" xmlns:ind="`+nsDefinitions+`#independent">
<definitions>`+definitions+`</definitions><tests>
<lin:dpkginfo_test id="old" check="all"><lin:object object_ref="fish"/><lin:state state_ref="before2"/></lin:dpkginfo_test>
<lin:dpkginfo_test id="new" check="all"><lin:object object_ref="fish"/><lin:state state_ref="since2"/></lin:dpkginfo_test>
<lin:dpkginfo_test id="oneOld" check="at least one"><lin:object object_ref="both"/><lin:state state_ref="before2"/></lin:dpkginfo_test>
<lin:dpkginfo_test id="oldOnArm" check="all"><lin:object object_ref="fish"/><lin:state state_ref="arm"/></lin:dpkginfo_test>
<lin:dpkginfo_test id="noneNew" check="none satisfy"><lin:object object_ref="fish"/><lin:state state_ref="since2"/></lin:dpkginfo_test>
<ind:family_test id="unix" check="all"><ind:object object_ref="family"/><ind:state state_ref="unix"/></ind:family_test></tests><objects>
<lin:dpkginfo_object id="fish"><lin:name>fish</lin:name></lin:dpkginfo_object>
<lin:dpkginfo_object id="both"><lin:name var_ref="names" var_check="at least one"/></lin:dpkginfo_object>
<ind:family_object id="family"/></objects><states>
<lin:dpkginfo_state id="before2"><lin:evr datatype="debian_evr_string" operation="less than">0:2-1</lin:evr></lin:dpkginfo_state>
<lin:dpkginfo_state id="since2"><lin:evr datatype="debian_evr_string" operation="greater than or equal">0:2-1</lin:evr></lin:dpkginfo_state>
<lin:dpkginfo_state id="arm"><lin:arch>arm64</lin:arch><lin:evr datatype="debian_evr_string" operation="less than">0:2-1</lin:evr></lin:dpkginfo_state>
<ind:family_state id="unix"><ind:family>unix</ind:family></ind:family_state></states>
<variables><constant_variable id="names" datatype="string"><value>fish</value><value>fish-data</value></constant_variable></variables></oval_definitions>`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sketch writes an expression as people would.
func sketch(e detect.Expr) string {
	var of []string
	for _, o := range e.Of {
		of = append(of, sketch(o))
	}
	switch e.Op {
	case detect.OpIs:
		t := e.Test
		text := t.Items.Class
		if entities := t.Items.Object.Entities; len(entities) == 1 {
			text = entities[0].Value
		}
		for _, s := range t.Items.States {
			for _, w := range s.Entities {
				text += fmt.Sprintf(" %s %s %s", w.Name, w.Operation, w.Value)
			}
		}
		return "[" + text + "]"
	case detect.OpUnclear:
		return "unclear: " + e.Text
	}
	return map[detect.Op]string{detect.OpAnd: "and", detect.OpOr: "or", detect.OpNot: "not", detect.OpOne: "one", detect.OpXor: "xor"}[e.Op] + "(" + strings.Join(of, ", ") + ")"
}

// The prerequisite asks whether what could be old is there; a patch is installed where the criteria are false.
func TestPrerequisites(t *testing.T) {
	const metadata = `<metadata><affected family="unix"><platform>Debian GNU/Linux 12</platform></affected></metadata>`
	for _, c := range []struct{ criteria, prerequisite, needed string }{
		{`<criteria><criterion test_ref="old"/></criteria>`, "[fish]", "[fish evr less than 0:2-1]"},
		{`<criteria><criterion test_ref="unix"/><criteria operator="OR"><criterion test_ref="oneOld"/></criteria></criteria>`,
			"and([family family equals unix], or([fish], [fish-data]))",
			"and([family family equals unix], or([fish evr less than 0:2-1], [fish-data evr less than 0:2-1]))"},
		{`<criteria><criterion test_ref="oldOnArm"/></criteria>`, "[fish arch equals arm64]", "[fish arch equals arm64 evr less than 0:2-1]"},
		{`<criteria><criterion test_ref="noneNew"/></criteria>`, "[fish]", "[fish evr greater than or equal 0:2-1]"},
		{`<criteria><criterion test_ref="new" negate="true"/></criteria>`, "not(or())", "not([fish evr greater than or equal 0:2-1])"},
		{`<criteria operator="ONE"><criterion test_ref="old"/><criterion test_ref="unix"/></criteria>`,
			"one([fish evr less than 0:2-1], [family family equals unix])", "one([fish evr less than 0:2-1], [family family equals unix])"},
		{`<criteria><criterion test_ref="none"/><criterion test_ref="old"/></criteria>`, "and(unclear: the document has no test none, [fish])",
			"and(unclear: the document has no test none, [fish evr less than 0:2-1])"},
	} {
		d := vendor(t, `<definition class="vulnerability" id="oval:org.example:def:1">`+metadata+c.criteria+`</definition>`)
		entries := d.Entries("amd64")["debian-12-amd64"]
		if len(entries) != 1 {
			t.Fatalf("%s: %+v", c.criteria, d.Entries("amd64"))
		}
		got := entries[0].Definition
		if diff := cmp.Diff([]string{c.prerequisite, "not(" + c.needed + ")"}, []string{sketch(*got.Prerequisite), sketch(*got.Installed)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.criteria, diff)
		}
	}
}

func TestEntries(t *testing.T) {
	d := readFile(t, "testdata/small.xml", Options{})
	got := d.Entries("amd64")
	if len(got) != 1 || len(got[patch.AnyOS]) != 1 {
		t.Fatalf("%+v", got)
	}
	want := patch.Patch{ID: "org.example/1", Title: "EXSA-2026:1 -- fish", Source: "fish", Version: "1", Suite: "org.example", Category: patch.Security,
		Severity: patch.High, CVEs: []string{"CVE-2026-0001", "CVE-2026-0002"}, Advisory: "EXSA-2026:1", Released: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, got[patch.AnyOS][0].Patch); diff != "" {
		t.Error(diff)
	}
}

// What no definition of class patch is in is used whole; two of one ID stay two, and an odd ID is made one that can be used.
func TestEntriesOfOddDocuments(t *testing.T) {
	d := vendor(t, strings.Repeat(`<definition class="compliance" id="oval:org.example:def:7"><criteria><criterion test_ref="unix"/></criteria></definition>`, 2)+
		`<definition class="inventory" id="my definition"><criteria/></definition><definition class="inventory" id="gone" deprecated="true"/>`)
	var ids []string
	for _, e := range d.Entries("arm64")[patch.AnyOS] {
		ids = append(ids, string(e.Patch.ID)+" "+e.Definition.Unclear)
	}
	if diff := cmp.Diff([]string{"org.example/7 ", "org.example/7~2 ", "oval/my_definition "}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestHostOSes(t *testing.T) {
	for platform, want := range map[string]string{
		"Debian GNU/Linux 12": "debian-12-arm64", "Ubuntu 23.04": "ubuntu-23.04-arm64", "Red Hat Enterprise Linux 9": "rhel-9-aarch64",
		"AlmaLinux 9": "almalinux-9-aarch64", "Rocky Linux 8": "rocky-8-aarch64", "Oracle Linux 9": "ol-9-aarch64", "CentOS Stream 9": "centos-9-aarch64",
		"SUSE Linux Enterprise Server 15 SP5": "sles-15.5-aarch64", "SUSE Linux Enterprise Server for SAP Applications 15-SP4": "sles-15.4-aarch64",
		"SUSE Linux Enterprise Desktop 15": "sles-15-aarch64", "openSUSE Leap 15.6": "opensuse-leap-15.6-aarch64", "Fedora 41": "fedora-41-aarch64",
		"Amazon Linux 2023": "amzn-2023-aarch64", "Azure Linux 3.0": "azurelinux-3.0-aarch64", "Alpine Linux 3.20": "alpine-3.20-aarch64",
		"Azure Linux": "any", "Windows 7": "any", "": "any",
	} {
		if got := (&Metadata{Platforms: []string{platform}}).HostOSes("arm64"); len(got) != 1 || string(got[0]) != want {
			t.Errorf("%q is for %q, want %s", platform, got, want)
		}
	}
	several := (&Metadata{Platforms: []string{"Rocky Linux 9", "AlmaLinux 9", "Rocky Linux 9"}}).HostOSes("amd64")
	if !slices.Equal(several, []patch.HostOS{"almalinux-9-x86_64", "rocky-9-x86_64"}) {
		t.Errorf("several platforms are %q", several)
	}
}

// Windows' files are not unix's: a live unix machine does not answer for them.
func TestOtherFamiliesFiles(t *testing.T) {
	const document = `<oval_definitions xmlns:w="` + nsDefinitions + `#windows" xmlns:u="` + nsDefinitions + `#unix"><definitions>
		<definition id="d"><criteria><criterion test_ref="w"/><criterion test_ref="u"/></criteria></definition></definitions>
		<tests><w:file_test id="w"><w:object object_ref="w"/></w:file_test><u:file_test id="u"><u:object object_ref="u"/></u:file_test></tests>
		<objects><w:file_object id="w"/><u:file_object id="u"/></objects></oval_definitions>`
	for family, want := range map[string][]string{"": {"file", "file"}, "unix": {"windows:file", "file"}, "windows": {"file", "unix:file"}} {
		d, err := Read(strings.NewReader(document), Options{Family: family})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, test := range d.Definitions[0].Tests() {
			got = append(got, test.Object.Class)
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %q the classes are %q", family, got)
		}
	}
}
