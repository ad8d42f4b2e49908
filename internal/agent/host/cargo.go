package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Twice the size of a package says little about a file system of its own: a /boot of 500 MB never has that much free, and a kernel needs room there for what is made
// on the machine as well. Where a package brings files to such a place, what it brings is counted file by file, before anything of it is installed.

const (
	margin = 16 << 20 // what must stay free beyond what is counted, in bytes
	initrd = 64 << 20 // an initrd where none is there yet to go by
)

// cargo is what one package brings: the sizes of its files, by their absolute paths.
type cargo struct {
	name  string
	files map[string]int64
}

// roomFor says whether what packages bring has room in each file system of a machine. A kernel takes an initrd along. A file system that does not say how much of
// it is free keeps nothing back, and the doubt is told: what runs out of room there is put right or named, and a machine with an odd file system would be blocked for ever.
func roomFor(root string, all []cargo) (doubt string, err error) {
	m := mounts{root: root, at: map[string]filesystem{}}
	needs := map[filesystem]*need{}
	like, size := largestInitrd(root)
	for _, c := range all {
		own := map[filesystem]*need{}
		count := func(file string, bytes int64, toInitrd bool) {
			at := m.of(file)
			n := own[at]
			if n == nil {
				n = &need{}
				own[at] = n
			}
			was := int64(0)
			if st, err := os.Lstat(filepath.Join(root, file)); err == nil && st.Mode().IsRegular() {
				was = st.Size()
			}
			n.more += bytes - was
			n.replaced += was
			if toInitrd {
				n.initrds += bytes
			}
		}
		for file, bytes := range c.files {
			count(file, bytes, false)
		}
		for _, release := range c.kernels() {
			count("/boot/initrd.img-"+release, size, true)
		}
		for at, n := range own {
			if needs[at] == nil {
				needs[at] = &need{}
			}
			needs[at].add(c.name, n)
		}
	}
	var doubts []string
	for _, at := range slices.SortedFunc(maps.Keys(needs), func(a, b filesystem) int { return strings.Compare(a.mount, b.mount) }) {
		free, err := freeBytes(filepath.Join(root, at.mount))
		if err != nil {
			doubts = append(doubts, needs[at].doubt(at.mount, err))
		} else if err := needs[at].check(root, at.mount, like, free); err != nil {
			return "", err
		}
	}
	return strings.Join(doubts, "; "), nil
}

// need is what is needed of one file system, in bytes. A package manager lays what is new beside what it replaces, one package at a time.
type need struct {
	more, replaced, initrds int64
	by                      []string // packages
}

func (n *need) add(name string, of *need) {
	n.more += max(0, of.more)
	n.replaced = max(n.replaced, of.replaced)
	n.initrds += of.initrds
	n.by = append(n.by, name)
}

// want is what must be free.
func (n *need) want() uint64 { return uint64(n.more + n.replaced + margin) }

func (n *need) check(root, mount, like string, free uint64) error {
	want := n.want()
	if free >= want {
		return nil
	}
	slices.Sort(n.by)
	text := fmt.Sprintf("no room at %s: %d MB are free and %d MB are needed for what %s brings", mount, free>>20, up(int64(want)), strings.Join(n.by, ", "))
	if n.initrds > 0 {
		text += fmt.Sprintf("; %d MB of that are for the initrd, if it is as large as %s", up(n.initrds), like)
		if spare := spareKernels(root); len(spare) > 0 {
			text += "; kernels that are neither running nor the newest, and can be removed: " + strings.Join(spare, ", ")
		} else {
			text += "; every kernel that is there runs or is the newest"
		}
	}
	return &Failure{Cause: patch.FailRoom, Text: text}
}

// doubt says what is not known of a file system.
func (n *need) doubt(mount string, err error) string {
	slices.Sort(n.by)
	return fmt.Sprintf("whether there is room at %s for the %d MB that %s brings could not be told: %v", mount, up(int64(n.want())), strings.Join(n.by, ", "), err)
}

func up(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }

// kernels gives the releases of the kernels that a package brings.
func (c *cargo) kernels() (out []string) {
	for file := range c.files {
		if release, ok := strings.CutPrefix(file, "/boot/vmlinuz-"); ok {
			out = append(out, release)
		}
	}
	return out
}

// largestInitrd gives the initrd to go by, and how many bytes one takes: none where nothing makes any, as in containers.
func largestInitrd(root string) (name string, size int64) {
	for _, n := range namesIn(root, "boot") {
		if !strings.HasPrefix(n, "initrd") && !strings.HasPrefix(n, "initramfs") || strings.Contains(n, "rescue") || strings.Contains(n, "kdump") {
			continue
		}
		if st, err := os.Lstat(filepath.Join(root, "boot", n)); err == nil && st.Mode().IsRegular() && st.Size() > size {
			name, size = n, st.Size()
		}
	}
	if size > 0 {
		return name, size
	}
	for _, maker := range []string{"usr/sbin/update-initramfs", "usr/bin/dracut"} {
		if _, err := os.Stat(filepath.Join(root, maker)); err == nil {
			return "most are", initrd
		}
	}
	return "", 0
}

