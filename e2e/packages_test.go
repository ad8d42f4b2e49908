package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
)

// packages makes the agent's packages in two versions, and gives their folders.
func packages(t *testing.T) map[string]string {
	t.Helper()
	_, agent := programs(t)
	out := map[string]string{"1.0": t.TempDir(), "1.1": t.TempDir()}
	for version, dir := range out {
		if b, err := exec.Command("../scripts/packages", agent, runtime.GOARCH, dir, version).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	}
	return out
}

// The agent's packages are installed, upgraded and removed by the machine's own package manager. An upgrade keeps the owner's policy, the
// machine's key and its place at the appliance; a removal leaves nothing that Debian or RPM would not leave, and a purge nothing at all.
func TestTheAgentsPackages(t *testing.T) {
	needRoot(t)
	needRPM(t)
	s, made := newShed(t), packages(t)
	for _, c := range []struct {
		kind, install, upgrade, remove string
		kept                           bool // the state outlives a removal
		more                           []string
	}{
		{kind: ".deb", install: "dpkg -i /root/1.0.deb", upgrade: "dpkg -i /root/1.1.deb", remove: "dpkg -r fettle-agent", kept: true},
		// The machine's programs came from Debian, so rpm's database knows none of them.
		{kind: ".rpm", install: "mkdir -p /var/lib/rpm /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros && rpm -i --nodeps /root/1.0.rpm", upgrade: "rpm -U --nodeps /root/1.1.rpm",
			remove: "rpm -e fettle-agent", more: []string{"rpm"}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			m := s.barn("packaged"+c.kind[1:], c.more...)
			defer m.Stop()
			for version, dir := range made {
				(&box{s: s, Machine: m}).put("/root/"+version+c.kind, read(t, dir+"/fettle-agent-"+runtime.GOARCH+c.kind))
			}
			does := func(line string) string {
				t.Helper()
				out, err := types(t, m, line)
				if err != nil {
					t.Fatalf("%s: %v: %s", line, err, out)
				}
				return out
			}
			does(c.install)
			does("test -e /usr/lib/systemd/system/fettle-agent.service -o -e /lib/systemd/system/fettle-agent.service")
			token, err := s.NewToken(t.Context(), c.kind)
			if err != nil {
				t.Fatal(err)
			}
			says(t, does("echo "+token+" | fettle-agent enrol --server https://"+s.Agents+" --token -"), "Enrolled as")
			before := does("echo detect-only >>/etc/fettle-agent/policy; sha256sum /etc/fettle-agent/policy /var/lib/fettle-agent/identity.json")
			does(c.upgrade)
			if after := does("sha256sum /etc/fettle-agent/policy /var/lib/fettle-agent/identity.json"); after != before {
				t.Errorf("an upgrade changes %s to %s", before, after)
			}
			does("fettle-agent status")
			does(c.remove)
			if _, err := m.Exec(t.Context(), "test", "-e", "/var/lib/fettle-agent/identity.json"); (err == nil) != c.kept {
				t.Errorf("the state is kept: %v, want %v", err == nil, c.kept)
			}
			if c.kept {
				does("dpkg -P fettle-agent")
			}
			does("rm -rf /root/* /etc/fettle-agent/policy.rpmsave; rmdir /etc/fettle-agent 2>/dev/null; true")
			left, err := m.Exec(t.Context(), "find", "/", "-xdev", "-name", "*fettle*", "-not", "-path", "/opt/*")
			if err != nil || len(left) > 0 {
				t.Errorf("a removal leaves %s, %v", left, err)
			}
		})
	}
}

// Where the appliance offers packages, its one line installs the one that the machine's own package manager takes, enrols, brings it up to
// date, and leaves an agent alone that came as a program. A package that was swapped on the appliance is refused.
func TestOneLineInstallsThePackage(t *testing.T) {
	needRoot(t)
	needRPM(t)
	s, made := newShed(t), packages(t)
	for _, c := range []struct {
		kind, prepare, version, remove string
		more                           []string
	}{
		{kind: "deb", version: "1.0", remove: "dpkg -P fettle-agent"},
		// A machine that rpm keeps: its database knows itself and a shell, and Debian's is not there.
		{kind: "rpm", version: "1.0-1", remove: "rpm -e fettle-agent", more: []string{"ca-certificates", "curl", "rpm", "sudo"},
			prepare: "mv /usr/bin/dpkg-query /root/; mkdir -p /var/lib/rpm /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros && rpm -i --nodeps /root/rpm.rpm"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			m := s.barn("offered"+c.kind, c.more...)
			defer m.Stop()
			does := func(line string) string {
				t.Helper()
				out, err := types(t, m, line)
				if err != nil {
					t.Fatalf("%s: %v: %s", line, err, out)
				}
				return out
			}
			if c.prepare != "" {
				rpm := lab.RPM{Name: "rpm", Version: "1", Release: "1", Arch: "noarch", Provides: []string{"/bin/sh"}, Files: map[string]string{"/etc/x": "x"}}
				dir := t.TempDir()
				if err := lab.BuildRPMs(t.Context(), dir, rpm); err != nil {
					t.Fatal(err)
				}
				(&box{s: s, Machine: m}).put("/root/rpm.rpm", read(t, filepath.Join(dir, rpm.File())))
				does(c.prepare)
			}
			offer := func(version string) string {
				t.Helper()
				s.cli("agents", "add", "--data", s.Data(), filepath.Join(made[version], "fettle-agent-"+runtime.GOARCH+"."+c.kind))
				var token struct{ Install struct{ Linux string } }
				s.json(&token, "tokens", "add", c.kind+version, "--admit", "--uses", "2")
				return token.Install.Linux
			}
			out := does(offer("1.0"))
			says(t, out, "installed as the package fettle-agent "+c.version, "Enrolled as", "no service manager runs here")
			says(t, s.cli("machines"), "offered"+c.kind)
			says(t, does("sh fettle-install.sh </dev/null"), "the agent is up to date", "enrolled already")

			shelf := filepath.Join(s.Data(), "agents", "fettle-agent-linux-"+runtime.GOARCH+"."+c.kind)
			next := offer("1.1")
			whole := read(t, shelf)
			_, rest, _ := strings.Cut(next, "-c - && ")
			does("curl -fsSk https://" + s.Agents + "/install.sh -o fettle-install.sh")
			if err := os.WriteFile(shelf, append(whole, 0), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := types(t, m, rest); err == nil || !strings.Contains(out, "nothing was installed") {
				t.Errorf("a package with one byte more is installed: %v: %s", err, out)
			}
			if err := os.WriteFile(shelf, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			says(t, does(next), "installed as the package fettle-agent 1.1", "enrolled already")
			if out, err := types(t, m, "fettle-agent uninstall"); err == nil || !strings.Contains(out, "came as a package") {
				t.Errorf("the package's program is removed behind its manager's back: %v: %s", err, out)
			}
			does(c.remove)
			for _, gone := range []string{"/usr/bin/fettle-agent", "/usr/local/bin/fettle-agent", "/var/lib/fettle-agent"} {
				does("test ! -e " + gone)
			}
			says(t, does("mkdir -p /usr/local/bin; echo old >/usr/local/bin/fettle-agent; "+next), "the agent is installed as /usr/local/bin/fettle-agent")
		})
	}
}
