package item

import "github.com/fettle-project/fettle/internal/patch"

// statuses counts items or fields by their status.
type statuses struct{ exists, missing, failed, untried int }

func (s *statuses) add(status patch.Status) {
	switch status {
	case patch.StatusExists:
		s.exists++
	case patch.StatusNotExist:
		s.missing++
	case patch.StatusNotCollected:
		s.untried++
	default:
		s.failed++
	}
}

// judge is the value of an existence over statuses, by the tables of OVAL's ExistenceEnumeration. The tables have no row for "at least
// one exists" of nothing at all; it is false.
func (s *statuses) judge(e Existence) Value {
	switch {
	case e == AnyExist && (s.exists > 0 || s.failed == 0):
		return True
	case e == AllExist && s.missing > 0, e == NoneExist && s.exists > 0, e == OnlyOneExists && s.exists > 1:
		return False
	case e == AtLeastOneExists && s.exists > 0:
		return True
	case s.failed > 0 || e > OnlyOneExists:
		return Error
	case s.untried > 0:
		return Unknown
	}
	switch e {
	case NoneExist:
		return True
	case OnlyOneExists:
		return Truth(s.exists == 1)
	}
	return Truth(s.exists > 0)
}

// judgeFlag is the value of an existence over a collected object. A true one still has to pass the states where there are any.
func (s *statuses) judgeFlag(flag patch.Flag, e Existence, stateless bool) Value {
	anyway := e == AnyExist && (stateless || flag == patch.FlagNotExist || flag == patch.FlagIncomplete)
	if anyway && flag != patch.FlagComplete {
		return True
	}
	switch flag {
	case patch.FlagComplete:
		return s.judge(e)
	case patch.FlagNotExist:
		return Truth(e == NoneExist)
	case patch.FlagIncomplete:
		return s.judgeIncomplete(e)
	case patch.FlagNotCollected:
		return Unknown
	case patch.FlagNotApplicable:
		return NotApplicable
	}
	return Error
}

// judgeIncomplete knows only what more items could not change.
func (s *statuses) judgeIncomplete(e Existence) Value {
	switch {
	case e == AtLeastOneExists && s.exists > 0:
		return True
	case e == NoneExist && s.exists > 0, e == OnlyOneExists && s.exists > 1:
		return False
	}
	return Unknown
}
