package rpm_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const hostOS = patch.HostOS("almalinux-9-x86_64")

// notice is an advisory of a random world.
type notice struct {
	id, kind string
	rows     []build
}

// world is a machine and a repository.
type world struct {
	repo, installed   []build
	notices           []notice
	streams           map[string]string // of modules: "1" enabled, "" disabled
	excludes, locks   []string
	root, base, cache string
}

// TestDnfAgrees makes random machines and repositories and compares what dnf itself says with what we do.
func TestDnfAgrees(t *testing.T) {
	needPrograms(t, "rpmbuild", "rpm", "createrepo_c", "modifyrepo_c", "dnf")
	if _, err := os.Stat("/usr/lib/python3/dist-packages/dnf-plugins/versionlock.py"); err != nil {
		t.Skip("dnf's versionlock plugin is not installed: run scripts/needs test")
	}
	worlds := 3
	if n, err := strconv.Atoi(os.Getenv("FETTLE_WORLDS")); err == nil {
		worlds = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("FETTLE_SEED"), 10, 64); err == nil {
		seed = n
	}
	all := packages.get(t)
	for i := range worlds {
		t.Run(fmt.Sprint(seed+uint64(i)), func(t *testing.T) {
			w := random(rand.New(rand.NewPCG(seed+uint64(i), 0)), all)
			w.make(t)
			w.compare(t)
		})
	}
}

func random(r *rand.Rand, all []build) *world {
	w := &world{streams: map[string]string{}}
	left := map[string]bool{} // modules' builds come as a whole, as build systems make them
	for i, b := range all {
		out, known := left[b.module+b.EVR.String()]
		if !known || b.module == "" {
			out = r.IntN(10) < 3 && !strings.HasPrefix(b.Release, "1.module_el9+2+")
			left[b.module+b.EVR.String()] = out
		}
		if !out {
			w.repo = append(w.repo, all[i])
		}
	}
	by := sources(all)
	label := []string{"", "node:1", "node:2"}[r.IntN(3)]
	switch {
	case label != "" && r.IntN(4) > 0:
		w.streams["node"] = label[5:]
	case label != "": // disabled, and its packages are still there
		w.streams["node"] = ""
	case r.IntN(3) == 0:
		w.streams["node"] = ""
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if r.IntN(4) == 0 {
			continue
		}
		builds := slices.DeleteFunc(slices.Clone(by[name]), func(b build) bool { return strings.HasPrefix(name, "node") && b.module != label })
		b := builds[r.IntN(len(builds))]
		w.installed = append(w.installed, b)
		for _, other := range builds {
			if other.Arch != b.Arch && other.EVR == b.EVR && r.IntN(2) == 0 || name == "kernel" && other.EVR != b.EVR && r.IntN(3) == 0 {
				w.installed = append(w.installed, other)
			}
		}
	}
	for _, b := range w.installed {
		switch r.IntN(12) {
		case 0:
			if b.Name == "flip" { // an exclude of one architecture does not keep it from changing to another
				b.Arch = "*"
			}
			w.excludes = append(w.excludes, []string{b.Name, b.Name + "." + b.Arch, b.Name[:2] + "*"}[r.IntN(3)])
		case 1:
			if b.Name == "oldname" && slices.ContainsFunc(w.installed, func(o build) bool { return o.Name == "newname" }) {
				continue // the plugin then hides updates of what obsoletes it, and rpm does not leave machines with both
			}
			w.locks = append(w.locks, fmt.Sprintf("%s-%s:%s-%s.*", b.Name, cmpOr(b.Epoch, "0"), b.Version, b.Release))
		}
	}
	for i := range r.IntN(14) {
		n := notice{id: fmt.Sprintf("ALSA-2024:%04d", i), kind: []string{"security", "bugfix", "enhancement"}[r.IntN(3)]}
		for range 1 + r.IntN(4) {
			if b := all[r.IntN(len(all))]; b.Name != "flip" { // dnf's advisories, unlike its updates, do not cross architectures
				n.rows = append(n.rows, b)
			}
		}
		w.notices = append(w.notices, n)
	}
	return w
}

