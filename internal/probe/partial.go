package probe

import (
	"regexp/syntax"
	"strings"
)

// partial tells whether a pattern can still match once a path goes on, so that directories that cannot lead to a match are not read.
// It may say yes where it cannot; it never says no where it can.
type partial struct{ prog *syntax.Prog }

// newPartial reads a pattern. It is taken to begin where the path begins, as OpenSCAP takes it.
func newPartial(expr string) partial {
	if !strings.HasPrefix(expr, "^") {
		expr = "^(?:" + expr + ")"
	}
	for {
		re, err := syntax.Parse(expr, syntax.Perl)
		if err == nil {
			prog, err := syntax.Compile(re.Simplify())
			if err != nil {
				return partial{}
			}
			return partial{prog}
		}
		at := strings.LastIndex(expr, "(?") // what Go cannot read: the part before it has to match first
		if at <= 0 || strings.HasPrefix(expr[at:], "(?:") {
			return partial{}
		}
		expr = expr[:at]
	}
}

// leads reports whether some path that begins with s can match.
func (p partial) leads(s string) bool {
	if p.prog == nil {
		return true
	}
	here, next := newStates(p.prog), newStates(p.prog)
	if p.reach(here, uint32(p.prog.Start), 0, len(s)) {
		return true
	}
	for i, r := range s {
		if len(here.list) == 0 {
			return false
		}
		next.clear()
		for _, pc := range here.list {
			if in := &p.prog.Inst[pc]; in.MatchRune(r) && p.reach(next, in.Out, i+len(string(r)), len(s)) {
				return true
			}
		}
		here, next = next, here
	}
	return len(here.list) > 0
}

// reach adds what can be reached without reading; it is true where that is a match.
func (p partial) reach(s *states, pc uint32, at, end int) bool {
	if s.in[pc] {
		return false
	}
	s.in[pc] = true
	switch in := &p.prog.Inst[pc]; in.Op {
	case syntax.InstMatch:
		return true
	case syntax.InstFail:
		return false
	case syntax.InstAlt, syntax.InstAltMatch:
		return p.reach(s, in.Out, at, end) || p.reach(s, in.Arg, at, end)
	case syntax.InstNop, syntax.InstCapture:
		return p.reach(s, in.Out, at, end)
	case syntax.InstEmptyWidth:
		what := syntax.EmptyOp(in.Arg)
		if what&(syntax.EmptyBeginText|syntax.EmptyBeginLine) != 0 && at > 0 || what&(syntax.EmptyEndText|syntax.EmptyEndLine) != 0 && at < end {
			return false
		}
		return p.reach(s, in.Out, at, end)
	}
	s.list = append(s.list, pc)
	return false
}

type states struct {
	in   []bool
	list []uint32
}

func newStates(p *syntax.Prog) *states { return &states{in: make([]bool, len(p.Inst))} }

func (s *states) clear() {
	clear(s.in)
	s.list = s.list[:0]
}
