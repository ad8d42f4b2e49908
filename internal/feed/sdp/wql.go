package sdp

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/fettle-project/fettle/internal/item"
)

// wmiQuery reads a WMI query: SELECT … FROM class [WHERE …]. It asks whether there is an object of the class that is so. Such a test has
// the class wmiobject: an item is an object with the properties that are asked for, all names in lower case.
//
// Understood of WQL are AND, OR, NOT, brackets, =, <>, !=, <, <=, >, >=, LIKE, IS [NOT] NULL; texts, numbers, TRUE, FALSE and NULL. Texts
// are compared in any case; those that are dates as CIM writes them are ordered as dates. A property without a value is neither like
// nor unlike anything.
func wmiQuery(e *element) (item.Test, string) {
	query, has := e.attr("WqlQuery")
	if !has || len(query) > 64<<10 {
		return item.Test{}, "has no WqlQuery"
	}
	namespace := strings.ToLower(strings.Trim(canonical(e.get("Namespace")), `\`))
	if namespace == "" {
		namespace = `root\cimv2`
	}
	class, where, err := parseWQL(query)
	if err != nil {
		return item.Test{}, "asks what this program cannot: " + err.Error()
	}
	t := test("wmiobject", []item.Entity{text("namespace", namespace), text("wmi_class", strings.ToLower(class))})
	if where == nil {
		return t, ""
	}
	states, ok := where.states()
	if !ok {
		return item.Test{}, "has a condition that is too large"
	}
	t.Operator, t.States = item.Or, classed(states, "wmiobject")
	return t, ""
}

// wql parses a query, token by token.
type wql struct {
	rest  string
	token string // the current one; words in upper case in word
	word  string
	err   error // the first one: nothing is read after it
	kind  byte  // 'w' word, 's' text, 'n' number, 'o' sign, 0 the end
	depth int
}

var errWQL = errors.New("the query is not of the known form")

func parseWQL(query string) (class string, where *predicate, err error) {
	w := &wql{rest: query}
	w.next()
	if !w.take("SELECT") {
		return "", nil, errWQL
	}
	for w.word != "FROM" {
		if w.kind != 'w' && w.token != "*" && w.token != "," {
			return "", nil, errWQL
		}
		w.next()
	}
	w.next()
	if class = w.token; w.kind != 'w' {
		return "", nil, errWQL
	}
	w.next()
	if w.kind == 0 {
		return class, nil, w.err
	}
	if !w.take("WHERE") {
		return "", nil, errWQL
	}
	p, err := w.or()
	switch {
	case w.err != nil:
		err = w.err
	case err == nil && w.kind != 0:
		err = errors.New("the query goes on with " + quote(w.token))
	}
	return class, &p, err
}

// take passes a word if it is the current one.
func (w *wql) take(word string) bool {
	if w.kind != 'w' || w.word != word {
		return false
	}
	w.next()
	return true
}

func (w *wql) or() (predicate, error) { return w.joined(orOp, "OR", w.and) }

func (w *wql) and() (predicate, error) { return w.joined(andOp, "AND", w.not) }

func (w *wql) joined(op predicateOp, word string, operand func() (predicate, error)) (predicate, error) {
	first, err := operand()
	if err != nil || w.kind != 'w' || w.word != word {
		return first, err
	}
	p := predicate{op: op, of: []predicate{first}}
	for w.take(word) {
		one, err := operand()
		if err != nil {
			return p, err
		}
		p.of = append(p.of, one)
	}
	return p, nil
}

func (w *wql) not() (predicate, error) {
	if w.depth++; w.depth > 200 {
		return predicate{}, errors.New("the query is nested too deeply")
	}
	defer func() { w.depth-- }()
	switch {
	case w.take("NOT"):
		p, err := w.not()
		return predicate{op: notOp, of: []predicate{p}}, err
	case w.token == "(" && w.kind == 'o':
		w.next()
		p, err := w.or()
		if err == nil && (w.token != ")" || w.kind != 'o') {
			err = errWQL
		}
		w.next()
		return p, err
	}
	return w.comparison()
}

// comparison reads property operator value, or value operator property.
func (w *wql) comparison() (predicate, error) {
	left := *w
	if w.kind == 0 || w.kind == 'o' {
		return predicate{}, errWQL
	}
	w.next()
	if w.take("IS") {
		not := w.take("NOT")
		if left.kind != 'w' || !w.take("NULL") {
			return predicate{}, errWQL
		}
		return null(left.word, not), nil
	}
	op, ok := operators[strings.ToUpper(w.token)]
	if !ok || w.kind == 's' {
		return predicate{}, errors.New("the query has the operator " + quote(w.token))
	}
	w.next()
	right := *w
	if w.kind == 0 || w.kind == 'o' {
		return predicate{}, errWQL
	}
	w.next()
	if !left.property() {
		left, right, op = right, left, mirrored(op)
	}
	if !left.property() || right.property() {
		return predicate{}, errors.New("the query compares not a property with a value")
	}
	return compare(left.word, op, &right)
}

func (w *wql) property() bool {
	return w.kind == 'w' && w.word != "TRUE" && w.word != "FALSE" && w.word != "NULL"
}

var operators = map[string]item.Operation{"=": item.Equals, "<>": item.NotEqual, "!=": item.NotEqual, "<": item.LessThan, "<=": item.LessThanOrEqual,
	">": item.GreaterThan, ">=": item.GreaterThanOrEqual, "LIKE": item.Like}

func mirrored(op item.Operation) item.Operation {
	switch op {
	case item.LessThan:
		return item.GreaterThan
	case item.LessThanOrEqual:
		return item.GreaterThanOrEqual
	case item.GreaterThan:
		return item.LessThan
	case item.GreaterThanOrEqual:
		return item.LessThanOrEqual
	}
	return op
}

var cimDate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{8}([0-9]{6}(\.[0-9]{6}([+-][0-9]{3})?)?)?$`) })

