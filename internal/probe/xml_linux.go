package probe

import (
	"errors"
	"math"
	"strconv"

	"github.com/antchfx/xpath"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxValues bounds what one path finds in one file.
const maxValues = 10_000

// xmlfilecontent answers what XPath expressions find in files (OVAL's independent schema): the values of texts and attributes, or a
// number, text or truth. That elements are found is an item without values.
func (g *gathering) xmlfilecontent() {
	want := g.entity("xpath")
	if want == nil {
		g.fail("the object names no xpath")
		return
	}
	for _, path := range want.Values {
		expr, err := compilePath(path)
		if err != nil {
			g.fail("cannot read the XPath expression " + strconv.Quote(path) + ": " + err.Error())
			return
		}
		g.files(func(dir, name string) {
			if name == "" {
				return
			}
			f := append(g.place(dir, name), text("xpath", path))
			b, err := g.m.tree.read(join(dir, name), maxXML)
			if errors.Is(err, errNotRegular) || gone(err) {
				return
			}
			values, found := []patch.Field(nil), false
			if err == nil {
				values, found, err = find(expr, b)
			}
			if err != nil {
				g.broken("cannot read "+join(dir, name)+" as XML: "+err.Error(), f...)
			} else if found {
				g.add(append(f, g.wanted(values...)...)...)
			}
		})
	}
}

// compilePath compiles an expression; the library panics over some that are none.
func compilePath(path string) (expr *xpath.Expr, err error) {
	defer func() {
		if r := recover(); r != nil {
			expr, err = nil, patch.Errorf(patch.Invalid, "it is none")
		}
	}()
	if len(path) > 16<<10 {
		return nil, patch.Errorf(patch.Invalid, "it is longer than 16 KiB")
	}
	return xpath.Compile(path)
}

// find evaluates an expression over a file.
func find(expr *xpath.Expr, b []byte) (values []patch.Field, found bool, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's own faults, over expressions that mean nothing
			values, found, err = nil, false, patch.Errorf(patch.Invalid, "the expression cannot be evaluated")
		}
	}()
	tree, err := parseXML(b)
	if err != nil {
		return nil, false, err
	}
	switch v := expr.Evaluate(&cursor{t: tree, attr: -1}).(type) {
	case *xpath.NodeIterator:
		for v.MoveNext() {
			if found = true; len(values) == maxValues {
				return nil, false, patch.Errorf(patch.Exhausted, "the expression finds more than %d values", maxValues)
			}
			if kind := v.Current().NodeType(); kind == xpath.TextNode || kind == xpath.AttributeNode {
				values = append(values, text("value_of", v.Current().Value()))
			}
		}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return []patch.Field{typed("value_of", "int", strconv.FormatFloat(v, 'f', 0, 64))}, true, nil
		}
		return []patch.Field{typed("value_of", "float", strconv.FormatFloat(v, 'g', -1, 64))}, true, nil
	case bool:
		f := flag("value_of", v)
		return []patch.Field{f}, true, nil
	case string:
		return []patch.Field{text("value_of", v)}, true, nil
	}
	return values, found, nil
}
