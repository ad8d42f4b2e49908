package catalog

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
)

// meet joins a second patch of the same ID. The same again is one. Package sets that say the same of every package that both name are
// parts of one advisory, which rpm vendors spread over their repositories: a machine needs all of it. Two meanings cannot be judged.
func (m *made) meet(other *made) {
	if reflect.DeepEqual(m.rule, other.rule) && len(m.files) >= len(other.files) {
		return
	}
	if !m.agrees(other) || !m.addFiles(other) {
		m.rule = detect.Definition{ID: m.patch.ID, Unclear: fmt.Sprintf("the feeds give two different definitions for %s", m.patch.ID)}
		m.files, m.patch.Payloads = nil, nil
		return
	}
	m.rule.Packages = slices.Clone(m.rule.Packages)
	for _, r := range other.rule.Packages {
		if !slices.Contains(m.rule.Packages, r) {
			m.rule.Packages = append(m.rule.Packages, r)
		}
	}
	m.patch.CVEs = append(slices.Clone(m.patch.CVEs), other.patch.CVEs...)
	slices.Sort(m.patch.CVEs)
	m.patch.CVEs = slices.Compact(m.patch.CVEs)
	m.patch.Supersedes = append(slices.Clone(m.patch.Supersedes), other.patch.Supersedes...)
}

// agrees tells whether both are package sets with the same versions for each package that both name.
func (m *made) agrees(other *made) bool {
	if m.rule.Unclear != "" || other.rule.Unclear != "" || len(m.rule.Packages) == 0 || len(other.rule.Packages) == 0 {
		return false
	}
	mine, theirs := versions(m.rule.Packages), versions(other.rule.Packages)
	for k, v := range theirs {
		if own, both := mine[k]; both && !slices.Equal(own, v) {
			return false
		}
	}
	return true
}

// versions gives the versions that a set wants, sorted, by package with no version.
func versions(rules []detect.PackageRule) map[detect.PackageRule][]string {
	all := map[detect.PackageRule][]string{}
	for _, r := range rules {
		v := r.Version
		r.Version = ""
		all[r] = append(all[r], v)
	}
	for k := range all {
		slices.Sort(all[k])
		all[k] = slices.Compact(all[k])
	}
	return all
}

// addFiles takes the other's files as well; false where one package has two files.
func (m *made) addFiles(other *made) bool {
	m.files, m.patch.Payloads = slices.Clone(m.files), slices.Clone(m.patch.Payloads)
	at := make([]int, len(other.files))
	for i, p := range other.patch.Payloads {
		if at[i] = slices.Index(m.patch.Payloads, p); at[i] >= 0 {
			if m.files[at[i]].sha256 != other.files[i].sha256 {
				return false
			}
			continue
		}
		at[i] = len(m.files)
		m.files, m.patch.Payloads = append(m.files, other.files[i]), append(m.patch.Payloads, p)
		m.files[at[i]].needs = nil
	}
	for i := range other.files {
		for _, need := range other.files[i].needs {
			if f := &m.files[at[i]]; !slices.Contains(f.needs, at[need]) {
				f.needs = append(slices.Clone(f.needs), at[need])
			}
		}
	}
	return true
}