func (w *world) make(t *testing.T) {
	t.Helper()
	w.root, w.base, w.cache = t.TempDir(), t.TempDir(), t.TempDir()
	for _, b := range w.repo {
		if err := os.Link(b.file, filepath.Join(w.base, filepath.Base(b.file))); err != nil {
			t.Fatal(err)
		}
	}
	extra := t.TempDir()
	run(t, "createrepo_c", "-q", w.base)
	for name, text := range map[string]string{"updateinfo": w.updateinfo(), "modules": w.modules()} {
		path := filepath.Join(extra, name+map[string]string{"updateinfo": ".xml", "modules": ".yaml"}[name])
		write(t, path, text)
		run(t, "modifyrepo_c", "--mdtype="+name, path, filepath.Join(w.base, "repodata"))
	}
	write(t, filepath.Join(w.root, "etc/os-release"), "NAME=\"AlmaLinux\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.5\"\nPLATFORM_ID=\"platform:el9\"\n")
	write(t, filepath.Join(w.root, "etc/dnf/dnf.conf"), "[main]\ngpgcheck=1\ninstallonly_limit=3\nexcludepkgs="+strings.Join(w.excludes, ", ")+"\n")
	locklist := filepath.Join(w.root, "etc/dnf/plugins/versionlock.list")
	write(t, locklist, "# locks\n"+strings.Join(w.locks, "\n")+"\n")
	write(t, filepath.Join(w.cache, "plugins/versionlock.conf"), "[main]\nenabled = 1\nlocklist = "+locklist+"\n")
	for name, stream := range w.streams {
		state := "enabled"
		if stream == "" {
			state = "disabled"
		}
		write(t, filepath.Join(w.root, "etc/dnf/modules.d", name+".module"), fmt.Sprintf("[%s]\nname=%s\nstream=%s\nprofiles=\nstate=%s\n", name, name, stream, state))
	}
	write(t, filepath.Join(w.cache, "repos/test.repo"), "[test]\nname=test\nbaseurl=file://"+w.base+"\ngpgcheck=0\n")
	args := []string{"--root", w.root, "--dbpath", "/var/lib/rpm", "--justdb", "--nodeps", "--noscripts", "--nosignature", "--ignorearch", "--oldpackage", "-i", "--force"}
	for _, b := range w.installed {
		args = append(args, b.file)
	}
	if len(w.installed) > 0 {
		run(t, "rpm", args...)
	}
}

