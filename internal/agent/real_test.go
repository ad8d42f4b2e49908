package agent

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
)

// offer is one package of the real archive that is newer than the root's.
type offer struct {
	patch.PlanPackage
	source, url string
}

// realWorld is a real root, the real archive's newer packages for it, and an appliance that serves them.
type realWorld struct {
	a      *appliance
	m      *lab.Machine
	offers map[string]offer // by name
	here   map[string]offer // those that the root has, by name
	spec   lab.Spec
}

const inside = "/opt/lab/fettle-agent"

// newRealWorld skips loudly where a machine cannot be made.
func newRealWorld(t *testing.T) *realWorld {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a real machine needs root")
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		t.Skip("SKIPPED: a real machine needs mmdebstrap")
	}
	ctx := t.Context()
	archive, err := lab.ReadArchive(ctx)
	must(t, err)
	root, err := lab.MakeRoot(ctx, lab.CacheDir(), archive, lab.RootSpec{Release: "bookworm"})
	must(t, err)
	w := &realWorld{a: newAppliance(t), offers: map[string]offer{}, here: map[string]offer{}}
	w.a.mu.Lock()
	facts, err := host.CollectFacts(ctx, root)
	must(t, err)
	sources, err := archive.Suites("bookworm")
	must(t, err)
	for _, s := range sources {
		w.read(t, s, facts)
	}
	w.catalog(t)
	w.a.mu.Unlock()
	program := filepath.Join(t.TempDir(), "fettle-agent")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "../../cmd/fettle-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.spec = lab.Spec{Base: root, Hostname: "real", Files: []string{program}, Forward: map[int]string{8461: w.a.srv.Listener.Addr().(*net.TCPAddr).String()}}
	return w
}

// fresh starts a machine with a disk of its own and enrols it.
func (w *realWorld) fresh(t *testing.T) {
	t.Helper()
	w.spec.Dir = t.TempDir()
	w.boot(t)
	w.exec(t, inside, "enrol", "--server", "https://127.0.0.1:8461", "--token", w.a.token())
}

// boot starts the machine on the disk it had.
func (w *realWorld) boot(t *testing.T) {
	t.Helper()
	m, err := lab.Start(t.Context(), w.spec)
	must(t, err)
	w.m = m
	t.Cleanup(m.Stop)
}

// agent starts the agent in the machine.
func (w *realWorld) agent(t *testing.T) {
	w.exec(t, "/bin/sh", "-c", inside+" run >>/var/log/fettle-agent.log 2>&1 &")
}

func (w *realWorld) exec(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := w.m.Exec(t.Context(), argv...)
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != 200 {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	return b
}

// read takes a suite's signed index and keeps what is newer than the root's packages.
func (w *realWorld) read(t *testing.T, s lab.Source, facts patch.Facts) {
	t.Helper()
	const path = "main/binary-amd64/Packages.xz"
	base := s.URI + "/dists/" + s.Suite + "/"
	release, index := get(t, base+"InRelease"), get(t, base+path)
	w.a.blobs[hashOf(release)], w.a.blobs[hashOf(index)] = release, index
	origin := patch.Origin{Suite: s.Suite, Component: "main", Arch: "amd64", Release: hashOf(release), Index: hashOf(index), IndexPath: path}
	err := debian.ScanPackages(debian.Decompress(path, bytes.NewReader(index), debian.MaxPackages), func(st debian.Stanza) error {
		now, found := installedAt(facts, string(st.Package), string(st.Architecture))
		o := offer{source: string(st.Source), url: s.URI + "/" + string(st.Filename), PlanPackage: patch.PlanPackage{Name: now.Name,
			Arch: string(st.Architecture), From: now.Version, Version: string(st.Version), SHA256: patch.Hash(st.SHA256), Size: st.Size, Origin: origin}}
		if found && string(st.Version) == now.Version {
			w.here[now.Name] = o
		}
		if !found || version.DpkgCompare(string(st.Version), now.Version) <= 0 || version.DpkgCompare(string(st.Version), w.offers[now.Name].Version) < 0 {
			return nil
		}
		w.offers[now.Name] = o
		return nil
	})
	must(t, err)
}

func (w *realWorld) catalog(t *testing.T) {
	t.Helper()
	bySource := map[string][]detect.PackageRule{}
	for _, o := range w.offers {
		id := fmt.Sprintf("%s/%s/%s", o.Origin.Suite, o.source, o.Version)
		bySource[id] = append(bySource[id], detect.PackageRule{Name: o.Name, Arch: o.Arch, Version: o.Version})
	}
	feed := catalog.Parsed{Origins: []patch.Origin{{Suite: "bookworm"}}}
	for id, rules := range bySource {
		feed.Entries = append(feed.Entries, detect.Entry{Patch: patch.Patch{ID: patch.ID(id)}, Definition: detect.Definition{Packages: rules}})
	}
	built, err := catalog.Build(t.Context(), catalog.Input{OS: testOS, Parsed: []catalog.Parsed{feed}, Now: time.Now()})
	must(t, err)
	w.a.meta = built.Meta
	w.a.blobs[built.Meta.Signatures], w.a.blobs[built.Meta.List] = built.Signatures, built.List
	w.a.revision, err = wire.Seal(w.a.keys.catalog, wire.TypeRevision, w.a.meta)
	must(t, err)
}

// item orders some packages of one patch, whose files it puts on the appliance.
func (w *realWorld) item(t *testing.T, attempt string, names ...string) wire.OrderItem {
	t.Helper()
	item := wire.OrderItem{Attempt: attempt}
	for _, n := range names {
		o, ok := w.offers[n]
		if !ok {
			t.Skipf("SKIPPED: the archive has nothing newer than the root's %s any more", n)
		}
		b := get(t, o.url)
		w.a.mu.Lock()
		w.a.blobs[hashOf(b)] = b
		w.a.mu.Unlock()
		item.Patch = patch.ID(fmt.Sprintf("%s/%s/%s", o.Origin.Suite, o.source, o.Version))
		item.Packages = append(item.Packages, o.PlanPackage)
	}
	return item
}

// send gives an order and waits for its closing snapshot.
func (w *realWorld) send(t *testing.T, number uint64, items ...wire.OrderItem) map[string]wire.Result {
	t.Helper()
	w.give(t, number, items...)
	return w.closed(t, number)
}

func (w *realWorld) give(t *testing.T, number uint64, items ...wire.OrderItem) {
	t.Helper()
	o := newOrder(number)
	o.Items = items
	e := w.a.seal(t, o)
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	w.a.order, w.a.wake = &e, true
}

// closed waits for an order's closing snapshot and gives the newest result by attempt.
func (w *realWorld) closed(t *testing.T, number uint64) map[string]wire.Result {
	t.Helper()
	id := newOrder(number).ID
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		w.a.mu.Lock()
		done := len(w.a.snapshots) > 0 && w.a.snapshots[len(w.a.snapshots)-1].Order == id
		w.a.mu.Unlock()
		if done {
			out := map[string]wire.Result{}
			for _, r := range w.a.results {
				out[r.Attempt] = r
			}
			return out
		}
	}
	t.Fatalf("the order was never closed. The agent said:\n%s", w.exec(t, "cat", "/var/log/fettle-agent.log"))
	return nil
}

