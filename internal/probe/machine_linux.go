package probe

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxTable bounds the small tables of a machine: accounts, mounts, sockets.
const maxTable = 8 << 20

// family answers for the family of operating systems.
func (g *gathering) family() { g.add(text("family", "unix")) }

// running reports whether there is a running machine to be asked. Nothing runs in a directory: to ask has no meaning there.
func (g *gathering) running() bool {
	g.absent = !g.m.tree.live
	return g.m.tree.live
}

// uname answers for the kernel. For a directory it is the kernel that its /proc names, else the one that runs this program, as for a
// container.
func (g *gathering) uname() {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		g.fail("cannot tell the running kernel: " + err.Error())
		return
	}
	release, version, node := unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), unix.ByteSliceToString(u.Nodename[:])
	machine := unix.ByteSliceToString(u.Machine[:])
	for name, to := range map[string]*string{"osrelease": &release, "version": &version, "hostname": &node} {
		if b, err := g.m.tree.read("/proc/sys/kernel/"+name, maxTable); err == nil && !g.m.tree.live {
			*to = strings.TrimSpace(string(b))
		}
	}
	g.add(g.wanted(text("machine_class", machine), text("node_name", node), text("os_name", unix.ByteSliceToString(u.Sysname[:])),
		text("os_release", release), text("os_version", version), text("processor_type", machine))...)
}

// wanted drops the fields that no test looks at.
func (g *gathering) wanted(fields ...patch.Field) []patch.Field {
	return slices.DeleteFunc(fields, func(f patch.Field) bool { return !g.r.Wants(f.Name) })
}

// partition answers for mounted file systems. The space that is used and left changes without meaning and is given where it is named.
func (g *gathering) partition() {
	if !g.running() {
		return
	}
	b, err := g.m.tree.read("/proc/self/mounts", maxTable)
	if err != nil {
		g.fail("cannot read which file systems are mounted: " + err.Error())
		return
	}
	last := map[string]int{} // a later mount hides an earlier one
	rows := strings.Split(string(b), "\n")
	for i, l := range rows {
		if w := strings.Fields(l); len(w) > 3 {
			last[w[1]] = i
		}
	}
	for i, l := range rows {
		w := strings.Fields(l)
		if len(w) < 4 || last[w[1]] != i {
			continue
		}
		point := unescape(w[1])
		if g.is(g.entity("mount_point"), point) {
			g.add(append([]patch.Field{text("mount_point", point)}, g.partitionFields(point, w)...)...)
		}
	}
}

func (g *gathering) partitionFields(point string, w []string) []patch.Field {
	f := []patch.Field{text("device", unescape(w[0]))}
	if g.r.Wants("uuid") {
		if id := deviceUUID(w[0]); id != "" {
			f = append(f, text("uuid", id))
		}
	}
	f = append(f, text("fs_type", w[2]))
	for _, o := range strings.Split(w[3], ",") {
		f = append(f, text("mount_options", o))
	}
	f = g.wanted(f...)
	var fs unix.Statfs_t
	named := func(name string) bool { return slices.Contains(g.r.Fields, name) }
	if !g.r.Wants("total_space") && !named("space_used") && !named("space_left") || unix.Statfs(point, &fs) != nil {
		return f
	}
	for _, x := range []struct {
		name  string
		given bool
		n     uint64
	}{{"total_space", g.r.Wants("total_space"), fs.Blocks}, {"space_used", named("space_used"), fs.Blocks - fs.Bfree}, {"space_left", named("space_left"), fs.Bfree}} {
		if x.given {
			f = append(f, typed(x.name, "int", strconv.FormatUint(x.n, 10)))
		}
	}
	return f
}

// deviceUUID is the name by which udev links to a device.
func deviceUUID(device string) string {
	if !strings.HasPrefix(device, "/dev/") {
		return ""
	}
	list, _ := os.ReadDir("/dev/disk/by-uuid")
	for _, e := range list {
		if to, err := filepath.EvalSymlinks("/dev/disk/by-uuid/" + e.Name()); err == nil && to == device {
			return e.Name()
		}
	}
	return ""
}

