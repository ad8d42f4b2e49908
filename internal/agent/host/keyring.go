package host

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// keyring gives the keys that this machine trusts for a suite: those of apt itself and of Debian's own keyring package, and what the
// machine's sources of the same release are signed by. Keys of a source for something else do not count.
func (c *Chain) keyring(suite string) (openpgp.EntityList, error) {
	paths := []string{filepath.Join(c.Root, "usr/share/keyrings/debian-archive-keyring.gpg"), filepath.Join(c.Root, "etc/apt/trusted.gpg")}
	for _, pattern := range []string{"etc/apt/trusted.gpg.d/*.gpg", "etc/apt/trusted.gpg.d/*.asc"} {
		more, _ := filepath.Glob(filepath.Join(c.Root, pattern))
		paths = append(paths, more...)
	}
	for _, p := range c.signedBy(suite) {
		paths = append(paths, filepath.Join(c.Root, p))
	}
	var all openpgp.EntityList
	for _, p := range paths {
		if st, err := os.Stat(p); err != nil || st.Size() == 0 {
			continue
		}
		if keys, err := debian.ReadKeyring(p); err == nil { // apt too goes on without a keyring that it cannot read
			all = append(all, keys...)
		}
	}
	if len(all) == 0 {
		return nil, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("this machine has no keyring to verify {1} with", suite), Do: "Install debian-archive-keyring."}
	}
	return all, nil
}

// signedBy lists the keyring files that the machine's sources name for suites of the same release.
func (c *Chain) signedBy(suite string) []string {
	var out []string
	lists, _ := filepath.Glob(filepath.Join(c.Root, "etc/apt/sources.list.d/*.list"))
	for _, p := range append(lists, filepath.Join(c.Root, "etc/apt/sources.list")) {
		b, _ := os.ReadFile(p)
		for line := range strings.Lines(string(b)) {
			out = append(out, oneLineKeys(line, suite)...)
		}
	}
	sources, _ := filepath.Glob(filepath.Join(c.Root, "etc/apt/sources.list.d/*.sources"))
	for _, p := range sources {
		out = append(out, sourcesKeys(p, suite)...)
	}
	return out
}

// oneLineKeys reads "deb [signed-by=/path,/path] URI SUITE …".
func oneLineKeys(line, suite string) []string {
	options, rest, ok := strings.Cut(line, "]")
	before, options, found := strings.Cut(options, "[")
	fields := strings.Fields(rest)
	if !ok || !found || strings.TrimSpace(before) != "deb" || len(fields) < 2 || base(fields[1]) != base(suite) {
		return nil
	}
	for _, o := range strings.Fields(options) {
		if v, ok := strings.CutPrefix(o, "signed-by="); ok {
			return onlyPaths(strings.Split(v, ","))
		}
	}
	return nil
}

func sourcesKeys(path, suite string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []string
	for p, err := range debian.Paragraphs(f) {
		if err != nil {
			return out
		}
		for _, s := range strings.Fields(p.Get("Suites")) {
			if base(s) == base(suite) {
				out = append(out, onlyPaths(strings.Fields(strings.ReplaceAll(p.Get("Signed-By"), ",", " ")))...)
			}
		}
	}
	return out
}

func onlyPaths(names []string) []string {
	var out []string
	for _, n := range names {
		if filepath.IsAbs(n) {
			out = append(out, n)
		}
	}
	return out
}
