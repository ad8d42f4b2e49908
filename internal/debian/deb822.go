package debian

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
)

// Limits of one paragraph: the largest real one, in a Release file, has under 1 MB; a line of it under 64 KiB.
const (
	maxParagraph = 16 << 20
	maxFields    = 200
)

// Field is one field of a paragraph. Continuation lines are part of the value, joined by "\n" with their first blank removed.
type Field struct{ Name, Value string }

// Paragraph is one block of a control file, its fields in order.
type Paragraph []Field

// Get gives a field's value, names compared without case; empty where it is missing.
func (p Paragraph) Get(name string) string {
	v, _ := p.Find(name)
	return v
}

// Find is Get that tells a missing field from an empty one.
func (p Paragraph) Find(name string) (string, bool) {
	for i := range p {
		if strings.EqualFold(p[i].Name, name) {
			return p[i].Value, true
		}
	}
	return "", false
}

// Paragraphs reads control data (deb822(5)). It ends with the first error: a malformed line, a doubled field, a paragraph beyond
// the limits, or r's own. Comment lines are skipped.
func Paragraphs(r io.Reader) iter.Seq2[Paragraph, error] {
	return func(yield func(Paragraph, error) bool) {
		br := bufio.NewReaderSize(r, 64<<10)
		b := paragraphBuilder{}
		for {
			line, err := b.readLine(br)
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(nil, err)
				return
			case len(line) > 0:
				if fail := b.add(line); fail != nil {
					yield(nil, fail)
					return
				}
				if err == nil {
					continue
				}
			}
			if p := b.take(); len(p) > 0 && !yield(p, nil) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

type paragraphBuilder struct {
	fields Paragraph
	value  strings.Builder // of the last field
	size   int
	line   int
	buf    []byte
}

// readLine gives the next line without its end; an empty one separates paragraphs. With io.EOF the line may hold the last bytes.
func (b *paragraphBuilder) readLine(br *bufio.Reader) ([]byte, error) {
	b.buf = b.buf[:0]
	b.line++
	for {
		part, err := br.ReadSlice('\n')
		if b.size += len(part); b.size > maxParagraph {
			return nil, fault("line %d: the paragraph is longer than %d bytes", b.line, maxParagraph)
		}
		b.buf = append(b.buf, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimRight(b.buf, " \t\r\n"), err
	}
}

func (b *paragraphBuilder) add(line []byte) error {
	if line[0] == '#' {
		return nil
	}
	if line[0] == ' ' || line[0] == '\t' {
		if len(b.fields) == 0 {
			return fault("line %d: a continuation line without a field: %s", b.line, short(line))
		}
		b.value.WriteByte('\n')
		b.value.Write(line[1:])
		return nil
	}
	i := bytes.IndexByte(line, ':')
	if i <= 0 || bytes.ContainsAny(line[:i], " \t") {
		return fault("line %d: this is not a field: %s", b.line, short(line))
	}
	name := string(line[:i])
	if _, double := b.fields.Find(name); double {
		return fault("line %d: the field %s is there twice", b.line, short(name))
	}
	if len(b.fields) == maxFields {
		return fault("line %d: the paragraph has more than %d fields", b.line, maxFields)
	}
	b.close()
	b.fields = append(b.fields, Field{Name: name})
	b.value.Write(bytes.TrimLeft(line[i+1:], " \t"))
	return nil
}

func (b *paragraphBuilder) close() {
	if n := len(b.fields); n > 0 {
		b.fields[n-1].Value = b.value.String()
	}
	b.value = strings.Builder{}
}

func (b *paragraphBuilder) take() Paragraph {
	b.close()
	p := b.fields
	b.fields, b.size = nil, 0
	return p
}
