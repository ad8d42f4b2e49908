package standalone

import (
	"bytes"
	"crypto"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/apk/apktest"
	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// An Alpine root is judged by what its repository and security database say: fixed, not fixed, never affected, pinned.
func TestAlpineMachine(t *testing.T) {
	dir := t.TempDir()
	key, public := apktest.Key(t)
	index := apktest.Index(t, "v3.20.3", "P:openssl\nV:3.3.2-r1\nA:x86_64\no:openssl\nt:1727000000\n\nP:libcrypto3\nV:3.3.2-r1\nA:x86_64\no:openssl\n\n"+
		"P:musl\nV:1.2.5-r1\nA:x86_64\n\nP:zlib\nV:1.3.1-r1\nA:x86_64\n\n")
	put(t, dir, "v3.20/main/x86_64/APKINDEX.tar.gz", string(apktest.Sign(t, key, crypto.SHA256, index)))
	put(t, dir, apktest.KeyName, string(public))
	put(t, dir, "main.json", `{"distroversion":"v3.20","reponame":"main","packages":[
		{"pkg":{"name":"openssl","secfixes":{"3.3.0-r3":["CVE-2024-4741"],"3.3.2-r1":["CVE-2024-9143"],"0":["CVE-2022-1292"]}}},
		{"pkg":{"name":"musl","secfixes":{"1.2.5-r1":["CVE-2025-26519"]}}},
		{"pkg":{"name":"zlib","secfixes":{"1.2..3":["CVE-2018-25032"]}}}]}`)
	parsed := map[patch.HostOS][]catalog.Parsed{}
	unverified, err := bundle.Alpine{Indexes: []string{dir}, Keys: []string{filepath.Join(dir, apktest.KeyName)},
		SecDBs: []string{filepath.Join(dir, "main.json")}}.Read(parsed)
	if err != nil || len(unverified) != 0 {
		t.Fatal(unverified, err)
	}
	out := filepath.Join(dir, "alpine.bundle")
	if _, err := bundle.Build(t.Context(), bundle.Options{Out: out, Parsed: parsed}); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	put(t, root, "etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
	put(t, root, "etc/apk/world", "musl=1.2.5-r0\n")
	put(t, root, "lib/apk/db/installed", "P:libcrypto3\nV:3.3.1-r0\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n")
	var text bytes.Buffer
	if err := Detect(t.Context(), Options{Catalog: out, Root: root, JSON: true, Out: &text}); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Patches []patch.Finding }
	if err := json.Unmarshal(text.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	got := map[patch.ID]string{}
	for _, f := range answer.Patches {
		got[f.ID] = f.Verdict.String() + " " + f.Reason.Code
	}
	want := map[patch.ID]string{
		"alpine-3.20-main/openssl/3.3.0-r3": "patched current",
		"alpine-3.20-main/openssl/3.3.2-r1": "not-patched older",
		"alpine-3.20-main/musl/1.2.5-r1":    "not-applicable held",
		"alpine-3.20-main/zlib/1.3.1-r1":    "not-applicable not-installed",
		"alpine-3.20-main/zlib/1.2..3":      "error unreadable",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
