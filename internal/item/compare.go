package item

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// Comparer compares values. It remembers compiled patterns; the zero value is ready. It is for one goroutine.
type Comparer struct {
	patterns map[string]compiled
	cost     int // of all of them
	likes    map[string]likeness
}

type compiled struct {
	pattern *Pattern
	err     error
}

// Limits of what a Comparer remembers.
const (
	maxPatterns = 4096
	maxCost     = 100_000
)

// Pattern compiles an expression once.
func (c *Comparer) Pattern(expr string) (*Pattern, error) {
	if p, ok := c.patterns[expr]; ok {
		return p.pattern, p.err
	}
	p, err := CompilePattern(expr, PatternOptions{})
	cost := 0
	if p != nil {
		cost = p.cost
	}
	if c.cost += cost; c.patterns == nil || len(c.patterns) >= maxPatterns || c.cost > maxCost {
		c.patterns, c.cost = map[string]compiled{}, cost
	}
	c.patterns[expr] = compiled{p, err}
	return p, err
}

// Compare is whether a value that was seen stands in an operation to a wanted one: "seen less than want". It is Error where either is no
// value of the datatype or the operation has no meaning for it; why says so then. OpenSCAP reads numbers out of the front of such values
// and goes on; a verdict from garbage is worth nothing.
func (c *Comparer) Compare(op Operation, as Datatype, seen, want string) (v Value, why string) {
	var order int
	var err error
	switch as {
	case String:
		return c.text(op, seen, want)
	case Int:
		return integers(op, seen, want)
	case Float:
		return floats(op, seen, want)
	case Boolean:
		order, err = compareWith(boolean, seen, want)
		return unordered(op, order, err)
	case Binary:
		order, err = compareWith(hexadecimal, seen, want)
		return unordered(op, order, err)
	case Version:
		order, err = versions(seen, want)
	case EVR:
		order, err = version.Compare(version.RPM, noEpoch(seen), noEpoch(want))
	case DebianEVR:
		order, err = version.Compare(version.Dpkg, noEpoch(seen), noEpoch(want))
	case FilesetRevision:
		order, err = filesets(seen, want)
	case IOSVersion:
		order, err = iosVersions(seen, want)
	case DateTime:
		order, err = moments(seen, want)
	case MacOSVersion:
		order, err = version.Compare(version.MacOS, seen, want)
	case ProgramVersion:
		order, err = version.Compare(version.Winget, seen, want)
	case IPv4, IPv6:
		return addresses(op, as, seen, want)
	default:
		return Error, "a " + as.String() + " cannot be compared with a single value"
	}
	if err != nil {
		return Error, err.Error()
	}
	return ordered(op, order)
}

// Matches is whether a field's value is what an object asks for: the operation on each of the wanted values, joined by the check.
func (c *Comparer) Matches(w *Wanted, seen string) Value {
	if w.Nil {
		return Truth(seen == "")
	}
	var all Tally
	for _, want := range w.Values {
		v, _ := c.Compare(w.Operation, w.Datatype, seen, want)
		all.Add(v)
	}
	return all.Check(w.Check)
}

func (c *Comparer) text(op Operation, seen, want string) (Value, string) {
	switch op {
	case Equals:
		return Truth(seen == want), ""
	case NotEqual:
		return Truth(seen != want), ""
	case CaseInsensitiveEquals:
		return Truth(strings.EqualFold(seen, want)), ""
	case CaseInsensitiveNotEqual:
		return Truth(!strings.EqualFold(seen, want)), ""
	case Like, NotLike:
		l, err := c.like(want)
		if err != nil {
			return Error, err.Error()
		}
		return Truth(l.match(seen) == (op == Like)), ""
	case PatternMatch:
		p, err := c.Pattern(want)
		if err != nil {
			return Error, err.Error()
		}
		found, err := p.Match(seen)
		if err != nil {
			return Error, err.Error()
		}
		return Truth(found), ""
	}
	return noMeaning(op, String)
}

func noMeaning(op Operation, as Datatype) (Value, string) {
	return Error, strconv.Quote(op.String()) + " has no meaning for " + as.String() + " values"
}

func noValue(as Datatype, s string) error {
	if len(s) > 80 {
		s = s[:80]
	}
	if s = strconv.Quote(s); !utf8.ValidString(s) {
		s = "a value"
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not of the type {2}", s, as.String())}
}

// ordered turns an order into the value of an operation.
func ordered(op Operation, c int) (Value, string) {
	switch op {
	case Equals:
		return Truth(c == 0), ""
	case NotEqual:
		return Truth(c != 0), ""
	case GreaterThan:
		return Truth(c > 0), ""
	case LessThan:
		return Truth(c < 0), ""
	case GreaterThanOrEqual:
		return Truth(c >= 0), ""
	case LessThanOrEqual:
		return Truth(c <= 0), ""
	}
	return Error, strconv.Quote(op.String()) + " has no meaning for such values"
}

// unordered is ordered for datatypes that only know equality.
func unordered(op Operation, c int, err error) (Value, string) {
	switch {
	case err != nil:
		return Error, err.Error()
	case op != Equals && op != NotEqual:
		return Error, strconv.Quote(op.String()) + " has no meaning for such values"
	}
	return ordered(op, c)
}

func compareWith(read func(string) (string, error), seen, want string) (int, error) {
	a, err := read(seen)
	if err != nil {
		return 0, err
	}
	b, err := read(want)
	return strings.Compare(a, b), err
}

func boolean(s string) (string, error) {
	switch strings.TrimSpace(s) {
	case "true", "1":
		return "1", nil
	case "false", "0":
		return "0", nil
	}
	return "", noValue(Boolean, s)
}

func hexadecimal(s string) (string, error) {
	for i := range len(s) {
		if c := s[i]; !(digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return "", noValue(Binary, s)
		}
	}
	if len(s)%2 != 0 {
		return "", noValue(Binary, s)
	}
	return strings.ToLower(s), nil
}

func digit(c byte) bool { return c-'0' < 10 }

// Compare says whether a value that was seen stands in an operation to a wanted one, both being of a datatype. It is for parsers, whose
// documents restrict values; why says what is wrong where it is Error.
func Compare(op Operation, as Datatype, seen, want string) (v Value, why string) {
	return new(Comparer).Compare(op, as, seen, want)
}
