package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func alpineTree(more map[string]string) map[string]string {
	files := map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n",
		"etc/apk/world":        "alpine-base\nmusl=1.2.5-r0\n",
		"lib/apk/db/installed": "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nP:libcrypto3\nV:3.3.1-r3\nA:x86_64\no:openssl\n\n",
	}
	for name, text := range more {
		files[name] = text
	}
	return files
}

func TestAlpineFacts(t *testing.T) {
	got, err := CollectFacts(t.Context(), makeTree(t, alpineTree(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := patch.Facts{
		OS: patch.OSFacts{Key: "alpine-3.20-x86_64", ID: "alpine", VersionID: "3.20.3", Pretty: "Alpine Linux v3.20", Arch: "x86_64", Manager: "apk"},
		Packages: []patch.Package{
			{Name: "libcrypto3", Arch: "x86_64", Version: "3.3.1-r3", Source: "openssl", SourceVersion: "3.3.1-r3", State: patch.Installed},
			{Name: "musl", Arch: "x86_64", Version: "1.2.5-r0", Source: "musl", SourceVersion: "1.2.5-r0", State: patch.Installed, Held: true},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	edge, err := CollectFacts(t.Context(), makeTree(t, alpineTree(map[string]string{
		"etc/os-release": "ID=alpine\nVERSION_ID=3.21.0_alpha20240923\n", "etc/apk/arch": "aarch64\n"})))
	if err != nil || edge.OS.Key != "alpine-edge-aarch64" {
		t.Errorf("%s, %v", edge.OS.Key, err)
	}
}

func TestAlpineFactsAreAllOrNothing(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"cut":             {"lib/apk/db/installed": "P:musl\nV:1.2.5-r0\nA:x86_64\n"},
		"empty":           {"lib/apk/db/installed": ""},
		"no architecture": {"lib/apk/db/installed": "P:zlib\nV:1\nA:noarch\n\n"},
	} {
		if f, err := CollectFacts(t.Context(), makeTree(t, alpineTree(more))); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
