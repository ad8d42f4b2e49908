package apk_test

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/apk/apktest"
	"github.com/fettle-project/fettle/internal/patch"
)

const installed = `C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:musl
V:1.2.5-r0
A:x86_64
t:1714000000
I:651264
T:the musl c library (libc) implementation
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1U0ijeZY4gmLnJbRLVDSlbDTIkuA=

P:libcrypto3
V:3.3.1-r3
A:x86_64
o:openssl
p:so:libcrypto.so.3=3
f:s

`

func TestParseInstalled(t *testing.T) {
	got, err := apk.ParseInstalled([]byte(installed))
	want := []apk.Package{
		{Name: "libcrypto3", Version: "3.3.1-r3", Arch: "x86_64", Origin: "openssl", Provides: []string{"so:libcrypto.so.3=3"}, Broken: true},
		{Name: "musl", Version: "1.2.5-r0", Arch: "x86_64", Origin: "musl", Built: 1714000000, Provides: []string{"so:libc.musl-x86_64.so.1=1"}},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Fatalf("%v\n%s", err, d)
	}
	facts := apk.Facts(got, apk.ParseWorld([]byte("alpine-base\nmusl=1.2.5-r0 libcrypto3>3\n!vim busybox@edge\n")))
	wantFacts := []patch.Package{
		{Name: "libcrypto3", Arch: "x86_64", Version: "3.3.1-r3", Source: "openssl", SourceVersion: "3.3.1-r3", State: patch.Broken},
		{Name: "musl", Arch: "x86_64", Version: "1.2.5-r0", Source: "musl", SourceVersion: "1.2.5-r0", State: patch.Installed, Held: true},
	}
	if d := cmp.Diff(wantFacts, facts); d != "" {
		t.Error(d)
	}
}

func TestInstalledIsAllOrNothing(t *testing.T) {
	for name, text := range map[string]string{
		"empty":               "\n\n",
		"cut off":             strings.TrimSuffix(installed, "\n\n") + "\n",
		"cut inside a line":   installed + "P:zlib\nV:1.3",
		"no field":            "P:musl\nV:1\nrubbish\n\n",
		"no version":          "P:musl\nA:x86_64\n\n",
		"two names":           "P:musl\nP:zlib\nV:1\n\n",
		"one package twice":   installed + "P:musl\nV:1\n\n",
		"a name like a flag":  "P:-oX\nV:1\n\n",
		"a name like a path":  "P:../x\nV:1\n\n",
		"an endless line":     "P:" + strings.Repeat("x", 2<<20) + "\nV:1\n\n",
		"a name for a screen": "P:a\x1b[2J\nV:1\n\n",
	} {
		if got, err := apk.ParseInstalled([]byte(text)); err == nil || strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("%s: %d packages, %v", name, len(got), err)
		}
	}
}

const index = `C:Q1pSfuzvTPt1FVmAOIzwIbwBEIqlc=
P:openssl
V:3.3.2-r1
A:x86_64
S:280000
T:Toolkit for Transport Layer Security (TLS)
o:openssl

P:libcrypto3
V:3.3.2-r1
A:x86_64
S:1800000
o:openssl
p:so:libcrypto.so.3=3

P:../evil
V:1
A:x86_64

`

func keysFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadIndex(t *testing.T) {
	key, public := apktest.Key(t)
	keys, err := apk.ReadKeys(keysFile(t, apktest.KeyName, public))
	if err != nil {
		t.Fatal(err)
	}
	plain := apktest.Index(t, "v3.20.3-80-g1b4c", index)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		signed := apktest.Sign(t, key, hash, plain)
		x, err := apk.ReadIndex(signed, keys)
		if err != nil || x.Signer != apktest.KeyName || x.Description != "v3.20.3-80-g1b4c" || len(x.Packages) != 2 || len(x.Unclear) != 1 {
			t.Errorf("%v: %+v, %v", hash, x, err)
		}
		if x, err := apk.ReadIndex(signed, nil); err != nil || x.Signer != "" || len(x.Packages) != 2 {
			t.Errorf("without keys: %+v, %v", x, err)
		}
		for at := len(signed) - len(plain); at < len(signed); at += 7 {
			damaged := bytes.Clone(signed)
			damaged[at] ^= 1
			if _, err := apk.ReadIndex(damaged, keys); err == nil {
				t.Fatalf("%v: a changed byte %d of %d is believed", hash, at, len(signed))
			}
		}
	}
	other, otherPublic := apktest.Key(t)
	strangers, err := apk.ReadKeys(keysFile(t, apktest.KeyName, otherPublic))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		keys apk.Keys
	}{
		"no signature":           {plain, keys},
		"another key's":          {apktest.Sign(t, other, crypto.SHA1, plain), keys},
		"another key of a name":  {apktest.Sign(t, key, crypto.SHA1, plain), strangers},
		"signed, then appended":  {append(apktest.Sign(t, key, crypto.SHA1, plain), plain...), keys},
		"two signature segments": {append(apktest.Sign(t, key, crypto.SHA1, plain)[:40], apktest.Sign(t, key, crypto.SHA1, plain)...), keys},
	} {
		if _, err := apk.ReadIndex(c.file, c.keys); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	if _, err := apk.ReadIndex(plain, keys); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("an unsigned index: %v", err)
	}
}

