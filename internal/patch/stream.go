package patch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
)

// WriteWithout writes a struct as json.Marshal would, one of whose members is nil, with a list of values in its place: one after the other, so that
// what there is of a large fleet is never there as text all at once.
func WriteWithout(to io.Writer, frame any, member string, values iter.Seq[any]) error {
	text, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	name := []byte(`"` + member + `":`)
	before, after, found := bytes.Cut(text, append(name, "null"...)) // no text in JSON holds a quotation mark that is not escaped
	if !found {
		return Errorf(Internal, "there is no place for %s", member)
	}
	w := bufio.NewWriterSize(to, 64<<10)
	_, _ = w.Write(before) // an error stays with the writer, and Flush tells it
	_, _ = w.Write(name)
	next, each := byte('['), json.NewEncoder(unended{w})
	for v := range values {
		_ = w.WriteByte(next)
		next = ','
		if a, ok := v.(Appender); ok {
			b, err := a.AppendJSON(w.AvailableBuffer())
			if err != nil {
				return err
			}
			_, _ = w.Write(b)
		} else if err := each.Encode(v); err != nil {
			return err
		}
	}
	if next == ',' {
		_ = w.WriteByte(']')
	} else {
		_, _ = w.WriteString("null")
	}
	_, _ = w.Write(after)
	return w.Flush()
}

// unended leaves out the line's end that an encoder writes after each value.
type unended struct{ w *bufio.Writer }

// Write implements io.Writer.
func (u unended) Write(b []byte) (int, error) {
	_, err := u.w.Write(bytes.TrimSuffix(b, []byte("\n")))
	return len(b), err
}

// WriteJSON writes a plan as json.Marshal would.
func (p Plan) WriteJSON(to io.Writer) error {
	all := p.Machines
	if len(all) == 0 {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = to.Write(b)
		return err
	}
	p.Machines = nil
	return WriteWithout(to, p, "machines", func(yield func(any) bool) {
		for i := range all {
			if !yield(&all[i]) {
				return
			}
		}
	})
}
