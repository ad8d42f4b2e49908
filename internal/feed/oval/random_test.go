package oval

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// random writes a small document and the system characteristics of a machine that never was.
type random struct {
	*rand.Rand
	definitions, tests, objects, states, variables strings.Builder
	collected, items                               strings.Builder
	testCount, objectCount, stateCount, itemCount  int
	variableIDs                                    map[string][]string // by datatype
	made                                           []madeObject
}

type madeObject struct {
	kind
	gaps bool // an item without a value
}

const (
	randomHead = `<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5"
 xmlns:ind="http://oval.mitre.org/XMLSchema/oval-definitions-5#independent" xmlns:lin="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux"
 xmlns:win="http://oval.mitre.org/XMLSchema/oval-definitions-5#windows" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<generator><oval:schema_version>5.11</oval:schema_version><oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>`
	randomSystem = `<oval_system_characteristics xmlns="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5"
 xmlns:ind="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5#independent" xmlns:lin="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5#linux"
 xmlns:win="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5#windows" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<generator><oval:schema_version>5.11</oval:schema_version><oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>
<system_info><os_name>a</os_name><os_version>1</os_version><architecture>x</architecture><primary_host_name>h</primary_host_name><interfaces/></system_info>`
)

func pick[T any](r *random, of ...T) T { return of[r.IntN(len(of))] }

// newRandom makes a world of some variables, objects and definitions.
func newRandom(seed uint64, definitions int) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 11)), variableIDs: map[string][]string{}}
	for range 2 + r.IntN(4) {
		r.constant()
	}
	for range 2 + r.IntN(4) {
		r.object()
	}
	for range r.IntN(4) {
		r.local()
	}
	for i := range definitions {
		fmt.Fprintf(&r.definitions, `<definition class="miscellaneous" id="oval:x:def:%d" version="1"><metadata><title>t</title><description/></metadata>%s</definition>`+"\n",
			i+1, r.criteria(0, i))
	}
	return r
}

func (r *random) document() string {
	variables := ""
	if r.variables.Len() > 0 {
		variables = "<variables>" + r.variables.String() + "</variables>"
	}
	return randomHead + "<definitions>" + r.definitions.String() + "</definitions>\n<tests>" + r.tests.String() + "</tests>\n<objects>" +
		r.objects.String() + "</objects>\n<states>" + r.states.String() + "</states>\n" + variables + "</oval_definitions>\n"
}

func (r *random) system() string {
	return randomSystem + "<collected_objects>" + r.collected.String() + "</collected_objects>\n<system_data>" + r.items.String() +
		"</system_data></oval_system_characteristics>\n"
}

type kind struct {
	datatype           string
	values, operations []string
}

