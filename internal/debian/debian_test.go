package debian_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
)

var date = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func releaseText() string {
	s := debtest.Suite{Name: "bookworm", Date: date, ValidUntil: date.AddDate(0, 0, 7)}
	return debtest.ReleaseText(s, []string{"main"}, map[string][]byte{"main/binary-amd64/Packages.xz": []byte("x")})
}

// signMulti signs with several keys in one signature block.
func signMulti(t *testing.T, text string, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	var private []*packet.PrivateKey
	for _, k := range keys {
		private = append(private, k.PrivateKey)
	}
	w, err := clearsign.EncodeMulti(&b, private, &packet.Config{Time: func() time.Time { return date }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func TestVerifyRelease(t *testing.T) {
	key, other := debtest.Key(t), debtest.Key(t)
	ring := openpgp.EntityList{key}
	good := debtest.Sign(t, key, releaseText(), date)
	r, err := debian.VerifyReleaseAt(good, ring, date)
	if err != nil {
		t.Fatal(err)
	}
	want := debian.Release{
		Origin: "Debian", Label: "Debian", Suite: "stable", Codename: "bookworm", Architectures: []string{"all", "amd64"}, Components: []string{"main"},
		Date: date, ValidUntil: date.AddDate(0, 0, 7), ByHash: true,
		SHA256: map[string]debian.FileSum{"main/binary-amd64/Packages.xz": {Size: 1, SHA256: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if os, known := r.HostOS("amd64"); !known || os != "debian-12-amd64" {
		t.Errorf("HostOS: %s, %v", os, known)
	}
	for _, keys := range [][]*openpgp.Entity{{other, key}, {key, other}} {
		if _, err := debian.VerifyReleaseAt(signMulti(t, releaseText(), keys...), ring, date); err != nil {
			t.Errorf("one good signature of two is not enough: %v", err)
		}
	}
}

func TestVerifyReleaseRefuses(t *testing.T) {
	key, other := debtest.Key(t), debtest.Key(t)
	ring := openpgp.EntityList{key}
	good := debtest.Sign(t, key, releaseText(), date)
	replace := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("nothing to replace: %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	hostile := func(text string) []byte { return debtest.Sign(t, key, text, date) }
	cases := map[string][]byte{
		"empty":                     nil,
		"not signed":                []byte(releaseText()),
		"by an unknown key":         debtest.Sign(t, other, releaseText(), date),
		"text changed":              replace("Suite: stable", "Suite: stabl"),
		"text added":                replace("Suite: stable", "Suite: stable\nX: y"),
		"words before":              append([]byte("X: y\n"), good...),
		"blank line before":         append([]byte("\n"), good...),
		"words after":               append(slices.Clone(good), "X: y\n"...),
		"second message":            append(slices.Clone(good), good...),
		"second signature":          append(slices.Clone(good), good[bytes.Index(good, []byte("-----BEGIN PGP SIGNATURE")):]...),
		"header that is not a Hash": replace("-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNED MESSAGE-----\nComment: x\n"),
		"signature cut":             good[:len(good)-60],
		"no date":                   hostile(strings.Replace(releaseText(), "Date:", "Dite:", 1)),
		"bad date":                  hostile(strings.Replace(releaseText(), "Date: Sun", "Date: Son", 1)),
		"bad Valid-Until":           hostile(strings.Replace(releaseText(), "Valid-Until: Sun", "Valid-Until: soon", 1)),
		"no sums":                   hostile(strings.Split(releaseText(), "SHA256:")[0]),
		"bad sum":                   hostile(releaseText() + " zz 1 main/x\n"),
		"negative size":             hostile(releaseText() + " 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 -1 x\n"),
		"two sums for one file":     hostile(releaseText() + " 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 2 main/binary-amd64/Packages.xz\n"),
		"second paragraph":          hostile(releaseText() + "\nOrigin: x\n"),
		"a field twice":             hostile("Codename: trixie\n" + releaseText()),
		"signature over nothing":    signMulti(t, ""),
	}
	for name, b := range cases {
		if r, err := debian.VerifyReleaseAt(b, ring, date); patch.KindOf(err) != patch.Untrusted {
			t.Errorf("%s: %v, %v", name, r.Codename, err)
		}
	}
	if _, err := debian.VerifyReleaseAt(good, nil, date); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("an empty keyring: %v", err)
	}
	if _, err := debian.VerifyReleaseAt(good, ring, date.AddDate(-20, 0, 0)); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("a signature from the future: %v", err)
	}
}

func TestReadKeyring(t *testing.T) {
	dir := t.TempDir()
	key := debtest.Key(t)
	var plain, armoured bytes.Buffer
	if err := key.Serialize(&plain); err != nil {
		t.Fatal(err)
	}
	w, err := armor.Encode(&armoured, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain.Bytes())
	w.Close()
	gpg, asc := filepath.Join(dir, "a.gpg"), filepath.Join(dir, "b.asc")
	os.WriteFile(gpg, plain.Bytes(), 0o600)
	os.WriteFile(asc, armoured.Bytes(), 0o600)
	os.WriteFile(filepath.Join(dir, "README"), []byte("no key"), 0o600)
	for _, c := range []struct {
		paths []string
		want  int
	}{{[]string{gpg}, 1}, {[]string{asc}, 1}, {[]string{dir}, 2}, {[]string{gpg, asc}, 2}} {
		keys, err := debian.ReadKeyring(c.paths...)
		if err != nil || len(keys) != c.want {
			t.Errorf("%v: %d keys, %v", c.paths, len(keys), err)
		}
	}
	for _, paths := range [][]string{nil, {filepath.Join(dir, "none")}, {filepath.Join(dir, "README")}, {t.TempDir()}} {
		if keys, err := debian.ReadKeyring(paths...); err == nil {
			t.Errorf("%v gave %d keys", paths, len(keys))
		}
	}
}

func TestParagraphs(t *testing.T) {
	const text = "# c\nA: 1\nB:\n  x\n .\n\ty\n\n\n\nA:2  \r\n"
	var got []debian.Paragraph
	for p, err := range debian.Paragraphs(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	want := []debian.Paragraph{{{"A", "1"}, {"B", "\n x\n.\ny"}}, {{"A", "2"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{" x\n", "A 1\n", "A: 1\na: 2\n", ": 1\n", "A B: 1\n", strings.Repeat("x", 20<<20), strings.Repeat("A: 1\n\n", 3) + "!"} {
		failed := false
		for _, err := range debian.Paragraphs(strings.NewReader(bad)) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("%.20q was accepted", bad)
		}
	}
}

func TestScanPackages(t *testing.T) {
	text := "\nPackage: a\nVersion: 1\nArchitecture: all\nDescription: x\n long\nSize: 3\n\n\nPackage: b\nSource: s (2)\nVersion: 2+b1\nArchitecture: amd64\nDepends: a\n\n" +
		"Package: c\nSource: s\nVersion: 3\nArchitecture: amd64\nX: " + strings.Repeat("y", 400<<10)
	var got []string
	err := debian.ScanPackages(strings.NewReader(text), func(s debian.Stanza) error {
		got = append(got, fmt.Sprintf("%s %s %s %s %s %d %s", s.Package, s.Version, s.Architecture, s.Source, s.SourceVersion, s.Size, s.Depends))
		return nil
	})
	want := []string{"a 1 all a 1 3 ", "b 2+b1 amd64 s 2 -1 a", "c 3 amd64 s 3 -1 "}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"x\n", "Package: a\n", "Package: a\nPackage: b\nVersion: 1\nArchitecture: all\n", "Package: a\nVersion: 1\nArchitecture: all\nSize: -1\n", "Package: a\nVersion: 1\nArchitecture: all\nSize: 1\nSize: 2\n", "A: " + strings.Repeat("y", 3<<20)} {
		if err := debian.ScanPackages(strings.NewReader(bad), func(debian.Stanza) error { return nil }); err == nil {
			t.Errorf("%.30q was accepted", bad)
		}
	}
	stop := errors.New("stop")
	if err := debian.ScanPackages(strings.NewReader(text), func(debian.Stanza) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the callback's error became %v", err)
	}
}

func compressed(t *testing.T, program string, plain []byte) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("SKIPPED: %s is not installed", program)
	}
	cmd := exec.Command(program, "-c")
	cmd.Stdin = bytes.NewReader(plain)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecompress(t *testing.T) {
	plain := []byte(strings.Repeat("Package: perl\nVersion: 5.36.0-7\n\n", 20_000))
	for ending, program := range map[string]string{".xz": "xz", ".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".lz4": "lz4", "": "cat"} {
		t.Run(program, func(t *testing.T) {
			packed := plain
			if ending != "" {
				packed = compressed(t, program, plain)
			}
			got, err := io.ReadAll(debian.Decompress("Packages"+ending, bytes.NewReader(packed), 1<<20))
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%d of %d bytes, %v", len(got), len(plain), err)
			}
			if _, err := io.ReadAll(debian.Decompress("Packages"+ending, bytes.NewReader(packed), int64(len(plain)-1))); patch.KindOf(err) != patch.Exhausted {
				t.Errorf("one byte beyond the limit: %v", err)
			}
			if ending == "" {
				return
			}
			if got, err := io.ReadAll(debian.Decompress("Packages"+ending, bytes.NewReader(packed[:len(packed)-20]), 1<<20)); err == nil {
				t.Errorf("a cut file gave %d bytes and no error", len(got))
			}
			if _, err := io.ReadAll(debian.Decompress("Packages"+ending, strings.NewReader("rubbish rubbish rubbish"), 1<<20)); err == nil {
				t.Error("rubbish gave no error")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A bomb must end early and cheaply, long before its limit.
func TestBombs(t *testing.T) {
	for ending, program := range map[string]string{".xz": "xz", ".gz": "gzip", ".zst": "zstd"} {
		t.Run(program, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("SKIPPED: %s is not installed", program)
			}
			cmd := exec.Command(program, "-c", "-1")
			cmd.Stdin = io.LimitReader(zeros{}, 200<<20)
			bomb, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			n, err := io.Copy(io.Discard, debian.Decompress("x"+ending, bytes.NewReader(bomb), 8<<20))
			runtime.ReadMemStats(&after)
			if patch.KindOf(err) != patch.Exhausted {
				t.Errorf("%d bytes became %d: %v", len(bomb), n, err)
			}
			if grown := int64(after.Sys) - int64(before.Sys); n > 9<<20 || grown > 64<<20 {
				t.Errorf("%d bytes came out and memory grew by %d", n, grown)
			}
			if n, err := io.Copy(io.Discard, debian.Decompress("x"+ending, bytes.NewReader(bomb), 1<<40)); ending != ".gz" && (patch.KindOf(err) != patch.Exhausted || n > 32<<20) {
				t.Errorf("without a limit %d bytes became %d: %v", len(bomb), n, err)
			}
		})
	}
	// A header alone that asks for 4 GiB.
	huge := compressed(t, "xz", []byte("x"))
	huge[12+2+2] = 40
	if _, err := io.ReadAll(debian.Decompress("x.xz", bytes.NewReader(huge), 1<<20)); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a dictionary of 4 GiB: %v", err)
	}
}

const changelog = `perl (5.36.0-7+deb12u4) bookworm-security; urgency=high

  * Fix CVE-2026-1234 and CVE-2025-99999.
  * Also CVE-2026-1234 again. Closes: #1

 -- A Person <a@example.org>  Mon, 02 Feb 2026 10:00:00 +0200

perl (5.36.0-7) unstable; urgency=medium

  * Old: CVE-2020-0001.

 -- B <b@example.org>  no date
`

func TestReadDeb(t *testing.T) {
	deb := debtest.Deb(t, debtest.Package{Name: "perl", Arch: "amd64", Version: "5.36.0-7+deb12u4", Changelog: changelog, Fill: 1000})
	d, err := debian.ReadDeb(bytes.NewReader(deb))
	if err != nil {
		t.Fatal(err)
	}
	if d.Control.Get("package") != "perl" || len(d.Changelog) != 2 {
		t.Fatalf("%+v", d)
	}
	c := d.Changelog[0]
	c.Text = ""
	want := debian.Change{Source: "perl", Version: "5.36.0-7+deb12u4", Suites: []string{"bookworm-security"}, Urgency: "high",
		Date: time.Date(2026, 2, 2, 8, 0, 0, 0, time.UTC), CVEs: []string{"CVE-2025-99999", "CVE-2026-1234"}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if !d.Changelog[1].Date.IsZero() || d.Changelog[1].CVEs[0] != "CVE-2020-0001" {
		t.Errorf("%+v", d.Changelog[1])
	}
	if p, err := debian.ReadDebControl(bytes.NewReader(deb)); err != nil || p.Get("Version") != "5.36.0-7+deb12u4" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := exec.LookPath("dpkg-deb"); err == nil {
		path := filepath.Join(t.TempDir(), "x.deb")
		os.WriteFile(path, deb, 0o600)
		if out, err := exec.Command("dpkg-deb", "--info", path).CombinedOutput(); err != nil {
			t.Errorf("dpkg-deb refuses the test's own .deb: %s", out)
		}
	}
	for n := 0; n < len(deb); n += 97 {
		if d, err := debian.ReadDeb(bytes.NewReader(deb[:n])); err == nil && len(d.Changelog) > 0 && n < len(deb)/2 {
			t.Errorf("cut at %d: no error", n)
		}
	}
	for name, bad := range map[string][]byte{
		"no archive":    []byte("PK\x03\x04"),
		"no control":    debtest.Ar(map[string][]byte{"data.tar.gz": debtest.GZ(t, debtest.Tar(t, nil))}),
		"empty control": debtest.Ar(map[string][]byte{"control.tar.gz": debtest.GZ(t, debtest.Tar(t, map[string]string{"control": ""}))}),
		"hostile name":  debtest.Ar(map[string][]byte{"control.tar.gz": debtest.GZ(t, debtest.Tar(t, map[string]string{"control": "Package: ../x\nVersion: 1\nArchitecture: all\n"}))}),
	} {
		if d, err := debian.ReadDeb(bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestNames(t *testing.T) {
	for _, s := range []string{"perl", "libc6", "g++", "libstdc++6", "0ad", "python3.11-venv"} {
		if !debian.ValidName(s) {
			t.Errorf("%q is a name", s)
		}
	}
	for _, s := range []string{"", "a", "-oDPkg::Pre-Invoke::=x", "Perl", "a/b", "a b", "a\n", "../x", "+a", ".a", "a;b", "a=b", "ä1", strings.Repeat("a", 200), "a:b", "a\x00"} {
		if debian.ValidName(s) {
			t.Errorf("%q is not a name", s)
		}
		if debian.ValidArch(s) && s != "a" {
			t.Errorf("%q is not an architecture", s)
		}
	}
	for _, s := range []string{"", "../x", "a/../b", "/a", "a//b", "-a", "a b", "a\n", "./", "a/"} {
		if debian.ValidSuite(s) {
			t.Errorf("%q is not a suite", s)
		}
	}
	for _, s := range []string{"bookworm", "bookworm-security", "buster/updates", "stable"} {
		if !debian.ValidSuite(s) {
			t.Errorf("%q is a suite", s)
		}
	}
}
