package sdp

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	maxFiles = 100_000
	maxCab   = 512 << 20
)

// readable reports a name that packages are looked for in.
func readable(name string) bool {
	switch strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/"))) {
	case ".sdp", ".xml":
		return true
	}
	return false
}

// ReadAny adds what is in a file: a package, a catalog, a cabinet or a zip of such. What the files within a cabinet are, their names say;
// one that is damaged is noted, and the others are read.
func (s *Set) ReadAny(name string, in io.ReaderAt, size int64) error {
	var magic [4]byte
	if _, err := in.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return refuse(name, err)
	}
	body := io.NewSectionReader(in, 0, size)
	var err error
	switch string(magic[:]) {
	case "MSCF":
		err = s.readCabinet(name, body)
	case "PK\x03\x04":
		err = s.readZip(name, in, size)
	default:
		return s.Read(name, body)
	}
	if err != nil {
		return refuse(name, err)
	}
	return nil
}

func (s *Set) readCabinet(name string, in io.Reader) error {
	found := 0
	err := cabinet(io.LimitReader(in, maxCab), func(inner string, r io.Reader) error {
		if !readable(inner) {
			return nil
		}
		found++
		return s.readInner(name+": "+inner, r)
	})
	if err == nil && found == 0 {
		err = errors.New("it holds neither .sdp nor .xml files")
	}
	return err
}

func (s *Set) readZip(name string, in io.ReaderAt, size int64) error {
	z, err := zip.NewReader(in, size)
	if err != nil {
		return err
	}
	if len(z.File) > maxFiles {
		return errTooMuch
	}
	for _, f := range z.File {
		if !readable(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = s.readInner(name+": "+f.Name, r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// readInner reads one of many files: only what concerns them all is an error. Others of a catalog's files are no packages.
func (s *Set) readInner(name string, r io.Reader) error {
	err := s.Read(name, r)
	switch {
	case err == nil || errors.Is(err, errNoPackage):
		return nil
	case errors.Is(err, errTooMuch) || errors.Is(err, errTooLong):
		return err
	}
	s.note("%s", err)
	return nil
}

// ReadPath adds what is in a file, or in the .sdp, .xml and .cab files of a directory and those below.
func (s *Set) ReadPath(from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open the software packages {1}", from), Err: err}
	}
	if !info.IsDir() {
		return s.readFile(from)
	}
	var names []string
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (readable(name) || strings.EqualFold(filepath.Ext(name), ".cab")) {
			names = append(names, name)
		}
		if len(names) > maxFiles {
			err = errTooMuch
		}
		return err
	})
	if err != nil {
		return refuse(from, err)
	}
	if len(names) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("there are no software packages in {1}", from), Do: "Name a directory with .sdp, .xml or .cab files."}
	}
	slices.Sort(names)
	for _, name := range names {
		switch err := s.readFile(name); {
		case err == nil || errors.Is(err, errNoPackage):
		case errors.Is(err, errTooMuch) || errors.Is(err, errTooLong):
			return err
		default:
			s.note("%s", err)
		}
	}
	return nil
}

func (s *Set) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", name), Err: err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return refuse(name, err)
	}
	return s.ReadAny(filepath.Base(name), f, info.Size())
}
