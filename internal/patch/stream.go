package patch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
)

// WriteWithout writes a struct as json.Marshal would, whose member "machines" is nil, with a list of values in its place: one after the other, so that
// a plan for a large fleet is never there as text all at once.
func WriteWithout(to io.Writer, frame any, machines iter.Seq[any]) error {
	text, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	before, after, found := bytes.Cut(text, []byte(`,"machines":null`)) // no text in JSON holds a quotation mark that is not escaped
	if !found {
		return Errorf(Internal, "there is no place for machines")
	}
	w := bufio.NewWriterSize(to, 64<<10)
	_, _ = w.Write(before) // an error stays with the writer, and Flush tells it
	_, _ = w.WriteString(`,"machines":`)
	some := false
	for m := range machines {
		text, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if some {
			_ = w.WriteByte(',')
		} else {
			_ = w.WriteByte('[')
		}
		some = true
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if some {
		_ = w.WriteByte(']')
	} else {
		_, _ = w.WriteString("null")
	}
	_, _ = w.Write(after)
	return w.Flush()
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
	return WriteWithout(to, p, func(yield func(any) bool) {
		for i := range all {
			if !yield(&all[i]) {
				return
			}
		}
	})
}
