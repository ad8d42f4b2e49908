package apps

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits on foreign bytes.
const (
	maxFile  = 1 << 20  // bytes of one definition or manifest
	maxFiles = 100_000  // of one directory or zip
	maxKept  = 40 << 20 // bytes of everything that is kept of a set, roughly
	maxZip   = 256 << 20
)

var errTooMuch = errors.New("there are more definitions than this program keeps")

// Set is apps from any number of files.
type Set struct {
	Apps []*App
	// Notes say, for people, what could not be read at all, and why an app is not understood.
	Notes []string

	parts map[string]*wingetParts // of winget manifests that are spread over files
	kept  int
	seen  map[patch.ID]bool
}

// Unclear counts the files and apps that are not understood.
func (s *Set) Unclear() int { return len(s.Notes) }

func (s *Set) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func (s *Set) add(a *App) error {
	a.check()
	if a.ID == "" {
		s.note("%s: a definition without an id was left out", a.from)
		return nil
	}
	if s.seen == nil {
		s.seen = map[patch.ID]bool{}
	}
	if s.seen[a.patchID()] {
		s.note("%s: there are two definitions of %s", a.from, a.patchID())
		return nil
	}
	s.seen[a.patchID()] = true
	if a.fault != "" {
		s.note("%s: %s is not understood: %s", a.from, a.patchID(), a.fault)
	}
	s.kept += 1500 + len(a.Name) + len(a.Publisher) + 400*len(a.Match) + 60*len(a.CVEs)
	for i := range a.Packages {
		s.kept += 300 + len(a.Packages[i].URL) + len(a.Packages[i].Switches)
	}
	if s.kept > maxKept {
		return errTooMuch
	}
	s.Apps = append(s.Apps, a)
	return nil
}

// Read adds one file by what its name and content say it is: our own YAML, a winget manifest, or a Scoop manifest (.json).
func (s *Set) Read(name string, in io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", name), Err: err}
	case len(b) > maxFile:
		s.note("%s: it is larger than this program reads", name)
		return nil
	case strings.EqualFold(path.Ext(name), ".json"):
		return s.scoop(name, b)
	}
	var head struct {
		ManifestType string `yaml:"ManifestType"`
		Identifier   string `yaml:"PackageIdentifier"`
	}
	if yaml.Unmarshal(b, &head) == nil && head.ManifestType+head.Identifier != "" {
		return s.winget(name, head.ManifestType, b)
	}
	return s.own(name, b)
}

// own reads definitions in our own format, one in each document of the file.
func (s *Set) own(name string, b []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	for {
		a := App{from: name, source: "apps"}
		err := dec.Decode(&a)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			why := strings.Join(strings.Fields(err.Error()), " ")
			if idPattern().MatchString(a.ID) { // kept, so that it is judged "error" and not forgotten
				a.fault = why
				return s.add(&a)
			}
			s.note("%s: it is not understood: %s", name, why)
			return nil
		}
		if err := s.add(&a); err != nil {
			return err
		}
	}
}

func readable(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// ReadPath adds a file, or the files of a directory and those below.
func (s *Set) ReadPath(from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open the app definitions {1}", from), Err: err}
	}
	names := []string{from}
	if info.IsDir() {
		names = nil
		err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && readable(name) {
				names = append(names, name)
			}
			if len(names) > maxFiles {
				err = errTooMuch
			}
			return err
		})
		if err == nil && len(names) == 0 {
			err = errors.New("there are none")
		}
		if err != nil {
			return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the app definitions in {1}", from), Err: err, Do: "Name a directory with .yaml or .json files."}
		}
		slices.Sort(names)
	}
	for _, name := range names {
		if err := s.readFile(name); err != nil {
			return err
		}
	}
	return s.Finish()
}

func (s *Set) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", name), Err: err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", name), Err: err}
	}
	return s.ReadAny(name, f, info.Size())
}

// ReadAny adds one file, or those within a zip. Finish ends a set.
func (s *Set) ReadAny(name string, in io.ReaderAt, size int64) error {
	var magic [4]byte
	if n, _ := in.ReadAt(magic[:], 0); n < 4 || string(magic[:]) != "PK\x03\x04" {
		return s.Read(filepath.Base(name), io.NewSectionReader(in, 0, size))
	}
	z, err := zip.NewReader(in, size)
	if err == nil && len(z.File) > maxFiles {
		err = errTooMuch
	}
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the app definitions in {1}", name), Err: err, Do: "Get the file again from where it came from."}
	}
	for _, f := range z.File {
		if !readable(f.Name) || f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			s.note("%s: %s", f.Name, err)
			continue
		}
		err = s.Read(path.Base(f.Name), r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
