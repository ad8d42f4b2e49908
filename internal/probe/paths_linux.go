package probe

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/item"
)

// files calls each for every file that path, filename and filepath of an object mean, once: name is empty where the object means the
// directory itself. It is what OpenSCAP's walk gives (its oval_fts), where that is right.
func (g *gathering) files(each func(dir, name string)) {
	g.seen = nil
	if w := g.entity("filepath"); w != nil {
		g.filepaths(w, each)
		return
	}
	path, name := g.entity("path"), g.entity("filename")
	if path == nil {
		g.fail("the object names no path")
		return
	}
	var s search
	if !g.readBehaviors(&s) {
		return
	}
	if name != nil && name.Nil {
		name = nil
	}
	for _, dir := range g.literal(path) {
		if g.matches(path, dir) {
			g.below(clipPath(dir), name, s, each)
		}
	}
	if g.literal(path) == nil {
		g.wherever(path, name, s, each)
	}
}

// wherever is files for a path that has to be searched for.
func (g *gathering) wherever(path, name *item.Wanted, s search, each func(dir, name string)) {
	top := search{dirs: true, links: true, depth: -1, scope: s.scope}
	w := walker{g: g, search: top, leads: g.pruner(path)}
	w.enter = func(dir string, _ int) {
		if g.is(path, dir) {
			g.below(dir, name, s, each)
		}
	}
	w.walk("/")
}

func (g *gathering) filepaths(w *item.Wanted, each func(dir, name string)) {
	if all := g.literal(w); all != nil {
		for _, path := range all {
			if at := strings.LastIndexByte(path, '/'); at >= 0 && g.matches(w, path) && g.isFile(path) {
				each(clipPath(path[:at]), path[at+1:])
			}
		}
		return
	}
	walk := walker{g: g, search: search{dirs: true, links: true, depth: -1}, leads: g.pruner(w)}
	walk.file = func(dir string, e entry, isDir bool) {
		if !isDir && g.is(w, join(dir, e.name)) {
			each(dir, e.name)
		}
	}
	walk.walk("/")
}

// isFile reports whether a path is there and no directory, nor a link to one. A link to nothing is there.
func (g *gathering) isFile(path string) bool {
	at := strings.LastIndexByte(path, '/')
	st, err := g.m.tree.lstat(clipPath(path[:at]), path[at+1:])
	if err != nil {
		if !gone(err) {
			g.miss("cannot look at " + path + ": " + err.Error())
		}
		return false
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		st, err := g.m.tree.stat(path)
		return err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR
	}
	return st.Mode&unix.S_IFMT != unix.S_IFDIR
}

// search is how far a walk goes: OVAL's behaviors of files.
type search struct {
	dirs, links bool   // what is entered
	depth       int    // levels below the start; -1: all
	direction   string // "none", "down", "up"
	scope       string // file systems: "all", "local", "defined"
}

func (g *gathering) readBehaviors(s *search) bool {
	depth, err := strconv.Atoi(g.behavior("max_depth", "-1"))
	if err != nil || depth < -1 {
		g.fail("the object's max_depth is not a number")
		return false
	}
	s.depth, s.direction, s.scope = depth, g.behavior("recurse_direction", "none"), g.behavior("recurse_file_system", "all")
	switch how := g.behavior("recurse", "symlinks and directories"); how {
	case "symlinks and directories":
		s.dirs, s.links = true, true
	case "directories", "files and directories":
		s.dirs = true
	case "symlinks":
		s.links = true
	default:
		g.fail("the object's recurse is unknown")
		return false
	}
	return true
}

// below gives the files of a directory that was found, or the directory, and what the search reaches from there.
func (g *gathering) below(dir string, name *item.Wanted, s search, each func(dir, name string)) {
	each = g.once(each, s)
	switch s.direction {
	case "up":
		for level := 0; s.depth < 0 || level <= s.depth; level++ {
			g.in(dir, name, each)
			if dir == "/" {
				return
			}
			dir = clipPath(dir[:strings.LastIndexByte(dir, '/')])
		}
	case "down":
		w := walker{g: g, search: s}
		if name == nil {
			w.enter = func(dir string, _ int) { each(dir, "") }
		} else {
			w.file = func(dir string, e entry, _ bool) {
				if e.kind != unix.DT_DIR && g.is(name, e.name) {
					each(dir, e.name)
				}
			}
		}
		w.walk(dir)
	default:
		g.in(dir, name, each)
	}
}

// once drops what was given before: walks from several directories, and upwards, meet.
func (g *gathering) once(each func(dir, name string), s search) func(dir, name string) {
	if s.direction == "none" {
		return each
	}
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	return func(dir, name string) {
		if key := dir + "\x00" + name; !g.seen[key] && len(g.seen) < maxItems {
			g.seen[key] = true
			each(dir, name)
		}
	}
}

// in gives what is wanted of one directory.
func (g *gathering) in(dir string, name *item.Wanted, each func(dir, name string)) {
	if name == nil {
		switch st, err := g.m.tree.stat(dir); {
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
			each(dir, "")
		case err != nil && !gone(err):
			g.miss("cannot look into " + dir + ": " + err.Error())
		}
		return
	}
	if all := g.literal(name); all != nil {
		for _, n := range all {
			if g.matches(name, n) && g.hasFile(dir, n) {
				each(dir, n)
			}
		}
		return
	}
	list, err := g.m.tree.list(dir)
	if err != nil && !gone(err) {
		g.miss("cannot read " + dir + ": " + err.Error())
	}
	for _, e := range list {
		if e.kind != unix.DT_DIR && g.is(name, e.name) {
			each(dir, e.name)
		}
	}
}

// hasFile reports whether a directory has a name that is no directory.
func (g *gathering) hasFile(dir, name string) bool {
	st, err := g.m.tree.lstat(dir, name)
	if err != nil {
		if !gone(err) {
			g.miss("cannot look at " + join(dir, name) + ": " + err.Error())
		}
		return false
	}
	return st.Mode&unix.S_IFMT != unix.S_IFDIR
}
