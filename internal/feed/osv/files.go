package osv

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits of a feed as a whole.
const (
	maxZip       = 2 << 30 // compressed bytes
	maxDirectory = 8 << 20 // bytes of a zip's list of files; the largest real one has 4 MB
	maxPlain     = 8 << 30 // decompressed bytes of all files
	maxKept      = 44 << 20
)

// pack writes the JSON files below a directory as a zip, the same bytes for the same files. Symbolic links are not followed.
func pack(w io.Writer, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read the advisories in {1}", dir), Err: err}
	}
	defer root.Close()
	z := zip.NewWriter(w)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path.Ext(name) != ".json" {
			return err
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		out, err := z.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, io.LimitReader(f, MaxAdvisory+1))
		return err
	})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read the advisories in {1}", dir), Err: err}
	}
	return nil
}

// each reads every JSON file of a zip. What cannot be read is given with its error, and the others are read all the same.
func each(f io.ReaderAt, size int64, use func(name string, a *Advisory, err error) error) error {
	in := &limited{r: f, left: maxDirectory, limiting: true}
	z, err := zip.NewReader(in, size)
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: "cannot read the advisories", Why: "their zip file cannot be read", Err: err}
	}
	in.limiting = false
	left := int64(maxPlain)
	for _, file := range z.File {
		if path.Ext(file.Name) != ".json" {
			continue
		}
		a, n, err := parseFile(file)
		if left -= n; left < 0 {
			return patch.Errorf(patch.Exhausted, "the advisories have more than %d bytes", int64(maxPlain))
		}
		if err := use(strings.ToValidUTF8(file.Name, ""), &a, err); err != nil {
			return err
		}
	}
	return nil
}

func parseFile(file *zip.File) (a Advisory, read int64, err error) {
	r, err := file.Open()
	if err != nil {
		return a, 0, err
	}
	defer r.Close()
	m := &measured{r: r}
	a, err = Parse(m)
	return a, m.n, err
}

// limited bounds what reading a zip's list of files takes, because the list is kept in memory as a whole.
type limited struct {
	r        io.ReaderAt
	left     int64
	limiting bool
}

func (l *limited) ReadAt(p []byte, off int64) (int, error) {
	n, err := l.r.ReadAt(p, off)
	if l.left -= int64(n); l.limiting && l.left < 0 {
		return 0, fmt.Errorf("its list of files has more than %d bytes", maxDirectory)
	}
	return n, err
}

type measured struct {
	r io.Reader
	n int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	return n, err
}
