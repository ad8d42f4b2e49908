package host

import (
	"path"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	// maxPolicy bounds one file of dnf's configuration, maxModules how many module files are looked at.
	maxPolicy  = 1 << 20
	maxModules = 2000
)

// readModules reads dnf's module states (etc/dnf/modules.d): which streams the machine has enabled or disabled, sorted by name.
func readModules(root string) ([]patch.Module, error) {
	var all []patch.Module
	for _, name := range namesIn(root, "etc/dnf/modules.d") {
		if !strings.HasSuffix(name, ".module") {
			continue
		}
		b, err := readLimited(root, "etc/dnf/modules.d/"+name, maxPolicy)
		if err != nil {
			return nil, badPolicy("etc/dnf/modules.d/"+name, err)
		}
		for section, values := range sections(string(b)) {
			m := patch.Module{Name: section, Stream: values["stream"], State: values["state"]}
			if m.State == "installed" {
				m.State = "enabled" // as older versions of dnf wrote
			}
			if section != "" && (m.State == "enabled" || m.State == "disabled") {
				all = append(all, m)
			}
		}
		if len(all) > maxModules {
			return nil, badPolicy("etc/dnf/modules.d", patch.Errorf(patch.Invalid, "it names more than %d modules", maxModules))
		}
	}
	slices.SortFunc(all, func(a, b patch.Module) int { return strings.Compare(a.Name+"\x00"+a.Stream, b.Name+"\x00"+b.Stream) })
	return slices.Compact(all), nil
}

// holdPackages marks the packages that dnf is told to leave as they are: by a version lock, or by an exclude in its main configuration.
func holdPackages(root string, packages []patch.Package) error {
	patterns, err := dnfPatterns(root)
	if err != nil || len(patterns) == 0 {
		return err
	}
	for i := range packages {
		p := &packages[i]
		p.Held = slices.ContainsFunc(patterns, func(pattern string) bool { return names(pattern, p) })
	}
	return nil
}

// dnfPatterns gives the patterns of locks and excludes. A file that is not there says nothing; one that cannot be read is an error.
func dnfPatterns(root string) ([]string, error) {
	var out []string
	for _, f := range []struct {
		name string
		read func(string) []string
	}{
		{"etc/dnf/dnf.conf", excludes},
		{"etc/yum.conf", excludes},
		{"etc/dnf/plugins/versionlock.list", locks},
		{"etc/yum/pluginconf.d/versionlock.list", locks},
		{"etc/dnf/versionlock.toml", tomlLocks},
	} {
		b, err := readLimited(root, f.name, maxPolicy)
		switch {
		case isMissing(err):
		case err != nil:
			return nil, badPolicy(f.name, err)
		default:
			out = append(out, f.read(string(b))...)
		}
	}
	return out, nil
}

func badPolicy(name string, err error) error {
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read what dnf is told in /{1}", name), Err: cause(err),
		Do: "Nothing was judged: a package that must not change might have been called missing."}
}

// excludes reads exclude= and excludepkgs= of the section main (dnf.conf(5)).
func excludes(text string) []string {
	main := sections(text)["main"]
	words := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r <= ' ' })
	}
	return append(words(main["exclude"]), words(main["excludepkgs"])...)
}

// locks reads dnf's and yum's versionlock.list. A line that begins with "!" excludes one version and holds nothing.
func locks(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' && l[0] != '!' {
			out = append(out, lockedName(l))
		}
	}
	return out
}

// lockedName is the name in a lock "NAME-[EPOCH:]VERSION-RELEASE.ARCH", or the lock where it is a name. Whatever version it names: no
// other may come.
func lockedName(lock string) string {
	release := strings.LastIndexByte(lock, '-')
	if release <= 0 {
		return lock
	}
	at := strings.LastIndexByte(lock[:release], '-')
	begins := func(i int) bool { return i+1 < len(lock) && strings.IndexByte("0123456789*?[", lock[i+1]) >= 0 }
	switch {
	case at > 0 && begins(at):
		return lock[:at]
	case at <= 0 && begins(release):
		return lock[:release]
	}
	return lock
}

// tomlLocks reads dnf5's versionlock.toml: the names of packages with a condition that only one version meets.
func tomlLocks(text string) []string {
	var out []string
	name := ""
	for l := range strings.Lines(text) {
		key, value, _ := strings.Cut(l, "=")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch key = strings.TrimSpace(key); {
		case strings.HasPrefix(key, "[[packages]]"):
			name = ""
		case key == "name":
			name = value
		case key == "comparator" && value == "=" && name != "":
			out = append(out, name)
		}
	}
	return out
}

// names reports whether a pattern is one for a package: for its name, or its name and architecture.
func names(pattern string, p *patch.Package) bool {
	pattern = strings.ReplaceAll(pattern, "[!", "[^")
	for _, s := range []string{p.Name, p.Name + "." + p.Arch} {
		if ok, err := path.Match(pattern, s); ok && err == nil {
			return true
		}
	}
	return false
}

// sections reads an INI file; a line that begins with a blank continues the value before.
func sections(text string) map[string]map[string]string {
	all := map[string]map[string]string{}
	var section map[string]string
	last := ""
	for l := range strings.Lines(text) {
		t := strings.TrimSpace(l)
		switch {
		case t == "" || t[0] == '#' || t[0] == ';':
		case t[0] == '[' && t[len(t)-1] == ']':
			section, last = map[string]string{}, ""
			all[tidy(t[1:len(t)-1], 120)] = section
		case section == nil:
		case (l[0] == ' ' || l[0] == '\t') && last != "":
			section[last] += " " + tidy(t, 4096)
		default:
			key, value, _ := strings.Cut(t, "=")
			last = strings.TrimSpace(key)
			section[last] = tidy(value, 1<<16)
		}
	}
	return all
}