func TestReadKeysRefuses(t *testing.T) {
	for name, text := range map[string]string{"rubbish": "x", "no key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if k, err := apk.ReadKeys(keysFile(t, "k.pub", []byte(text))); err == nil {
			t.Errorf("%s: %v", name, k)
		}
	}
}

const secdb = `{"apkurl":"{{urlprefix}}/{{distroversion}}","archs":["x86_64"],"reponame":"main","urlprefix":"u","distroversion":"v3.20",
"packages":[
 {"pkg":{"name":"openssl","secfixes":{"3.3.2-r1":["CVE-2024-9143"],"3.3.0-r3":["CVE-2024-4741 XSA-1","CVE-2024-4741"],"0":["CVE-2022-1292"]}}},
 {"pkg":{"name":"apr","secfixes":{"1.7.1-r0":null}}},
 {"pkg":{"name":"odd","secfixes":{"1.0-r0":"CVE-2024-1"}}},
 {"pkg":{"name":"../evil","secfixes":{"1.0-r0":["CVE-2024-1"]}}},
 {"pkg":7}
]}`

func TestParseSecDB(t *testing.T) {
	db, err := apk.ParseSecDB([]byte(secdb))
	want := apk.SecDB{Release: "v3.20", Repo: "main", Fixes: []apk.Fix{
		{Unclear: "the entry in the security database is not of the expected shape"},
		{Origin: "../evil", Unclear: `the security database names a package that cannot be one: "../evil"`},
		{Origin: "apr", Version: "1.7.1-r0"},
		{Origin: "odd", Version: "1.0-r0", Unclear: "its list of fixes is not of the expected shape"},
		{Origin: "openssl", Version: "0", Fixed: []string{"CVE-2022-1292"}},
		{Origin: "openssl", Version: "3.3.0-r3", Fixed: []string{"CVE-2024-4741", "XSA-1"}},
		{Origin: "openssl", Version: "3.3.2-r1", Fixed: []string{"CVE-2024-9143"}},
	}}
	if d := cmp.Diff(want, db); err != nil || d != "" {
		t.Fatalf("%v\n%s", err, d)
	}
	for _, bad := range []string{"", "[]", "{}", `{"packages":{}}`, `{"reponame":"main","distroversion":"../x"}`, secdb[:200]} {
		if db, err := apk.ParseSecDB([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, db)
		}
	}
}

// grown gives how many bytes of memory the heap took from the system while f ran.
func grown(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.HeapSys - min(before.HeapSys, after.HeapSys)
}

func TestMemoryIsBounded(t *testing.T) {
	bomb := func(text string, times int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		for range times {
			z.Write([]byte(text))
		}
		z.Close()
		return b.Bytes()
	}
	names := apktest.Index(t, "v3", strings.Repeat("P:a\nV:1\nA:x\n\n", 101_000))
	provides := apktest.Index(t, "v3", strings.Repeat("P:a\nV:1\nA:x\np:"+strings.Repeat("a ", 400_000)+"\n\n", 3))
	for name, f := range map[string]func() error{
		"a gzip bomb":       func() error { _, err := apk.ReadIndex(bomb(strings.Repeat("\x00", 1<<20), 100), nil); return err },
		"too many names":    func() error { _, err := apk.ReadIndex(names, nil); return err },
		"too many provides": func() error { _, err := apk.ReadIndex(provides, nil); return err },
		"a list of nothing": func() error {
			_, err := apk.ParseSecDB([]byte(`{"packages":[` + strings.Repeat("0,", 1<<21) + `0]}`))
			return err
		},
		"a deep value": func() error {
			_, err := apk.ParseSecDB([]byte(`{"x":` + strings.Repeat("[", 1<<20)))
			return err
		},
	} {
		var err error
		used := grown(func() { err = f() })
		if err == nil || used > 64<<20 {
			t.Errorf("%s: %d MiB, %v", name, used>>20, err)
		}
	}
}

func FuzzParseInstalled(f *testing.F) {
	f.Add([]byte(installed))
	f.Add([]byte("P:a\nV:1\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := apk.ParseInstalled(b)
		for _, p := range got {
			if err != nil || !apk.ValidName(p.Name) || p.Version == "" {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}

func FuzzReadIndex(f *testing.F) {
	key, _ := apktest.Key(f)
	plain := apktest.Index(f, "v3.20", index)
	f.Add(plain)
	f.Add(apktest.Sign(f, key, crypto.SHA1, plain))
	keys := apk.Keys{apktest.KeyName: &key.PublicKey}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = apk.ReadIndex(b, nil)
		if x, err := apk.ReadIndex(b, keys); err == nil && !bytes.HasSuffix(b, plain) {
			t.Errorf("another index than the signed one was accepted: %+v", x)
		}
	})
}

func FuzzParseSecDB(f *testing.F) {
	f.Add([]byte(secdb))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = apk.ParseSecDB(b) })
}
