package oval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// windowsPair is a document of definitions about one Windows machine, and what was seen there: a program of version 10.0.19041.3803, a
// library without one, a registry value, a WMI record, a service; and a folder that could not be read.
func windowsPair() (definitions, characteristics string) {
	const ns = "http://oval.mitre.org/XMLSchema/oval-"
	object := func(n int, class, body string) string {
		return fmt.Sprintf("<w:%s_object id='oval:x:obj:%d' version='1'>%s</w:%[1]s_object>", class, n, body)
	}
	objects := object(1, "file", "<w:path>C:\\Windows</w:path><w:filename>a.exe</w:filename>") + object(2, "file", "<w:path>C:\\Windows</w:path><w:filename>b.dll</w:filename>") +
		object(3, "file", "<w:path>C:\\Windows</w:path><w:filename>none</w:filename>") + object(4, "registry", "<w:hive>HKEY_LOCAL_MACHINE</w:hive><w:key>K</w:key><w:name>N</w:name>") +
		object(5, "wmi57", "<w:namespace>root\\cimv2</w:namespace><w:wql>SELECT Name, Build FROM X</w:wql>") + object(6, "service", "<w:service_name>Spooler</w:service_name>") +
		object(7, "file", "<w:path>C:\\Denied</w:path><w:filename>c.exe</w:filename>")
	var tests, states, all strings.Builder
	n := 0
	ask := func(object int, class, state string, attributes string) {
		n++
		ref := ""
		if state != "" {
			ref = fmt.Sprintf("<w:state state_ref='oval:x:ste:%d'/>", n)
			fmt.Fprintf(&states, "<w:%s_state id='oval:x:ste:%d' version='1'>%s</w:%[1]s_state>", class, n, state)
		}
		fmt.Fprintf(&tests, "<w:%s_test id='oval:x:tst:%d' version='1' comment='t' check='all' %s><w:object object_ref='oval:x:obj:%d'/>%s</w:%[1]s_test>", class, n, attributes, object, ref)
		fmt.Fprintf(&all, "<definition id='oval:x:def:%d' version='1' class='patch'><metadata><title>t</title><description/></metadata><criteria><criterion test_ref='oval:x:tst:%[1]d'/></criteria></definition>", n)
	}
	for _, operation := range []string{"less than", "greater than or equal", "equals", "not equal"} {
		for _, version := range []string{"10.0.19041.3803", "10.0.19041.4000", "10.0.9999.99999", "10.0"} {
			for object := 1; object <= 3; object++ {
				ask(object, "file", fmt.Sprintf("<w:version datatype='version' operation='%s'>%s</w:version>", operation, version), "check_existence='at_least_one_exists'")
			}
		}
	}
	for object := 1; object <= 7; object++ {
		class := map[int]string{4: "registry", 5: "wmi57", 6: "service"}[object]
		if class == "" {
			class = "file"
		}
		for _, existence := range []string{"all_exist", "none_exist", "any_exist", "at_least_one_exists", "only_one_exists"} {
			ask(object, class, "", "check_existence='"+existence+"'")
		}
	}
	for _, value := range []string{"17", "18", "170"} {
		ask(4, "registry", "<w:value datatype='int' operation='greater than or equal'>"+value+"</w:value>", "check_existence='at_least_one_exists'")
		ask(5, "wmi57", "<w:result datatype='record' entity_check='at least one'><field xmlns='"+ns+"definitions-5' name='build' datatype='int' operation='less than'>"+value+"</field></w:result>", "check_existence='at_least_one_exists'")
	}
	for _, start := range []string{"SERVICE_DISABLED", "SERVICE_AUTO_START"} {
		ask(6, "service", "<w:start_type>"+start+"</w:start_type>", "check_existence='at_least_one_exists'")
	}
	definitions = "<oval_definitions xmlns='" + ns + "definitions-5' xmlns:w='" + ns + "definitions-5#windows'><generator><oval:schema_version xmlns:oval='" + ns + "common-5'>5.11</oval:schema_version><oval:timestamp xmlns:oval='" + ns + "common-5'>2026-01-01T00:00:00</oval:timestamp></generator><definitions>" +
		all.String() + "</definitions><tests>" + tests.String() + "</tests><objects>" + objects + "</objects><states>" + states.String() + "</states></oval_definitions>"
	seen := ""
	for i, flag := range []string{"complete", "complete", "does not exist", "complete", "complete", "complete", "error"} {
		if flag != "complete" {
			seen += fmt.Sprintf("<object id='oval:x:obj:%d' version='1' flag='%s'><message>none</message></object>", i+1, flag) // OpenSCAP passes over what follows an empty one
			continue
		}
		seen += fmt.Sprintf("<object id='oval:x:obj:%d' version='1' flag='complete'><reference item_ref='%[1]d'/></object>", i+1)
	}
	characteristics = "<oval_system_characteristics xmlns='" + ns + "system-characteristics-5' xmlns:w='" + ns + "system-characteristics-5#windows'><generator><oval:schema_version xmlns:oval='" + ns + "common-5'>5.11</oval:schema_version><oval:timestamp xmlns:oval='" + ns + "common-5'>2026-01-01T00:00:00</oval:timestamp></generator><system_info><os_name>Windows</os_name><os_version>10</os_version><architecture>AMD64</architecture><primary_host_name>h</primary_host_name><interfaces/></system_info><collected_objects>" +
		seen + "</collected_objects><system_data>" +
		"<w:file_item id='1' status='exists'><w:filepath>C:\\Windows\\a.exe</w:filepath><w:path>C:\\Windows</w:path><w:filename>a.exe</w:filename><w:version datatype='version'>10.0.19041.3803</w:version></w:file_item>" +
		"<w:file_item id='2' status='exists'><w:filepath>C:\\Windows\\b.dll</w:filepath><w:path>C:\\Windows</w:path><w:filename>b.dll</w:filename><w:version datatype='version' status='does not exist'/></w:file_item>" +
		"<w:registry_item id='4' status='exists'><w:hive>HKEY_LOCAL_MACHINE</w:hive><w:key>K</w:key><w:name>N</w:name><w:type>reg_dword</w:type><w:value datatype='int'>17</w:value></w:registry_item>" +
		"<w:wmi57_item id='5' status='exists'><w:namespace>root\\cimv2</w:namespace><w:wql>SELECT Name, Build FROM X</w:wql><w:result datatype='record'><field name='name'>x</field><field name='build' datatype='int'>18</field></w:result></w:wmi57_item>" +
		"<w:service_item id='6' status='exists'><w:service_name>Spooler</w:service_name><w:start_type>SERVICE_AUTO_START</w:start_type></w:service_item>" +
		"</system_data></oval_system_characteristics>"
	return definitions, characteristics
}

// Definitions about Windows' own classes have the values that OpenSCAP gives them over what a Windows machine was seen to have.
func TestWindowsAgainstOpenSCAP(t *testing.T) {
	d, c := windowsPair()
	dir := t.TempDir()
	definitions, characteristics := filepath.Join(dir, "definitions.xml"), filepath.Join(dir, "characteristics.xml")
	for path, text := range map[string]string{definitions: d, characteristics: c} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := oscap(t, definitions, characteristics)
	values := map[string]int{}
	for _, v := range want {
		values[v]++
	}
	if values["true"] < 10 || values["false"] < 10 || values["error"] < 2 {
		t.Fatalf("OpenSCAP says %v of %d", values, len(want))
	}
	if diff := cmp.Diff(want, ours(t, d, c)); diff != "" {
		t.Errorf("(-OpenSCAP +ours):\n%s", diff)
	}
}