// compare makes a leaf of one comparison. A property of several values must have one that is so.
func compare(property string, op item.Operation, value *wql) (predicate, error) {
	e := item.Entity{Name: strings.ToLower(property), Operation: op, Value: value.token, EntityCheck: item.AtLeastOne}
	switch {
	case value.word == "NULL" && value.kind == 'w' && (op == item.Equals || op == item.NotEqual):
		return null(property, op == item.NotEqual), nil
	case value.kind == 'w' && value.word != "NULL" && (op == item.Equals || op == item.NotEqual):
		e.Datatype, e.Value = item.Boolean, strings.ToLower(value.word)
	case op == item.Like && value.kind == 's':
	case value.kind == 'n' && strings.Contains(value.token, ".") && op != item.Like:
		e.Datatype = item.Float
	case value.kind == 'n' && op != item.Like:
		e.Datatype = item.Int
	case value.kind == 's' && op == item.Equals:
		e.Operation = item.CaseInsensitiveEquals
	case value.kind == 's' && op == item.NotEqual:
		e.Operation = item.CaseInsensitiveNotEqual
	case value.kind == 's' && cimDate().MatchString(value.token):
		e.Datatype = item.DateTime
	case value.kind == 's' && numberPattern().MatchString(value.token): // a number in quotes is compared as one
		e.Datatype = item.Int
	default:
		return predicate{}, errors.New("the query orders texts: " + quote(value.token))
	}
	contrary := e
	contrary.Operation, contrary.EntityCheck = opposite(e.Operation), item.All
	return predicate{yes: [][]item.Entity{{e}}, no: [][]item.Entity{{contrary}}}, nil
}

// null asks whether a property has no value, or with not whether it has one.
func null(property string, not bool) predicate {
	name := strings.ToLower(property)
	none, some := []item.Entity{absent(name)}, []item.Entity{{Name: name, Operation: item.PatternMatch, Value: "", EntityCheck: item.AtLeastOne}}
	if not {
		none, some = some, none
	}
	return predicate{yes: [][]item.Entity{none}, no: [][]item.Entity{some}}
}

// next reads a token.
func (w *wql) next() {
	if err := w.read(); err != nil && w.err == nil {
		w.err = err
	}
	if w.err != nil {
		w.token, w.word, w.kind, w.rest = "", "", 0, ""
	}
}

func (w *wql) read() error {
	w.rest = strings.TrimLeftFunc(w.rest, unicode.IsSpace)
	w.token, w.word, w.kind = "", "", 0
	if w.rest == "" {
		return nil
	}
	switch c := w.rest[0]; {
	case c == '\'' || c == '"':
		return w.quoted(c)
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		w.kind = 'n'
		w.cut(1 + run(w.rest[1:], "0123456789."))
		if !numberPattern().MatchString(w.token) && !floatPattern().MatchString(w.token) {
			return errWQL
		}
	case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
		w.kind = 'w'
		w.cut(run(w.rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."))
		w.word = strings.ToUpper(w.token)
	default:
		w.kind = 'o'
		n := 1
		if len(w.rest) > 1 && strings.Contains("<> <= >= !=", w.rest[:2]) && w.rest[:2] != "> " && !strings.Contains(w.rest[:2], " ") {
			n = 2
		}
		w.cut(n)
	}
	return nil
}

var floatPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[+-]?[0-9]{1,18}(\.[0-9]{1,18})?$`) })

func (w *wql) cut(n int) { w.token, w.rest = w.rest[:n], w.rest[n:] }

func run(s, of string) int {
	n := 0
	for n < len(s) && strings.IndexByte(of, s[n]) >= 0 {
		n++
	}
	return n
}

// quoted reads a text. A backslash makes what follows it stand for itself.
func (w *wql) quoted(mark byte) error {
	var b strings.Builder
	for i := 1; i < len(w.rest); i++ {
		switch c := w.rest[i]; {
		case c == '\\' && i+1 < len(w.rest):
			i++
			b.WriteByte(w.rest[i])
		case c == mark:
			w.kind, w.token, w.rest = 's', b.String(), w.rest[i+1:]
			return nil
		default:
			b.WriteByte(c)
		}
	}
	return errors.New("a text in the query does not end")
}
