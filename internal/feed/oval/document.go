package oval

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fettle-project/fettle/internal/item"
)

// Document is one file of OVAL definitions.
type Document struct {
	Product     string    // who made it: "Canonical USN OVAL Generator"
	Dated       time.Time // when it was made; zero where it does not say
	Definitions []*Definition
	// Notes say, for people, what in the document could not be understood; the definitions concerned carry a Fault.
	Notes []string
}

// Class says what it means that a definition is true.
type Class string

// Classes of OVAL's ClassEnumeration.
const (
	Compliance    Class = "compliance"
	Inventory     Class = "inventory"
	Miscellaneous Class = "miscellaneous"
	PatchClass    Class = "patch"
	Vulnerability Class = "vulnerability"
)

// Definition is one definition: what it is about, and its criteria.
type Definition struct {
	ID         string
	Class      Class
	Deprecated bool
	Metadata
	// Fault says why the definition cannot be judged at all: it extends itself, has no criteria or could not be read.
	Fault    string
	Circular bool // Fault is that it extends itself

	criteria *criteria
	size     int // of the expression, with all that it extends
	mark     mark
}

// Options say how to read a document.
type Options struct {
	// Variables are values of external variables by ID; see ReadVariables.
	Variables map[string][]string
	// Family is the family of the host that is to be judged, where it is known: "unix", "windows". Classes that another family shares a
	// name with, and means something else by, are then kept apart from the host's.
	Family string
	// Recorded are the characteristics that definitions will be judged over: they answer for an object by its ID, whatever it asks for.
	Recorded *Characteristics
}

const maxNotes = 100

// Read reads a document of OVAL definitions. The error says why it is none, or too large; anything less is in the definitions.
func Read(in io.Reader, o Options) (*Document, error) {
	p := &parser{reader: newReader("OVAL document", in), options: o, doc: &Document{}, noted: map[string]bool{},
		definitions: map[string]*Definition{}, tests: map[string]*declared[item.Test]{}, objects: map[string]*declared[item.Object]{},
		states: map[string]*declared[item.State]{}, variables: map[string]*declared[item.Variable]{}}
	if err := p.root("oval_definitions", p.section); err != nil {
		return nil, err
	}
	p.link()
	return p.doc, nil
}

// parser is one run of Read.
type parser struct {
	*reader
	options     Options
	doc         *Document
	noted       map[string]bool
	definitions map[string]*Definition
	tests       map[string]*declared[item.Test]
	objects     map[string]*declared[item.Object]
	states      map[string]*declared[item.State]
	variables   map[string]*declared[item.Variable]
	order       []*declared[item.Test] // that were read
	open        []*Definition          // being settled, each extending the next
}

// section reads one child of the root.
func (p *parser) section(start xml.StartElement) error {
	readers := map[string]func(*element) error{"definitions": p.definition, "tests": p.test, "objects": p.object, "states": p.state, "variables": p.variable}
	if start.Name.Local == "generator" {
		e, _, err := p.element(start)
		p.doc.Product, p.doc.Dated = clip(e.child("product_name").words(), maxTitle), moment(e.child("timestamp").words())
		return err
	}
	read := readers[start.Name.Local]
	if read == nil {
		return p.skip()
	}
	return p.each(func(start xml.StartElement) error {
		e, whole, err := p.element(start)
		if err != nil {
			return err
		}
		if id := e.attr("id"); id == "" || len(id) > maxIdentifier {
			p.note("a %s without a usable id was left out: nothing can refer to it", e.name)
			return nil
		}
		if !whole {
			e.of = []element{{name: tooLarge}}
		}
		return read(&e)
	})
}

const (
	maxIdentifier = 512
	tooLarge      = "\x00too large" // no XML name: it marks an element whose content was left out
)

// cut reports whether an element's content was left out.
func (e *element) cut() bool { return len(e.of) == 1 && e.of[0].name == tooLarge }

func (p *parser) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !p.noted[text] && len(p.doc.Notes) < maxNotes {
		p.noted[text] = true
		p.doc.Notes = append(p.doc.Notes, text)
	}
}

// definition reads one definition. Of two with one ID, both are kept, and others extend the first.
func (p *parser) definition(e *element) error {
	d := p.named(e.attr("id"))
	if d.mark == fresh {
		p.note("there are two definitions %s", d.ID)
		d = &Definition{ID: d.ID}
	}
	*d = Definition{ID: d.ID, Class: Class(p.word(e.attr("class"))), Deprecated: isTrue(e.attr("deprecated")), Metadata: p.metadata(e.child("metadata"))}
	if e.cut() {
		d.Fault = "the definition is larger than this program reads"
	}
	for i := range e.of {
		if e.of[i].name == "criteria" && d.criteria == nil {
			c := p.criteria(&e.of[i])
			d.criteria = &c
		}
	}
	p.doc.Definitions = append(p.doc.Definitions, d)
	if len(p.doc.Definitions) > maxDefinitions {
		return errors.New("it has more definitions than this program reads")
	}
	return p.keep(d.weight())
}

const maxDefinitions = 1_000_000

// weight is about what a definition costs in memory.
func (d *Definition) weight() int {
	n := len(d.Title) + 16*len(d.Platforms) + 16*len(d.Products)
	for _, c := range d.CVEs {
		n += 16 + len(c)
	}
	return n + d.criteria.weight()
}
