package host

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// probeTime bounds one probe.
const probeTime = 10 * time.Second

// Prober answers probes on the machine that it runs on.
type Prober struct{}

// Probe answers one question. A question that it does not know, and one that cannot be asked here, is answered badly: unknown is not well.
func (Prober) Probe(ctx context.Context, p patch.Probe, took time.Duration) patch.ProbeAnswer {
	a := patch.ProbeAnswer{Probe: p}
	if err := p.Check(); err != nil {
		a.Seen = "the agent does not know this question"
		return a
	}
	ctx, stop := context.WithTimeout(ctx, probeTime)
	defer stop()
	switch kind, arg := p.Cut(); kind {
	case "service":
		a.Seen = says(systemctl(ctx, "is-active", "--", arg))
		a.OK = a.Seen == "active"
	case "port":
		a.OK, a.Seen = listens(ctx, arg)
	case "command":
		a.OK, a.Seen = commanded(ctx, arg)
	case "boot":
		most, err := time.ParseDuration(arg)
		a.OK, a.Seen = err == nil && took <= most, took.String()
	}
	return a
}

// commanded runs one of the fixed commands.
func commanded(ctx context.Context, name string) (ok bool, seen string) {
	switch name {
	case "systemd":
		seen = says(systemctl(ctx, "is-system-running"))
		return seen == "running", seen
	case "packages":
		if KeptWithRPM("/") {
			return rpmWhole(ctx, "/")
		}
		seen = says(dpkg(ctx, "--audit"))
		if seen == "" {
			return true, "all are configured"
		}
		return false, seen
	}
	return false, "the agent does not know this command"
}

// rpmWhole reports whether rpm's database can be read and no package is there in two versions, as an interrupted update leaves it.
func rpmWhole(ctx context.Context, root string) (ok bool, seen string) {
	f, err := CollectFacts(ctx, root)
	if err != nil {
		return false, err.Error()
	}
	for _, p := range f.Packages {
		if all := VersionsOf(f, p.Name, p.Arch); len(all) > 1 && all[0].Version != all[1].Version && !version.InstallOnly(p.Name) && p.Name != "gpg-pubkey" {
			return false, p.Name + " is there in two versions"
		}
	}
	return true, "all are whole"
}

// listens reports whether something takes connections on a port of this machine.
func listens(ctx context.Context, port string) (ok bool, seen string) {
	d := net.Dialer{Timeout: probeTime / 4}
	for _, at := range []string{"127.0.0.1", "::1"} {
		if c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(at, port)); err == nil {
			c.Close()
			return true, "answers"
		}
	}
	return false, "nothing listens"
}

// Uptime is how long the machine has been up; 0 where it does not say.
func Uptime() time.Duration {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
