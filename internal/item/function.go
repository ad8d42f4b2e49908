package item

import (
	"strconv"
	"strings"
)

// apply computes a function over the lists of its operands, by OVAL's FunctionGroup.
func (j *Judge) apply(c *Component, of []*list) *list {
	switch c.Function {
	case Concat, Arithmetic:
		return product(c, of)
	case Count, Unique:
		return gathered(c, of)
	case TimeDifference:
		return j.timeDifference(c, of)
	}
	first := of[0]
	if !first.has() {
		return first
	}
	out := &list{flag: first.flag}
	for _, v := range first.values {
		values, why := j.one(c, v.text)
		if why != "" {
			return failed(why)
		}
		for _, s := range values {
			out.values = append(out.values, typed{text: s})
		}
		if len(out.values) > maxValues {
			break
		}
	}
	return out
}

// one computes a function of one value, which may give several.
func (j *Judge) one(c *Component, s string) (values []string, why string) {
	switch c.Function {
	case Begin:
		if !strings.HasPrefix(s, c.Text) {
			s = c.Text + s
		}
	case End:
		if !strings.HasSuffix(s, c.Text) {
			s += c.Text
		}
	case EscapeRegex:
		s = escapeRegex(s)
	case Split:
		return strings.SplitN(s, c.Text, maxValues+2), ""
	case Substring:
		return substring(s, c.Start, c.Length)
	case GlobToRegex:
		re, ok := globToRegex(s, c.NoEscape)
		if !ok {
			return nil, strconv.Quote(s) + " is not a glob pattern"
		}
		s = re
	case RegexCapture:
		return j.capture(c.Text, s)
	default:
		return nil, "the function " + c.Function.String() + " is not known"
	}
	return []string{s}, ""
}

func escapeRegex(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`^$\.[](){}*+?|`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// substring counts characters from 1; a start before that is 1, a length below 0 or too large takes the rest.
func substring(s string, start, length int) ([]string, string) {
	r := []rune(s)
	start = max(start, 1) - 1
	if start >= len(r) {
		return nil, "a substring starts behind the end of the value"
	}
	r = r[start:]
	if length >= 0 && length < len(r) {
		r = r[:length]
	}
	return []string{string(r)}, ""
}

// capture is the first group of the first match; empty where nothing matches or the pattern has no group.
func (j *Judge) capture(pattern, s string) ([]string, string) {
	p, err := j.Pattern(pattern)
	if err != nil {
		return nil, err.Error()
	}
	all, err := p.All(s, 1)
	if err != nil {
		return nil, err.Error()
	}
	if len(all) == 0 || len(all[0]) < 2 {
		return []string{""}, ""
	}
	return []string{all[0][1].Text}, ""
}

// gathered counts all values of all operands, or drops those that were there before.
func gathered(c *Component, of []*list) *list {
	out := &list{}
	if out.flag, out.why = worst(of); !out.has() {
		return out
	}
	n := 0
	seen := map[string]bool{}
	for _, l := range of {
		n += len(l.values)
		for _, v := range l.values {
			if c.Function == Unique && !seen[v.text] {
				seen[v.text] = true
				out.values = append(out.values, typed{text: v.text})
			}
		}
	}
	if c.Function == Count {
		out.values = []typed{{strconv.Itoa(n), Int}}
	}
	return out
}

// product computes a function on every combination of the operands' values: the first operand's values change last.
func product(c *Component, of []*list) *list {
	out := &list{}
	if out.flag, out.why = worst(of); !out.has() {
		return out
	}
	out.values = []typed{{}}
	for i, l := range of {
		if len(out.values)*len(l.values) > maxValues {
			return failed("the product of a variable's values is larger than 65,536")
		}
		next := make([]typed, 0, len(out.values)*len(l.values))
		bytes := 0
		for _, a := range out.values {
			for _, b := range l.values {
				v, why := b, ""
				if i > 0 {
					v, why = combine(c, a, b)
				}
				if bytes += len(v.text); bytes > maxListBytes {
					why = "the variable's values take more than 8 MiB"
				}
				if why != "" {
					return failed(why)
				}
				next = append(next, v)
			}
		}
		out.values = next
	}
	if c.Function == Arithmetic && len(of) == 1 {
		for _, v := range out.values {
			if _, why := combine(c, v, typed{"0", Int}); why != "" {
				return failed(why)
			}
		}
	}
	return out
}

func combine(c *Component, a, b typed) (typed, string) {
	if c.Function == Concat {
		return typed{text: a.text + b.text}, ""
	}
	x, errX := bigInteger(a.text)
	y, errY := bigInteger(b.text)
	if errX == nil && errY == nil && a.as != Float && b.as != Float {
		switch c.Text {
		case "add":
			x.Add(x, y)
		case "multiply":
			if x.BitLen()+y.BitLen() > 3000 {
				return typed{}, "a product has more than 1,000 digits"
			}
			x.Mul(x, y)
		default:
			return typed{}, "arithmetic can add and multiply, not " + strconv.Quote(c.Text)
		}
		return typed{x.String(), Int}, ""
	}
	return combineFloats(c, a, b)
}

func combineFloats(c *Component, a, b typed) (typed, string) {
	x, err := float(a.text)
	if err != nil {
		return typed{}, err.Error()
	}
	y, err := float(b.text)
	if err != nil {
		return typed{}, err.Error()
	}
	switch c.Text {
	case "add":
		x += y
	case "multiply":
		x *= y
	default:
		return typed{}, "arithmetic can add and multiply, not " + strconv.Quote(c.Text)
	}
	return typed{strconv.FormatFloat(x, 'f', -1, 64), Float}, ""
}
