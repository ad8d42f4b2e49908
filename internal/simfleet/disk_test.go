package simfleet_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/patch"
)

// disk is an agent's disk in memory. After a loss of power it has the names that were synced with their directory and the bytes that were
// synced with their file, and nothing may be assumed of the rest.
type disk struct {
	mu      sync.Mutex
	now     map[string]map[string]*inode // by directory and name
	durable map[string]map[string]*inode // as of each directory's last sync
	temps   int
}

// inode is a file's bytes. What is durable of them never changes in place.
type inode struct{ data, durable []byte }

func newDisk() *disk {
	return &disk{now: map[string]map[string]*inode{}, durable: map[string]map[string]*inode{}}
}

// copy is a disk with the same files; neither sees what becomes of the other's.
func (d *disk) copy() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := newDisk()
	for dir, names := range d.now {
		for name, n := range names {
			own.put(filepath.Join(dir, name), &inode{data: slices.Clip(n.data)}) // what is there is never changed in place
		}
	}
	for dir := range d.durable {
		own.durable[dir] = map[string]*inode{}
	}
	own.everything()
	return own
}

func (d *disk) at(path string) *inode {
	dir, name := filepath.Split(path)
	return d.now[strings.TrimSuffix(dir, "/")][name]
}

func (d *disk) put(path string, n *inode) {
	dir, name := filepath.Split(path)
	dir = strings.TrimSuffix(dir, "/")
	if d.now[dir] == nil {
		d.now[dir] = map[string]*inode{}
	}
	d.now[dir][name] = n
}

func (d *disk) drop(path string) {
	dir, name := filepath.Split(path)
	delete(d.now[strings.TrimSuffix(dir, "/")], name)
}

// everything notes that all is durable: a machine that was set up long ago.
func (d *disk) everything() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for dir, names := range d.now {
		for _, n := range names {
			n.durable = n.data[:len(n.data):len(n.data)]
		}
		d.syncNames(dir)
	}
}

func (d *disk) syncNames(dir string) {
	if d.durable[dir] = maps.Clone(d.now[dir]); d.durable[dir] == nil {
		d.durable[dir] = map[string]*inode{}
	}
}

// lose gives the disk after a loss of power. What was not made durable may be there, in part or not: a name that was made or removed, a
// file's end that was written.
func (d *disk) lose(r *rand.Rand) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := newDisk()
	dirs := map[string]bool{}
	for dir := range d.now {
		dirs[dir] = true
	}
	for dir := range d.durable {
		dirs[dir] = true
	}
	for _, dir := range sortedKeys(dirs) {
		names := d.durable[dir]
		if r.IntN(2) == 0 {
			d.syncNames(dir) // the file system had written its directory by itself
			names = d.durable[dir]
		}
		for _, name := range sortedKeys(names) {
			left.put(filepath.Join(dir, name), &inode{data: names[name].remains(r)})
		}
	}
	return left
}

// remains is what is left of a file: what was made durable, and any part of what was appended since.
func (n *inode) remains(r *rand.Rand) []byte {
	if len(n.data) > len(n.durable) && bytes.Equal(n.data[:len(n.durable)], n.durable) {
		return bytes.Clone(n.data[:len(n.durable)+r.IntN(len(n.data)-len(n.durable)+1)])
	}
	return bytes.Clone(n.durable)
}

// write puts a file there that is durable at once.
func (d *disk) write(path string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(path, &inode{data: data, durable: data})
	d.syncNames(filepath.Dir(path))
}

// holds says whether a file has exactly these bytes.
func (d *disk) holds(path string, size int64, sum patch.Hash) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.at(path)
	if n == nil || int64(len(n.data)) != size || hashOf(n.data) != sum {
		return fmt.Errorf("%s is not what was kept", path)
	}
	return nil
}

// drive is the disk as one life of the agent has it: nothing is written after its end, which may come before any sync.
type drive struct {
	*disk
	box *box
	l   *life
}

func (d drive) alive() error {
	if d.l.ctx.Err() != nil {
		return errDead
	}
	return nil
}

// Open implements agent.Disk.
func (d drive) Open(path string, flag int) (agent.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.at(path)
	switch {
	case n != nil || path == stateDir || d.durable[path] != nil:
	case flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	default:
		if err := d.alive(); err != nil {
			return nil, err
		}
		n = &inode{}
		d.put(path, n)
	}
	return &file{drive: d, path: path, inode: n}, nil
}

// Temp implements agent.Disk.
func (d drive) Temp(dir string) (agent.File, error) {
	d.mu.Lock()
	d.temps++
	path := dir + "/.tmp-" + strconv.Itoa(d.temps)
	d.mu.Unlock()
	return d.Open(path, os.O_CREATE)
}

// Rename implements agent.Disk.
func (d drive) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.at(from)
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if err := d.alive(); err != nil {
		return err
	}
	d.drop(from)
	d.put(to, n)
	return nil
}

// Remove implements agent.Disk.
func (d drive) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at(path) == nil {
		return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	if err := d.alive(); err != nil {
		return err
	}
	d.drop(path)
	return nil
}

// List implements agent.Disk.
func (d drive) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedKeys(d.now[dir]), nil
}

// Make implements agent.Disk.
func (d drive) Make(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.durable[dir] == nil {
		d.durable[dir] = map[string]*inode{}
	}
	return d.alive()
}

// file is an open file, or a directory where it has no inode.
type file struct {
	drive
	path string
	*inode
	at int
}

func (f *file) Name() string { return f.path }
func (f *file) Close() error { return nil }

func (f *file) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inode == nil {
		return 0, fs.ErrInvalid
	}
	if f.at >= len(f.data) {
		return 0, io.EOF
	}
	n := copy(p, f.data[f.at:])
	f.at += n
	return n, nil
}

// WriteTo gives the rest of the file, so that nobody needs a buffer to read it through.
func (f *file) WriteTo(w io.Writer) (int64, error) {
	f.mu.Lock()
	if f.inode == nil {
		f.mu.Unlock()
		return 0, fs.ErrInvalid
	}
	rest := f.data[min(f.at, len(f.data)):len(f.data):len(f.data)] // what is there is never changed in place
	f.at += len(rest)
	f.mu.Unlock()
	n, err := w.Write(rest)
	return int64(n), err
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	if off == int64(len(f.data)) {
		f.data = append(f.data, b...)
		return len(b), nil
	}
	whole := make([]byte, max(len(f.data), int(off)+len(b)))
	copy(whole, f.data)
	copy(whole[off:], b)
	f.data = whole
	return len(b), nil
}

func (f *file) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	f.data = slices.Clip(f.data[:size])
	return nil
}

// Sync is a flush boundary: the end comes before it, or what is flushed counts.
func (f *file) Sync() error {
	if err := f.box.point(f.l, 12); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.inode == nil:
		f.syncNames(f.path)
	default:
		f.durable = f.data[:len(f.data):len(f.data)]
	}
	return f.alive()
}
