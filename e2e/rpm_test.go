package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// mill is an rpm vendor: a repository, its key, and a stranger's key.
type mill struct {
	dir, url      string
	key, stranger *lab.RPMKey
}

func needRPM(t *testing.T) {
	t.Helper()
	needRoot(t)
	for _, p := range []string{"rpmbuild", "rpmsign", "createrepo_c", "gpg"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: needs %s: run scripts/needs test", p)
		}
	}
}

func rpmOf(name, version string, more ...func(*lab.RPM)) lab.RPM {
	p := lab.RPM{Name: name, Version: version, Release: "1.el9"}
	for _, m := range more {
		m(&p)
	}
	return p
}

// shell is a script that needs /bin/sh, as every real one does.
func shell(when, script string) func(*lab.RPM) {
	return func(p *lab.RPM) { p.Scripts = map[string]string{when: script} }
}

func needing(what ...string) func(*lab.RPM) { return func(p *lab.RPM) { p.Requires = what } }
func insteadOf(what string) func(*lab.RPM)  { return func(p *lab.RPM) { p.Obsoletes = []string{what} } }
func kernelFile(p *lab.RPM) {
	p.Arch, p.Files = "x86_64", map[string]string{"/lib/modules/" + p.EVR() + ".x86_64/vmlinuz": "k"}
}
func configFile(text string) func(*lab.RPM) {
	return func(p *lab.RPM) {
		p.Files, p.Config = map[string]string{"/etc/conf.d/" + p.Name: text}, []string{"/etc/conf.d/" + p.Name}
	}
}

var (
	rpmOld = []lab.RPM{{Name: "rpm", Version: "4.16", Release: "1.el9", Arch: "x86_64"}, rpmOf("bash", "5.1", func(p *lab.RPM) { p.Provides = []string{"/bin/sh"} }),
		rpmOf("lib", "1.0"), rpmOf("app", "1.0"), rpmOf("oldname", "1.0"), rpmOf("kernel-core", "5.14.0", kernelFile), rpmOf("odd", "1.0"), rpmOf("conf", "1.0", configFile("old")),
		rpmOf("slow", "1.0"), rpmOf("beside", "1.0")}
	slowScript = shell("post", "touch /var/tmp/slow-began\nsleep 3\necho done >>/var/tmp/slow-done")
	rpmNew     = []lab.RPM{rpmOf("lib", "2.0"), rpmOf("app", "2.0", needing("lib >= 2")), rpmOf("newname", "1.0", insteadOf("oldname < 2")), rpmOf("kernel-core", "5.15.0", kernelFile),
		rpmOf("conf", "2.0", configFile("new")), rpmOf("slow", "2.0", slowScript), rpmOf("beside", "2.0")}
	rpmForeign = rpmOf("odd", "2.0")
)

