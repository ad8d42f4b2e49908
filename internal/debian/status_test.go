package debian

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

const sampleStatus = `Package: adduser
Status: install ok installed
Priority: important
Architecture: all
Version: 3.134
Conffiles:
 /etc/adduser.conf cc3493ecd2d09837ffdcc3e25fdfff18
Description: add and remove users and groups
 Version: 9 is not a field here
 .
 Architecture: nor is this

Package: libc6
Status: hold ok installed
Architecture: amd64
Multi-Arch: same
Provides: libc6-abi, libm6 (= 2.36)
Source: glibc
Version: 2.36-9+deb12u10

Package: libc6
Status: install ok half-configured
Architecture: i386
Source: glibc (2.36-9+deb12u9)
Version: 2.36-9+deb12u9+b1

Package: zlib1g
Status: install ok triggers-pending
Architecture: amd64
Version: 1:1.2.13.dfsg-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: remembered
Status: hold ok not-installed
Architecture: amd64

Package: torn
Status: install reinstreq half-installed
Architecture: amd64

`

func TestParseStatus(t *testing.T) {
	got, err := ParseStatus(strings.NewReader(sampleStatus))
	if err != nil {
		t.Fatal(err)
	}
	want := []patch.Package{
		{Name: "adduser", Arch: "all", Version: "3.134", Source: "adduser", SourceVersion: "3.134", State: patch.Installed},
		{Name: "gone", Arch: "amd64", Version: "1.0", Source: "gone", SourceVersion: "1.0", State: patch.Removed},
		{Name: "libc6", Arch: "amd64", Version: "2.36-9+deb12u10", Source: "glibc", SourceVersion: "2.36-9+deb12u10", State: patch.Installed, Held: true, Provides: "libc6-abi, libm6 (= 2.36)"},
		{Name: "libc6", Arch: "i386", Version: "2.36-9+deb12u9+b1", Source: "glibc", SourceVersion: "2.36-9+deb12u9", State: patch.Broken},
		{Name: "torn", Arch: "amd64", Source: "torn", State: patch.Broken},
		{Name: "zlib1g", Arch: "amd64", Version: "1:1.2.13.dfsg-1", Source: "zlib1g", SourceVersion: "1:1.2.13.dfsg-1", State: patch.Installed},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseStatusAllOrNothing(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "empty"},
		"blank":             {"\n\n\n", "empty"},
		"zeroes":            {strings.Repeat("\x00", 4096), "cut off"},
		"cut in a value":    {sampleStatus[:200], "cut off"},
		"cut at a line end": {sampleStatus[:strings.Index(sampleStatus, "Multi-Arch")], "libc6"},
		"no field":          {"Package: a1\nwhat is this\n\n", "line 2"},
		"zeroes inside":     {strings.Replace(sampleStatus, "Priority", "Pri\x00\x00ty", 1), "line 3"},
		"status missing":    {"Package: a1\nArchitecture: all\nVersion: 1\n\n", "status of a1"},
		"status garbled":    {"Package: a1\nStatus: install ok instaled\nArchitecture: all\nVersion: 1\n\n", "status of a1"},
		"name missing":      {"Status: install ok installed\nArchitecture: all\nVersion: 1\n\n", "package name"},
		"hostile name":      {"Package: -oDPkg::Pre-Invoke::=x\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n", "package name"},
		"architecture":      {"Package: a1\nStatus: install ok installed\nVersion: 1\n\n", "architecture of a1"},
		"twice":             {"Package: a1\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: a1\nStatus: install ok installed\nArchitecture: all\nVersion: 2\n\n", "two entries"},
		"field twice":       {"Package: a1\nPackage: b2\nStatus: install ok installed\nArchitecture: all\n\n", "line 2"},
		"starts in a value": {" Package: a1\n\n", "line 1"},
	} {
		got, err := ParseStatus(strings.NewReader(c.text))
		if err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d packages, %v", name, len(got), err)
		}
	}
}

// Wherever a real database is cut, it is not taken for a smaller one, except exactly between two entries, which nothing can tell.
func TestParseStatusCutAnywhere(t *testing.T) {
	for i := range len(sampleStatus) - 1 {
		if strings.HasSuffix(sampleStatus[:i], "\n\n") {
			continue
		}
		if _, err := ParseStatus(strings.NewReader(sampleStatus[:i])); err == nil {
			t.Fatalf("cut at byte %d it still parses", i)
		}
	}
}

// A database is read a piece at a time; entries that lie across pieces, or are longer than one, are whole.
func TestParseStatusInPieces(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "Package: p%04d\nStatus: install ok installed\nArchitecture: all\nVersion: %d\nDescription: x\n %s\n\n", i, i, strings.Repeat("y", i*7%199))
		if i%1000 == 999 {
			fmt.Fprintf(&b, "Package: q%04d\nStatus: install ok installed\nArchitecture: all\nConffiles:\n%s\n", i, strings.Repeat(" /etc/some/file 0123456789\n", 20_000))
		}
	}
	text := b.String()
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text)), "halves": iotest.HalfReader(strings.NewReader(text)),
		"more empty lines": strings.NewReader(text + strings.Repeat("\n", 300_000))} {
		got, err := ParseStatus(r)
		if err != nil || len(got) != 3003 || got[2999].Version != "2999" || got[3000].Name != "q0999" {
			t.Errorf("%s: %d packages, %v", name, len(got), err)
		}
	}
	late := text + "no field\n\n"
	want := fmt.Sprintf("line %d is", strings.Count(text, "\n")+1)
	if _, err := ParseStatus(strings.NewReader(late)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	broken := errors.New("the disk is gone")
	if _, err := ParseStatus(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

func TestGarbageVersionStays(t *testing.T) {
	got, err := ParseStatus(strings.NewReader("Package: a1\nStatus: install ok installed\nArchitecture: all\nVersion: 1\x00\xff2\x00\x00\n\n"))
	if err != nil || got[0].Version != "1\uFFFD2" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestParseStatusUpdate(t *testing.T) {
	base, err := ParseStatus(strings.NewReader(sampleStatus))
	if err != nil {
		t.Fatal(err)
	}
	for text, check := range map[string]func([]patch.Package) bool{
		"Package: zlib1g\nStatus: install ok half-configured\nArchitecture: amd64\nVersion: 1:1.3\n": func(p []patch.Package) bool {
			return len(p) == 6 && p[5].State == patch.Broken && p[5].Version == "1:1.3"
		},
		"Package: fresh\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 1\n#padding\n": func(p []patch.Package) bool {
			return len(p) == 7 && p[1].Name == "fresh" && p[1].State == patch.Broken
		},
		"Package: adduser\nStatus: deinstall ok not-installed\nArchitecture: all\n": func(p []patch.Package) bool {
			return len(p) == 5 && p[0].Name == "gone"
		},
	} {
		got, err := ParseStatusUpdate([]byte(text), slices.Clone(base))
		if err != nil || !check(got) {
			t.Errorf("%q gives %+v %v", text, got, err)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(sampleStatus))
	f.Add([]byte("\x00\x00\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		packages, err := ParseStatus(bytes.NewReader(b))
		if err != nil && packages != nil {
			t.Fatal("partial facts")
		}
		if !slices.IsSortedFunc(packages, byName) {
			t.Fatal("not sorted")
		}
		for _, p := range packages {
			if !ValidName(p.Name) || !ValidArch(p.Arch) || strings.ContainsAny(p.Version+p.Source+p.SourceVersion, "\x00\n") {
				t.Fatalf("%+v", p)
			}
		}
	})
}
