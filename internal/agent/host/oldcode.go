//go:build !windows

package host

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxMaps bounds what is read of one process's memory map.
const maxMaps = 8 << 20

// OldCode lists the programs that run code which was replaced on the disk since they began, with the unit that each belongs to. The kernel
// marks a mapped file whose name was given to another one as deleted (proc_pid_maps(5)); only mapped code counts, and only below the folders
// that packages install into. Processes of containers, which have a PID namespace of their own, are not the machine's.
func OldCode(root string) []patch.OldCode {
	mine := namespaceOf(filepath.Join(root, "proc/self"))
	found := map[[2]string]*oldProcess{}
	procs, _ := filepath.Glob(filepath.Join(root, "proc/[0-9]*"))
	for _, p := range procs {
		files := replacedCode(p)
		pid, err := strconv.Atoi(filepath.Base(p))
		if len(files) == 0 || err != nil || namespaceOf(p) != mine {
			continue
		}
		st, ok := statOf(p)
		if !ok {
			continue
		}
		key := [2]string{unitOf(p), tidy(st.comm, 60)}
		o := found[key]
		if o == nil {
			o = &oldProcess{pid: pid}
			found[key] = o
		}
		o.pid = min(o.pid, pid)
		o.files = append(o.files, files...)
	}
	var out []patch.OldCode
	for key, o := range found {
		out = append(out, o.about(key[0], key[1]))
	}
	slices.SortFunc(out, func(a, b patch.OldCode) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Program, b.Program))
	})
	return out[:min(len(out), patch.MaxOldCode)]
}

type oldProcess struct {
	pid   int
	files []string
}

func (o *oldProcess) about(unit, program string) patch.OldCode {
	slices.Sort(o.files)
	files := slices.Compact(o.files)
	most := min(len(files), patch.MaxOldFiles)
	return patch.OldCode{Unit: unit, Program: program, PID: o.pid, Files: files[:most], More: len(files) - most}
}

// replacedCode lists mapped code of a process whose file is not on the disk any more.
func replacedCode(proc string) (files []string) {
	b, err := readLimited(proc, "maps", maxMaps)
	if err != nil {
		return nil // it has ended, or it is none of ours to read
	}
	for l := range strings.Lines(string(b)) {
		path, deleted := strings.CutSuffix(strings.TrimSuffix(l, "\n"), " (deleted)")
		if !deleted {
			continue
		}
		// "7f6b1c000000-7f6b1c1d5000 r-xp 00028000 08:01 1311523   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)"
		f := strings.Fields(path)
		at := strings.IndexByte(path, '/')
		if len(f) < 6 || at < 0 || len(f[1]) < 3 || f[1][2] != 'x' || !ofPackages(path[at:]) {
			continue
		}
		if name := tidy(nameBefore(path[at:]), 200); !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	return files
}

func ofPackages(path string) bool {
	for _, dir := range []string{"/usr/", "/lib/", "/lib32/", "/lib64/", "/libx32/", "/bin/", "/sbin/", "/opt/"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}

// nameBefore takes off what package managers call a file while they replace it.
func nameBefore(path string) string {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".dpkg-tmp"), ".dpkg-new")
	if at := strings.LastIndexByte(path, ';'); at > 0 && len(path)-at == 9 {
		path = path[:at]
	}
	return path
}

// unitOf gives the systemd unit of a process by its control group: "0::/system.slice/nginx.service/worker". Of what runs in a person's session it is
// the session.
func unitOf(proc string) string {
	b, err := readLimited(proc, "cgroup", maxSmall)
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(b)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(l), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok || controllers != "" && controllers != "name=systemd" {
			continue
		}
		for part := range strings.SplitSeq(path, "/") {
			if strings.HasSuffix(part, ".service") || strings.HasSuffix(part, ".scope") {
				return tidy(part, 140)
			}
		}
	}
	return ""
}

func namespaceOf(proc string) string {
	name, _ := os.Readlink(proc + "/ns/pid")
	return name
}
