package detect

import "github.com/fettle-project/fettle/internal/patch"

// Value is the outcome of a test or an expression, as OVAL defines it.
type Value uint8

// Values, in no order.
const (
	False   Value = 0
	True    Value = 1
	Unknown Value = 2 // nothing was collected that could tell
	Error   Value = 3 // it was tried and failed
)

// String gives OVAL's name.
func (v Value) String() string { return [...]string{"false", "true", "unknown", "error"}[v&3] }

// and joins two values: false decides, then error, then unknown.
func (v Value) and(w Value) Value {
	switch {
	case v == False || w == False:
		return False
	case v == Error || w == Error:
		return Error
	case v == Unknown || w == Unknown:
		return Unknown
	}
	return True
}

// or joins two values: true decides, then error, then unknown.
func (v Value) or(w Value) Value { return v.not().and(w.not()).not() }

// not turns true and false round.
func (v Value) not() Value {
	if v <= True {
		return v ^ 1
	}
	return v
}

func truth(b bool) Value {
	if b {
		return True
	}
	return False
}

// verdict is the table of the package comment.
func verdict(prerequisite, installed Value) patch.Verdict {
	switch {
	case prerequisite == False:
		return patch.NotApplicable
	case prerequisite != True:
		return patch.Faulty
	case installed == True:
		return patch.Patched
	case installed == False:
		return patch.NotPatched
	}
	return patch.Faulty
}
