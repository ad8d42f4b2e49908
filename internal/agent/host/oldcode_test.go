//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// proc puts a process into a root's /proc.
func proc(t *testing.T, root string, pid int, comm, namespace, cgroup, maps string) {
	t.Helper()
	dir := filepath.Join(root, "proc", fmt.Sprint(pid))
	if err := os.MkdirAll(dir+"/ns", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"maps": maps, "cgroup": cgroup, "stat": fmt.Sprintf("%d (%s) S 1 %d %d", pid, comm, pid, pid)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("pid:["+namespace+"]", dir+"/ns/pid"); err != nil {
		t.Fatal(err)
	}
}

func mapping(perms, path string) string {
	return "7f6b1c000000-7f6b1c1d5000 " + perms + " 00028000 08:01 1311523                    " + path + "\n"
}

func TestOldCode(t *testing.T) {
	root := t.TempDir()
	const ssl, libc, gone = "/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib/x86_64-linux-gnu/libc.so.6", " (deleted)"
	proc(t, root, 1, "systemd", "1", "0::/init.scope\n", mapping("r-xp", libc))
	if err := os.Symlink("1", filepath.Join(root, "proc/self")); err != nil {
		t.Fatal(err)
	}
	proc(t, root, 812, "nginx", "1", "0::/system.slice/nginx.service\n", mapping("r-xp", ssl+gone)+mapping("r--p", "/usr/share/x"+gone)+mapping("r-xp", libc)+mapping("r-xp", ssl+gone))
	proc(t, root, 90, "nginx", "1", "0::/system.slice/nginx.service\n", mapping("r-xp", libc+gone))
	proc(t, root, 91, "getty", "1", "0::/system.slice/system-getty.slice/getty@tty1.service\n", mapping("r-xp", "/sbin/agetty;66aa00bb"+gone))
	proc(t, root, 92, "vim", "1", "9:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/user.slice\n", mapping("r-xp", "/usr/bin/vim.basic.dpkg-tmp"+gone))
	proc(t, root, 93, "daemon", "1", "0::/\n", mapping("r-xp", "/opt/a name/d"+gone))
	proc(t, root, 94, "boxed", "2", "0::/system.slice/docker.service\n", mapping("r-xp", libc+gone))
	proc(t, root, 95, "jit", "1", "0::/\n", mapping("rwxp", "/memfd:jit"+gone)+mapping("r-xp", "/tmp/x.so"+gone)+mapping("r-xp", "/dev/zero"+gone)+mapping("r-xp", "/home/a/prog"+gone)+"garbage (deleted)\n (deleted)\n")
	want := []patch.OldCode{
		{Program: "daemon", PID: 93, Files: []string{"/opt/a name/d"}},
		{Unit: "getty@tty1.service", Program: "getty", PID: 91, Files: []string{"/sbin/agetty"}},
		{Unit: "nginx.service", Program: "nginx", PID: 90, Files: []string{libc, ssl}},
		{Unit: "session-3.scope", Program: "vim", PID: 92, Files: []string{"/usr/bin/vim.basic"}},
	}
	if d := cmp.Diff(want, OldCode(root)); d != "" {
		t.Error(d)
	}
	var many strings.Builder
	for i := range 9 {
		many.WriteString(mapping("r-xp", fmt.Sprintf("/usr/lib/%d.so", i)+gone))
	}
	proc(t, root, 96, "many\x1b[31m", "1", "", many.String())
	for _, o := range OldCode(root) {
		if o.PID == 96 && (len(o.Files) != patch.MaxOldFiles || o.More != 4 || strings.Contains(o.String(), "\x1b")) {
			t.Errorf("%q", o)
		}
	}
}

func FuzzOldCode(f *testing.F) {
	f.Add(mapping("r-xp", "/usr/lib/x.so (deleted)"), "0::/system.slice/x.service")
	f.Fuzz(func(t *testing.T, maps, cgroup string) {
		dir := t.TempDir()
		if os.WriteFile(dir+"/maps", []byte(maps), 0o600) != nil || os.WriteFile(dir+"/cgroup", []byte(cgroup), 0o600) != nil {
			t.Skip()
		}
		for _, s := range append(replacedCode(dir), unitOf(dir)) {
			if strings.ContainsAny(s, "\x00\x1b\n\r") {
				t.Errorf("%q", s)
			}
		}
	})
}

func TestRestartArgs(t *testing.T) {
	if d := cmp.Diff([]string{"try-restart", "--quiet", "--", "nginx.service"}, restartArgs("nginx.service")); d != "" {
		t.Error(d)
	}
	if err := (Services{Root: t.TempDir()}).Restart(t.Context(), "systemd-logind.service"); err == nil || !strings.Contains(err.Error(), "never restarted") {
		t.Errorf("%v", err)
	}
}
