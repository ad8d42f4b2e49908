package sdp

import (
	"math/bits"
	"strconv"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// system reads the rules about Windows and the processor.
func (c *compiler) system(e *element) (x detect.Expr, fault string, mine bool) {
	switch e.name {
	case "WindowsVersion":
		x, fault = windowsVersion(e)
	case "WindowsLanguage":
		if x, fault = language(e, "language"); fault == "" {
			x = detect.And(detect.Not(windows(flag("mui"))), x)
		}
	case "MuiInstalled":
		x = windows(flag("mui"))
	case "MuiLanguageInstalled":
		if x, fault = language(e, "mui_language"); fault == "" {
			x = detect.And(windows(flag("mui")), x)
		}
	case "Processor":
		x, fault = processor(e)
	case "NumberOfProcessors":
		x, fault = compared(e, "windows", nil, "processors", "Number")
	case "SystemMetric":
		index, has, ok := integer(e, "Index")
		if !has || !ok {
			return x, "has no Index that is a number", true
		}
		x, fault = compared(e, "systemmetric", []item.Entity{whole("index", item.Equals, index)}, "value", "Value")
	case "ClusteredOS":
		x = windows(flag("clustered"))
	default:
		return x, "", false
	}
	return x, fault, true
}

func windows(of ...item.Entity) detect.Expr { return is(test("windows", nil, state(of...))) }

func flag(name string) item.Entity {
	return item.Entity{Name: name, Datatype: item.Boolean, Value: "true"}
}

// compared compares a field with an attribute that is a number.
func compared(e *element, class string, of []item.Entity, field, attribute string) (detect.Expr, string) {
	op, ok := scalar(e, none)
	if !ok {
		return detect.Expr{}, "has no known Comparison"
	}
	n, has, ok := integer(e, attribute)
	if !has || !ok {
		return detect.Expr{}, "has no " + attribute + " that is a number"
	}
	return is(test(class, of, state(whole(field, op, n)))), ""
}

// windowsVersion is what VerifyVersionInfo makes of the attributes: version and service pack are compared from the left, as one number
// of several digits; the build by itself, with the same comparison; suites and product type are not ordered.
func windowsVersion(e *element) (detect.Expr, string) {
	op, ok := scalar(e, item.Equals)
	if !ok {
		return detect.Expr{}, "has no known Comparison"
	}
	var digits []item.Entity
	var all []detect.Expr
	for _, a := range []struct{ attribute, field string }{{"MajorVersion", "major"}, {"MinorVersion", "minor"}, {"ServicePackMajor", "service_pack_major"},
		{"ServicePackMinor", "service_pack_minor"}, {"BuildNumber", "build"}, {"ProductType", "product_type"}} {
		n, has, ok := integer(e, a.attribute)
		switch {
		case !ok:
			return detect.Expr{}, "has a " + a.attribute + " that is not a number"
		case !has:
		case a.field == "build":
			all = append(all, windows(whole(a.field, op, n)))
		case a.field == "product_type":
			all = append(all, windows(whole(a.field, item.Equals, n)))
		default:
			digits = append(digits, whole(a.field, op, n))
		}
	}
	if len(digits) > 0 {
		all = append(all, ordered(digits, op))
	}
	suites, fault := suites(e)
	if fault != "" {
		return detect.Expr{}, fault
	}
	if all = append(all, suites...); len(all) == 0 {
		return detect.Expr{}, "says nothing of the version"
	}
	return only(detect.And(all...)), ""
}

// ordered compares several fields as the digits of one number.
func ordered(digits []item.Entity, op item.Operation) detect.Expr {
	if len(digits) == 1 {
		return windows(digits[0])
	}
	first := digits[0]
	first.Operation = item.Equals
	further := detect.And(windows(first), ordered(digits[1:], op))
	switch op {
	case item.LessThan, item.LessThanOrEqual:
		first.Operation = item.LessThan
	case item.GreaterThan, item.GreaterThanOrEqual:
		first.Operation = item.GreaterThan
	default:
		return further
	}
	return detect.Or(windows(first), further)
}

// suites asks for all of the bits of SuiteMask, or for one of them.
func suites(e *element) ([]detect.Expr, string) {
	s, has := e.attr("SuiteMask")
	if !has {
		return nil, ""
	}
	mask, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return nil, "has a SuiteMask that is not a number"
	}
	if e.yes("AllSuitesMustBePresent") {
		return []detect.Expr{windows(whole("suite_mask", item.BitwiseAnd, s))}, ""
	}
	any := detect.Or()
	for mask != 0 {
		bit := uint64(1) << bits.TrailingZeros64(mask)
		any.Of = append(any.Of, windows(whole("suite_mask", item.BitwiseAnd, strconv.FormatUint(bit, 10))))
		mask &^= bit
	}
	return []detect.Expr{only(any)}, ""
}

// only is the single operand of a join in its place.
func only(x detect.Expr) detect.Expr {
	if len(x.Of) == 1 {
		return x.Of[0]
	}
	return x
}

// language asks for a language: "en" is every English, "en-GB" that one.
func language(e *element, field string) (detect.Expr, string) {
	tag := e.get("Language")
	if !langPattern().MatchString(tag) {
		return detect.Expr{}, "has no usable Language"
	}
	exact := item.Entity{Name: field, Operation: item.CaseInsensitiveEquals, Value: tag, EntityCheck: item.AtLeastOne}
	wider := item.Entity{Name: field, Operation: item.Like, Value: tag + "-%", EntityCheck: item.AtLeastOne}
	return is(test("windows", nil, &item.State{Operator: item.Or, Entities: []item.Entity{exact, wider}})), ""
}

func processor(e *element) (detect.Expr, string) {
	var want []item.Entity
	for _, a := range []struct{ attribute, field string }{{"Architecture", "processor_architecture"}, {"Level", "processor_level"}, {"Revision", "processor_revision"}} {
		n, has, ok := integer(e, a.attribute)
		switch {
		case !ok:
			return detect.Expr{}, "has a " + a.attribute + " that is not a number"
		case has:
			want = append(want, whole(a.field, item.Equals, n))
		case a.attribute == "Architecture":
			return detect.Expr{}, "has no Architecture"
		}
	}
	return windows(want...), ""
}
