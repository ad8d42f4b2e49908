package rpmdb

import (
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/patch"
)

// provides gives what a package stands for, one capability a line, sorted: what it says itself, and its programs. What every package provides by
// itself is left out.
func (h *header) provides(p *patch.Package) (string, error) {
	all, err := h.relations(tagProvides, tagProvideFlags, tagProvideVersions)
	if err != nil {
		return "", err
	}
	lines := make([]string, 0, len(all))
	for _, r := range all {
		if r.Op == "=" && r.Version == p.Version && capability.Own(p.Name, r.Name) || capability.Bundled(r.Name) || strings.Contains(r.Name, " ") {
			continue
		}
		lines = append(lines, capability.Written(r))
	}
	if lines, err = h.programs(lines); err != nil {
		return "", err
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n"), nil
}

// programs adds the files of directories for programs.
func (h *header) programs(lines []string) ([]string, error) {
	dirs, err := h.texts(tagDirNames)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(dirs, func(dir string) bool { _, ok := capability.Program(dir + "x"); return ok }) {
		return lines, nil
	}
	names, err := h.texts(tagBaseNames)
	if err != nil {
		return nil, err
	}
	in, err := h.numbers(tagDirIndexes, len(names))
	if err != nil || len(in) != len(names) {
		return nil, fault("%d files have %d directories", len(names), len(in))
	}
	for i, name := range names {
		if in[i] >= uint64(len(dirs)) {
			return nil, fault("the file %.60q is in no directory", name)
		}
		if program, ok := capability.Program(dirs[in[i]] + name); ok && !strings.Contains(program, " ") {
			lines = append(lines, clean([]byte(program)))
		}
	}
	return lines, nil
}
