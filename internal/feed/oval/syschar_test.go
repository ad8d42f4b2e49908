package oval

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestReadCharacteristics(t *testing.T) {
	f, err := os.Open("testdata/characteristics.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ReadCharacteristics(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := (System{Name: "Windows 10", Version: "10.0.19045", Architecture: "AMD64", Host: "pc7"}); c.System != want {
		t.Errorf("the system is read as %+v", c.System)
	}
	if diff := cmp.Diff(map[string][]string{"oval:org.example:var:1": {"17"}}, c.Variables); diff != "" {
		t.Error(diff)
	}
	ask := func(id string) patch.Collected {
		return c.Probe(t.Context(), item.Request{Class: "registry", Entities: []item.Wanted{{Name: recordedBy, Values: []string{id}}}})
	}
	want := []patch.Item{
		{Fields: []patch.Field{{Name: "hive", Value: "HKEY_LOCAL_MACHINE"}, {Name: "value", Type: "int", Value: "17"}, {Name: "value", Type: "int", Value: "18"}}},
		{Status: patch.StatusNotExist, Fields: []patch.Field{{Name: "result", Type: "record", Record: []patch.Field{
			{Name: "version", Type: "version", Value: "1.2"}, {Name: "build", Status: patch.StatusError}}}, {Name: "namespace"}}},
	}
	got := ask("oval:org.example:obj:1")
	if diff := cmp.Diff(want, got.Items); diff != "" || got.Flag != patch.FlagComplete {
		t.Error(got.Flag, diff)
	}
	if got := ask("oval:org.example:obj:2"); got.Flag != patch.FlagError || got.Message != "access denied" {
		t.Errorf("an object in error is %+v", got)
	}
	if got := ask("oval:org.example:obj:3"); len(got.Items) != 1 || got.Items[0].Status != patch.StatusError {
		t.Errorf("an item that is not there is %+v", got)
	}
	if got := ask("oval:org.example:obj:4"); got.Flag != patch.FlagNotCollected {
		t.Errorf("an object that is not there is %+v", got)
	}
}

func TestExternalVariables(t *testing.T) {
	given, err := ReadVariables(strings.NewReader(`<oval_variables><generator/><variables><variable id="v" datatype="int"><value>5</value><value>50</value></variable>
		<variable id="w"><value>red</value></variable></variables></oval_variables>`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(strings.NewReader(`<oval_definitions xmlns:i="`+nsDefinitions+`#independent"><definitions>
		<definition id="d"><criteria><criterion test_ref="t"/><criterion test_ref="u"/><criterion test_ref="x"/></criteria></definition></definitions>
		<tests><i:variable_test id="t"><i:object object_ref="v"/></i:variable_test><i:variable_test id="u"><i:object object_ref="w"/></i:variable_test>
			<i:variable_test id="x"><i:object object_ref="x"/></i:variable_test></tests>
		<objects><i:variable_object id="v"><i:var_ref>v</i:var_ref></i:variable_object><i:variable_object id="w"><i:var_ref>w</i:var_ref></i:variable_object>
			<i:variable_object id="x"><i:var_ref>x</i:var_ref></i:variable_object></objects>
		<variables><external_variable id="v" datatype="int"><possible_restriction operator="AND"><restriction operation="greater than">3</restriction>
			<restriction operation="less than">10</restriction></possible_restriction></external_variable>
		<external_variable id="w" datatype="string"><possible_value>blue</possible_value><possible_value>red</possible_value></external_variable>
		<external_variable id="x" datatype="string"/></variables></oval_definitions>`), Options{Variables: given})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, test := range d.Definitions[0].Tests() {
		got = append(got, append(test.Object.Entities[0].Variable.Values, test.Object.Entities[0].Variable.Fault))
	}
	want := [][]string{{"5", ""}, {"red", ""}, {"no value was given for the external variable x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