func (w *world) updateinfo() string {
	var s strings.Builder
	s.WriteString("<updates>\n")
	for _, n := range w.notices {
		fmt.Fprintf(&s, "<update from='x' status='final' type='%s' version='1'><id>%s</id><title>t</title><severity>Low</severity><issued date='2024-01-01 00:00:00'/><pkglist>\n", n.kind, n.id)
		for _, module := range []string{"", "node:1", "node:2"} {
			fmt.Fprintf(&s, "<collection short='c%s'><name>c</name>", strings.ReplaceAll(module, ":", ""))
			if module != "" {
				name, stream, _ := strings.Cut(module, ":")
				fmt.Fprintf(&s, "<module name='%s' stream='%s' version='1' context='abcd' arch='x86_64'/>", name, stream)
			}
			for _, b := range n.rows {
				if b.module == module {
					fmt.Fprintf(&s, "<package name='%s' version='%s' release='%s' epoch='%s' arch='%s'><filename>%s</filename></package>",
						b.Name, b.Version, b.Release, cmpOr(b.Epoch, "0"), b.Arch, filepath.Base(b.file))
				}
			}
			s.WriteString("</collection>\n")
		}
		s.WriteString("</pkglist></update>\n")
	}
	s.WriteString("</updates>\n")
	return s.String()
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// modules is one modulemd document for each stream, with all of its builds.
func (w *world) modules() string {
	var s strings.Builder
	for _, stream := range []string{"1", "2"} {
		fmt.Fprintf(&s, "---\ndocument: modulemd\nversion: 2\ndata:\n  name: node\n  stream: %q\n  version: 1\n  context: abcd\n  arch: x86_64\n  summary: s\n  description: d\n  license:\n    module: [x]\n  artifacts:\n    rpms:\n", stream)
		for _, b := range w.repo {
			if b.module == "node:"+stream {
				fmt.Fprintf(&s, "    - %s-%s:%s-%s.%s\n", b.Name, cmpOr(b.Epoch, "0"), b.Version, b.Release, b.Arch)
			}
		}
		s.WriteString("...\n")
	}
	return s.String()
}

// dnf runs a query and gives its output.
func (w *world) dnf(t *testing.T, args ...string) string {
	t.Helper()
	all := append([]string{"--installroot=" + w.root, "-c", filepath.Join(w.root, "etc/dnf/dnf.conf"), "--setopt=reposdir=" + filepath.Join(w.cache, "repos"),
		"--setopt=cachedir=" + filepath.Join(w.cache, "cache"), "--setopt=persistdir=" + filepath.Join(w.cache, "persist"), "--setopt=logdir=" + w.cache,
		"--setopt=varsdir=" + w.cache, "--releasever=9", "--forcearch=x86_64", "-q",
		"--setopt=pluginpath=/usr/lib/python3/dist-packages/dnf-plugins", "--setopt=pluginconfpath=" + filepath.Join(w.cache, "plugins"), "--disableplugin=*",
		"--enableplugin=versionlock"}, args...)
	return run(t, "dnf", all...)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	home := t.TempDir()
	write(t, filepath.Join(home, ".rpmmacros"), "%_dbpath /var/lib/rpm\n")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+home)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !(name == "dnf" && asExit(err, &exit) && exit.ExitCode() == 100) {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// judged is what we say.
type judged struct {
	findings map[patch.ID]patch.Finding
	entries  map[patch.ID]detect.Entry
}

func (w *world) judge(t *testing.T) judged {
	t.Helper()
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	sub := patch.Feed{Name: "test", Kind: rpm.Kind, URI: w.base, Arch: "x86_64", OS: hostOS}
	got, err := (&rpm.Fetcher{}).Fetch(context.Background(), sub, nil, dir, time.Now(), func(feed.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	entries, _, err := rpm.Entries(context.Background(), hostOS, got.State, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	if err != nil {
		t.Fatal(err)
	}
	facts, err := host.CollectFacts(context.Background(), w.root)
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, facts, entries)
}

func judge(t *testing.T, facts patch.Facts, entries []detect.Entry) judged {
	t.Helper()
	j := judged{findings: map[patch.ID]patch.Finding{}, entries: map[patch.ID]detect.Entry{}}
	var defs []detect.Definition
	for _, e := range entries {
		defs = append(defs, e.Definition)
		j.entries[e.Patch.ID] = e
	}
	file, err := detect.Compile(facts.OS.Key, version.RPM, defs)
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := detect.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := sigs.Findings(&facts)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for f := range findings {
		j.findings[defs[i].ID] = f
		i++
	}
	return j
}

// compare holds our answers against dnf's.
func (w *world) compare(t *testing.T) {
	t.Helper()
	j := w.judge(t)
	inRepo := map[string]bool{}
	for _, b := range w.repo {
		inRepo[b.Name+"."+b.Arch+" "+b.EVR.String()] = true
	}
	var missing []string
	updates, obsoletes := map[string]string{}, map[string]string{}
	for id, f := range j.findings {
		if f.Verdict == patch.Faulty {
			t.Errorf("%s: %s", id, f.Reason.Text)
		}
		if f.Verdict != patch.NotPatched {
			continue
		}
		parts := strings.Split(string(id), "/")
		switch {
		case len(parts) == 2:
			missing = append(missing, parts[1])
		case parts[1] == "obsoletes":
			obsoletes[parts[2]] = parts[3]
			continue
		}
		for _, p := range f.Packages {
			for _, r := range j.entries[id].Definition.Packages {
				if r.Name != p.Name || r.Version != p.Fixed || !inRepo[r.Name+"."+r.Arch+" "+r.Version] || r.Arch != p.Arch && r.Arch != "noarch" && p.Arch != "noarch" {
					continue
				}
				k := r.Name + "." + r.Arch
				if old, ok := updates[k]; !ok || newer(r.Version, old) {
					updates[k] = r.Version
				}
			}
		}
	}
	slices.Sort(missing)
	wantMissing := w.missing(w.dnf(t, "updateinfo", "list"))
	if d := cmp.Diff(wantMissing, missing); d != "" {
		t.Errorf("advisories missing (-dnf +fettle):\n%s", d)
	}
	w.compareDone(t, j, wantMissing)
	wantUpdates, wantObsoletes := checkUpdate(w.dnf(t, "check-update"))
	for _, b := range w.installed { // of a disabled module: dnf would leave the module for a package of none
		if k := b.Name + "." + b.Arch; b.module != "" && w.disabled() && !strings.Contains(wantUpdates[k], ".module") {
			delete(wantUpdates, k)
		}
	}
	if d := cmp.Diff(wantUpdates, updates); d != "" {
		t.Errorf("updates (-dnf +fettle):\n%s", d)
	}
	if d := cmp.Diff(wantObsoletes, obsoletes); d != "" {
		t.Errorf("obsoleting packages (-dnf +fettle):\n%s", d)
	}
	if t.Failed() {
		t.Logf("installed:")
		for _, b := range w.installed {
			t.Logf("  %s %s", b.NEVRA, b.module)
		}
		t.Logf("streams %v, excludes %v, locks %v\nrepo:", w.streams, w.excludes, w.locks)
		for _, b := range w.repo {
			t.Logf("  %s %s", b.NEVRA, b.module)
		}
		for _, n := range w.notices {
			t.Logf("%s", n.id)
			for _, b := range n.rows {
				t.Logf("  %s %s", b.NEVRA, b.module)
			}
		}
	}
}

// compareDone holds what we call patched, and what we say is not installed, against the advisories that dnf calls installed.
func (w *world) compareDone(t *testing.T, j judged, missing []string) {
	t.Helper()
	done := listed(w.dnf(t, "updateinfo", "list", "--installed"), func(rpm.NEVRA) bool { return true })
	for id, f := range j.findings {
		name, ok := strings.CutPrefix(string(id), "almalinux-9/ALSA-")
		if !ok {
			continue
		}
		name = "ALSA-" + name
		switch {
		case f.Verdict == patch.Patched && len(w.excludes) == 0 && !w.disabled() && !slices.Contains(done, name):
			t.Errorf("%s is patched, and dnf does not call it installed", name)
		case f.Reason.Code == patch.ReasonNotInstalled && (slices.Contains(done, name) || slices.Contains(missing, name)):
			t.Errorf("%s is about packages that are not there, and dnf lists it", name)
		}
	}
}

// disabled tells whether the machine has switched a module off.
func (w *world) disabled() bool {
	stream, ok := w.streams["node"]
	return ok && stream == ""
}

func newer(a, b string) bool {
	n, err := version.Compare(version.RPM, a, b)
	return err == nil && n > 0
}

// missing are the identifiers in the output of dnf updateinfo list. dnf compares a module's package with advisories about packages of
// the same name outside of modules; those lines are left out, because the machine could not even install these packages. It also names
// advisories about packages that a version lock keeps from changing; these are an answer of their own to us.
func (w *world) missing(out string) []string {
	label := map[string]string{}
	for _, b := range w.installed {
		label[b.Name] = b.module
	}
	return listed(out, func(n rpm.NEVRA) bool {
		return (label[n.Name] == "" || strings.Contains(n.Release, ".module")) && !w.locked(n.Name)
	})
}

// listed gives the identifiers of the lines, "ID kind package", whose package counts.
func listed(out string, counts func(rpm.NEVRA) bool) []string {
	var ids []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 3 || !strings.HasPrefix(f[0], "ALSA-") {
			continue
		}
		if n, ok := rpm.ParseNEVRA(f[2]); ok && counts(n) {
			ids = append(ids, f[0])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (w *world) locked(name string) bool {
	return slices.ContainsFunc(w.locks, func(lock string) bool {
		n, ok := rpm.ParseNEVRA(lock)
		return ok && n.Name == name
	})
}

// checkUpdate reads the output of dnf check-update: the newest version by name.arch, and likewise of the packages
// that obsolete others, of which dnf names every build.
func checkUpdate(out string) (updates, obsoleting map[string]string) {
	updates, obsoleting = map[string]string{}, map[string]string{}
	below := false
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "Obsoleting Packages"):
			below = true
		case len(f) != 3:
		case !below:
			updates[f[0]] = f[1]
		case !strings.HasPrefix(line, " ") && (obsoleting[f[0]] == "" || newer(f[1], obsoleting[f[0]])):
			obsoleting[f[0]] = f[1]
		}
	}
	return updates, obsoleting
}
