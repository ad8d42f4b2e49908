package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// What a real machine does around an installation: its administrator's hooks run, a program that runs keeps a patch away, and what goes on with
// replaced libraries is told until it has ended.
func TestAroundAnInstallation(t *testing.T) {
	needRoot(t)
	s := newSite(t, lab.WithCheckin(10*time.Second))
	s.cli("catalog", "sync")
	b := s.join("web-1")
	b.sh("mkdir -p /etc/fettle-agent/hooks.d")
	for _, name := range []string{"drain", "fill"} {
		b.put("/etc/fettle-agent/hooks.d/"+name, []byte("#!/bin/sh\necho \"$FETTLE_PHASE $FETTLE_OUTCOME $(dpkg-query -W -f '${Version}' libssl3)\" >>/var/tmp/hooks\n"))
		b.sh("chmod 755 /etc/fettle-agent/hooks.d/%s", name)
	}
	b.sh("python3 -c 'import ssl, time; time.sleep(900)' >/dev/null 2>&1 </dev/null &")
	ssl, xz, expat := b.needs("openssl")[0], b.needs("xz-utils")[0], b.needs("expat")[0]
	s.approve(ssl, xz, expat)
	before := b.version("libssl3")
	held, _ := s.plan(b, "--patch", xz, "--not-while", "python3")
	open, _ := s.plan(b, "--patch", expat, "--hook-before", "drain")
	plan, _ := s.plan(b, "--patch", ssl, "--hook-before", "drain", "--hook-after", "fill")
	d := s.apply(plan)
	s.ended(d).verified(t)
	if want := "before none " + before + "\nafter done " + b.version("libssl3") + "\n"; b.sh("cat /var/tmp/hooks") != want {
		t.Errorf("the hooks left\n%s and not\n%s", b.sh("cat /var/tmp/hooks"), want)
	}
	until(t, "how the hooks went is kept with the attempt", func() bool {
		p, err := s.progress(d)
		return err == nil && strings.Contains(p.attempts()[0].Text, "the hook drain ran before it") && strings.Contains(p.attempts()[0].Text, "the hook fill ran after it")
	})
	until(t, "what runs old code is told", func() bool {
		said := s.cli("machines", "show", "web-1")
		return strings.Contains(said, "runs old code") && strings.Contains(said, "python3") && strings.Contains(said, "libssl.so.3")
	})
	at := s.ended(s.apply(held)).attempts()[0]
	if at.State != "failed" || at.Cause != "blocker" || !strings.Contains(at.Text, "it is not installed while python3 (pid ") {
		t.Errorf("%+v", at)
	}
	says(t, s.cli("explain", "web-1", xz), "not installed while python3")
	b.sh("for p in $(grep -lsx python3 /proc/[0-9]*/comm | cut -d/ -f3); do kill $p; done")
	until(t, "nothing runs old code any more", func() bool { return !strings.Contains(s.cli("machines", "show", "web-1"), "runs old code") })
	b.sh("chmod 777 /etc/fettle-agent/hooks.d")
	at = s.ended(s.apply(open)).attempts()[0]
	if at.State != "failed" || at.Cause != "hook" || !strings.Contains(at.Text, "others than root can write to /etc/fettle-agent/hooks.d") {
		t.Errorf("%+v", at)
	}
	if n := strings.Count(b.sh("cat /var/tmp/hooks"), "\n"); n != 2 {
		t.Errorf("hooks ran %d times", n)
	}
}
