package e2e

import (
	"os/exec"
	"runtime"
	"testing"
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
