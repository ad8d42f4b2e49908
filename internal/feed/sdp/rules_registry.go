package sdp

import (
	"regexp"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// registry reads the rules about the registry. RegType32 is the side that 32-bit programs see.
func (c *compiler) registry(e *element) (x detect.Expr, fault string, mine bool) {
	switch e.name {
	case "RegKeyExists", "RegValueExists", "RegDword", "RegExpandSz", "RegSz", "RegSzToVersion":
	case "RegKeyLoop":
		x, fault = c.loop(e)
		return x, fault, true
	default:
		return x, "", false
	}
	o, fault := registryObject(e, e.name != "RegKeyExists")
	if fault != "" {
		return x, fault, true
	}
	t := item.Test{Class: "registry", Check: item.AtLeastOne, Object: o}
	want, fault := registryValue(e, "type", "value")
	if len(want) > 0 {
		t.States = []*item.State{{Class: "registry", Entities: want}}
	}
	return is(t), fault, true
}

// registryObject names a key, or a value of it. No Value is the default value.
func registryObject(e *element, value bool) (*item.Object, string) {
	hive := e.get("Key")
	if hive != "HKEY_LOCAL_MACHINE" {
		return nil, "is about the key " + quote(hive) + ", and not in a RegKeyLoop"
	}
	key := strings.Trim(canonical(e.get("Subkey")), `\`)
	if key == "" {
		return nil, "has no Subkey"
	}
	name := item.Entity{Name: "name", Nil: true}
	if value {
		name = text("name", e.get("Value"))
	}
	return &item.Object{Class: "registry", Entities: []item.Entity{text("hive", hive), text("key", key), name}, Behaviors: view(e)}, ""
}

// view is the 32-bit side where a rule asks for it.
func view(e *element) []item.Behavior {
	if e.yes("RegType32") {
		return []item.Behavior{{Name: "windows_view", Value: "32_bit"}}
	}
	return nil
}

// registryValue is what a rule wants of a value: its type, and how it compares. Nothing is that it is there.
func registryValue(e *element, typeField, valueField string) (want []item.Entity, fault string) {
	typed := func(s string) item.Entity { return text(typeField, s) }
	data, has := e.attr("Data")
	if e.name == "RegSz" || e.name == "RegExpandSz" {
		data, has = raw(e, "Data")
	}
	switch e.name {
	case "RegKeyExists", "RegValueExists":
		if kind := e.get("Type"); kind != "" && e.name == "RegValueExists" {
			want = append(want, typed(strings.ToLower(kind)))
		}
		return want, ""
	case "RegDword":
		op, ok := scalar(e, none)
		if !ok || !numberPattern().MatchString(data) {
			return nil, "has no known Comparison or no Data that is a number"
		}
		return []item.Entity{typed("reg_dword"), whole(valueField, op, data)}, ""
	case "RegSzToVersion":
		op, ok := scalar(e, none)
		if !ok || !versionPattern().MatchString(data) {
			return nil, "has no known Comparison or no Data that is a version"
		}
		return []item.Entity{typed("reg_sz"), {Name: valueField, Operation: op, Datatype: item.Version, Value: data}}, ""
	}
	compared, ok := texts(valueField, e.get("Comparison"), data)
	if !ok || !has {
		return nil, "has no known Comparison or no Data"
	}
	kind := "reg_sz"
	if e.name == "RegExpandSz" {
		kind = "reg_expand_sz"
	}
	return []item.Entity{typed(kind), compared}, ""
}

// raw is an attribute with the white space that it has.
func raw(e *element, name string) (string, bool) {
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name && e.attrs[i].Name.Space == "" {
			return e.attrs[i].Value, true
		}
	}
	return "", false
}

// texts is a StringComparison; upper and lower case are not the same.
func texts(field, comparison, data string) (item.Entity, bool) {
	e := item.Entity{Name: field, Operation: item.PatternMatch}
	literal := regexp.QuoteMeta(data)
	switch comparison {
	case "EqualTo":
		e.Operation, e.Value = item.Equals, data
	case "BeginsWith":
		e.Value = "^" + literal
	case "Contains":
		e.Value = literal
	case "EndsWith":
		e.Value = literal + `\z`
	default:
		return e, false
	}
	return e, true
}
