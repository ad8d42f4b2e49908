package pe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// asked is the version that Windows itself gives of a file; empty where it gives none.
func asked(name string) string {
	var zero windows.Handle
	size, err := windows.GetFileVersionInfoSize(name, &zero)
	if err != nil || size == 0 {
		return ""
	}
	b := make([]byte, size)
	var fixed *windows.VS_FIXEDFILEINFO
	var n uint32
	if windows.GetFileVersionInfo(name, 0, size, unsafe.Pointer(&b[0])) != nil || windows.VerQueryValue(unsafe.Pointer(&b[0]), `\`, unsafe.Pointer(&fixed), &n) != nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d.%d", fixed.FileVersionMS>>16, fixed.FileVersionMS&0xffff, fixed.FileVersionLS>>16, fixed.FileVersionLS&0xffff)
}

// Every program and library of this Windows has the version that Windows says, and nearly all are read without asking it.
func TestVersionsAsWindowsSaysThem(t *testing.T) {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, kind := range []string{"*.dll", "*.exe", "*.sys", "*.ocx", "*.drv", "*.cpl", "drivers/*.sys"} {
		some, _ := filepath.Glob(filepath.Join(dir, kind))
		files = append(files, some...)
	}
	unclear := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Version(f)
		f.Close()
		if errors.Is(err, ErrUnclear) {
			unclear++
		} else if want := asked(name); got != want {
			t.Errorf("%s: %q, and Windows says %q", name, got, want)
		}
	}
	if len(files) < 100 || unclear > len(files)/50 {
		t.Errorf("%d of %d files were not understood", unclear, len(files))
	}
	t.Logf("%d files, %d left to Windows", len(files), unclear)
}
