package host

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestProbes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	ask := func(p patch.Probe) patch.ProbeAnswer { return Prober{}.Probe(t.Context(), p, 40*time.Second) }
	if a := ask(patch.Probe("port:" + port)); !a.OK || a.Seen != "answers" {
		t.Errorf("a port that answers: %+v", a)
	}
	l.Close()
	if a := ask(patch.Probe("port:" + port)); a.OK || a.Seen != "nothing listens" {
		t.Errorf("a port that does not: %+v", a)
	}
	if a := ask("boot:1m"); !a.OK || a.Seen != "40s" {
		t.Errorf("a fast boot: %+v", a)
	}
	if a := ask("boot:30s"); a.OK {
		t.Errorf("a slow boot: %+v", a)
	}
	if a := ask("service:fettle-no-such-service"); a.OK || a.Seen == "" {
		t.Errorf("a service that is not there: %+v", a)
	}
}

// What an order could smuggle into a command line is no probe, and is answered without running anything.
func TestHostileProbes(t *testing.T) {
	for _, p := range []patch.Probe{"", "service:", "service:--help", "service:a b", "service:a;reboot", "service:a\x00b", "port:", "port:0", "port:65536", "port:99999999999999999999",
		"port:022", "port:443/../", "command:", "command:sh", "command:packages;sh", "boot:", "boot:-1m", "run:true", "service:" + patch.Probe(strings.Repeat("a", 200))} {
		if err := p.Check(); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%q passes for a probe: %v", p, err)
		}
		if a := (Prober{}).Probe(t.Context(), p, 0); a.OK || a.Seen != "the agent does not know this question" {
			t.Errorf("%q: %+v", p, a)
		}
	}
	for _, p := range []patch.Probe{"service:nginx", "service:getty@tty1.service", "port:1", "port:65535", "command:packages", "command:systemd", "boot:5m"} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}
