package item

// Tally counts values by kind, to join them.
type Tally [6]int

// Add counts one value.
func (t *Tally) Add(v Value) {
	if int(v) >= len(t) {
		v = Error
	}
	t[v]++
}

// doubt is the strongest value that is neither true nor false nor not applicable; ok is false where there is none.
func (t *Tally) doubt() (v Value, ok bool) {
	for _, v := range [...]Value{Error, Unknown, NotEvaluated} {
		if t[v] > 0 {
			return v, true
		}
	}
	return NotApplicable, false
}

// rest is the value where nothing else decides: not applicable where something was, unknown for no values at all. OVAL's tables have
// no row for the latter; OpenSCAP says unknown.
func (t *Tally) rest() Value {
	if t[NotApplicable] > 0 {
		return NotApplicable
	}
	return Unknown
}

// Join is the value of the counted ones under an operator, by the tables of OVAL's OperatorEnumeration.
func (t *Tally) Join(op Operator) Value {
	doubt, doubtful := t.doubt()
	known := t[True]+t[False] > 0
	switch op {
	case And:
		switch {
		case t[False] > 0:
			return False
		case doubtful:
			return doubt
		case known:
			return True
		}
	case Or:
		switch {
		case t[True] > 0:
			return True
		case doubtful:
			return doubt
		case known:
			return False
		}
	case One:
		switch {
		case t[True] > 1:
			return False
		case doubtful:
			return doubt
		case known:
			return Truth(t[True] == 1)
		}
	case Xor:
		switch {
		case doubtful:
			return doubt
		case known:
			return Truth(t[True]%2 == 1)
		}
	default:
		return Error
	}
	return t.rest()
}

// Check is the value of the counted ones under a check, by the tables of OVAL's CheckEnumeration. OpenSCAP 1.3.7 says error where
// "at least one" sees unknown or not evaluated values beside false ones; the tables say unknown and not evaluated, and so do we.
func (t *Tally) Check(c Check) Value {
	switch c {
	case All:
		return t.Join(And)
	case AtLeastOne:
		return t.Join(Or)
	case OnlyOne:
		return t.Join(One)
	case NoneSatisfy, NoneExistCheck:
		return t.Join(Or).Not()
	}
	return Error
}
