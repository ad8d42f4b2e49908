package probe

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	maxEntries = 2_000_000 // names that a directory may have
	fewTimes   = 3         // a directory is opened when it is asked about for the fewth time in a row
)

// tree is the file system of a machine. Paths are absolute and clean, as the machine itself names them.
type tree struct {
	live bool
	fd   int      // the root directory, where not live
	root *os.Root // likewise, for kernels that cannot open a path inside a root by themselves
	old  bool     // it is such a kernel
	dir  directory

	st                unix.Stat_t
	lastDir, lastName string // what st is about
	lastPath          string // likewise, joined; empty where it was not needed
}

func openTree(root string) (*tree, error) {
	t := &tree{live: strings.Trim(root, "/") == "", fd: -1, dir: directory{fd: -1}}
	if t.live {
		return t, nil
	}
	var err error
	if t.root, err = os.OpenRoot(root); err == nil {
		t.fd, err = unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open the root directory {1}", root), Err: err}
	}
	return t, nil
}

func (t *tree) close() {
	t.dir.close()
	if !t.live {
		unix.Close(t.fd)
		t.root.Close()
	}
}

// open opens a path, following links as the machine would. Nothing that it opens is waited for.
func (t *tree) open(path string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC | unix.O_NONBLOCK
	if t.live {
		return unix.Open(path, flags, 0)
	}
	inside := strings.TrimLeft(path, "/")
	if inside == "" {
		inside = "."
	}
	how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if flags&unix.O_PATH != 0 {
		how.Flags &^= unix.O_NONBLOCK
	}
	for try := 0; !t.old; try++ {
		fd, err := unix.Openat2(t.fd, inside, &how)
		switch {
		case err == unix.EAGAIN && try < 8: // something was renamed meanwhile
		case err == unix.ENOSYS || err == unix.EPERM && try == 0:
			t.old = true
		default:
			return fd, err
		}
	}
	return t.openOld(inside, flags)
}

// openOld is open for kernels before 5.6. It refuses links that begin with a slash.
func (t *tree) openOld(inside string, flags int) (int, error) {
	f, err := t.root.OpenFile(inside, flags&^unix.O_PATH, 0)
	if err != nil {
		var errno unix.Errno
		if errors.As(err, &errno) {
			return -1, errno
		}
		return -1, unix.EXDEV
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// directory is the one that was asked about last: those who ask much ask in the order of names.
type directory struct {
	path  string
	fd    int // -1: not open
	err   error
	asked int // times in a row
}

func (d *directory) close() {
	if d.fd >= 0 {
		unix.Close(d.fd)
	}
}

// turn counts a question about a directory.
func (t *tree) turn(path string) *directory {
	if d := &t.dir; d.asked == 0 || d.path != path {
		d.close()
		*d = directory{path: path, fd: -1}
	}
	t.dir.asked++
	return &t.dir
}

// opened gives the directory's descriptor; links to it are followed.
func (t *tree) opened(d *directory) (int, error) {
	if d.fd >= 0 || d.err != nil {
		return d.fd, d.err
	}
	fd, err := t.open(d.path, unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		d.fd = fd
	} else if gone(err) {
		d.err = err
	}
	return fd, err
}

// lstat looks at one entry of a directory without following it. The answer is good until the next call.
func (t *tree) lstat(dir, name string) (*unix.Stat_t, error) {
	if t.lastDir == dir && t.lastName == name && name != "" {
		return &t.st, nil
	}
	if strings.IndexByte(name, '/') >= 0 || name == "" || name == ".." {
		return nil, unix.ENOENT
	}
	d := t.turn(dir)
	t.lastName, t.lastPath = "", ""
	fd, path := unix.AT_FDCWD, name
	if t.live && d.fd < 0 && d.asked < fewTimes {
		path = join(dir, name)
		t.lastPath = path
	} else {
		var err error
		if fd, err = t.opened(d); err != nil {
			return nil, err
		}
	}
	if err := unix.Fstatat(fd, path, &t.st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, err
	}
	t.lastDir, t.lastName = dir, name
	return &t.st, nil
}

// path joins a directory and a name.
func (t *tree) path(dir, name string) string {
	if t.lastPath != "" && t.lastDir == dir && t.lastName == name {
		return t.lastPath
	}
	return join(dir, name)
}

// lstatDir looks at a directory without following its last part.
func (t *tree) lstatDir(path string) (*unix.Stat_t, error) {
	if path == "/" {
		return t.stat(path)
	}
	at := strings.LastIndexByte(path, '/')
	return t.lstat(clipPath(path[:at]), path[at+1:])
}

// stat follows links.
func (t *tree) stat(path string) (*unix.Stat_t, error) {
	fd, err := t.open(path, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	t.lastName = ""
	if err := unix.Fstat(fd, &t.st); err != nil {
		return nil, err
	}
	return &t.st, nil
}

// regular opens a file that is a regular one, following links.
func (t *tree) regular(path string) (*os.File, error) {
	fd, err := t.open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

var errNotRegular = errors.New("it is not a regular file")

// read gives a regular file's content, at most limit bytes of it.
func (t *tree) read(path string, limit int64) ([]byte, error) {
	f, err := t.regular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = patch.Errorf(patch.Exhausted, "it is larger than %d bytes", limit)
	}
	return b, err
}

// entry is one name in a directory.
type entry struct {
	name string
	kind uint8 // DT_DIR, DT_LNK, …
}

// entries lists an open directory, sorted by name.
func entries(fd int) ([]entry, error) {
	var all []entry
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
			return all, err
		}
		for b := buf[:n]; len(b) >= 19; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size < 19 || size > len(b) {
				return all, unix.EIO
			}
			e := entry{name: unix.ByteSliceToString(b[19:size]), kind: b[18]}
			if e.kind == unix.DT_UNKNOWN {
				e.kind = kindOf(fd, e.name)
			}
			if e.name != "." && e.name != ".." {
				all = append(all, e)
			}
			b = b[size:]
		}
		if len(all) > maxEntries {
			return all, unix.E2BIG
		}
	}
}

// kindOf is for file systems whose directories do not say what their entries are.
func kindOf(fd int, name string) uint8 {
	var st unix.Stat_t
	if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return unix.DT_UNKNOWN
	}
	return uint8(st.Mode >> 12 & 0xf)
}

// list gives the entries of a directory by its path.
func (t *tree) list(dir string) ([]entry, error) {
	fd, err := t.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return entries(fd)
}

// gone reports whether an error says that nothing is there.
func gone(err error) bool {
	return err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP || err == unix.ENAMETOOLONG || err == unix.EINVAL
}

func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// clipPath drops slashes at the end.
func clipPath(path string) string {
	if path = strings.TrimRight(path, "/"); path == "" {
		return "/"
	}
	return path
}

// readlink gives where a link leads to; empty for what is none.
func (t *tree) readlink(path string) string {
	at := strings.LastIndexByte(path, '/')
	fd, err := t.open(clipPath(path[:at]), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	b := make([]byte, 4096)
	n, err := unix.Readlinkat(fd, path[at+1:], b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}

// hasCapabilities reports whether a file gives capabilities to who starts it.
func (t *tree) hasCapabilities(path string) bool {
	fd, err := t.open(path, unix.O_PATH)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	n, err := unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), "security.capability", nil)
	return err == nil && n > 0
}
