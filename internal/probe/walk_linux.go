package probe

import (
	"slices"

	"golang.org/x/sys/unix"
)

const (
	// maxDepth bounds how deep a walk goes, maxWalk how many entries it looks at.
	maxDepth = 100
	maxWalk  = 5_000_000
)

// walker goes through directories.
type walker struct {
	g *gathering
	search
	leads func(dir string) bool                 // whether something below may be wanted; nil: always
	enter func(dir string, level int)           // each directory, the first one too
	file  func(dir string, e entry, isDir bool) // each entry that is no directory itself; isDir: it is a link to one
	above []node                                // the directories on the way here: who meets one again goes round in a circle
	first uint64                                // the device where the walk began
	count int
}

type node struct{ dev, ino uint64 }

// walk begins at a directory, or a link to one.
func (w *walker) walk(dir string) {
	fd, err := w.g.m.tree.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		if !gone(err) {
			w.g.miss("cannot look into " + dir + ": " + err.Error())
		}
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		w.first = st.Dev
	}
	w.visit(fd, dir, 0)
}

// visit reads one open directory.
func (w *walker) visit(fd int, dir string, level int) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || !w.inScope(fd, &st, level) {
		return
	}
	at := node{st.Dev, st.Ino}
	if slices.Contains(w.above, at) {
		return
	}
	if w.enter != nil {
		w.enter(dir, level)
	}
	if level >= maxDepth || w.g.none || w.g.ctx.Err() != nil {
		return
	}
	list, err := entries(fd)
	if err != nil {
		w.g.miss("cannot read " + dir + ": " + err.Error())
	}
	if w.count += len(list); w.count > maxWalk {
		w.g.miss("there are more than 5,000,000 files to look at")
		return
	}
	w.above = append(w.above, at)
	for _, e := range list {
		w.entry(fd, dir, e, level+1)
	}
	w.above = w.above[:len(w.above)-1]
}

func (w *walker) entry(fd int, dir string, e entry, level int) {
	goes := w.depth < 0 || level <= w.depth
	switch e.kind {
	case unix.DT_DIR:
		if !goes {
			return
		}
		path := join(dir, e.name)
		if !w.dirs {
			if w.enter != nil && !w.isAbove(fd, e.name) { // it is there, although it is not entered
				w.enter(path, level)
			}
			return
		}
		if w.leads != nil && !w.leads(path) {
			return
		}
		sub, err := unix.Openat(fd, e.name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			w.visit(sub, path, level)
			unix.Close(sub)
		} else if !gone(err) {
			w.g.miss("cannot look into " + path + ": " + err.Error())
		}
	case unix.DT_LNK:
		w.link(dir, e, level, w.links && goes)
	default:
		if w.file != nil {
			w.file(dir, e, false)
		}
	}
}

func (w *walker) isAbove(fd int, name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || slices.Contains(w.above, node{st.Dev, st.Ino})
}

// link reports a link and enters it where it leads to a directory.
func (w *walker) link(dir string, e entry, level int, goes bool) {
	path := join(dir, e.name)
	may := goes && (w.leads == nil || w.leads(path))
	if !may && w.leads == nil {
		if w.file != nil {
			w.file(dir, e, false)
		}
		return
	}
	sub, err := w.g.m.tree.open(path, unix.O_RDONLY|unix.O_DIRECTORY)
	if w.file != nil {
		w.file(dir, e, err == nil)
	}
	if err != nil {
		return
	}
	defer unix.Close(sub)
	if may {
		w.visit(sub, path, level)
	}
}

// inScope reports whether the object's behaviors let the walk into a directory's file system. One that the kernel makes up is not
// entered: it holds nothing that the machine has, and has no end.
func (w *walker) inScope(fd int, st *unix.Stat_t, level int) bool {
	if level == 0 || st.Dev == w.first && w.scope != "local" {
		return true
	}
	if w.scope == "defined" {
		return false
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return false
	}
	switch uint32(fs.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC,
		unix.SECURITYFS_MAGIC, unix.BPF_FS_MAGIC, unix.PSTOREFS_MAGIC, unix.BINFMTFS_MAGIC, unix.DEVPTS_SUPER_MAGIC:
		return false
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC,
		unix.AFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC:
		return w.scope != "local"
	}
	return true
}
