package oval

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MaxDocument is how many bytes of XML are read of one document, decompressed.
const MaxDocument = 1 << 30

// Limits on foreign bytes. 50,000 definitions of a Linux distribution's packages take 64 MB, of which 44 are kept.
const (
	maxToken   = 1 << 20  // bytes of one tag or run of text
	maxNesting = 100      // elements within each other
	maxParts   = 100_000  // elements and attributes within one definition, test, object, state, variable or item
	maxElement = 4 << 20  // bytes of text within one of them
	maxKept    = 64 << 20 // bytes of everything that is kept of a document, roughly
)

const (
	nsDefinitions = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
	nsSchema      = "http://www.w3.org/2001/XMLSchema-instance"
)

// element is one element with all that is within it.
type element struct {
	space, name string
	attrs       []xml.Attr
	text        string
	of          []element
}

// attr gives an attribute that is in no namespace; empty where there is none.
func (e *element) attr(name string) string {
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name && e.attrs[i].Name.Space == "" {
			return e.attrs[i].Value
		}
	}
	return ""
}

// null reports xsi:nil.
func (e *element) null() bool {
	for i := range e.attrs {
		if a := &e.attrs[i]; a.Name.Local == "nil" && (a.Name.Space == nsSchema || a.Name.Space == "xsi") {
			return isTrue(a.Value)
		}
	}
	return false
}

// child finds the first child of a name, or one with nothing in it.
func (e *element) child(name string) *element {
	for i := range e.of {
		if e.of[i].name == name {
			return &e.of[i]
		}
	}
	return &element{}
}

// words is the text without the white space of its layout.
func (e *element) words() string { return strings.Join(strings.Fields(e.text), " ") }

func isTrue(s string) bool { return s == "true" || s == "1" }

// reader walks an XML document within the limits.
type reader struct {
	what  string // "OVAL document", for errors
	meter meter
	dec   *xml.Decoder
	depth int
	kept  int
	words map[string]string
}

// meter stops a decoder that reads too much for one token or in all.
type meter struct {
	r            io.Reader
	token, total int
}

var (
	errTooLong = errors.New("it is longer than this program reads")
	errTooMuch = errors.New("there is more in it than this program keeps of one document")
)

func (m *meter) Read(p []byte) (int, error) {
	if m.token > maxToken || m.total > MaxDocument {
		return 0, errTooLong
	}
	n, err := m.r.Read(p)
	m.token += n
	m.total += n
	return n, err
}

func newReader(what string, in io.Reader) *reader {
	r := &reader{what: what, meter: meter{r: in}, words: map[string]string{}}
	r.dec = xml.NewDecoder(&r.meter)
	r.dec.CharsetReader = latin
	return r
}

// latin lets documents through that say they are in a character set of which ASCII is a part; anything else is refused.
func latin(charset string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "us-ascii", "ascii":
		return in, nil
	}
	return nil, fmt.Errorf("the character set %.40q is not one that this program reads", charset)
}

// next gives the next start or end tag or text.
func (r *reader) next() (xml.Token, error) {
	for {
		r.meter.token = 0
		t, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if r.depth++; r.depth > maxNesting {
				return nil, errors.New("its elements are nested too deeply")
			}
			return t, nil
		case xml.EndElement:
			r.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, errors.New("it has a document type declaration, which could define entities")
		}
	}
}

// each calls do for every child of the element whose start tag was read last. do must read the child to its end, by element or each.
func (r *reader) each(do func(xml.StartElement) error) error {
	for {
		t, err := r.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := do(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// root reads the start tag of the document and calls do for each of its children.
func (r *reader) root(name string, do func(xml.StartElement) error) error {
	for {
		t, err := r.next()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return r.fail(err)
		}
		if start, ok := t.(xml.StartElement); ok {
			if start.Name.Local != name {
				return r.fail(fmt.Errorf("its root element is %.60q, not %q", start.Name.Local, name))
			}
			break
		}
	}
	if err := r.each(do); err != nil {
		return r.fail(err)
	}
	for {
		if _, err := r.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return r.fail(err)
		}
	}
}

func (r *reader) fail(err error) error {
	line, _ := r.dec.InputPos()
	do := "Get the file again from where it came from."
	if errors.Is(err, errTooMuch) || errors.Is(err, errTooLong) {
		do = "Use documents about one release or one product."
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Format("cannot read the %s beyond line %d", r.what, line), Err: err, Do: phrase.Verbatim(do)}
}

// skip reads an element without keeping anything.
func (r *reader) skip() error {
	return r.each(func(xml.StartElement) error { return r.skip() })
}

// element reads one element whole. Where it is too large, it is read to its end and whole is false.
func (r *reader) element(start xml.StartElement) (e element, whole bool, err error) {
	left := budget{parts: maxParts, text: maxElement}
	err = r.fill(&e, start, &left)
	return e, left.parts >= 0 && left.text >= 0, err
}

type budget struct{ parts, text int }

func (r *reader) fill(e *element, start xml.StartElement, left *budget) error {
	e.space, e.name, e.attrs = start.Name.Space, r.word(start.Name.Local), start.Attr
	left.parts -= 1 + len(start.Attr)
	for _, a := range start.Attr {
		left.text -= len(a.Value)
	}
	var text []byte
	for {
		t, err := r.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if left.parts < 0 || left.text < 0 {
				if err := r.skip(); err != nil {
					return err
				}
				continue
			}
			e.of = append(e.of, element{})
			if err := r.fill(&e.of[len(e.of)-1], t, left); err != nil {
				return err
			}
		case xml.CharData:
			if left.text -= len(t); left.text >= 0 {
				text = append(text, t...)
			}
		case xml.EndElement:
			e.text = string(text)
			return nil
		}
	}
}

// word gives one string for equal names, so that they are kept once.
func (r *reader) word(s string) string {
	if w, ok := r.words[s]; ok {
		return w
	}
	if len(r.words) < 10_000 && len(s) < 100 {
		r.words[s] = s
	}
	return s
}

// keep counts what stays in memory.
func (r *reader) keep(bytes int) error {
	if r.kept += bytes; r.kept > maxKept {
		return errTooMuch
	}
	return nil
}
