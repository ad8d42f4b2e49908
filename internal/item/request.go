package item

import (
	"slices"
	"strconv"
)

// Every, as the only name of Fields, stands for all fields.
const Every = "*"

// Key names what is asked, canonically: two requests have the same key exactly if they ask for the same items. Fields are no part of
// it: facts that hold more fields than are asked for answer as well.
func (r *Request) Key() string {
	if r.key != "" {
		return r.key
	}
	return string(r.appendKey(make([]byte, 0, 128)))
}

func (r *Request) appendKey(b []byte) []byte {
	for i := range r.Entities {
		w := &r.Entities[i]
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, w.Name...)
		if w.Nil {
			b = append(b, "=nil"...)
			continue
		}
		b = append(b, operationMarks[w.Operation]...)
		if w.Datatype != String {
			b = append(b, datatypeNames[w.Datatype]...)
		}
		if len(w.Values) != 1 {
			b = append(b, checkNames[w.Check]...)
			b = append(b, '(')
		}
		for k, v := range w.Values {
			if k > 0 {
				b = append(b, ',')
			}
			b = appendQuoted(b, v)
		}
		if len(w.Values) != 1 {
			b = append(b, ')')
		}
	}
	for _, v := range r.Behaviors {
		b = append(b, " +"...)
		b = append(b, v.Name...)
		b = append(b, '=')
		b = strconv.AppendQuote(b, v.Value)
	}
	return b
}

// appendOneFile is appendKey for an object that is one file.
func appendOneFile(b []byte, dir, name string) []byte {
	b = appendQuoted(append(b, "path="...), dir)
	return appendQuoted(append(b, " filename="...), name)
}

// appendQuoted is strconv.AppendQuote, faster for ASCII.
func appendQuoted(b []byte, s string) []byte {
	before := len(b)
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~':
			return strconv.AppendQuote(b[:before], s)
		case c == '"' || c == '\\':
			b = append(append(b, s[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, s[from:]...), '"')
}

// Wants reports whether a field must be given.
func (r *Request) Wants(field string) bool { return wants(r.Fields, field) }

func wants(fields []string, field string) bool {
	return slices.Contains(fields, field) || len(fields) == 1 && fields[0] == Every
}
