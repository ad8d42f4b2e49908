package apk

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// ParseInstalled reads lib/apk/db/installed. It is all or nothing: a database that is empty, cut off or garbled is an error that says
// where. A version that is no version is kept as it is. The result is sorted by name.
func ParseInstalled(b []byte) ([]Package, error) {
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return nil, fault("it is empty")
	case len(b) > MaxInstalled:
		return nil, fault("it is larger than %d MiB", MaxInstalled>>20)
	}
	var out []Package
	err := scan(bytes.NewReader(b), true, func(p Package) error {
		if !ValidName(p.Name) || !ValidName(p.Origin) {
			return fault("a package cannot be called %s (%s)", short(p.Name), short(p.Origin))
		}
		out = append(out, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(out); i++ {
		if out[i-1].Name == out[i].Name {
			return nil, fault("it has two entries for %s", out[i].Name)
		}
	}
	return out, nil
}

// ParseWorld gives the packages that the administrator pins to one version, from etc/apk/world: "name=version". They are held. Other
// words of that file (bounds, repositories, conflicts) hold nothing by themselves.
func ParseWorld(b []byte) map[string]bool {
	pinned := map[string]bool{}
	for word := range strings.FieldsSeq(string(b[:min(len(b), maxLine)])) {
		name, version, ok := strings.Cut(word, "=")
		if name, _, _ = strings.Cut(name, "@"); ok && version != "" && ValidName(name) {
			pinned[name] = true
		}
	}
	return pinned
}

// Facts gives the packages as facts. apk gives a source package and all of its parts one version.
func Facts(installed []Package, pinned map[string]bool) []patch.Package {
	out := make([]patch.Package, len(installed))
	for i, p := range installed {
		state := patch.Installed
		if p.Broken {
			state = patch.Broken
		}
		out[i] = patch.Package{Name: p.Name, Arch: p.Arch, Version: p.Version, Source: p.Origin, SourceVersion: p.Version,
			State: state, Held: pinned[p.Name]}
	}
	return out
}
