package rpm_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed/rpm"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseRepomd(t *testing.T) {
	text := `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1709287200</revision>
  <tags><content>binary-x86_64</content><distro cpeid="cpe:/o:almalinux:almalinux:9">AlmaLinux 9</distro></tags>
  <data type="primary"><checksum type="sha256">` + sum + `</checksum><open-checksum type="sha256">` + strings.ToUpper(sum) + `</open-checksum>
    <location href="repodata/p.xml.gz"/><timestamp>1709287100.5</timestamp><size>100</size><open-size>2000</open-size></data>
  <data type="filelists"><checksum type="sha">1</checksum><location href="../x"/></data>
</repomd>`
	got, err := rpm.ParseRepomd(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := rpm.Repomd{Revision: "1709287200", Dated: at("2024-03-01T10:00:00Z"), Distros: []string{"cpe:/o:almalinux:almalinux:9"}, Data: []rpm.DataFile{
		{Type: "primary", Location: "repodata/p.xml.gz", SHA256: sum, OpenSHA256: sum, Size: 100, OpenSize: 2000, Dated: at("2024-03-01T09:58:20Z")},
		{Type: "filelists", Location: "../x"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRepomdRefuses(t *testing.T) {
	const head, data = `<repomd><data type="updateinfo">`, `<checksum type="sha256">` + sum + `</checksum><location href="u.xml"/>`
	for name, text := range map[string]string{
		"a weak checksum":         head + `<checksum type="sha1">00</checksum><location href="u.xml"/></data></repomd>`,
		"no checksum":             head + `<location href="u.xml"/></data></repomd>`,
		"another host":            head + strings.Replace(data, "u.xml", "https://example.org/u.xml", 1) + `</data></repomd>`,
		"a way out":               head + strings.Replace(data, "u.xml", "a/../../u.xml", 1) + `</data></repomd>`,
		"an absolute path":        head + strings.Replace(data, "u.xml", "/etc/passwd", 1) + `</data></repomd>`,
		"a query":                 head + strings.Replace(data, "u.xml", "u.xml?x=1", 1) + `</data></repomd>`,
		"a cut file":              head + data,
		"something else":          `<html></html>`,
		"two roots":               `<repomd></repomd><repomd></repomd>`,
		"mismatched tags":         `<repomd><data></repomd></data>`,
		"too deep":                `<repomd>` + strings.Repeat("<a>", 100),
		"too many files":          `<repomd>` + strings.Repeat(`<data type="x"></data>`, 200) + `</repomd>`,
		"an entity":               `<!DOCTYPE r [<!ENTITY x "y">]><repomd><revision>&x;</revision></repomd>`,
		"a wrong open checksum":   head + data + `<open-checksum type="sha256">zz</open-checksum></data></repomd>`,
		"nothing":                 ``,
		"a character set of old ": `<?xml version="1.0" encoding="EBCDIC"?><repomd></repomd>`,
	} {
		if _, err := rpm.ParseRepomd(strings.NewReader(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestPackages(t *testing.T) {
	text := `<metadata xmlns="c" xmlns:rpm="r" packages="2">
<package type="rpm"><name>bash</name><arch>x86_64</arch><version epoch="0" ver="5.1.8" rel="9.el9"/>
 <checksum type="sha256" pkgid="YES">` + sum + `</checksum><summary>The GNU
 Bourne Again shell</summary><time file="1709287200" build="1"/><size package="1700000" installed="1" archive="1"/>
 <location href="Packages/bash-5.1.8-9.el9.x86_64.rpm"/>
 <format><rpm:sourcerpm>bash-5.1.8-9.el9.src.rpm</rpm:sourcerpm>
  <rpm:requires><rpm:entry name="bash-libs(x86-64)" flags="EQ" epoch="0" ver="5.1.8" rel="9.el9"/><rpm:entry name="libc.so.6()(64bit)"/>
   <rpm:entry name="(locale if (desktop or shell))"/></rpm:requires>
  <rpm:provides><rpm:entry name="bash" flags="EQ" epoch="0" ver="5.1.8" rel="9.el9"/><rpm:entry name="bash(x86-64)" flags="EQ" epoch="0" ver="5.1.8" rel="9.el9"/>
   <rpm:entry name="bundled(readline)" flags="EQ" ver="8"/><rpm:entry name="shell" flags="GE" epoch="1" ver="5"/><rpm:entry name="bash(x86-64)" flags="EQ" ver="4"/></rpm:provides>
  <rpm:conflicts><rpm:entry name="filesystem" flags="LT" epoch="0" ver="3"/></rpm:conflicts><file>/usr/bin/bash</file><file>/etc/skel/.bashrc</file>
  <rpm:obsoletes><rpm:entry name="sh" flags="LT" epoch="0" ver="2"/><rpm:entry name="ash"/></rpm:obsoletes></format></package>
<package type="rpm"><name>odd</name><arch>noarch</arch><version ver="1:2" rel="1"/><checksum type="sha1">1</checksum><location href="../x"/></package>
</metadata>`
	var got []rpm.Package
	for p, err := range rpm.Packages(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	want := []rpm.Package{
		{NEVRA: rpm.NEVRA{Name: "bash", EVR: rpm.EVR{Epoch: "0", Version: "5.1.8", Release: "9.el9"}, Arch: "x86_64"}, Summary: "The GNU Bourne Again shell",
			Source: "bash-5.1.8-9.el9.src.rpm", Location: "Packages/bash-5.1.8-9.el9.x86_64.rpm", SHA256: sum, Size: 1700000, Filed: at("2024-03-01T10:00:00Z"),
			Obsoletes: []rpm.Relation{{Name: "sh", Flags: "LT", EVR: rpm.EVR{Epoch: "0", Version: "2"}}, {Name: "ash"}}, Siblings: []string{"bash-libs"},
			Requires: []string{"bash-libs(x86-64) = 5.1.8-9.el9", "libc.so.6()(64bit)", "(locale if (desktop or shell))"}, Conflicts: []string{"filesystem < 3"},
			Provides: []string{"shell >= 1:5", "bash(x86-64) = 4", "bin/bash"}},
		{NEVRA: rpm.NEVRA{Name: "odd", EVR: rpm.EVR{Version: "1:2", Release: "1"}, Arch: "noarch"}, Unclear: "the repository gives odd no usable version"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAdvisories(t *testing.T) {
	text := `<updates>
<update from="x@example.org" status="final" type="security" version="3"><id>ALSA-2024:1234</id><title>Important: nodejs:18
 update</title><severity>Important</severity><issued date="2024-05-01 12:00:00"/><updated date="1714651200"/>
 <references><reference href="h" id="CVE-2024-1" type="cve"/><reference id="1234" type="bugzilla"/></references>
 <pkglist><collection short="a"><name>A</name><module name="nodejs" stream="18" version="9" context="rhel9" arch="x86_64"/>
  <package name="nodejs" version="18.1" release="1.module_el9+1" epoch="1" arch="x86_64" src="nodejs-18.1-1.module_el9+1.src.rpm"><filename>f</filename><reboot_suggested>True</reboot_suggested></package></collection>
 <collection short="b"><package name="npm" version="2" release="1.module_el9+1" epoch="0" arch="noarch"/>
  <package name="curl" version="8" release="1" epoch="0"><filename>curl-8-1.i686.rpm</filename></package></collection></pkglist></update>
<update type="bugfix"><id>ALBA-2024:1</id><pkglist><collection><package name="x" version="1-2" release="1" arch="noarch"/></collection></pkglist></update>
<update type="bugfix"><id>two words</id></update>
</updates>`
	var got []rpm.Advisory
	for a, err := range rpm.Advisories(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	row := func(name, epoch, version, release, arch, source, module string) rpm.Row {
		return rpm.Row{NEVRA: rpm.NEVRA{Name: name, EVR: rpm.EVR{Epoch: epoch, Version: version, Release: release}, Arch: arch}, Source: source, Module: module}
	}
	want := []rpm.Advisory{
		{ID: "ALSA-2024:1234", Title: "Important: nodejs:18 update", Type: "security", Severity: "Important", Status: "final", Issued: at("2024-05-01T12:00:00Z"),
			Updated: at("2024-05-02T12:00:00Z"), CVEs: []string{"CVE-2024-1"}, Reboot: true, Rows: []rpm.Row{
				row("nodejs", "1", "18.1", "1.module_el9+1", "x86_64", "nodejs-18.1-1.module_el9+1.src.rpm", "nodejs:18"),
				row("npm", "0", "2", "1.module_el9+1", "noarch", "", "*:*"),
				row("curl", "0", "8", "1", "i686", "", ""),
			}},
		{ID: "ALBA-2024:1", Type: "bugfix", Rows: []rpm.Row{row("x", "", "1-2", "1", "noarch", "", "")}, Unclear: "it gives no usable version for x"},
		{Type: "bugfix", Unclear: "it has no usable identifier"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

const modulemd = `---
document: modulemd-defaults
version: 1
data:
  module: nodejs
  stream: "18"
...
---
document: modulemd
version: 2
data:
  name: nodejs
  stream: 1.10
  version: 9010020221009220316
  context: rhel9
  artifacts:
    rpms:
    - nodejs-1:18.1-1.module_el9+1.x86_64
    - npm-2-1.module_el9+1.noarch
    - not a package
...
`

func TestParseModules(t *testing.T) {
	var got []rpm.Module
	if err := rpm.ParseModules(strings.NewReader(modulemd), func(m rpm.Module) error { got = append(got, m); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []rpm.Module{{Name: "nodejs", Stream: "1.10", Artifacts: []rpm.NEVRA{
		{Name: "nodejs", EVR: rpm.EVR{Epoch: "1", Version: "18.1", Release: "1.module_el9+1"}, Arch: "x86_64"},
		{Name: "npm", EVR: rpm.EVR{Version: "2", Release: "1.module_el9+1"}, Arch: "noarch"},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"---\ndocument: modulemd\nversion: 2\ndata:\n  stream: x\n", "---\n\tx: [\n", "---\n" + strings.Repeat("a", 2<<20),
		"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ndocument: [*d,*d,*d,*d,*d,*d,*d]\n"} {
		if err := rpm.ParseModules(strings.NewReader(text), func(rpm.Module) error { return nil }); err == nil {
			t.Errorf("%.40q is accepted", text)
		}
	}
}

func TestNEVRA(t *testing.T) {
	for in, want := range map[string]string{"bash-5.1.8-9.el9.x86_64": "bash-5.1.8-9.el9.x86_64", "a-b-0:1-2.noarch": "a-b-1-2.noarch", "x-1:2~rc1-3^4.i686": "x-1:2~rc1-3^4.i686"} {
		n, ok := rpm.ParseNEVRA(in)
		if !ok || n.String() != want {
			t.Errorf("%s is %s, %v", in, n, ok)
		}
	}
	for _, in := range []string{"", "x", "x-1.noarch", "-1-2.noarch", "a-1-2", "a-1-2.", "a b-1-2.x", "a-1:-2.x"} {
		if n, ok := rpm.ParseNEVRA(in); ok {
			t.Errorf("%q is taken for %v", in, n)
		}
	}
}

// Nothing that a vendor sends may take more memory than this while it is read.
func TestMemoryIsBounded(t *testing.T) {
	repeat := func(head, body, tail string, total int) func() io.Reader {
		return func() io.Reader {
			return io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{text: body}, int64(total/len(body)*len(body))), strings.NewReader(tail))
		}
	}
	row := `<package name="` + strings.Repeat("n", 200) + `" version="1" release="1" arch="x86_64"/>`
	for name, open := range map[string]func() io.Reader{
		"one text":      repeat("<metadata><package><name>", "x", "</name></package></metadata>", 20<<20),
		"one attribute": repeat(`<metadata><package><version ver="`, "x", `"/></package></metadata>`, 20<<20),
		"one comment":   repeat("<metadata><!--", "x", "--></metadata>", 20<<20),
		"attributes":    repeat("<metadata><package ", `a="1" `, "/></metadata>", 20<<20),
		"depth":         repeat("<metadata>", "<a>", "", 20<<20),
		"obsoletes":     repeat("<metadata><package><format><obsoletes>", `<entry name="xxxxxxxxxxxxxxxxxxxxxxxxx"/>`, "</obsoletes></format></package></metadata>", 20<<20),
	} {
		heap := peak(func() {
			for p, err := range rpm.Packages(open()) {
				_, _ = p, err
			}
		})
		if heap > 64<<20 {
			t.Errorf("%s takes %d MiB", name, heap>>20)
		}
	}
	heap := peak(func() {
		for a, err := range rpm.Advisories(repeat("<updates><update><pkglist><collection>", row, "</collection></pkglist></update></updates>", 20<<20)()) {
			_, _ = a, err
		}
	})
	if heap > 64<<20 {
		t.Errorf("rows take %d MiB", heap>>20)
	}
	for _, line := range []string{"- a\n", "[", "{a: ", "? ", "&a *a "} {
		heap := peak(func() {
			_ = rpm.ParseModules(repeat("---\n", line, "", 1<<20-100)(), func(rpm.Module) error { return nil })
		})
		if heap > 64<<20 {
			t.Errorf("a document of %q takes %d MiB", line, heap>>20)
		}
	}
}

type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		if e.at++; e.at == len(e.text) {
			e.at = 0
		}
	}
	return len(p), nil
}

// peak measures how much the heap grows while f runs, as the garbage collector leaves it.
func peak(f func()) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done, stopped := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-done:
				stopped <- most
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&now)
				if now.HeapAlloc > before.HeapAlloc {
					most = max(most, now.HeapAlloc-before.HeapAlloc)
				}
			}
		}
	}()
	f()
	close(done)
	return <-stopped
}

func FuzzRepomd(f *testing.F) {
	f.Add([]byte(`<repomd><revision>1709287200</revision><data type="primary"><checksum type="sha256">` + sum + `</checksum><location href="a/b.xml"/></data></repomd>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := rpm.ParseRepomd(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, kind := range []string{"primary", "updateinfo", "modules"} {
			if d, ok := r.Find(kind); ok && (!d.SHA256.Valid() || strings.Contains(d.Location, "..") && strings.HasPrefix(d.Location, "..")) {
				t.Errorf("%+v", d)
			}
		}
	})
}

func FuzzPrimary(f *testing.F) {
	f.Add([]byte(`<metadata><package><name>a</name><arch>noarch</arch><version epoch="1" ver="1" rel="1"/><location href="a.rpm"/></package></metadata>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for p, err := range rpm.Packages(bytes.NewReader(b)) {
			if err == nil && p.Unclear == "" && (p.Name == "" || strings.ContainsAny(p.NEVRA.String()+p.Summary, "\n\x1b")) {
				t.Errorf("%+v", p)
			}
		}
	})
}

func FuzzUpdateinfo(f *testing.F) {
	f.Add([]byte(`<updates><update type="security"><id>A-1</id><issued date="2024-01-01"/><pkglist><collection><module name="m" stream="1"/><package name="a" version="1" release="1" arch="noarch"/></collection></pkglist></update></updates>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for a, err := range rpm.Advisories(bytes.NewReader(b)) {
			if err == nil && a.Unclear == "" && (a.ID == "" || strings.ContainsAny(a.ID+a.Title, "\n\x1b")) {
				t.Errorf("%+v", a)
			}
		}
	})
}

func FuzzModules(f *testing.F) {
	f.Add([]byte(modulemd))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = rpm.ParseModules(bytes.NewReader(b), func(m rpm.Module) error {
			if m.Name == "" || strings.ContainsAny(m.NameStream(), "\n \x1b") {
				t.Errorf("%+v", m)
			}
			return nil
		})
	})
}

func TestEveryCompression(t *testing.T) {
	text := []byte(strings.Repeat("<updates></updates>", 1))
	for ending, packed := range compressed(t, text) {
		b, err := io.ReadAll(debian.Decompress("updateinfo.xml"+ending, bytes.NewReader(packed), rpm.MaxMetadata))
		if err != nil || !bytes.Equal(b, text) {
			t.Errorf("%s: %q %v", ending, b, err)
		}
	}
}

// compressed gives the text as the system's own programs pack it.
func compressed(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"": text}
	for ending, program := range map[string]string{".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd"} {
		if b, ok := pipe(t, program, text); ok {
			out[ending] = b
		}
	}
	if len(out) < 3 {
		t.Fatal(fmt.Errorf("there are only %d programs to pack with", len(out)-1))
	}
	return out
}
