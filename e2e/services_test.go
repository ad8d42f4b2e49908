package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// underSystemd has a machine's own systemd start its agent, in a control group and namespaces of its own: nothing that it makes is the host's.
const underSystemd = `cd /; mount -t cgroup2 group /mnt; mkdir -p /mnt/GROUP; echo $$ >/mnt/GROUP/cgroup.procs; umount /mnt
exec unshare --cgroup --pid --fork --kill-child --mount-proc sh -ec '
  mount --bind /run/lab/boot_id /proc/sys/kernel/random/boot_id
  mount --rbind /dev /dev
  mount -t sysfs -o ro sys /sys
  mount -t cgroup2 group /sys/fs/cgroup
  exec env container=lab /lib/systemd/systemd --log-target=null --show-status=no --unit=shop.target'`

// agentUnit adds to the agent's own unit what the lab needs: its log in a file, no network to wait for, and short waits.
const agentUnit = `[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
RestartSec=1
StandardError=append:/var/log/fettle-agent.log
`

// blow kills the agent in the middle of the restart of a service, once for each.
const blow = `#!/bin/sh
[ -e /run/armed ] && [ ! -e /var/tmp/blow.$1 ] || exit 0
: >/var/tmp/blow.$1
kill -KILL $(systemctl show --property MainPID --value fettle-agent.service)
`

// tickUnit is a service whose program the shop delivers, and which keeps count of its starts.
const tickUnit = `[Unit]
DefaultDependencies=no
[Service]
ExecStart=/lib64/ld-linux-x86-64.so.2 /usr/bin/shop-tick infinity
ExecStartPost=/bin/sh -c 'echo started >>/var/tmp/starts.%N'
`

// Whatever kills the agent while systemd restarts services for it, and however often: each service that runs old code after a real installation is restarted, each
// once, and the appliance tells what became of each.
func TestRestartsOutliveKills(t *testing.T) {
	needRoot(t)
	units := map[string]struct{ more, told string }{
		"shop-1-first": {"", "was restarted"},
		"shop-2-stop":  {"ExecStop=/opt/blow %N\n", "runs new code now; the agent was stopped while it was restarted"},
		"shop-3-start": {"ExecStartPost=/opt/blow %N\n", "runs new code now; the agent was stopped while it was restarted"},
		"shop-4-slow":  {"ExecStop=/bin/sh -c '[ ! -e /run/armed ] || { /opt/blow %N; sleep 4; }'\n", "was restarted"}, // it runs old code when the agent is back
		"shop-5-last":  {"", "was restarted"},
	}
	archive, err := lab.ReadArchive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := lab.MakeRoot(t.Context(), lab.CacheDir(), archive, lab.RootSpec{Release: release, Include: []string{"systemd"}})
	if err != nil {
		t.Fatal(err)
	}
	tick := func(version string) debtest.Package {
		w := ware("shop-tick", version, "")
		w.Files = map[string]string{"usr/bin/shop-tick": string(read(t, filepath.Join(base, "usr/bin/sleep")))}
		return w
	}
	a := newShop(t, []debtest.Package{tick("1.0-2")})
	s := newYard(t, a)
	s.base = base
	group := filepath.Base(s.dir)
	t.Cleanup(func() { removeGroup(t, group) })

	files := map[string]string{"/opt/blow": blow, "/etc/systemd/system/fettle-agent.service": string(read(t, "../packaging/agent.service")),
		"/etc/systemd/system/fettle-agent.service.d/lab.conf": agentUnit}
	wants, args := "Wants=fettle-agent.service", []string{"--machine", "web-1"}
	for name, u := range units {
		files["/etc/systemd/system/"+name+".service"] = tickUnit + u.more
		wants += " " + name + ".service"
		args = append(args, "--restart-service", name)
	}
	files["/etc/systemd/system/shop.target"] = "[Unit]\nDefaultDependencies=no\n" + wants + "\n"
	ready := "ln -s /opt/lab/fettle-agent /usr/bin\n"
	for path, text := range files {
		ready += "mkdir -p $(dirname " + path + "); cat >" + path + " <<'end'\n" + text + "end\n"
	}
	b := s.stocked(a, "web-1", []debtest.Package{tick("1.0-1")}, ready+"chmod 755 /opt/blow", strings.ReplaceAll(underSystemd, "GROUP", group))
	s.approve(wareID("shop-tick"))
	b.sh("touch /run/armed")
	plan, _ := s.planFor(args...)
	p := s.ended(s.apply(plan))
	p.verified(t)
	b.onceEach(p)

	for name, u := range units {
		says(t, p.attempts()[0].Text, name+".service ran old code and "+u.told)
		if starts := b.sh("cat /var/tmp/starts.%s", name); starts != "started\nstarted\n" {
			t.Errorf("%s began %d times", name, strings.Count(starts, "\n"))
		}
	}
	if kills := b.sh("nsenter --target $(pidof systemd) --mount --pid --wd=/ systemctl show --property NRestarts --value fettle-agent.service"); kills != "3\n" {
		t.Errorf("systemd had to start the agent again %s times", kills)
	}
}

// removeGroup removes the control group of a machine that has ended, with those that its systemd made in it, as soon as its last process is gone.
func removeGroup(t *testing.T, name string) {
	dir := t.TempDir()
	if err := syscall.Mount("group", dir, "cgroup2", 0, ""); err != nil {
		t.Error(err)
		return
	}
	defer syscall.Unmount(dir, 0)
	var err error
	for range 50 {
		var all []string
		err = filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return err
		})
		for _, path := range slices.Backward(all) {
			err = errors.Join(err, os.Remove(path))
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) { // it was never booted
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error(err)
}