// On a real Debian machine, through apt: patches of the order are installed and verified, a held package is left alone and said to be
// held, a dependency outside the order is named, and nothing else changes.
func TestRealMachine(t *testing.T) {
	w := newRealWorld(t)
	w.fresh(t)
	w.exec(t, "apt-mark", "hold", "libpcre2-8-0")
	w.exec(t, "apt-mark", "auto", "liblzma5")
	before := w.exec(t, "dpkg-query", "-W")
	w.agent(t)
	w.a.until(t, "a first snapshot", func() bool { return len(w.a.snapshots) > 0 })
	got := w.send(t, 1, w.item(t, "lzma", "liblzma5"), w.item(t, "pcre", "libpcre2-8-0"), w.item(t, "perlbase", "perl-base"), w.item(t, "apt", "apt", "libapt-pkg6.0"))
	for attempt, want := range map[string]struct {
		state patch.Execution
		cause patch.FailCause
		text  string
	}{
		"lzma": {patch.ExecDone, "", ""}, "apt": {patch.ExecDone, "", ""}, "pcre": {patch.ExecFailed, patch.FailPolicy, "libpcre2-8-0 is held on this machine (apt-mark hold)"},
		"perlbase": {patch.ExecFailed, patch.FailDependency, "an update of "},
	} {
		if r := got[attempt]; r.State != want.state || r.Cause != want.cause || !strings.Contains(r.Text, want.text) {
			t.Errorf("%s: %s %s %q\n%s", attempt, r.State, r.Cause, r.Text, r.Log)
		}
	}
	t.Logf("perl-base: %s", got["perlbase"].Text)
	after := w.exec(t, "dpkg-query", "-W")
	changed := 0
	for line := range strings.Lines(after) {
		if name, _, _ := strings.Cut(line, "\t"); !strings.Contains(before, line) {
			changed++
			if name, _, _ = strings.Cut(name, ":"); name != "liblzma5" && name != "apt" && name != "libapt-pkg6.0" {
				t.Errorf("changed: %s", line)
			}
		}
	}
	if changed != 3 || strings.Count(before, "\n") != strings.Count(after, "\n") {
		t.Errorf("%d packages changed", changed)
	}
	if out := w.exec(t, "apt-mark", "showauto", "liblzma5"); !strings.Contains(out, "liblzma5") {
		t.Error("liblzma5 is not marked as automatically installed any more")
	}
	snap := w.a.snapshots[len(w.a.snapshots)-1]
	if c := snap.Verdicts.Counts(); c[patch.Patched] != 2 || snap.Receipt.Errors != 0 {
		t.Errorf("verdicts %v", c)
	}
	t.Run("the whole closure", func(t *testing.T) {
		got := w.send(t, 2, w.item(t, "perl", "perl-base", "perl", "libperl5.36", "perl-modules-5.36"))
		if r := got["perl"]; r.State != patch.ExecDone {
			t.Fatalf("%s %s %q\n%s", r.State, r.Cause, r.Text, r.Log)
		}
	})
	t.Run("back", func(t *testing.T) { goesBack(t, w) })
	t.Log("\n" + w.exec(t, inside, "status"))
	t.Log("\n" + w.exec(t, inside, "explain", "pcre2"))
	t.Log(w.exec(t, "/bin/sh", "-c", "grep -E 'VmRSS|VmHWM' /proc/$(pgrep -f 'fettle-agent run' || pidof fettle-agent)/status || true"))
}

