package item

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// integers compares and combines integers of any size.
func integers(op Operation, seen, want string) (Value, string) {
	a, errA := strconv.ParseInt(strings.TrimSpace(seen), 10, 64)
	b, errB := strconv.ParseInt(strings.TrimSpace(want), 10, 64)
	if errA == nil && errB == nil {
		switch op {
		case BitwiseAnd:
			return Truth(a&b == b), ""
		case BitwiseOr:
			return Truth(a|b == b), ""
		case GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, Equals, NotEqual:
			return ordered(op, cmp.Compare(a, b))
		}
		return noMeaning(op, Int)
	}
	x, err := bigInteger(seen)
	if err != nil {
		return Error, err.Error()
	}
	y, err := bigInteger(want)
	if err != nil {
		return Error, err.Error()
	}
	switch op {
	case BitwiseAnd:
		return Truth(new(big.Int).And(x, y).Cmp(y) == 0), ""
	case BitwiseOr:
		return Truth(new(big.Int).Or(x, y).Cmp(y) == 0), ""
	}
	return ordered(op, x.Cmp(y))
}

func bigInteger(s string) (*big.Int, error) {
	t := strings.TrimSpace(s)
	n, ok := new(big.Int), false
	if len(t) <= 1000 && !strings.ContainsAny(t, "_") {
		n, ok = n.SetString(t, 10)
	}
	if !ok {
		return nil, noValue(Int, s)
	}
	return n, nil
}

// floats compares as OpenSCAP does: what differs by less than one part in 10⁹ is equal.
func floats(op Operation, seen, want string) (Value, string) {
	a, err := float(seen)
	if err != nil {
		return Error, err.Error()
	}
	b, err := float(want)
	if err != nil {
		return Error, err.Error()
	}
	if math.IsNaN(a) || math.IsNaN(b) {
		if _, why := ordered(op, 0); why != "" {
			return Error, why
		}
		return Truth(op == NotEqual), ""
	}
	order := 0
	if a != b && math.Abs(a-b) > 1e-9*max(math.Abs(a), math.Abs(b)) || math.IsInf(a, 0) != math.IsInf(b, 0) {
		order = 1
		if a < b {
			order = -1
		}
	}
	return ordered(op, order)
}

// float reads what XML Schema calls a float, with its words in any case: documents write NAN.
func float(s string) (float64, error) {
	t := strings.TrimSpace(s)
	switch strings.ToUpper(t) {
	case "INF", "+INF":
		return math.Inf(1), nil
	case "-INF":
		return math.Inf(-1), nil
	case "NAN":
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil || strings.Trim(t, "0123456789+-.eE") != "" {
		return 0, noValue(Float, s)
	}
	return f, nil
}
