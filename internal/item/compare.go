package item

import (
	"cmp"
	"math/big"
	"regexp"
	"strings"

	"github.com/fettle-project/fettle/internal/version"
)

type patterns struct{ compiled map[string]*regexp.Regexp }

// compare is whether a value that was seen stands in an operation to a wanted one; why says what is wrong where it is an error.
func (j *Judge) compare(op Operation, as Datatype, seen, want string) (v Value, why string) {
	switch as {
	case String:
		return j.compareText(op, seen, want)
	case Int:
		a, ok := new(big.Int).SetString(strings.TrimSpace(seen), 10)
		b, ok2 := new(big.Int).SetString(strings.TrimSpace(want), 10)
		if !ok || !ok2 {
			return Error, "no integer"
		}
		return ordered(op, a.Cmp(b))
	case EVR, DebianEVR:
		scheme := version.RPM
		if as == DebianEVR {
			scheme = version.Dpkg
		}
		c, err := version.Compare(scheme, seen, want)
		if err != nil {
			return Error, err.Error()
		}
		return ordered(op, c)
	}
	return Error, "values of " + as.String() + " cannot be compared yet"
}

func (j *Judge) compareText(op Operation, seen, want string) (Value, string) {
	switch op {
	case CaseInsensitiveEquals:
		return Truth(strings.EqualFold(seen, want)), ""
	case CaseInsensitiveNotEqual:
		return Truth(!strings.EqualFold(seen, want)), ""
	case PatternMatch:
		re, err := regexp.Compile(want)
		if err != nil {
			return Error, err.Error()
		}
		return Truth(re.MatchString(seen)), ""
	}
	return ordered(op, cmp.Compare(seen, want))
}

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
	return Error, op.String() + " has no meaning here"
}

// Compare says whether a value that was seen stands in an operation to a wanted one, both being of a datatype. It is for parsers, whose
// documents restrict values; why says what is wrong where it is Error.
func Compare(op Operation, as Datatype, seen, want string) (v Value, why string) {
	var j Judge
	return j.compare(op, as, seen, want)
}
