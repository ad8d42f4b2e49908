package item

// Value is the outcome of a test or an expression, as OVAL defines it.
type Value uint8

// Values, in no order. The numbers are part of the signature format's tests.
const (
	False         Value = 0
	True          Value = 1
	Unknown       Value = 2 // nothing was collected that could tell
	Error         Value = 3 // it was tried and failed
	NotEvaluated  Value = 4 // this program does not judge such a test
	NotApplicable Value = 5 // the question has no meaning on this machine
)

var valueNames = [...]string{"false", "true", "unknown", "error", "not evaluated", "not applicable"}

// String gives OVAL's name.
func (v Value) String() string {
	if int(v) < len(valueNames) {
		return valueNames[v]
	}
	return "error"
}

// Not turns true and false round and leaves the others.
func (v Value) Not() Value {
	if v <= True {
		return v ^ 1
	}
	return v
}

// Truth is True or False.
func Truth(b bool) Value {
	if b {
		return True
	}
	return False
}
