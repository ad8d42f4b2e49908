package e2e

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// newYard is a site that knows the shop and no other archive: its lists are short, and its detects quick.
func newYard(t *testing.T, a *shop) *site {
	t.Helper()
	fettle, agent := programs(t)
	s := &site{t: t, agent: agent, dir: openDir(t)}
	var err error
	s.start(fettle, lab.WithCheckin(10*time.Second))
	if s.archive, err = lab.ReadArchive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.base, err = lab.MakeRoot(t.Context(), lab.CacheDir(), s.archive, lab.Small(release)); err != nil {
		t.Fatal(err)
	}
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	return s
}

// stocked is a machine with wares at their old versions, that restarts when it is told to. What ready says is done on it once, and what first says
// at each of its boots before its agent comes.
func (s *site) stocked(a *shop, name string, wares []debtest.Package, ready, first string) *box {
	s.t.Helper()
	b := s.box(name)
	b.spec.First = first
	var err error
	if b.Machine, err = s.Start(s.t.Context(), b.spec); err != nil {
		s.t.Fatal(err)
	}
	b.stock(a, wares)
	b.put("/sbin/shutdown", []byte(shutdown))
	b.sh("chmod 755 /sbin/shutdown; %s", ready)
	b.Stop()
	if b.Machine, err = s.Join(s.t.Context(), b.spec); err != nil {
		s.t.Fatal(err)
	}
	b.snapshot(1)
	return b
}

// shutdown restarts a machine of the lab: it does so when its first process ends.
const shutdown = "#!/bin/sh\n[ \"$*\" = '-r now' ] || exit 1\necho reboot >>/var/tmp/reboots\nkill -TERM 1\n"

// terminals give a machine pseudo terminals of its own.
const terminals = "cd /; mkdir -p /dev/pts; mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts /dev/pts; ln -sf pts/ptmx /dev/ptmx"

// owing is a ware whose new version asks for a restart.
func owing(name string) debtest.Package {
	w := ware(name, "1.0-2", "")
	w.Scripts = map[string]string{"postinst": "#!/bin/sh\ntouch /run/reboot-required; echo " + name + " >/run/reboot-required.pkgs\n"}
	return w
}

// planFor plans with exactly these words.
func (s *site) planFor(args ...string) (file, said string) {
	s.t.Helper()
	file = filepath.Join(s.t.TempDir(), "plan.json")
	return file, s.cli(append([]string{"deploy", "plan", "--out", file}, args...)...)
}

// rebooted waits until a machine has ended by itself, and boots it again.
func (b *box) rebooted() {
	b.s.t.Helper()
	select {
	case <-b.Done():
	case <-time.After(100 * time.Second):
		b.s.t.Fatalf("%s did not restart: %s", b.spec.Hostname, b.s.cli("machines", "show", b.spec.Hostname))
	}
	b.Stop()
	b.boot()
}

// person works at a terminal of a machine.
type person struct {
	b   *box
	in  io.WriteCloser
	out *output
}

// sits has a user of a machine work at a terminal of theirs.
func (b *box) sits(user string) *person {
	b.s.t.Helper()
	cmd := b.Command(b.s.t.Context(), "script", "-qfec", "su -s /bin/sh "+user, "/dev/null")
	p := &person{b: b, out: &output{}}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		b.s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.s.t.Fatal(err)
	}
	b.s.t.Cleanup(func() { _ = endOf(cmd) })
	p.reads("$")
	return p
}

// endOf waits for a command that ends with its machine.
func endOf(cmd *exec.Cmd) error {
	_ = cmd.Process.Kill()
	return cmd.Wait()
}

func (p *person) types(line string) {
	p.b.s.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.b.s.t.Fatal(err)
	}
}

// reads waits until the terminal shows words, in this order and after all that was read before.
func (p *person) reads(words ...string) {
	p.b.s.t.Helper()
	for _, w := range words {
		until(p.b.s.t, "the terminal shows "+w+": "+p.out.String(), func() bool { return strings.Contains(strings.ReplaceAll(p.out.String(), "\r", ""), w) })
	}
}