func newMill(t *testing.T) *mill {
	t.Helper()
	m := &mill{dir: openDir(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	keys := t.TempDir()
	m.key, err = lab.NewRPMKey(t.Context(), keys, "mill")
	must(err)
	m.stranger, err = lab.NewRPMKey(t.Context(), keys, "stranger")
	must(err)
	t.Cleanup(m.key.Close)
	t.Cleanup(m.stranger.Close)
	must(os.MkdirAll(filepath.Join(m.dir, "old"), 0o755))
	must(lab.BuildRPMs(t.Context(), filepath.Join(m.dir, "old"), rpmOld...))
	m.publish(t, m.key, rpmNew...)
	m.publish(t, m.stranger, rpmForeign)
	srv := httptest.NewServer(http.FileServer(http.Dir(m.dir)))
	t.Cleanup(srv.Close)
	m.url = srv.URL + "/repo"
	return m
}

// publish adds packages to the repository.
func (m *mill) publish(t *testing.T, key *lab.RPMKey, packages ...lab.RPM) {
	t.Helper()
	repo := filepath.Join(m.dir, "repo")
	err := os.MkdirAll(repo, 0o755)
	if err == nil {
		err = lab.BuildRPMs(t.Context(), repo, packages...)
	}
	var files []string
	for _, p := range packages {
		files = append(files, filepath.Join(repo, p.File()))
	}
	if err == nil {
		err = key.Sign(t.Context(), files...)
	}
	if err == nil {
		err = lab.CreateRepo(t.Context(), repo)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rpmSite is an appliance with the mill's catalog, and machines that are kept with rpm.
func newRPMSite(t *testing.T, m *mill, options ...lab.Option) *site {
	t.Helper()
	fettle, agent := programs(t)
	s := &site{t: t, agent: agent}
	var err error
	if s.archive, err = lab.ReadArchive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.base, err = lab.MakeRoot(t.Context(), lab.CacheDir(), s.archive, lab.RootSpec{Release: release, Include: []string{"rpm"}}); err != nil {
		t.Fatal(err)
	}
	s.dir = openDir(t)
	s.start(fettle, options...)
	s.cli("feeds", "add", "--name", "mill", "--rpm", m.url, "--os", "almalinux-9", "--arch", "x86_64")
	s.cli("catalog", "sync")
	return s
}

// rpmBox makes a machine of the Enterprise Linux family out of a root that has rpm: its os-release, its database, its packages, its key.
func (s *site) rpmBox(m *mill, name string) *box {
	s.t.Helper()
	b := s.box(name)
	var err error
	if b.Machine, err = s.Start(s.t.Context(), b.spec); err != nil {
		s.t.Fatal(err)
	}
	b.put("/etc/os-release", []byte("NAME=\"AlmaLinux\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n"))
	b.sh("mkdir -p /etc/rpm /var/lib/rpm /root/old && echo '%%_dbpath /var/lib/rpm' >/etc/rpm/macros")
	key, err := os.ReadFile(m.key.Public)
	if err != nil {
		s.t.Fatal(err)
	}
	b.put("/root/mill.asc", key)
	for _, p := range rpmOld {
		b.put("/root/old/"+p.File(), read(s.t, filepath.Join(m.dir, "old", p.File())))
	}
	b.sh("rpmkeys --import /root/mill.asc && rpm --nosignature --install /root/old/*.rpm")
	b.Stop()
	if b.Machine, err = s.Join(s.t.Context(), b.spec); err != nil {
		s.t.Fatal(err)
	}
	b.snapshot(1)
	return b
}

func (b *box) rpmVersions(name string) string {
	b.s.t.Helper()
	return strings.TrimSpace(strings.Join(strings.Fields(b.sh("rpm -q --qf '%%{version} ' %s || true", name)), " "))
}

func rpmID(name, version string) string { return "almalinux-9/" + name + "/" + version + "-1.el9" }

// The whole story on a machine that is kept with rpm: enrolled, judged, approved, deployed, verified.
func TestRPMMachine(t *testing.T) {
	needRPM(t)
	m := newMill(t)
	s := newRPMSite(t, m, lab.WithCheckin(10*time.Second))
	b := s.rpmBox(m, "alma-1")
	for _, c := range []struct {
		name string
		test func(*testing.T, *box)
	}{
		{"an unapproved dependency", rpmUnapproved},
		{"a signature by a stranger", rpmStranger},
		{"a package that replaces another one", rpmReplaces},
		{"a kernel, beside the old one", rpmKernel},
		{"killed in the middle", rpmKilled},
	} {
		t.Run(c.name, func(t *testing.T) {
			on := *b
			on.s = s.on(t)
			c.test(t, &on)
			b.Machine = on.Machine
		})
	}
	s.cli("audit", "verify")
}

func (b *box) deployOnly(id string) progress {
	b.s.t.Helper()
	plan, planned := b.s.plan(b, "--patch", id)
	if !slices.Contains(planned, id) {
		b.s.t.Fatalf("the plan installs %v and not %s:\n%s", planned, id, b.s.cli("explain", b.spec.Hostname, id))
	}
	return b.s.ended(b.s.apply(plan))
}

// What a patch needs and nobody approved is foretold from the repository's metadata, before anything is tried.
func rpmUnapproved(t *testing.T, b *box) {
	s, app, lib := b.s, rpmID("app", "2.0"), rpmID("lib", "2.0")
	s.approve(app)
	needs := "app 2.0-1.el9 needs lib >= 2, which is patch " + lib + ", undecided"
	out, err := s.CLI(t.Context(), "deploy", "plan", "--machine", b.spec.Hostname, "--patch", app)
	if no := (lab.NoError{}); !errors.As(err, &no) {
		t.Errorf("it is no answer \"no\": %v", err)
	}
	says(t, out, needs, "foretold from the vendor's index", "fettle approve "+lib+" --label all")
	says(t, s.cli("explain", b.spec.Hostname, app), needs, "not deployed")
	if got := b.rpmVersions("app"); got != "1.0" {
		t.Errorf("app is at %s", got)
	}
	s.approve(lib)
	until(t, "both are deployable", func() bool { _, planned := s.plan(b); return len(planned) == 2 })
	plan, _ := s.plan(b)
	s.ended(s.apply(plan)).verified(t)
	if got := b.rpmVersions("app") + b.rpmVersions("lib"); got != "2.02.0" {
		t.Errorf("installed is %s", got)
	}
	says(t, s.cli("explain", b.spec.Hostname, app), "Fettle installed it")
}

func rpmStranger(t *testing.T, b *box) {
	s, odd := b.s, rpmID("odd", "2.0")
	s.approve(odd)
	p := b.deployOnly(odd)
	if a := p.attempts()[0]; a.State != "failed" || a.Cause != "untrusted" || !strings.Contains(a.Text, "which the machine does not trust") {
		t.Errorf("%+v", a)
	}
	if got := b.rpmVersions("odd"); got != "1.0" {
		t.Errorf("odd is at %s", got)
	}
}

func rpmReplaces(t *testing.T, b *box) {
	s, id := b.s, "almalinux-9/obsoletes/newname.noarch/1.0-1.el9"
	s.approve(id)
	plan, _ := s.plan(b, "--patch", id)
	says(t, string(read(t, plan)), `"replaces":`, `"oldname"`)
	s.ended(s.apply(plan)).verified(t)
	if got := b.rpmVersions("newname"); got != "1.0" {
		t.Errorf("newname is at %s", got)
	}
	if got := b.rpmVersions("oldname"); !strings.Contains(got, "not installed") {
		t.Errorf("oldname: %s", got)
	}
}

func rpmKernel(t *testing.T, b *box) {
	id := rpmID("kernel-core", "5.15.0")
	b.s.approve(id)
	b.deployOnly(id).verified(t)
	if got := b.rpmVersions("kernel-core"); got != "5.14.0 5.15.0" {
		t.Errorf("kernels are %s", got)
	}
}

// The machine loses power while a script of a package runs: after the next boot the attempt is finished, once, and nothing is left behind.
func rpmKilled(t *testing.T, b *box) {
	s, slow, beside := b.s, rpmID("slow", "2.0"), rpmID("beside", "2.0")
	s.approve(slow, beside)
	plan, _ := s.plan(b, "--patch", slow, "--patch", beside)
	d := s.apply(plan)
	until(t, "the script runs", func() bool { return strings.Contains(b.sh("ls /var/tmp"), "slow-began") })
	b.Kill()
	b.Stop()
	b.boot()
	t.Logf("after the power loss: slow %s", b.rpmVersions("slow"))
	p := s.ended(d)
	p.verified(t)
	for _, name := range []string{"slow", "beside"} {
		if got := b.rpmVersions(name); got != "2.0" {
			t.Errorf("%s is at %s", name, got)
		}
	}
	if out := b.sh("cat /var/tmp/slow-done; rpm -V slow beside"); strings.TrimSpace(out) != "done" {
		t.Errorf("the script's traces and rpm's verification: %q", out)
	}
	st := b.journal()
	for _, a := range p.attempts() {
		if st.intents[a.ID] != 1 || st.ended[a.ID] != 1 {
			t.Errorf("%s was begun %d times and ended %d times", a.Patch, st.intents[a.ID], st.ended[a.ID])
		}
	}
}
