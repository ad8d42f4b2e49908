package rpmdb

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits: the largest real databases have under 10,000 packages and 1 GB; the largest real header, that of a package with 100,000
// files, has 10 MB.
const (
	maxFile     = 4 << 30
	maxPackages = 100_000
	maxBlob     = 32 << 20
	maxPage     = 64 << 10
	// maxTries is how often a database that changes while it is read is read again.
	maxTries = 5
)

// File is an open database file.
type File interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// forms are the files that rpm keeps its packages in, the newest form first: where several are there, older ones are left over.
var forms = [...]struct {
	name string
	read func(f *source, open func(string) (File, error), each func(blob []byte) error) error
}{
	{"rpmdb.sqlite", readSQLite},
	{"Packages.db", readNDB},
	{"Packages", readBDB},
}

// Read gives the packages of the database in one folder, whose files open opens by name, sorted by name, architecture and version. A
// folder without a database is an error of kind patch.NotFound.
func Read(open func(name string) (File, error)) ([]patch.Package, error) {
	all, err := readAll(open, func(blob []byte) (patch.Package, bool, error) {
		p, err := parseHeader(blob)
		return p, true, err
	})
	slices.SortFunc(all, byName)
	return all, err
}

// readAll gives what parse makes of the packages that it keeps.
func readAll[T any](open func(name string) (File, error), parse func(blob []byte) (v T, keep bool, err error)) ([]T, error) {
	for _, form := range forms {
		f, err := open(form.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.Close()
		for try := 1; ; try++ {
			before := stampOf(open, form.name)
			all, err := readOnce(open, form.name, form.read, parse)
			switch {
			case before == stampOf(open, form.name):
				return all, err
			case try == maxTries:
				return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", form.name), Why: "rpm is changing it right now", Err: err,
					Do: "Nothing was judged. Try again when rpm has finished."}
			}
		}
	}
	return nil, patch.Errorf(patch.NotFound, "there is no rpm database")
}

// readOnce reads one file from beginning to end.
func readOnce[T any](open func(string) (File, error), name string, read func(*source, func(string) (File, error), func([]byte) error) error,
	parse func([]byte) (T, bool, error)) ([]T, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := newSource(f)
	if err != nil {
		return nil, err
	}
	var out []T
	count := 0
	err = read(src, open, func(blob []byte) error {
		v, keep, err := parse(blob)
		if keep {
			out = append(out, v)
		}
		if count++; err == nil && count > maxPackages {
			err = fault("it names more than %d packages", maxPackages)
		}
		return err
	})
	if err == nil && count == 0 {
		err = fault("it names no package")
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func byName(a, b patch.Package) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
}

// stamp tells one state of a database's files from another.
type stamp [2]struct{ size, time int64 }

func stampOf(open func(string) (File, error), name string) (s stamp) {
	for i, n := range []string{name, name + "-wal"} {
		if f, err := open(n); err == nil {
			if st, err := f.Stat(); err == nil {
				s[i].size, s[i].time = st.Size(), st.ModTime().UnixNano()
			}
			f.Close()
		}
	}
	return s
}

// source reads a file in pieces, through a window that follows the reader: pages that belong together mostly lie together.
type source struct {
	f      io.ReaderAt
	size   int64
	window []byte
	at     int64
}

func newSource(f File) (*source, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxFile {
		return nil, fault("it is larger than %d GiB", maxFile>>30)
	}
	return &source{f: f, size: st.Size()}, nil
}

// read fills b from offset at; a file that ends before is cut off.
func (s *source) read(b []byte, at int64) error {
	if at < 0 || at+int64(len(b)) > s.size {
		return fault("it is cut off: it points to byte %d and has %d", at+int64(len(b)), s.size)
	}
	if len(b) > maxPage {
		return s.fill(b, at)
	}
	if at < s.at || at+int64(len(b)) > s.at+int64(len(s.window)) {
		if s.window == nil {
			s.window = make([]byte, 0, 2*maxPage)
		}
		s.window, s.at = s.window[:min(int64(cap(s.window)), s.size-at)], at
		if err := s.fill(s.window, at); err != nil {
			s.window = s.window[:0]
			return err
		}
	}
	copy(b, s.window[at-s.at:])
	return nil
}

func (s *source) fill(b []byte, at int64) error {
	if n, err := s.f.ReadAt(b, at); n < len(b) {
		return patch.Errorf(patch.Invalid, "it cannot be read at byte %d: %w", at+int64(n), err)
	}
	return nil
}

// fault is an error about bytes that are no valid database.
func fault(format string, args ...any) error {
	return patch.Errorf(patch.Invalid, format, args...)
}
