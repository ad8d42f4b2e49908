package host

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
)

// openIn opens a file below root for reading, if it is a regular one. Below another root than "/" no link leads out of it, and a
// pipe or device put in a file's place is not waited for.
func openIn(root, name string) (*os.File, error) {
	var f *os.File
	var err error
	if filepath.Clean(root) == "/" {
		f, err = os.OpenFile("/"+name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	} else {
		f, err = openBelow(root, name)
	}
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: patch.Errorf(patch.Invalid, "it is not a regular file")}
	}
	return f, nil
}

func openBelow(root, name string) (*os.File, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readLimited reads a file below root, all of it or not at all.
func readLimited(root, name string, limit int64) ([]byte, error) {
	f, err := openIn(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(512) // files of /proc and /sys claim none
	if st, err := f.Stat(); err == nil && st.Size() < limit {
		size += st.Size()
	}
	b := make([]byte, 0, size)
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, &fs.PathError{Op: "read", Path: name, Err: patch.Errorf(patch.Invalid, "it is larger than %d bytes", limit)}
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = slices.Grow(b, len(b))
		}
	}
}

// line reads a small file's text as one tidy line; empty where it cannot be read.
func line(root, name string) string {
	b, err := readLimited(root, name, maxSmall)
	if err != nil {
		return ""
	}
	return tidy(string(b), 200)
}

// namesIn lists the files of a directory below root, sorted; none where it cannot be read.
func namesIn(root, dir string) []string {
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// tidy makes hostile text storable: valid UTF-8, no NUL or other control characters, no blanks around, bounded.
func tidy(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return strings.TrimSpace(s)
}

// live reports whether root is the running machine and not a directory with another one.
func live(root string) bool { return filepath.Clean(root) == "/" }