// back orders that what an order installed be taken back.
func (w *realWorld) back(t *testing.T, attempt string, names ...string) wire.OrderItem {
	t.Helper()
	item := wire.OrderItem{Attempt: attempt, Patch: "bookworm/back/1"}
	for _, n := range names {
		o, ok := w.here[n]
		if !ok {
			t.Skipf("SKIPPED: the archive does not have the root's %s any more", n)
		}
		b := get(t, o.url)
		w.a.mu.Lock()
		w.a.blobs[hashOf(b)] = b
		w.a.mu.Unlock()
		o.From, o.Back = w.offers[n].Version, true
		item.Packages = append(item.Packages, o.PlanPackage)
	}
	return item
}

// An order that says so takes a patch back to the exact version before, as the vendor's release vouches for it; whatever else would have to go back
// with it is named, and without it nothing happens.
func goesBack(t *testing.T, w *realWorld) {
	got := w.send(t, 3, w.back(t, "alone", "perl-base"), w.back(t, "lzmaback", "liblzma5"))
	if r := got["alone"]; r.State != patch.ExecFailed || r.Cause != patch.FailDependency || !strings.Contains(r.Text, "perl") {
		t.Errorf("%s %s %q\n%s", r.State, r.Cause, r.Text, r.Log)
	}
	t.Logf("alone: %s", got["alone"].Text)
	if r := got["lzmaback"]; r.State != patch.ExecDone {
		t.Errorf("%s %s %q\n%s", r.State, r.Cause, r.Text, r.Log)
	}
	if now := w.exec(t, "dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "liblzma5"); now != w.here["liblzma5"].Version+" installed" {
		t.Errorf("liblzma5 is %s", now)
	}
	got = w.send(t, 4, w.back(t, "perlback", "perl-base", "perl", "libperl5.36", "perl-modules-5.36"))
	if r := got["perlback"]; r.State != patch.ExecDone {
		t.Errorf("%s %s %q\n%s", r.State, r.Cause, r.Text, r.Log)
	}
	got = w.send(t, 5, w.back(t, "again", "liblzma5"))
	if r := got["again"]; r.Cause != patch.FailDrift {
		t.Errorf("%s %s %q", r.State, r.Cause, r.Text)
	}
	if audit := w.exec(t, "dpkg", "--audit"); audit != "" {
		t.Errorf("left half-installed: %s", audit)
	}
}

// Orders that are signed rightly and are hostile or wrong all the same change nothing on a real machine.
func TestRealMachineRefuses(t *testing.T) {
	w := newRealWorld(t)
	w.fresh(t)
	before := w.exec(t, "sha256sum", "/var/lib/dpkg/status")
	w.agent(t)
	w.a.until(t, "a first snapshot", func() bool { return len(w.a.snapshots) > 0 })
	good := w.item(t, "x", "liblzma5")
	foreign := newDeb("liblzma5", good.Packages[0].From, "9.9-9")
	foreign.Origin = good.Packages[0].Origin
	w.a.mu.Lock()
	w.a.blobs[foreign.SHA256] = foreign.bytes
	w.a.mu.Unlock()
	got := w.send(t, 1, wire.OrderItem{Attempt: "foreign", Patch: "x/liblzma5/9.9-9", Packages: []patch.PlanPackage{foreign.PlanPackage}})
	if r := got["foreign"]; r.Cause != patch.FailUntrusted || !strings.Contains(r.Text, "does not carry liblzma5:amd64 9.9-9") {
		t.Errorf("a package that the vendor does not vouch for: %+v", r)
	}
	for i, bad := range []string{"-oDPkg::Pre-Invoke::=touch /tripwire", "--", "x;touch /tripwire", "../../../etc/passwd", "$(touch /tripwire)"} {
		item := w.item(t, fmt.Sprintf("bad%d", i), "liblzma5")
		item.Packages[0].Name = bad
		w.give(t, uint64(10+i), item)
		w.a.until(t, "the order is fetched and refused", func() bool { return len(w.a.checkins) > 0 && w.a.checkins[len(w.a.checkins)-1].Policy == "" })
		time.Sleep(1500 * time.Millisecond)
	}
	status := w.exec(t, inside, "status", "--json")
	if !strings.Contains(status, "is not a package name") {
		t.Errorf("status does not say why: %s", status)
	}
	if after := w.exec(t, "sha256sum", "/var/lib/dpkg/status"); after != before {
		t.Error("the package database changed")
	}
	if out, err := w.m.Exec(t.Context(), "test", "-e", "/tripwire"); err == nil {
		t.Errorf("the tripwire was touched: %s", out)
	}
}
