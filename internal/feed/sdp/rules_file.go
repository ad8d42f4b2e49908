package sdp

import (
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// file reads the rules about files. The path is below a known folder (Csidl), below what a registry value says (PrependRegSz), or whole.
func (c *compiler) file(e *element) (x detect.Expr, fault string, mine bool) {
	name, below := strings.CutSuffix(e.name, "PrependRegSz")
	field, known := map[string]string{"FileExists": "", "FileVersion": "version", "FileCreated": "c_time", "FileModified": "m_time", "FileSize": "size"}[name]
	if !known {
		return x, "", false
	}
	path, fault := place(e, below)
	if fault != "" {
		return x, fault, true
	}
	var want []item.Entity
	op := item.Equals
	if field != "" {
		var ok bool
		if op, ok = scalar(e, none); !ok {
			return x, "has no known Comparison", true
		}
	}
	for _, a := range []struct{ attribute, field string }{{"Version", "version"}, {"Created", "c_time"}, {"Modified", "m_time"}, {"Size", "size"}, {"Language", "language_id"}} {
		value, has := e.attr(a.attribute)
		if !has || field != "" && a.field != field {
			continue
		}
		entity, ok := fileField(a.field, op, value)
		if !ok {
			return x, "has a " + a.attribute + " that is none: " + quote(value), true
		}
		want = append(want, entity)
	}
	switch {
	case field != "" && len(want) == 0:
		return x, "says not what to compare with", true
	case len(want) == 0:
		return exists("file", path), "", true
	}
	return is(test("file", []item.Entity{path}, state(want...))), "", true
}

func fileField(field string, op item.Operation, value string) (item.Entity, bool) {
	switch field {
	case "version":
		return item.Entity{Name: field, Operation: op, Datatype: item.Version, Value: value}, versionPattern().MatchString(value)
	case "c_time", "m_time":
		t := moment(value)
		return whole(field, op, fileTime(t)), !t.IsZero()
	}
	return whole(field, op, value), numberPattern().MatchString(value)
}

// fileTime is a moment as OVAL's file items have it: the FILETIME, in 100 ns since 1601.
func fileTime(t time.Time) string {
	const epoch = 11_644_473_600 // seconds from 1601 to 1970
	return strconv.FormatInt((t.Unix()+epoch)*10_000_000+int64(t.Nanosecond())/100, 10)
}

// place is the filepath of a rule.
func place(e *element, below bool) (item.Entity, string) {
	path, has := e.attr("Path")
	if !has || path == "" || len(path) > 1024 {
		return item.Entity{}, "has no Path"
	}
	path = canonical(path)
	if below {
		entity, fault := prefixed(e, "", `\`+strings.TrimLeft(path, `\`))
		entity.Name = "filepath"
		return entity, fault
	}
	csidl, has, ok := integer(e, "Csidl")
	switch {
	case !ok:
		return item.Entity{}, "has a Csidl that is not a number"
	case !has:
		return text("filepath", path), ""
	}
	folder := &item.Object{Class: "folder", Entities: []item.Entity{whole("csidl", item.Equals, csidl)}}
	return item.Entity{Name: "filepath", Variable: &item.Variable{Kind: item.Local, Component: &item.Component{Function: item.Concat,
		Of: []item.Component{{Function: item.ObjectField, Object: folder, Field: "path"}, {Function: item.Literal, Text: `\` + strings.TrimLeft(path, `\`)}}}}}, ""
}

// canonical is a path with single backslashes; two at the front name another computer.
func canonical(path string) string {
	path = strings.ReplaceAll(path, "/", `\`)
	lead := ""
	if strings.HasPrefix(path, `\\`) {
		lead = `\`
	}
	for strings.Contains(path, `\\`) {
		path = strings.ReplaceAll(path, `\\`, `\`)
	}
	return lead + path
}

// joinedTo is a variable: what a machine has, between two texts. A backslash at its end is not doubled.
func joinedTo(before string, of item.Component, after string) *item.Variable {
	if strings.HasPrefix(after, `\`) { // "C:\" and "C:" alike
		of = item.Component{Function: item.RegexCapture, Text: `(?s)^(.*?)\\*$`, Of: []item.Component{of}}
	}
	parts := []item.Component{{Function: item.Literal, Text: before}, of, {Function: item.Literal, Text: after}}
	if before == "" {
		parts = parts[1:]
	}
	if after == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 1 {
		return &item.Variable{Kind: item.Local, Component: &parts[0]}
	}
	return &item.Variable{Kind: item.Local, Component: &item.Component{Function: item.Concat, Of: parts}}
}

// prefixed is an entity whose value is that of the rule's registry value, between two texts.
func prefixed(e *element, before, after string) (item.Entity, string) {
	o, fault := registryObject(e, true)
	if fault != "" {
		return item.Entity{}, fault
	}
	o.Filters = []item.Filter{{State: &item.State{Class: "registry", Entities: []item.Entity{{Name: "type", Operation: item.PatternMatch, Value: "^reg_(expand_)?sz$"}}}}}
	return item.Entity{Variable: joinedTo(before, item.Component{Function: item.ObjectField, Object: o, Field: "value"}, after)}, ""
}
