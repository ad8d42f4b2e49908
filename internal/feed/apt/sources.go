package apt

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MachineSources reads the binary archives that a machine's own apt is configured with, as one-line sources: /etc/apt/sources.list and
// the .list and .sources files of /etc/apt/sources.list.d below root. What apt would not use (disabled, source packages) is left out.
func MachineSources(root string) ([]string, error) {
	dir := filepath.Join(root, "etc/apt")
	paths := []string{filepath.Join(dir, "sources.list")}
	for _, ending := range []string{"*.list", "*.sources"} {
		more, err := filepath.Glob(filepath.Join(dir, "sources.list.d", ending))
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	var lines []string
	for _, p := range paths {
		more, err := readSources(p)
		if err != nil && !os.IsNotExist(err) {
			return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot read this machine's apt sources", Err: err}
		}
		lines = append(lines, more...)
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func readSources(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	if strings.HasSuffix(path, ".sources") {
		for p, err := range debian.Paragraphs(f) {
			if err != nil {
				return nil, err
			}
			lines = append(lines, stanzaLines(p)...)
		}
		return lines, nil
	}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "deb ") {
			lines = append(lines, line)
		}
	}
	return lines, sc.Err()
}

// stanzaLines writes a deb822 stanza as one line for each URI and suite.
func stanzaLines(p debian.Paragraph) []string {
	if !slices.Contains(strings.Fields(p.Get("Types")), "deb") || strings.EqualFold(strings.TrimSpace(p.Get("Enabled")), "no") {
		return nil
	}
	options := ""
	if key := strings.TrimSpace(p.Get("Signed-By")); strings.HasPrefix(key, "/") {
		options = "[signed-by=" + strings.Join(strings.Fields(key), ",") + "] "
	}
	var lines []string
	for uri := range strings.FieldsSeq(p.Get("URIs")) {
		for suite := range strings.FieldsSeq(p.Get("Suites")) {
			lines = append(lines, "deb "+options+uri+" "+suite+" "+strings.Join(strings.Fields(p.Get("Components")), " "))
		}
	}
	return lines
}

// ReleaseSources picks from MachineSources those of one release: "bookworm", "bookworm-security", "bookworm-updates".
func ReleaseSources(root, release string) ([]string, error) {
	all, err := MachineSources(root)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, line := range all {
		f, err := ParseSource(line, "all") // the architecture does not matter here
		if err == nil && (f.Suite == release || f.Suite == release+"-security" || f.Suite == release+"-updates") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("this machine's apt has no sources of {1}", release),
			Do: `Name the archives yourself: --apt "deb URI SUITE COMPONENT…".`}
	}
	return lines, nil
}
