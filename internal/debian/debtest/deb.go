package debtest

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func controlText(p Package) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\n", p.Name)
	if p.Source != "" {
		fmt.Fprintf(&b, "Source: %s", p.Source)
		if p.SourceVersion != "" {
			fmt.Fprintf(&b, " (%s)", p.SourceVersion)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "Version: %s\nArchitecture: %s\nMaintainer: Test <test@example.org>\n", p.Version, p.Arch)
	if p.Depends != "" {
		fmt.Fprintf(&b, "Depends: %s\n", p.Depends)
	}
	if p.Description != "" {
		fmt.Fprintf(&b, "Description: %s\n", p.Description)
	}
	return b.String()
}

// Deb makes a .deb that real dpkg accepts.
func Deb(t testing.TB, p Package) []byte {
	t.Helper()
	parts := map[string]string{"./control": controlText(p)}
	for name, text := range p.Scripts {
		parts["./"+name] = text
	}
	if len(p.Conffiles) > 0 {
		parts["./conffiles"] = strings.Join(p.Conffiles, "\n") + "\n"
	}
	files := map[string]string{}
	for path, text := range p.Files {
		files["./"+path] = text
	}
	if p.Changelog != "" {
		files["./usr/share/doc/"+p.Name+"/changelog.Debian.gz"] = string(GZ(t, []byte(p.Changelog)))
	}
	if p.Fill > 0 {
		noise := make([]byte, p.Fill)
		r := rand.New(rand.NewPCG(uint64(p.Fill), 7))
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		files["./usr/share/"+p.Name+"/noise"] = string(noise)
	}
	if p.Sums {
		for path, text := range files {
			parts["./md5sums"] += fmt.Sprintf("%x  %s\n", md5.Sum([]byte(text)), strings.TrimPrefix(path, "./"))
		}
	}
	return Ar(map[string][]byte{"control.tar.gz": GZ(t, Tar(t, parts)), "data.tar.xz": XZ(t, Tar(t, files))})
}

// Tar makes a tar of regular files.
func Tar(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: modeOf(text), Size: int64(len(text)), Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// modeOf makes scripts executable.
func modeOf(text string) int64 {
	if strings.HasPrefix(text, "#!") {
		return 0o755
	}
	return 0o644
}

// Ar makes the outer archive of a .deb from its two tars.
func Ar(members map[string][]byte) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	add := func(name string, data []byte) {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", len(data))
		b.Write(data)
		if len(data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	add("debian-binary", []byte("2.0\n"))
	for _, prefix := range []string{"control.tar", "data.tar"} {
		for name, data := range members {
			if strings.HasPrefix(name, prefix) {
				add(name, data)
			}
		}
	}
	return b.Bytes()
}
