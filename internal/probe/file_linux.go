package probe

import (
	"context"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// place gives the fields that say which file an item is about, and of its parts those that are asked for.
func (g *gathering) place(dir, name string) []patch.Field {
	dir, name = clean(dir), clean(name)
	f := g.m.fields.take(2 + len(g.r.Fields))
	if name != "" {
		f = append(f, typed("filepath", "", g.m.tree.path(dir, name)))
	}
	if name == "" || g.r.Wants("path") {
		f = append(f, typed("path", "", dir))
	}
	if g.r.Wants("filename") {
		f = append(f, typed("filename", "", name))
	}
	return f
}

// Look is Probe for the file of a name in a directory. The room of its answer, and of those before it, is taken again.
func (m *Machine) Look(ctx context.Context, dir, name string, fields []string) (patch.Collected, bool) {
	m.begin()
	m.items.again()
	m.fields.again()
	m.asked = item.Request{Fields: fields}
	m.answer = gathering{m: m, ctx: ctx, r: &m.asked}
	if dir = clipPath(dir); m.answer.hasFile(dir, name) {
		m.answer.fileItem(dir, name)
	}
	return m.answer.collected(), true
}

// file answers the class file of OVAL's Unix schema.
func (g *gathering) file() { g.files(g.fileItem) }

func (g *gathering) fileItem(dir, name string) {
	if !g.looks() {
		g.add(g.place(dir, name)...)
		return
	}
	st, err := g.stat(dir, name)
	if err != nil {
		if !gone(err) {
			g.broken(err.Error(), g.place(dir, name)...)
		}
		return
	}
	g.add(g.fileFields(g.place(dir, name), st, dir, name)...)
}

// looks reports whether more is asked of a file than which one it is.
func (g *gathering) looks() bool {
	return slices.ContainsFunc(g.r.Fields, func(f string) bool { return f != "filepath" && f != "path" && f != "filename" })
}

func (g *gathering) stat(dir, name string) (*unix.Stat_t, error) {
	if name == "" {
		return g.m.tree.lstatDir(dir)
	}
	return g.m.tree.lstat(dir, name)
}

var fileTypes = map[uint32]string{unix.S_IFREG: "regular", unix.S_IFDIR: "directory", unix.S_IFLNK: "symbolic link", unix.S_IFCHR: "character special",
	unix.S_IFBLK: "block special", unix.S_IFIFO: "fifo", unix.S_IFSOCK: "socket"}

var permissions = []struct {
	name string
	bit  uint32
}{{"suid", unix.S_ISUID}, {"sgid", unix.S_ISGID}, {"sticky", unix.S_ISVTX}, {"uread", 0o400}, {"uwrite", 0o200}, {"uexec", 0o100}, {"gread", 0o40},
	{"gwrite", 0o20}, {"gexec", 0o10}, {"oread", 4}, {"owrite", 2}, {"oexec", 1}}

// fileFields appends what is asked of a file.
func (g *gathering) fileFields(f []patch.Field, st *unix.Stat_t, dir, name string) []patch.Field {
	before := len(f)
	if g.r.Wants("type") {
		f = append(f, text("type", fileTypes[st.Mode&unix.S_IFMT]))
	}
	for _, x := range []struct {
		name  string
		value int64
		named bool // changes without meaning: only where it is named
	}{{"group_id", int64(st.Gid), false}, {"user_id", int64(st.Uid), false}, {"a_time", st.Atim.Sec, true}, {"c_time", st.Ctim.Sec, true},
		{"m_time", st.Mtim.Sec, true}, {"size", st.Size, false}} {
		if x.named && slices.Contains(g.r.Fields, x.name) || !x.named && g.r.Wants(x.name) {
			f = append(f, typed(x.name, "int", strconv.FormatInt(x.value, 10)))
		}
	}
	if len(f)-before == len(g.r.Fields) && !g.r.Wants(item.Every) { // nearly always
		return f
	}
	for _, p := range permissions {
		if g.r.Wants(p.name) {
			f = append(f, flag(p.name, st.Mode&p.bit != 0))
		}
	}
	if g.r.Wants("has_extended_acl") {
		f = append(f, g.extendedACL(dir, name))
	}
	return f
}

// extendedACL says whether a file, or what a link leads to, has more permissions than its mode.
func (g *gathering) extendedACL(dir, name string) patch.Field {
	none := patch.Field{Name: "has_extended_acl", Type: "boolean", Status: patch.StatusNotExist}
	path := dir
	if name != "" {
		path = join(dir, name)
	}
	fd, err := g.m.tree.open(path, unix.O_PATH)
	if err != nil {
		return none
	}
	defer unix.Close(fd)
	_, err = unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), "system.posix_acl_access", nil)
	if err != nil && err != unix.ENODATA {
		return none
	}
	return flag("has_extended_acl", err == nil)
}
