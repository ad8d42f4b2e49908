package msrc

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind is the patch.Feed.Kind of Microsoft's security documents.
const Kind = "msrc"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 2

var errUnknown = errors.New("it is neither a CVRF nor a CSAF document")

func errShape(err error) error {
	if err != nil {
		return err
	}
	return errUnknown
}

// Read adds one document: CVRF as JSON or XML, or CSAF.
func (s *Set) Read(name string, in io.Reader) error {
	m := &meter{r: bufio.NewReaderSize(in, 64<<10)}
	head, _ := m.r.(*bufio.Reader).Peek(512)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	var p pending
	var err error
	switch {
	case len(head) > 0 && head[0] == '<':
		if err = p.cvrfXML(m); err == nil && p.products == nil {
			err = errUnknown
		}
	case len(head) > 0 && head[0] == '{':
		err = s.json(m, &p)
	default:
		err = errUnknown
	}
	if err == nil {
		err = p.finish(s)
	}
	if err == nil {
		return nil
	}
	do := "Get the file again from where it came from."
	if errors.Is(err, errTooMuch) {
		do = "Use fewer documents."
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read {1}", name), Err: err, Do: phrase.Verbatim(do)}
}

// json reads an object's members; a CSAF advisory is put together again from them.
func (s *Set) json(m *meter, p *pending) error {
	dec := json.NewDecoder(skipMark(m))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errShape(err)
	}
	var advisory csaf
	known := false
	for dec.More() {
		m.value = 0
		t, err := dec.Token()
		if err != nil {
			return err
		}
		member, _ := t.(string)
		switch member {
		case "document":
			err, known = dec.Decode(&advisory.Document), true
		case "product_tree":
			err, known = dec.Decode(&advisory.Tree), true
		case "vulnerabilities":
			err, known = dec.Decode(&advisory.Vulnerabilities), true
		default:
			known = known || member == "Vulnerability" || member == "ProductTree"
			err = p.cvrfJSON(m, dec, member)
		}
		if err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if !known {
		return errUnknown
	}
	return advisory.add(s)
}

// skipMark drops a byte order mark.
func skipMark(m *meter) io.Reader {
	b := m.r.(*bufio.Reader)
	if head, _ := b.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3)
	}
	return m
}

func readable(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".xml":
		return true
	}
	return false
}

// ReadAny adds one document, or those within a zip.
func (s *Set) ReadAny(name string, in io.ReaderAt, size int64) error {
	var magic [4]byte
	if n, _ := in.ReadAt(magic[:], 0); n < 4 || string(magic[:]) != "PK\x03\x04" {
		return s.Read(name, io.NewSectionReader(in, 0, size))
	}
	z, err := zip.NewReader(in, size)
	if err == nil && len(z.File) > maxFiles {
		err = errTooMuch
	}
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read {1}", name), Err: err, Do: "Get the file again from where it came from."}
	}
	for _, f := range z.File {
		if !readable(f.Name) {
			continue
		}
		r, err := f.Open()
		if err == nil {
			err = s.Read(f.Name, r)
			r.Close()
		}
		if errors.Is(err, errTooMuch) {
			return err
		}
		if err != nil {
			s.note("%s", err)
		}
	}
	return nil
}

// ReadPath adds a file, or the .json and .xml files of a directory and those below.
func (s *Set) ReadPath(from string) error {
	var names []string
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (name == from || readable(name)) {
			names = append(names, name)
		}
		if len(names) > maxFiles {
			err = errTooMuch
		}
		return err
	})
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open Microsoft's documents {1}", from), Err: err}
	}
	slices.Sort(names)
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", name), Err: err}
		}
		info, err := f.Stat()
		if err == nil {
			err = s.ReadAny(filepath.Base(name), f, info.Size())
		}
		f.Close()
		if err != nil && (len(names) == 1 || errors.Is(err, errTooMuch)) {
			return err
		}
		if err != nil {
			s.note("%s", err)
		}
	}
	return nil
}

// NewFetcher fetches documents: one, or a zip of many.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxDocument, Survey: func(_ context.Context, sub patch.Feed, raw feed.Raw) (feed.Contents, error) {
		var s Set
		err := s.ReadAny(raw.Name, raw, raw.Size)
		return feed.Contents{Definitions: s.Count(sub.OS), Dated: s.Dated()}, err
	}}
}

// Generation gives the patches of a generation for a host OS.
func Generation(os patch.HostOS, state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) ([]detect.Entry, error) {
	var s Set
	err := feed.WithFile(state.Origins[0], open, s.ReadAny)
	return s.Entries(os), err
}
