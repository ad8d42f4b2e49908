package simfleet_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// disk is what a power loss would leave of an agent's directory: the entries and bytes that were made durable, and nothing that may be assumed
// of the rest. It learns what is durable from the agent, at every fsync.
type disk struct {
	root    string
	entries map[string]map[string]uint64 // by directory: name → inode, as of its last fsync
	bytes   map[uint64][]byte            // by inode, as of its last fsync
}

func newDisk(root string) *disk {
	return &disk{root: root, entries: map[string]map[string]uint64{}, bytes: map[uint64][]byte{}}
}

func inode(path string) (uint64, bool) {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return 0, false
	}
	return st.Ino, true
}

// synced notes that path is durable now.
func (d *disk) synced(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		b, err := os.ReadFile(path)
		if n, ok := inode(path); ok {
			d.bytes[n] = b
		}
		return err
	}
	all, err := os.ReadDir(path)
	now := map[string]uint64{}
	for _, e := range all {
		if n, ok := inode(filepath.Join(path, e.Name())); ok && !e.IsDir() {
			now[e.Name()] = n
		}
	}
	d.entries[path] = now
	return err
}

// everything notes that all is durable: a machine that was set up long ago.
func (d *disk) everything() error {
	return filepath.WalkDir(d.root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return d.synced(path)
	})
}

// lose makes another directory of what is left after a power loss. What was not made durable may be there, in part or not: an entry that was
// made or removed, a file's end that was written.
func (d *disk) lose(to string, r *rand.Rand) error {
	for dir, durable := range d.entries {
		rel, err := filepath.Rel(d.root, dir)
		if err != nil {
			return err
		}
		into := filepath.Join(to, rel)
		if err := os.MkdirAll(into, 0o700); err != nil {
			return err
		}
		now := map[string]uint64{}
		all, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range all {
			if n, ok := inode(filepath.Join(dir, e.Name())); ok && !e.IsDir() {
				now[e.Name()] = n
			}
		}
		left := durable
		if r.IntN(2) == 0 {
			left = now // the file system had written its directory by itself
		}
		for _, name := range sortedKeys(left) {
			if err := os.WriteFile(filepath.Join(into, name), d.remains(left[name], filepath.Join(dir, name), now[name] == left[name], r), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// remains is what is left of a file: what was made durable, and any part of what was appended since.
func (d *disk) remains(n uint64, path string, current bool, r *rand.Rand) []byte {
	b := d.bytes[n]
	if !current {
		return b
	}
	now, err := os.ReadFile(path)
	if err != nil || len(now) <= len(b) || string(now[:len(b)]) != string(b) {
		return b
	}
	return now[:len(b)+r.IntN(len(now)-len(b)+1)]
}
