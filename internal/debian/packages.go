package debian

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// MaxPackages bounds an uncompressed Packages index in bytes; the largest suites of today have 60 MB.
const MaxPackages = 1 << 30

const maxStanza = 1 << 20

// Stanza is one binary package of a Packages index. Its slices are valid only during the call that gets it.
type Stanza struct {
	Package, Architecture, Version []byte
	Source, SourceVersion          []byte // the binary's own where the index names none
	Filename, SHA256               []byte // SHA256 in hexadecimal, unchecked
	Size                           int64  // -1 where missing
	Phased                         int    // Phased-Update-Percentage: which share of machines may have it; 100 where missing
	Description                    []byte // the short one
	Depends, PreDepends            []byte // these and the next may hold line ends: a field can be folded
	Breaks, Conflicts, Provides    []byte
	Text                           []byte // the whole paragraph, as signed
}

// ScanPackages reads a Packages index and gives each stanza to fn, without keeping any. It ends with fn's first error or at the
// first malformed stanza: an index is right from end to end or it is not used.
func ScanPackages(r io.Reader, fn func(Stanza) error) error {
	s := &stanzaScanner{r: r, buf: make([]byte, 0, 256<<10)}
	for {
		text, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		stanza, err := parseStanza(text)
		if err != nil {
			return err
		}
		if err := fn(stanza); err != nil {
			return err
		}
	}
}

// stanzaScanner cuts r at empty lines.
type stanzaScanner struct {
	r    io.Reader
	buf  []byte // unread bytes are buf[pos:]
	pos  int
	done bool
}

func (s *stanzaScanner) next() ([]byte, error) {
	searched := 0
	for {
		for searched == 0 && s.pos < len(s.buf) && s.buf[s.pos] == '\n' {
			s.pos++
		}
		rest := s.buf[s.pos:]
		if i := bytes.Index(rest[searched:], []byte("\n\n")); i >= 0 {
			s.pos += searched + i + 2
			return rest[:searched+i+1], nil
		}
		if s.done {
			s.pos = len(s.buf)
			if len(rest) == 0 {
				return nil, io.EOF
			}
			return rest, nil
		}
		if len(rest) > maxStanza {
			return nil, fault("the package index has a stanza longer than %d bytes", maxStanza)
		}
		searched = max(0, len(rest)-1)
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill moves the unread bytes to the front and reads more behind them.
func (s *stanzaScanner) fill() error {
	n := copy(s.buf, s.buf[s.pos:])
	s.buf, s.pos = s.buf[:n], 0
	if n > cap(s.buf)/2 {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for tries := 0; tries < 100; tries++ {
		m, err := s.r.Read(s.buf[n:cap(s.buf)])
		s.buf = s.buf[:n+m]
		if errors.Is(err, io.EOF) {
			s.done = true
			return nil
		}
		if err != nil || m > 0 {
			return err
		}
	}
	return io.ErrNoProgress
}

func parseStanza(text []byte) (Stanza, error) {
	s := Stanza{Size: -1, Phased: 100, Text: text}
	var folded *[]byte // the field that the last line belongs to, if it is one that goes on
	begin := 0
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		at := len(s.Text) - len(text)
		text = rest
		if len(line) == 0 || line[0] == ' ' || line[0] == '\t' {
			if folded != nil {
				*folded = bytes.TrimSpace(s.Text[begin : at+len(line)])
			}
			continue
		}
		i := bytes.IndexByte(line, ':')
		if i <= 0 {
			return s, fault("the package index has a line that is not a field: %s", short(line))
		}
		if err := s.set(line[:i], bytes.TrimSpace(line[i+1:])); err != nil {
			return s, err
		}
		folded, begin = s.relations(line[:i]), at+i+1
	}
	if len(s.Package) == 0 || len(s.Version) == 0 || len(s.Architecture) == 0 {
		return s, fault("the package index has a stanza without Package, Version or Architecture: %s", short(s.Package))
	}
	s.resolveSource()
	return s, nil
}

// relations gives those fields that may go on in the next line.
func (s *Stanza) relations(name []byte) *[]byte {
	switch string(name) {
	case "Depends":
		return &s.Depends
	case "Pre-Depends":
		return &s.PreDepends
	case "Breaks":
		return &s.Breaks
	case "Conflicts":
		return &s.Conflicts
	case "Provides":
		return &s.Provides
	}
	return nil
}

func (s *Stanza) field(name []byte) *[]byte {
	switch string(name) {
	case "Package":
		return &s.Package
	case "Architecture":
		return &s.Architecture
	case "Version":
		return &s.Version
	case "Source":
		return &s.Source
	case "Filename":
		return &s.Filename
	case "SHA256":
		return &s.SHA256
	case "Description":
		return &s.Description
	}
	return s.relations(name)
}

func (s *Stanza) set(name, value []byte) error {
	if string(name) == "Size" {
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 || s.Size >= 0 {
			return fault("the package index has a malformed or doubled Size: %s", short(value))
		}
		s.Size = n
		return nil
	}
	if string(name) == "Phased-Update-Percentage" {
		if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 && n < 100 {
			s.Phased = n
		}
		return nil
	}
	f := s.field(name)
	if f == nil {
		return nil
	}
	if *f != nil {
		return fault("the package index has the field %s twice in one stanza", name)
	}
	*f = value
	return nil
}

// resolveSource splits "name (version)" and fills in what the index leaves out because it is the binary's own.
func (s *Stanza) resolveSource() {
	if len(s.Source) == 0 {
		s.Source, s.SourceVersion = s.Package, s.Version
		return
	}
	name, version, has := bytes.Cut(s.Source, []byte(" ("))
	if !has {
		s.SourceVersion = s.Version
		return
	}
	s.Source, s.SourceVersion = name, bytes.TrimSuffix(version, []byte(")"))
}
