package lab

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	page   = 4096
	sector = 512 // what a disk writes wholly or not at all
)

// Image is what a disk holds: a file, and the pages that were written since.
type Image struct {
	base  *os.File
	size  int64
	pages map[int64]*[page]byte // never changed: a write makes new ones
}

// MakeExt4 makes the image of an ext4 file system of size bytes that holds the files of root, in a new file.
func MakeExt4(ctx context.Context, file, root string, size int64) (*Image, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	args := []string{"-q", "-F", "-t", "ext4", "-J", "size=8", "-E", "lazy_itable_init=0,lazy_journal_init=0"}
	if root != "" {
		args = append(args, "-d", root)
	}
	if out, err := exec.CommandContext(ctx, "mke2fs", append(args, file)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mke2fs: %w: %s", err, out)
	}
	return &Image{base: f, size: size, pages: map[int64]*[page]byte{}}, nil
}

// Close closes the file; copies cannot be read any more.
func (i *Image) Close() error { return i.base.Close() }

func (i *Image) copy() *Image { return &Image{i.base, i.size, maps.Clone(i.pages)} }

func (i *Image) load(n int64) (p [page]byte, err error) {
	if have := i.pages[n]; have != nil {
		return *have, nil
	}
	_, err = i.base.ReadAt(p[:], n*page)
	if err == io.EOF {
		err = nil
	}
	return p, err
}

func (i *Image) readAt(b []byte, at int64) error {
	for len(b) > 0 {
		p, err := i.load(at / page)
		if err != nil {
			return err
		}
		n := copy(b, p[at%page:])
		b, at = b[n:], at+int64(n)
	}
	return nil
}

func (i *Image) writeAt(b []byte, at int64) error {
	for len(b) > 0 {
		p, err := i.load(at / page)
		if err != nil {
			return err
		}
		n := copy(p[at%page:], b)
		i.pages[at/page] = &p
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// Disk is a disk whose power can fail: a file (FUSE), for a loop device, that keeps every write since the power came on, in order, and where it was
// told to flush. After a flush the writes before it are on the disk; until then, any sector of them may be and may not be.
type Disk struct {
	File string

	mu     sync.Mutex
	began  *Image
	now    *Image
	log    []write
	server *fuse.Server
}

// write is one write, or a flush if there is no data.
type write struct {
	at   int64
	data []byte
}

// NewDisk makes a disk's file, named disk, in a folder. Close it when nothing has it mounted any more.
func NewDisk(dir string, image *Image) (*Disk, error) {
	d := &Disk{File: filepath.Join(dir, "disk")}
	d.PowerOn(image)
	server, err := fs.Mount(dir, &folder{disk: d}, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "disk", DisableXAttrs: true}})
	if err != nil {
		return nil, fmt.Errorf("cannot mount a file system of its own for the disk: %w", err)
	}
	d.server = server
	return d, nil
}

// Close takes the file away.
func (d *Disk) Close() error { return d.server.Unmount() }

// PowerOn lets the disk begin with an image, which stays as it is.
func (d *Disk) PowerOn(image *Image) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began, d.now, d.log = image, image.copy(), nil
}

// Written is how many writes and flushes there were.
func (d *Disk) Written() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// Flushes are the places of the flushes among the writes that brought something since the one before.
func (d *Disk) Flushes() (at []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, w := range d.log {
		if w.data == nil && n > 0 && d.log[n-1].data != nil {
			at = append(at, n)
		}
	}
	return at
}

// Now is what was written, flushed or not.
func (d *Disk) Now() *Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now.copy()
}

// Lost is what the disk holds when the power fails after n writes and flushes: all that was flushed by then, and of what was written since the
// sectors that chance keeps; without chance none.
func (d *Disk) Lost(n int, chance *rand.Rand) (*Image, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	image := d.began.copy()
	flushed := 0
	for i, w := range d.log[:n] {
		if w.data == nil {
			flushed = i
		}
	}
	for i, w := range d.log[:n] {
		data, at := w.data, w.at
		for len(data) > 0 {
			part := data
			if i > flushed {
				part = data[:min(sector, len(data))]
			}
			if i <= flushed || chance != nil && chance.IntN(2) == 0 {
				if err := image.writeAt(part, at); err != nil {
					return nil, err
				}
			}
			data, at = data[len(part):], at+int64(len(part))
		}
	}
	return image, nil
}

// folder is the file system: one file.
type folder struct {
	fs.Inode
	disk *Disk
}

// OnAdd puts the file into its folder.
func (f *folder) OnAdd(ctx context.Context) {
	f.AddChild("disk", f.NewPersistentInode(ctx, &file{disk: f.disk}, fs.StableAttr{Mode: fuse.S_IFREG}), false)
}

type file struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
)

// Getattr tells how large the disk is.
func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	out.Mode, out.Size = fuse.S_IFREG|0o600, uint64(f.disk.began.size)
	return fs.OK
}

// Open forgets what the kernel kept of another image.
func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, fs.OK
}

// Read reads what was written last.
func (f *file) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	dest = dest[:max(0, min(int64(len(dest)), d.now.size-off))]
	if d.now.readAt(dest, off) != nil {
		return nil, syscall.EIO
	}
	return fuse.ReadResultData(dest), fs.OK
}

// Write writes, and remembers.
func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if off+int64(len(data)) > d.now.size {
		return 0, syscall.ENOSPC
	}
	if d.now.writeAt(data, off) != nil {
		return 0, syscall.EIO
	}
	d.log = append(d.log, write{off, slices.Clone(data)})
	return uint32(len(data)), fs.OK
}

// Fsync is a flush.
func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, write{})
	return fs.OK
}
