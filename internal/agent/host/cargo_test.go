//go:build linux

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

const mb = 1 << 20

// smallBoot is a root whose /boot is a real file system of its own with so many megabytes.
func smallBoot(t *testing.T, size string, files map[string]int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a file system of its own needs root, or scripts/as-root")
	}
	root := t.TempDir()
	boot := filepath.Join(root, "boot")
	write(t, filepath.Join(root, "proc/sys/kernel/osrelease"), "6.1.0-41-amd64\n")
	if err := os.MkdirAll(boot, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("boot", boot, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(boot, 0) })
	for name, n := range files {
		write(t, filepath.Join(boot, name), strings.Repeat("x", int(n)))
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A /boot of its own needs room for a kernel's files there and an initrd as large as the largest, and not twice the package and 200 MB.
func TestRoomFor(t *testing.T) {
	kernel := func(release string, n int64) cargo {
		return cargo{"linux-image-" + release, map[string]int64{"/boot/vmlinuz-" + release: n, "/boot/config-" + release: mb, "/lib/modules/" + release + "/kernel/a.ko": 100 * mb}}
	}
	present := map[string]int64{"vmlinuz-6.1.0-9-amd64": mb, "vmlinuz-6.1.0-40-amd64": mb, "vmlinuz-6.1.0-41-amd64": mb, "vmlinuz-6.1.0-43-amd64": mb,
		"initrd.img-6.1.0-41-amd64": 8 * mb, "initrd.img-6.1.0-43-amd64": 10 * mb, "initramfs-0-rescue-abc.img": 12 * mb}
	for name, c := range map[string]struct {
		size    string
		present map[string]int64
		brings  []cargo
		want    []string
	}{
		"there is room":        {"64m", present, []cargo{kernel("6.1.0-44-amd64", 2*mb)}, nil}, // 34 are there, and 2+1+10+16 are needed
		"but not for the next": {"62m", present, []cargo{kernel("6.1.0-44-amd64", 2*mb)}, []string{"no room at /boot: 28 MB are free and 29 MB are needed for what linux-image-6.1.0-44-amd64 brings", "; 10 MB of that are for the initrd, if it is as large as initrd.img-6.1.0-43-amd64", "can be removed: 6.1.0-9-amd64, 6.1.0-40-amd64"}},
		"two":                  {"64m", present, []cargo{kernel("6.1.0-44-amd64", 2*mb), kernel("6.1.0-44-cloud-amd64", 2*mb)}, []string{"30 MB are free and 42 MB are needed for what linux-image-6.1.0-44-amd64, linux-image-6.1.0-44-cloud-amd64 brings", "20 MB of that"}},
		"none can go":          {"28m", map[string]int64{"vmlinuz-6.1.0-41-amd64": mb, "initrd.img-6.1.0-41-amd64": 10 * mb}, []cargo{kernel("6.1.0-44-amd64", 2*mb)}, []string{"17 MB are free and 29 MB are needed", "every kernel that is there runs or is the newest"}},
		"in place":             {"44m", map[string]int64{"vmlinuz-6.1.0-41-amd64": 3 * mb, "config-6.1.0-41-amd64": mb, "initrd.img-6.1.0-41-amd64": 12 * mb}, []cargo{kernel("6.1.0-41-amd64", 4*mb)}, []string{"28 MB are free and 33 MB are needed", "12 MB of that"}}, // beside the old
		"in place, and room":   {"50m", map[string]int64{"vmlinuz-6.1.0-41-amd64": 3 * mb, "config-6.1.0-41-amd64": mb, "initrd.img-6.1.0-41-amd64": 12 * mb}, []cargo{kernel("6.1.0-41-amd64", 4*mb)}, nil},
		"no kernel":            {"20m", nil, []cargo{{"memtest86+", map[string]int64{"/boot/memtest86+x64.bin": 5 * mb}}}, []string{"no room at /boot: 20 MB are free and 21 MB are needed for what memtest86+ brings"}},
		"a container":          {"20m", nil, []cargo{kernel("6.1.0-44-amd64", 2*mb)}, nil}, // which makes no initrd
	} {
		t.Run(name, func(t *testing.T) {
			doubt, err := roomFor(smallBoot(t, c.size, c.present), c.brings)
			if c.want == nil {
				if err != nil || doubt != "" {
					t.Error(doubt, err)
				}
				return
			}
			f := (*Failure)(nil)
			if !errors.As(err, &f) || f.Cause != patch.FailRoom || f.Cause.UsesUp() {
				t.Fatalf("%v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(f.Text, w) {
					t.Errorf("%q has no %q", f.Text, w)
				}
			}
		})
	}
	maker := smallBoot(t, "50m", nil)
	write(t, filepath.Join(maker, "usr/sbin/update-initramfs"), "")
	if _, err := roomFor(maker, []cargo{kernel("6.1.0-44-amd64", 2*mb)}); err == nil || !strings.Contains(err.Error(), "64 MB of that are for the initrd, if it is as large as most are") {
		t.Errorf("the first kernel with an initrd: %v", err)
	}
	one := t.TempDir()
	free, err := freeBytes(one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := roomFor(one, []cargo{kernel("6.1.0-44-amd64", int64(free))}); err == nil || !strings.Contains(err.Error(), "no room at /: ") {
		t.Errorf("a /boot that is none of its own: %v", err)
	}
}

// odd is a file system that does not say how much of it is free, or says nothing at all.
type odd struct {
	fs.Inode
	stat, statfs syscall.Errno
}

func (o *odd) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = fuse.S_IFDIR | 0o755
	return o.stat
}

// Statfs says nothing about sizes: so do many file systems that a program provides.
func (o *odd) Statfs(context.Context, *fuse.StatfsOut) syscall.Errno { return o.statfs }

// Where a file system does not say how much of it is free, the patch is not kept back, and the doubt is told with the reason: what is not known is not shown as good. What has
// too little room elsewhere is kept back all the same.
func TestRoomThatCannotBeTold(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a file system of its own needs root, or scripts/as-root")
	}
	brings := cargo{"linux-image-6.1.0-44-amd64", map[string]int64{"/boot/vmlinuz-6.1.0-44-amd64": 2 * mb}}
	const told = "whether there is room at /boot for the 18 MB that linux-image-6.1.0-44-amd64 brings could not be told: "
	for name, c := range map[string]struct {
		odd *odd
		why string
	}{
		"it keeps no count":       {&odd{}, "its file system does not say how large it is"},
		"it fails":                {&odd{statfs: syscall.EIO}, "input/output error"},
		"nothing can be asked it": {&odd{stat: syscall.EACCES, statfs: syscall.EACCES}, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "boot"), 0o755); err != nil {
				t.Fatal(err)
			}
			never := time.Duration(0)
			server, err := fs.Mount(filepath.Join(root, "boot"), c.odd, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true}, AttrTimeout: &never, EntryTimeout: &never})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.Unmount() })
			doubt, err := roomFor(root, []cargo{brings})
			if doubt != told+c.why || err != nil {
				t.Errorf("%q, %v", doubt, err)
			}
			free, err := freeBytes(root)
			if err != nil {
				t.Fatal(err)
			}
			more := cargo{"linux-modules", map[string]int64{"/usr/lib/modules.bin": int64(free)}}
			if doubt, err := roomFor(root, []cargo{brings, more}); doubt != "" || err == nil || !strings.Contains(err.Error(), "no room at /: ") {
				t.Errorf("%q, %v", doubt, err)
			}
			if err := CheckRoom(mb, filepath.Join(root, "boot"), root); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a .deb lists is what it is judged by; one without anything for a place of its own is not even listed.
