package apk

import (
	"crypto"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/apk/apktest"
	"github.com/fettle-project/fettle/internal/patch"
)

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const secdb = `{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"musl","secfixes":{"1.2.5-r1":["CVE-2025-26519"]}}}]}`

func TestReadFiles(t *testing.T) {
	key, public := apktest.Key(t)
	dir := t.TempDir()
	index := apktest.Index(t, "v3.20.3-80-g1b4c", "P:musl\nV:1.2.5-r1\nA:x86_64\n\nP:doc\nV:1\nA:noarch\n\n")
	signed := apktest.Sign(t, key, crypto.SHA1, index)
	write(t, filepath.Join(dir, "mirror/v3.20/main/x86_64/APKINDEX.tar.gz"), signed)
	write(t, filepath.Join(dir, "mirror/v3.20/community/x86_64/APKINDEX.tar.gz"), signed)
	write(t, filepath.Join(dir, "mirror/v3.20/main/x86_64/musl-1.2.5-r1.apk"), nil)
	loose := write(t, filepath.Join(dir, "loose.tar.gz"), index)
	db := write(t, filepath.Join(dir, "main.json"), []byte(secdb))
	keys, err := apk.ReadKeys(write(t, filepath.Join(dir, "keys", apktest.KeyName), public))
	if err != nil {
		t.Fatal(err)
	}
	repos, err := ReadFiles([]string{filepath.Join(dir, "mirror")}, []string{db}, keys)
	if err != nil || len(repos) != 2 || repos[0].Suite() != "alpine-3.20-community" || repos[1].Suite() != "alpine-3.20-main" ||
		repos[1].OS() != "alpine-3.20-x86_64" || len(repos[0].Fixes) != 0 || len(repos[1].Fixes) != 1 || repos[1].Index.Signer != apktest.KeyName {
		t.Fatalf("%+v, %v", repos, err)
	}
	repos, err = ReadFiles([]string{loose}, []string{db}, nil)
	if err != nil || len(repos) != 1 || repos[0].OS() != "alpine-3.20-x86_64" || len(repos[0].Fixes) != 1 || repos[0].Index.Signer != "" {
		t.Errorf("a loose index: %+v, %v", repos, err)
	}
	if _, err := ReadFiles([]string{loose}, nil, keys); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("an index that nobody signed, with keys: %v", err)
	}
	for name, c := range map[string][2]string{
		"nothing there":   {filepath.Join(dir, "keys"), db},
		"missing":         {filepath.Join(dir, "nothing"), db},
		"no secdb":        {loose, loose},
		"another release": {loose, write(t, filepath.Join(dir, "edge.json"), []byte(`{"distroversion":"edge","reponame":"main","packages":[]}`))},
	} {
		if _, err := ReadFiles([]string{c[0]}, []string{c[1]}, nil); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
