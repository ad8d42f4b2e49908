package rpm_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/feed/rpm"
)

// build is one package of the pool that random worlds are made from.
type build struct {
	rpm.NEVRA
	source, module, obsoletes string
	file                      string
}

// recipe is a source package with all of its versions.
type recipe struct {
	source    string
	packages  []string // empty: the source's name
	arches    []string
	versions  []string
	module    string
	obsoletes string
}

var (
	native = []string{"x86_64"}
	both   = []string{"x86_64", "i686"}
	none   = []string{"noarch"}
)

var recipes = []recipe{
	{source: "plain", arches: native, versions: []string{"1.0~rc1-1.el9", "1.0-1.el9", "1.0^git1-1.el9", "1.0^git2-1.el9", "1.1-1.el9", "1.1-1.el9_2", "1.10-1.el9"}},
	{source: "epoch", arches: native, versions: []string{"1.0-3.el9", "1:0.5-1.el9", "1:0.5-2.el9", "2:0.1-1.el9", "2:0.1-10.el9"}},
	{source: "pair", packages: []string{"pair", "pair-libs", "pair-devel"}, arches: both, versions: []string{"3.0.1-1.el9", "3.0.1-43.el9_0", "3.0.7-2.el9", "3.2.0~beta1-1.el9"}},
	{source: "data", arches: none, versions: []string{"2023a-1.el9", "2023b-1.el9", "2024a-1.el9"}},
	{source: "flip", arches: none, versions: []string{"1-1.el9", "3-1.el9"}},
	{source: "flip", arches: native, versions: []string{"2-1.el9", "4-1.el9"}},
	{source: "kernel", arches: native, versions: []string{"5.14.0-70.el9", "5.14.0-162.6.1.el9_1", "5.14.0-284.el9_2", "5.14.0-362.el9_3"}},
	{source: "node", packages: []string{"node", "node-docs"}, arches: native, module: "node:1",
		versions: []string{"1.0-1.module_el9+1+aa", "1.1-1.module_el9+2+ab", "1.2-1.module_el9+3+ac"}},
	{source: "node", packages: []string{"node", "node-docs"}, arches: native, module: "node:2",
		versions: []string{"2.0-1.module_el9+1+ba", "2.1-1.module_el9+2+bb"}},
	{source: "node", packages: []string{"node", "node-docs"}, arches: native, versions: []string{"0.9-1.el9", "1.15-1.el9", "3.0-1.el9"}},
	{source: "oldname", arches: native, versions: []string{"1.0-1.el9", "1.5-1.el9", "2.0-1.el9"}},
	{source: "newname", arches: native, versions: []string{"2.0-1.el9", "2.1-1.el9"}, obsoletes: "oldname < 2"},
}

// pool has every build of the recipes made by rpmbuild, once for all tests.
type pool struct {
	once sync.Once
	dir  string
	all  []build
	err  error
}

var packages pool // made by the first test that needs it

func (p *pool) get(t *testing.T) []build {
	t.Helper()
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "fettle-rpms-"); p.err == nil {
			p.err = p.make()
		}
	})
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.all
}

func TestMain(m *testing.M) {
	code := m.Run()
	if packages.dir != "" {
		os.RemoveAll(packages.dir)
	}
	os.Exit(code)
}

func (p *pool) make() error {
	specs := map[string][]string{}
	for i, r := range recipes {
		for j, v := range r.versions {
			name := filepath.Join(p.dir, fmt.Sprintf("%d-%d.spec", i, j))
			if err := os.WriteFile(name, []byte(r.spec(v)), 0o600); err != nil {
				return err
			}
			target := strings.Join(r.arches, ",")
			specs[target] = append(specs[target], name)
			p.add(r, v)
		}
	}
	for target, files := range specs {
		args := []string{"-bb", "--quiet", "--nodeps", "--target", target, "--define", "_topdir " + p.dir, "--define", "_build_id_links none",
			"--define", "__os_install_post %{nil}", "--define", "_binary_payload w0.ufdio"}
		if out, err := exec.Command("rpmbuild", append(args, files...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("rpmbuild: %w: %s", err, out[max(0, len(out)-2000):])
		}
	}
	return nil
}

func (p *pool) add(r recipe, version string) {
	for _, name := range r.names() {
		for _, arch := range r.arches {
			b := build{NEVRA: rpm.NEVRA{Name: name, EVR: rpm.ParseEVR(version), Arch: arch}, source: r.source, module: r.module, obsoletes: r.obsoletes}
			b.file = filepath.Join(p.dir, "RPMS", arch, fmt.Sprintf("%s-%s-%s.%s.rpm", name, b.Version, b.Release, arch))
			p.all = append(p.all, b)
		}
	}
}

func (r recipe) names() []string {
	if len(r.packages) > 0 {
		return r.packages
	}
	return []string{r.source}
}

func (r recipe) spec(version string) string {
	v := rpm.ParseEVR(version)
	var s bytes.Buffer
	fmt.Fprintf(&s, "%%global debug_package %%{nil}\nName: %s\nVersion: %s\nRelease: %s\nSummary: %s of the test\nLicense: x\nAutoReqProv: no\n",
		r.source, v.Version, v.Release, r.source)
	if v.Epoch != "" {
		fmt.Fprintf(&s, "Epoch: %s\n", v.Epoch)
	}
	if r.module != "" {
		fmt.Fprintf(&s, "ModularityLabel: %s:1:abcd\n", r.module)
	}
	if r.obsoletes != "" {
		fmt.Fprintf(&s, "Obsoletes: %s\n", r.obsoletes)
	}
	s.WriteString("%description\nx\n%files\n")
	for _, name := range r.names()[1:] {
		fmt.Fprintf(&s, "%%package -n %s\nSummary: part of the test\n%%description -n %s\nx\n%%files -n %s\n", name, name, name)
	}
	return s.String()
}

// needPrograms skips loudly where a program is missing: `make test` installs them.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed: run scripts/needs test", name)
		}
	}
}

func sources(all []build) map[string][]build {
	by := map[string][]build{}
	for _, b := range all {
		by[b.Name] = append(by[b.Name], b)
	}
	for _, list := range by {
		slices.SortFunc(list, func(a, b build) int { return strings.Compare(a.file, b.file) })
	}
	return by
}

// pipe runs a packing program over text; ok is false where it is not installed.
func pipe(t *testing.T, program string, text []byte) ([]byte, bool) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		return nil, false
	}
	cmd := exec.Command(program, "-c")
	cmd.Stdin = bytes.NewReader(text)
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return b, true
}
