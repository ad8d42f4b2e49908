package sdp

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits on foreign bytes.
const (
	maxToken    = 1 << 20   // bytes of one tag or run of text
	maxNesting  = 60        // elements within each other
	maxParts    = 50_000    // elements and attributes of one package
	maxText     = 4 << 20   // bytes of text of one package
	maxDocument = 256 << 20 // bytes of one document
	maxKept     = 40 << 20  // bytes of everything that is kept of a set, roughly
)

var (
	errNoPackage = errors.New("it has no SoftwareDistributionPackage")
	errTooLong   = errors.New("it is longer than this program reads")
	errTooMuch   = errors.New("there is more in it than this program keeps")
)

// element is one element with all that is within it.
type element struct {
	name  string
	attrs []xml.Attr
	text  string
	of    []element
}

// attr gives an attribute that is in no namespace; has is false where there is none.
func (e *element) attr(name string) (value string, has bool) {
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name && e.attrs[i].Name.Space == "" {
			return strings.TrimSpace(e.attrs[i].Value), true
		}
	}
	return "", false
}

// get is attr for what may be left out.
func (e *element) get(name string) string {
	value, _ := e.attr(name)
	return value
}

func (e *element) yes(name string) bool {
	v := e.get(name)
	return v == "true" || v == "1"
}

// child finds the first child of a name; nil where there is none.
func (e *element) child(name string) *element {
	for i := range e.of {
		if e.of[i].name == name {
			return &e.of[i]
		}
	}
	return nil
}

// texts gives the text of every child of a name.
func (e *element) texts(name string) (all []string) {
	if e == nil {
		return nil
	}
	for i := range e.of {
		if e.of[i].name == name {
			all = append(all, e.of[i].words())
		}
	}
	return all
}

func (e *element) words() string {
	if e == nil {
		return ""
	}
	return strings.Join(strings.Fields(e.text), " ")
}

// meter stops a decoder that reads too much for one token or in all.
type meter struct {
	r            io.Reader
	token, total int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.token > maxToken || m.total > maxDocument {
		return 0, errTooLong
	}
	n, err := m.r.Read(p)
	m.token += n
	m.total += n
	return n, err
}

// reader walks an XML document within the limits.
type reader struct {
	meter meter
	dec   *xml.Decoder
	depth int
}

func newReader(in io.Reader) *reader {
	r := &reader{meter: meter{r: in}}
	r.dec = xml.NewDecoder(&r.meter)
	r.dec.CharsetReader = charset
	return r
}

// charset reads UTF-8 under the names that it goes by; other encodings are refused.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "utf-16", "unicode": // the bytes of UTF-16 have become UTF-8 before
		return in, nil
	}
	return nil, errors.New("it is in the encoding " + clip(label, 40))
}

func (r *reader) next() (xml.Token, error) {
	r.meter.token = 0
	t, err := r.dec.RawToken()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case xml.StartElement:
		if r.depth++; r.depth > maxNesting {
			return nil, errors.New("its elements are nested too deeply")
		}
	case xml.EndElement:
		if r.depth--; r.depth < 0 {
			return nil, errors.New("it ends more elements than it begins")
		}
	case xml.Directive:
		if strings.HasPrefix(strings.TrimSpace(string(t)), "DOCTYPE") {
			return nil, errors.New("it has a document type declaration")
		}
	}
	return t, nil
}

// fill reads the rest of an element. What is beyond the budget is read and dropped; left is negative then.
func (r *reader) fill(e *element, start xml.StartElement, left *budget) error {
	e.name = local(start.Name)
	left.parts -= 1 + len(start.Attr)
	for _, a := range start.Attr {
		left.text -= len(a.Value)
		if a.Name.Space != "xmlns" && left.text >= 0 {
			e.attrs = append(e.attrs, a)
		}
	}
	for {
		t, err := r.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			var child element
			if err := r.fill(&child, t, left); err != nil {
				return err
			}
			if left.parts >= 0 && left.text >= 0 {
				e.of = append(e.of, child)
			}
		case xml.CharData:
			if left.text -= len(t); left.text >= 0 {
				e.text += string(t)
			}
		case xml.EndElement:
			if local(t.Name) != e.name {
				return errors.New("an element ends that another began")
			}
			return nil
		}
	}
}

type budget struct{ parts, text int }

func (b budget) kept() bool { return b.parts >= 0 && b.text >= 0 }

func local(n xml.Name) string { return n.Local }

// packages calls do for every SoftwareDistributionPackage in a document, wherever it is.
func (r *reader) packages(do func(e *element, whole bool) error) error {
	found := false
	for {
		t, err := r.next()
		switch {
		case errors.Is(err, io.EOF) && r.depth == 0 && found:
			return nil
		case errors.Is(err, io.EOF) && r.depth > 0:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return errNoPackage
		case err != nil:
			return err
		}
		if start, ok := t.(xml.StartElement); ok && local(start.Name) == "SoftwareDistributionPackage" {
			found = true
			var e element
			left := budget{parts: maxParts, text: maxText}
			if err := r.fill(&e, start.Copy(), &left); err != nil {
				return err
			}
			if err := do(&e, left.kept()); err != nil {
				return err
			}
		}
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

func refuse(what string, err error) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read {1}", what), Err: err, Do: "Get the file again from where it came from."}
}