// spareKernels lists the kernels below /boot that are neither running nor the newest, oldest first.
func spareKernels(root string) []string {
	var all []string
	for _, n := range namesIn(root, "boot") {
		if release, ok := strings.CutPrefix(n, "vmlinuz-"); ok && release != "" && !strings.Contains(release, "rescue") {
			all = append(all, tidy(release, 100))
		}
	}
	slices.SortFunc(all, compareReleases)
	running := line(root, "proc/sys/kernel/osrelease")
	if len(all) > 0 {
		all = all[:len(all)-1]
	}
	all = slices.DeleteFunc(all, func(r string) bool { return r == running })
	return all[:min(len(all), 5)]
}

// filesystem is one, and where it is mounted.
type filesystem struct {
	device uint64
	mount  string
}

// mounts finds the file systems of paths.
type mounts struct {
	root string
	at   map[string]filesystem // of directories
}

// of gives the file system that a file will be in: that of its directory, or of the nearest one above that is there.
func (m *mounts) of(file string) filesystem { return m.dir(path.Dir(path.Clean("/" + file))) }

func (m *mounts) dir(dir string) filesystem {
	if p, ok := m.at[dir]; ok {
		return p
	}
	p := filesystem{mount: "/"}
	if dir != "/" {
		p = m.dir(path.Dir(dir))
	}
	switch device, err := deviceOf(filepath.Join(m.root, dir)); {
	case err == nil && device != p.device:
		p = filesystem{device, dir}
	case err != nil && !errors.Is(err, fs.ErrNotExist) && p.device != 0:
		p = filesystem{mount: dir} // something is there, and is not what is above it
	}
	m.at[dir] = p
	return p
}

// apart says whether a file comes to a file system of which CheckRoom knows nothing, or is part of a kernel.
func (m *mounts) apart(file string) bool {
	if strings.HasPrefix(file, "/boot/") {
		return true
	}
	at := m.of(file).device
	return at != m.dir("/").device && at != m.dir("/usr").device && at != m.dir("/var").device
}

// debRoom is roomFor for .debs. Most bring nothing to such a place, as their small list of files says; only of the others are the sizes read.
func debRoom(ctx context.Context, root string, files []Staged) (doubt string, err error) {
	m := mounts{root: root, at: map[string]filesystem{}}
	var all []cargo
	for _, f := range files {
		if listed, err := debPaths(f.Path); err == nil && listed != nil && !slices.ContainsFunc(listed, m.apart) {
			continue
		}
		out := bounded{max: 64 << 20}
		if err := run(dpkgDeb(ctx, contentsArgs(f.Path)...), &out, nil); err != nil {
			return "", &Failure{Cause: patch.FailPatch, Text: fmt.Sprintf("dpkg-deb cannot list the files of %s %s: %s", f.Name, f.Version, err), Log: lastPart(out.b)}
		}
		if c := (cargo{f.Name, readContents(out.b)}); slices.ContainsFunc(slices.Collect(maps.Keys(c.files)), m.apart) {
			all = append(all, c)
		}
	}
	return roomFor(root, all)
}

// debPaths gives the absolute paths of a .deb's files out of its sums; nil where it has none.
func debPaths(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return debian.ReadDebPaths(bufio.NewReader(f))
}

// readContents reads what dpkg-deb lists of regular files: "-rw-r--r-- root/root 8308128 2025-11-09 16:11 ./boot/vmlinuz-6.1.0-41-amd64".
func readContents(b []byte) map[string]int64 {
	out := map[string]int64{}
	for l := range strings.Lines(string(b)) {
		words := strings.Fields(l)
		_, name, ok := strings.Cut(strings.TrimSuffix(l, "\n"), " ./")
		if !ok || l[0] != '-' || len(words) < 6 {
			continue
		}
		if size, err := strconv.ParseInt(words[2], 10, 64); err == nil && size >= 0 {
			out[path.Clean("/"+name)] = size
		}
	}
	return out
}

// rpmRoom is roomFor for .rpms, whose verified headers have the sizes. A kernel that lies with its modules is copied to /boot when it is installed.
func rpmRoom(root string, coming []offered) (doubt string, err error) {
	m := mounts{root: root, at: map[string]filesystem{}}
	var all []cargo
	for _, o := range coming {
		c, apart := cargo{o.Name, map[string]int64{}}, false
		for i, file := range o.about.Files {
			if i >= len(o.about.Sizes) || strings.HasPrefix(file, "/boot/init") { // the initrd's size is one that the package made up
				continue
			}
			file = path.Clean("/" + file)
			c.files[file] = o.about.Sizes[i]
			if release, ok := strings.CutSuffix(file, "/vmlinuz"); ok && path.Base(path.Dir(release)) == "modules" {
				c.files["/boot/vmlinuz-"+path.Base(release)] = o.about.Sizes[i]
				apart = true
			}
			apart = apart || m.apart(file)
		}
		if apart {
			all = append(all, c)
		}
	}
	return roomFor(root, all)
}