func TestRoomForDebs(t *testing.T) {
	root := smallBoot(t, "20m", nil)
	put := func(p debtest.Package) Staged {
		path := filepath.Join(t.TempDir(), p.Name+".deb")
		write(t, path, string(debtest.Deb(t, p)))
		return Staged{PlanPackage: patch.PlanPackage{Name: p.Name, Version: p.Version}, Path: path}
	}
	big := strings.Repeat("x", 5*mb)
	boot := debtest.Package{Name: "memtest", Arch: "all", Version: "1", Files: map[string]string{"boot/mem test.bin": big, "usr/share/memtest": big}}
	usr := debtest.Package{Name: "other", Arch: "all", Version: "1", Files: map[string]string{"usr/share/other": big}}
	for _, sums := range []bool{false, true} {
		if sums {
			boot.Sums, usr.Sums = true, true
		}
		if _, err := debRoom(t.Context(), root, []Staged{put(boot)}); err == nil || !strings.Contains(err.Error(), "20 MB are free and 21 MB are needed for what memtest brings") {
			t.Errorf("with sums %v: %v", sums, err)
		}
		if _, err := debRoom(t.Context(), root, []Staged{put(usr)}); err != nil {
			t.Errorf("with sums %v: %v", sums, err)
		}
	}
	damaged := put(boot)
	b, _ := os.ReadFile(damaged.Path)
	write(t, damaged.Path, string(b[:len(b)-2000]))
	if _, err := debRoom(t.Context(), root, []Staged{damaged}); err == nil || !strings.Contains(err.Error(), "cannot list the files of memtest 1") {
		t.Errorf("a damaged one: %v", err)
	}
}

// A kernel of rpm lies with its modules and is copied to /boot; the initrd that its header lists has a size that was made up.
func TestRoomForRpms(t *testing.T) {
	root := smallBoot(t, "40m", map[string]int64{"initramfs-5.14.0-1.el9.x86_64.img": 20 * mb})
	brings := func(files map[string]int64) offered {
		o := offered{about: rpmdb.PackageFile{}}
		o.Name = "kernel-core"
		for f, n := range files {
			o.about.Files, o.about.Sizes = append(o.about.Files, f), append(o.about.Sizes, n)
		}
		return o
	}
	const release = "5.14.0-2.el9.x86_64"
	kernel := map[string]int64{"/lib/modules/" + release + "/vmlinuz": 3 * mb, "/boot/initramfs-" + release + ".img": 900 * mb, "/boot/config-" + release: mb}
	if _, err := rpmRoom(root, []offered{brings(kernel)}); err == nil ||
		!strings.Contains(err.Error(), "no room at /boot: 20 MB are free and 40 MB are needed for what kernel-core brings; 20 MB of that are for the initrd, if it is as large as initramfs-5.14.0-1.el9.x86_64.img") {
		t.Errorf("%v", err)
	}
	if _, err := rpmRoom(root, []offered{brings(map[string]int64{"/usr/bin/x": 1 << 50})}); err != nil {
		t.Errorf("%v", err)
	}
}