// unescape reads the octal escapes of /proc/mounts.
func unescape(s string) string {
	for _, x := range [][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, x[0], x[1])
	}
	return s
}

// environmentvariable answers for the environment of this program.
func (g *gathering) environmentvariable() {
	if g.running() {
		g.variables(nil, os.Environ())
	}
}

// environmentvariable58 answers for the environment of processes; of this one where the object leaves the process open.
func (g *gathering) environmentvariable58() {
	if !g.running() {
		return
	}
	want := g.entity("pid")
	if want == nil || want.Nil {
		g.variables([]patch.Field{typed("pid", "int", strconv.Itoa(os.Getpid()))}, os.Environ())
		return
	}
	for _, pid := range g.m.processes() {
		if !g.is(want, pid) {
			continue
		}
		b, err := g.m.tree.read("/proc/"+pid+"/environ", maxTable)
		if err != nil {
			g.miss("cannot read the environment of process " + pid + ": " + err.Error())
			continue
		}
		g.variables([]patch.Field{typed("pid", "int", pid)}, strings.Split(string(b), "\x00"))
	}
}

func (g *gathering) variables(pid []patch.Field, environment []string) {
	if !slices.Contains(g.r.Fields, "pid") {
		pid = nil // it is another one each time
	}
	slices.Sort(environment)
	for _, v := range environment {
		if name, value, ok := strings.Cut(v, "="); ok && g.is(g.entity("name"), name) {
			g.add(append(slices.Clone(pid), text("name", name), text("value", value))...)
		}
	}
}

// password answers for the accounts in /etc/passwd.
func (g *gathering) password() {
	b, err := g.m.tree.read("/etc/passwd", maxTable)
	if gone(err) {
		return
	}
	if err != nil {
		g.fail("cannot read /etc/passwd: " + err.Error())
		return
	}
	for l := range strings.Lines(string(b)) {
		w := append(strings.Split(strings.TrimSuffix(l, "\n"), ":"), "", "", "", "")
		if len(w) < 8 || !isNumber(w[2]) || !isNumber(w[3]) || !g.is(g.entity("username"), w[0]) {
			continue
		}
		f := []patch.Field{text("username", w[0])}
		f = append(f, g.wanted(text("password", w[1]), typed("user_id", "int", w[2]), typed("group_id", "int", w[3]), text("gcos", w[4]),
			text("home_dir", w[5]), text("login_shell", w[6]))...)
		g.add(f...)
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// runlevel answers for System V services: which links start or kill them in which runlevel.
func (g *gathering) runlevel() {
	for _, level := range []string{"0", "1", "2", "3", "4", "5", "6"} {
		if !g.is(g.entity("runlevel"), level) {
			continue
		}
		list, err := g.m.tree.list("/etc/rc" + level + ".d")
		if gone(err) {
			list, err = g.m.tree.list("/etc/rc.d/rc" + level + ".d")
		}
		if err != nil && !gone(err) {
			g.miss("cannot read /etc/rc" + level + ".d: " + err.Error())
		}
		g.services(level, list)
	}
}

func (g *gathering) services(level string, list []entry) {
	links := map[string]bool{}
	var names []string
	for _, e := range list {
		if len(e.name) <= 3 || e.name[0] != 'S' && e.name[0] != 'K' || !isNumber(e.name[1:3]) || !g.is(g.entity("service_name"), e.name[3:]) {
			continue
		}
		if name := e.name[3:]; !slices.Contains(names, name) {
			names = append(names, name)
		}
		links[e.name[:1]+e.name[3:]] = true
	}
	for _, n := range names {
		g.add(append([]patch.Field{text("service_name", n), text("runlevel", level)}, g.wanted(flag("start", links["S"+n]), flag("kill", links["K"+n]))...)...)
	}
}
