package rpm

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits of every XML file of a repository. Real ones nest 7 deep; the longest text, a description, has some 200 KB.
const (
	maxDepth = 32
	maxToken = 1 << 20
	maxText  = 64 << 10
	maxAttrs = 64
)

// event is the beginning or the end of an element.
type event struct {
	name  string // without namespace prefix
	end   bool
	text  string     // end: the element's own text, trimmed, at most maxText bytes of it
	attrs []xml.Attr // begin
}

// attr gives the attribute of this local name, empty where there is none.
func (e *event) attr(name string) string {
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name {
			return e.attrs[i].Value
		}
	}
	return ""
}

// scanner reads an XML file element by element. It keeps nothing but the open elements' names and the newest text, so its memory does
// not grow with the file.
type scanner struct {
	what string // for errors: "updateinfo"
	root string
	d    *xml.Decoder
	in   *rationed
	open []string
	text strings.Builder
	done bool

	checksum string // the type of the newest checksum element
}

func newScanner(r io.Reader, what, root string) *scanner {
	in := &rationed{r: r}
	s := &scanner{what: what, root: root, in: in, d: xml.NewDecoder(in)}
	return s
}

// next gives the next beginning or end of an element; io.EOF after the root's end.
func (s *scanner) next() (event, error) {
	for {
		s.in.left = maxToken
		token, err := s.d.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) && s.done {
				return event{}, io.EOF
			}
			return event{}, s.fault(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			return s.begin(t)
		case xml.EndElement:
			return s.finish(t)
		case xml.CharData:
			if room := maxText - s.text.Len(); room > 0 {
				s.text.Write(t[:min(len(t), room)])
			}
		}
	}
}

func (s *scanner) begin(t xml.StartElement) (event, error) {
	switch {
	case s.done || len(s.open) == 0 && t.Name.Local != s.root:
		return event{}, s.fault(fmt.Errorf("its root is <%.40s>, not <%s>", t.Name.Local, s.root))
	case len(s.open) == maxDepth:
		return event{}, s.fault(fmt.Errorf("its elements nest deeper than %d", maxDepth))
	case len(t.Attr) > maxAttrs:
		return event{}, s.fault(fmt.Errorf("<%.40s> has more than %d attributes", t.Name.Local, maxAttrs))
	}
	s.open = append(s.open, t.Name.Local)
	s.text.Reset()
	return event{name: t.Name.Local, attrs: t.Attr}, nil
}

func (s *scanner) finish(t xml.EndElement) (event, error) {
	if len(s.open) == 0 || s.open[len(s.open)-1] != t.Name.Local {
		return event{}, s.fault(fmt.Errorf("</%.40s> ends no open element", t.Name.Local))
	}
	s.open = s.open[:len(s.open)-1]
	s.done = len(s.open) == 0
	text := strings.TrimSpace(s.text.String())
	s.text.Reset()
	return event{name: t.Name.Local, end: true, text: text}, nil
}

// parent is the element around the one that next gave last.
func (s *scanner) parent(e *event) string {
	n := len(s.open)
	if !e.end {
		n--
	}
	if n <= 0 {
		return ""
	}
	return s.open[n-1]
}

func (s *scanner) fault(err error) error {
	if judged := (*patch.Error)(nil); errors.As(err, &judged) {
		return judged
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is cut off")
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the file {1}", s.what), Err: err}
}

// rationed gives at most left bytes: the decoder keeps one token at a time, so this bounds its memory.
type rationed struct {
	r    io.Reader
	left int
}

func (r *rationed) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("it holds a text of more than %d bytes", maxToken)
	}
	n, err := r.r.Read(p)
	r.left -= n
	return n, err
}

// budget bounds what one file's entries may keep in memory.
type budget struct{ left int }

// maxKept is more than the largest real repository needs (70,000 packages, 31 MB).
const maxKept = 44 << 20

func newBudget() *budget { return &budget{left: maxKept} }

func (b *budget) spend(what string, n int) error {
	if b.left -= n; b.left < 0 {
		return &patch.Error{Kind: patch.Exhausted, What: phrase.Of("cannot read the file {1}", what), Why: phrase.Format("its entries need more than %d bytes", maxKept)}
	}
	return nil
}

// word keeps a name of the vendor's as it is, if it can be one, else nothing: no blanks, no control characters, at most 256 bytes.
func word(s string) string {
	if len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return strings.Clone(s)
}