// kinds are the datatypes, with values near enough to each other to be equal, smaller and greater, and the operations of each.
var kinds = []kind{
	{"string", []string{"a", "A", "ab", "b.c", "", "a b", "1"}, []string{"equals", "not equal", "case insensitive equals", "case insensitive not equal", "pattern match"}},
	{"int", []string{"1", "2", "3", "-1", "010", "7"}, []string{"equals", "not equal", "greater than", "less than", "greater than or equal", "less than or equal", "bitwise and", "bitwise or"}},
	{"boolean", []string{"true", "false", "1", "0"}, []string{"equals", "not equal"}},
	{"version", []string{"1.2", "1.2.0", "1.10", "1.9.3", "2"}, []string{"equals", "not equal", "greater than", "less than", "greater than or equal", "less than or equal"}},
	{"evr_string", []string{"0:1.2-3", "0:1.2-10", "1:1.0-1", "0:1.2~rc1-1", "0:2-1.el9"}, []string{"equals", "not equal", "greater than", "less than", "greater than or equal", "less than or equal"}},
	{"debian_evr_string", []string{"0:1.2-3", "0:1.2-10", "1:1.0-1", "0:1.2~rc1-1", "0:1.2+b1-1"}, []string{"equals", "not equal", "greater than", "less than", "greater than or equal", "less than or equal"}},
	{"ipv4_address", []string{"10.0.0.1", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16"}, []string{"equals", "not equal", "subset of", "superset of"}},
}

func (r *random) constant() {
	k := kinds[r.IntN(len(kinds))]
	id := fmt.Sprintf("oval:x:var:%d", len(r.variableIDs["all"])+1)
	fmt.Fprintf(&r.variables, `<constant_variable id="%s" version="1" comment="c" datatype="%s">`, id, k.datatype)
	for range 1 + r.IntN(3) {
		fmt.Fprintf(&r.variables, "<value>%s</value>", pick(r, k.values...))
	}
	r.variables.WriteString("</constant_variable>\n")
	r.variableIDs["all"] = append(r.variableIDs["all"], id)
	r.variableIDs[k.datatype] = append(r.variableIDs[k.datatype], id)
}

// local makes a variable of an expression over texts or numbers.
func (r *random) local() {
	datatype := pick(r, "string", "string", "int")
	id := fmt.Sprintf("oval:x:var:%d", len(r.variableIDs["all"])+1)
	fmt.Fprintf(&r.variables, `<local_variable id="%s" version="1" comment="c" datatype="%s">%s</local_variable>`+"\n", id, datatype, r.component(datatype, 0))
	r.variableIDs["all"] = append(r.variableIDs["all"], id)
	r.variableIDs[datatype] = append(r.variableIDs[datatype], id)
}

func (r *random) component(datatype string, depth int) string {
	if depth < 3 && r.IntN(3) > 0 {
		if datatype == "int" {
			return fmt.Sprintf(`<arithmetic arithmetic_operation="%s">%s%s</arithmetic>`, pick(r, "add", "multiply"), r.component("int", depth+1), r.component("int", depth+1))
		}
		one := r.component("string", depth+1)
		return pick(r,
			`<concat>`+one+r.component("string", depth+1)+`</concat>`,
			`<begin character="a">`+one+`</begin>`,
			`<end character="b">`+one+`</end>`,
			`<escape_regex>`+one+`</escape_regex>`,
			`<split delimiter=".">`+one+`</split>`,
			`<substring substring_start="1" substring_length="2">`+one+`</substring>`,
			`<regex_capture pattern="(.).">`+one+`</regex_capture>`)
	}
	if ids := r.variableIDs[datatype]; len(ids) > 0 && r.IntN(2) == 0 {
		return `<variable_component var_ref="` + pick(r, ids...) + `"/>`
	}
	value := pick(r, "a", "ab", "b.c", "a b")
	if datatype == "int" {
		value = pick(r, "1", "2", "3")
	}
	return `<literal_component datatype="` + datatype + `">` + value + `</literal_component>`
}

// object makes an object and what was collected for it: a registry value with data of one datatype.
func (r *random) object() {
	r.objectCount++
	k := kinds[r.IntN(len(kinds))]
	made := madeObject{kind: k}
	id := fmt.Sprintf("oval:x:obj:%d", r.objectCount)
	fmt.Fprintf(&r.objects, `<win:registry_object id="%s" version="1"><win:hive>HKEY_LOCAL_MACHINE</win:hive><win:key>k%d</win:key><win:name>n</win:name></win:registry_object>`+"\n", id, r.objectCount)
	flag := pick(r, "complete", "complete", "complete", "complete", "incomplete", "does not exist", "error", "not collected", "not applicable")
	fmt.Fprintf(&r.collected, `<object id="%s" version="1" flag="%s">`, id, flag)
	if flag == "complete" || flag == "incomplete" {
		for range r.IntN(4) {
			r.itemCount++
			fmt.Fprintf(&r.collected, `<reference item_ref="%d"/>`, r.itemCount)
			made.gaps = !r.item(r.itemCount, k) || made.gaps
		}
	}
	r.made = append(r.made, made)
	r.collected.WriteString("</object>\n")
}

// item reports whether it made one with a value.
func (r *random) item(id int, k kind) bool {
	fmt.Fprintf(&r.items, `<win:registry_item id="%d" status="exists"><win:hive>HKEY_LOCAL_MACHINE</win:hive>`, id)
	fmt.Fprintf(&r.items, `<win:name>%s</win:name>`, pick(r, "a", "A", "ab"))
	values := pick(r, 0, 1, 1, 1, 2, 2, 3)
	for range values {
		fmt.Fprintf(&r.items, `<win:value datatype="%s">%s</win:value>`, k.datatype, pick(r, k.values...))
	}
	r.items.WriteString("</win:registry_item>\n")
	return values > 0
}

// test never asks for "at least one" where that could be of false and unknown: OpenSCAP 1.3.7 says error then, against the language's
// table.
func (r *random) test() string {
	r.testCount++
	id := fmt.Sprintf("oval:x:tst:%d", r.testCount)
	object := r.IntN(r.objectCount)
	checks := []string{"all", "only one", "none satisfy", "at least one"}
	if r.made[object].gaps {
		checks = checks[:3] // see below
	}
	check := pick(r, checks...)
	existence := pick(r, "at_least_one_exists", "at_least_one_exists", "all_exist", "any_exist", "none_exist", "only_one_exists")
	fmt.Fprintf(&r.tests, `<win:registry_test id="%s" version="1" comment="t" check="%s" check_existence="%s" state_operator="%s"><win:object object_ref="oval:x:obj:%d"/>`,
		id, check, existence, pick(r, "AND", "OR", "ONE", "XOR"), object+1)
	for range pick(r, 0, 1, 1, 1, 1, 2, 3) {
		fmt.Fprintf(&r.tests, `<win:state state_ref="%s"/>`, r.state(r.made[object].kind, check != "at least one"))
	}
	r.tests.WriteString("</win:registry_test>\n")
	return id
}

func (r *random) state(k kind, mayBeEmpty bool) string {
	r.stateCount++
	id := fmt.Sprintf("oval:x:ste:%d", r.stateCount)
	fmt.Fprintf(&r.states, `<win:registry_state id="%s" version="1" operator="%s">`, id, pick(r, "AND", "OR", "ONE", "XOR"))
	if r.IntN(3) == 0 {
		fmt.Fprintf(&r.states, `<win:name operation="%s">%s</win:name>`, pick(r, "equals", "not equal", "case insensitive equals"), pick(r, "a", "A", "ab"))
	}
	if !mayBeEmpty || r.IntN(5) > 0 {
		attrs := fmt.Sprintf(`datatype="%s" operation="%s"`, k.datatype, pick(r, k.operations...))
		if r.IntN(3) == 0 {
			attrs += fmt.Sprintf(` entity_check="%s"`, pick(r, "all", "at least one", "only one", "none satisfy"))
		}
		if ids := r.variableIDs[k.datatype]; len(ids) > 0 && r.IntN(2) == 0 {
			fmt.Fprintf(&r.states, `<win:value %s var_ref="%s" var_check="%s"/>`, attrs, pick(r, ids...), pick(r, "all", "at least one", "only one", "none satisfy"))
		} else {
			fmt.Fprintf(&r.states, `<win:value %s>%s</win:value>`, attrs, pick(r, k.values...))
		}
	}
	r.states.WriteString("</win:registry_state>\n")
	return id
}

// criteria joins tests, and definitions before this one.
func (r *random) criteria(depth, before int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<criteria operator="%s" negate="%v">`, pick(r, "AND", "OR", "ONE", "XOR"), r.IntN(4) == 0)
	for range 1 + r.IntN(3) {
		negate := r.IntN(4) == 0
		switch n := r.IntN(6); {
		case n == 0 && depth < 3:
			b.WriteString(r.criteria(depth+1, before))
		case n == 1 && before > 0:
			fmt.Fprintf(&b, `<extend_definition definition_ref="oval:x:def:%d" negate="%v"/>`, 1+r.IntN(before), negate)
		default:
			fmt.Fprintf(&b, `<criterion test_ref="%s" negate="%v"/>`, r.test(), negate)
		}
	}
	b.WriteString("</criteria>")
	return b.String()
}
