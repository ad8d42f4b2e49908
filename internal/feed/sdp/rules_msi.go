package sdp

import (
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// msi reads the rules about what Windows Installer has installed. Items of the class msiproduct are installed products; those of msipatch
// are patches of one product with a state: applied, superseded, obsoleted or registered.
func (c *compiler) msi(e *element) (x detect.Expr, fault string, mine bool) {
	switch e.name {
	case "MsiProductInstalled":
		x, fault = msiProduct(e)
	case "MsiFeatureInstalledForProduct":
		x, fault = msiParts(e, "msifeature", "Feature")
	case "MsiComponentInstalledForProduct":
		x, fault = msiParts(e, "msicomponent", "Component")
	case "MsiPatchInstalledForProduct":
		code, ok := guid(e.get("PatchCode"))
		product, known := guid(e.get("ProductCode"))
		if !ok || !known {
			return x, "has no usable PatchCode and ProductCode", true
		}
		if x, fault = msiProduct(e); fault == "" {
			x = detect.And(x, patched("applied", code, product))
		}
	case "MsiPatchInstalled", "MsiPatchSuperseded", "MsiPatchInstallable":
		x, fault = c.msiPatch(e.name)
	case "MsiApplicationInstalled", "MsiApplicationSuperseded", "MsiApplicationInstallable":
		x, fault = c.msiApplication(e.name)
	default:
		return x, "", false
	}
	return x, fault, true
}

func installedProduct(code string, want ...item.Entity) detect.Expr {
	of := []item.Entity{{Name: "product_code", Operation: item.CaseInsensitiveEquals, Value: code}}
	if len(want) == 0 {
		return exists("msiproduct", of...)
	}
	return is(test("msiproduct", of, state(want...)))
}

// patched asks for a patch of a product, or of any where that is empty.
func patched(status, code, product string) detect.Expr {
	of := []item.Entity{{Name: "patch_code", Operation: item.CaseInsensitiveEquals, Value: code}}
	if product != "" {
		of = append(of, item.Entity{Name: "product_code", Operation: item.CaseInsensitiveEquals, Value: product})
	}
	if status == "" {
		return exists("msipatch", of...)
	}
	return is(test("msipatch", of, state(item.Entity{Name: "state", Operation: item.PatternMatch, Value: "^(" + status + ")$"})))
}

// msiProduct asks for a product, within bounds of its version, in a language.
func msiProduct(e *element) (detect.Expr, string) {
	code, ok := guid(e.get("ProductCode"))
	if !ok {
		return detect.Expr{}, "has no usable ProductCode"
	}
	var want []item.Entity
	for _, bound := range []struct {
		name           string
		closed, beyond item.Operation
	}{{"VersionMax", item.LessThanOrEqual, item.LessThan}, {"VersionMin", item.GreaterThanOrEqual, item.GreaterThan}} {
		v, has := e.attr(bound.name)
		if !has {
			continue
		}
		if !msiVersion(v) {
			return detect.Expr{}, "has a " + bound.name + " that is not a version"
		}
		op := bound.closed
		if e.yes("Exclude" + bound.name) {
			op = bound.beyond
		}
		want = append(want, item.Entity{Name: "version", Operation: op, Datatype: item.Version, Value: v})
	}
	switch n, has, ok := integer(e, "Language"); {
	case !ok:
		return detect.Expr{}, "has a Language that is not a number"
	case has:
		want = append(want, whole("language", item.Equals, n))
	}
	return installedProduct(code, want...), ""
}

func msiVersion(s string) bool {
	return numberPattern().MatchString(s) || versionPattern().MatchString(s)
}

// msiParts asks for features or components of products: any or all of the ones, of any or all of the others.
func msiParts(e *element, class, part string) (detect.Expr, string) {
	parts, products := e.texts(part), e.texts("Product")
	if len(parts) == 0 || len(products) == 0 || len(parts)*len(products) > 10_000 {
		return detect.Expr{}, "names no " + part + " or no Product"
	}
	field := map[string]string{"Feature": "feature", "Component": "component_code"}[part]
	outer := join(e.yes("AllProductsRequired"))
	for _, p := range products {
		code, ok := guid(p)
		if !ok {
			return detect.Expr{}, "has a Product that is not a product code"
		}
		inner := join(e.yes("All" + part + "sRequired"))
		for _, name := range parts {
			inner.Of = append(inner.Of, exists(class, item.Entity{Name: "product_code", Value: code}, text(field, name)))
		}
		outer.Of = append(outer.Of, only(inner))
	}
	return only(outer), ""
}

func join(all bool) detect.Expr {
	if all {
		return detect.And()
	}
	return detect.Or()
}

// msiApplication reads the rules that take their product from the metadata. These name no product that could supersede it.
func (c *compiler) msiApplication(name string) (detect.Expr, string) {
	var code string
	ok := false
	if m := c.metadata; m != nil {
		if m = m.child("MsiApplicationMetadata"); m != nil {
			code, ok = guid(m.child("ProductCode").words())
		}
	}
	switch {
	case !ok:
		return detect.Expr{}, "finds no product code in the metadata"
	case name == "MsiApplicationInstalled":
		return installedProduct(code), ""
	case name == "MsiApplicationInstallable":
		return detect.Not(installedProduct(code)), ""
	}
	return detect.Or(), ""
}

// msiPatch reads the rules that take their patch from the metadata (patch_applicability.xsd). It is installable where a product that it
// is made for has it not.
func (c *compiler) msiPatch(name string) (detect.Expr, string) {
	var m *element
	if c.metadata != nil {
		if m = c.metadata.child("MsiPatchMetadata"); m != nil {
			m = m.child("MsiPatch")
		}
	}
	if m == nil {
		return detect.Expr{}, "finds no patch in the metadata"
	}
	code, ok := guid(m.get("PatchGUID"))
	if !ok {
		return detect.Expr{}, "finds no usable PatchGUID in the metadata"
	}
	status := map[string]string{"MsiPatchInstalled": "applied", "MsiPatchSuperseded": "superseded|obsoleted"}[name]
	if status != "" {
		x := patched(status, code, "")
		if other, ok := guid(c.metadata.child("MsiPatchMetadata").child("FallbackPatchCode").words()); ok {
			x = detect.Or(x, patched(status, other, ""))
		}
		return x, ""
	}
	listed := m.texts("TargetProductCode")
	able := detect.Or()
	for i := range m.of {
		if m.of[i].name != "TargetProduct" {
			continue
		}
		one, fault := target(&m.of[i], listed, code)
		if fault != "" {
			return detect.Expr{}, fault
		}
		if able.Of = append(able.Of, one...); len(able.Of) > 2000 {
			return detect.Expr{}, "is for too many products"
		}
	}
	return only(able), ""
}

// target asks, for each product code that a TargetProduct may have, for such a product without the patch.
func target(e *element, listed []string, patchCode string) ([]detect.Expr, string) {
	var want []item.Entity
	if v := e.child("TargetVersion"); v != nil && v.yes("Validate") {
		bounds, ok := targetVersion(v)
		if !ok {
			return nil, "has a TargetVersion that cannot be compared"
		}
		want = append(want, bounds...)
	}
	if v := e.child("TargetLanguage"); v != nil && v.yes("Validate") {
		want = append(want, whole("language", item.Equals, v.words()))
	}
	if v := e.child("UpgradeCode"); v != nil && v.yes("Validate") {
		code, ok := guid(v.words())
		if !ok {
			return nil, "has an UpgradeCode that is none"
		}
		want = append(want, item.Entity{Name: "upgrade_code", Operation: item.CaseInsensitiveEquals, Value: code})
	}
	codes := listed
	if v := e.child("TargetProductCode"); v != nil && v.yes("Validate") || len(listed) == 0 {
		codes = e.texts("TargetProductCode")
	}
	var out []detect.Expr
	for _, s := range codes {
		code, ok := guid(s)
		if !ok {
			return nil, "has a TargetProductCode that is none"
		}
		out = append(out, detect.And(installedProduct(code, want...), detect.Not(patched("", patchCode, code))))
	}
	return out, ""
}

// targetVersion compares as much of a version as ComparisonFilter says: of "2.3.4" MajorMinor is 2.3, and equal to it is what is from 2.3
// to below 2.4.
func targetVersion(e *element) ([]item.Entity, bool) {
	keep, known := map[string]int{"Major": 1, "MajorMinor": 2, "MajorMinorUpdate": 3, "": 4, "None": 0}[e.get("ComparisonFilter")]
	if !known || !msiVersion(e.words()) {
		return nil, false
	}
	kind := e.get("ComparisonType")
	if keep == 0 || kind == "None" {
		return nil, true
	}
	parts := strings.Split(e.words(), ".")
	parts = parts[:min(keep, len(parts))]
	from := strings.Join(parts, ".")
	last, _ := strconv.Atoi(parts[len(parts)-1])
	to := strings.Join(append(parts[:len(parts)-1:len(parts)-1], strconv.Itoa(last+1)), ".")
	bound := func(op item.Operation, v string) item.Entity {
		return item.Entity{Name: "version", Operation: op, Datatype: item.Version, Value: v}
	}
	switch kind {
	case "LessThan":
		return []item.Entity{bound(item.LessThan, from)}, true
	case "LessThanOrEqual":
		return []item.Entity{bound(item.LessThan, to)}, true
	case "Equal", "":
		return []item.Entity{bound(item.GreaterThanOrEqual, from), bound(item.LessThan, to)}, true
	case "GreaterThanOrEqual":
		return []item.Entity{bound(item.GreaterThanOrEqual, from)}, true
	case "GreaterThan":
		return []item.Entity{bound(item.GreaterThanOrEqual, to)}, true
	}
	return nil, false
}
