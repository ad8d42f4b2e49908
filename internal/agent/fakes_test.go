package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
)

const testOS = patch.HostOS("debian-12-amd64")

// box is a machine in memory: its packages, and an installer that changes them. It counts executions per attempt.
type box struct {
	mu       sync.Mutex
	packages map[string]patch.Package // by name
	runs     map[string]int
	staged   int
	boots    int  // since the first
	owes     bool // a reboot
	// trouble ends the agent at a named step of the installer, as kill -9 would.
	trouble func(step string) error
	fail    map[string]error // by package: what Run answers, without changing it
	doubt   string           // of each transaction
}

func newBox(names ...string) *box {
	b := &box{packages: map[string]patch.Package{}, runs: map[string]int{}, fail: map[string]error{}}
	for _, n := range names {
		b.packages[n] = patch.Package{Name: n, Arch: "amd64", Version: "1.0-1", Source: n, SourceVersion: "1.0-1", State: patch.Installed}
	}
	return b
}

func (b *box) step(name string) error {
	if b.trouble == nil {
		return nil
	}
	return b.trouble(name)
}

func (b *box) Facts(context.Context) (patch.Facts, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := patch.Facts{OS: patch.OSFacts{Key: testOS, ID: "debian", VersionID: "12", Codename: "bookworm", Arch: "amd64"}}
	for _, p := range b.packages {
		f.Packages = append(f.Packages, p)
	}
	slices.SortFunc(f.Packages, func(x, y patch.Package) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
	return f, nil
}

func (b *box) Inventory(_ context.Context, f patch.Facts) (patch.Inventory, error) {
	return patch.Inventory{Hostname: "box", OS: f.OS}, nil
}

func (b *box) Boot() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("boot-%d", 1+b.boots)
}

func (b *box) Lists() time.Time { return time.Unix(1_795_600_000, 0) }

func (b *box) Reboot() patch.RebootSignal {
	b.mu.Lock()
	defer b.mu.Unlock()
	return patch.RebootSignal{Owed: b.owes}
}

// Collect finds nothing: the box is packages only.
func (b *box) Collect(ctx context.Context, sigs *detect.Signatures, f *patch.Facts) error {
	return sigs.Collect(ctx, f, item.NewStored(nil))
}

func (b *box) version(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.packages[name].Version
}

func (b *box) put(name string, change func(*patch.Package)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.packages[name]
	change(&p)
	b.packages[name] = p
}

func (b *box) Stage(_ context.Context, files []host.Staged) error {
	b.staged = len(files)
	return b.step("stage")
}

func (b *box) Plan(_ context.Context, attempt string, f patch.Facts, want, _ []host.Staged) (host.Transaction, error) {
	t := host.Transaction{Attempt: attempt, Doubt: b.doubt}
	for _, w := range want {
		t.Want = append(t.Want, w.PlanPackage)
		if now, _ := installedAt(f, w.Name, w.Arch); now.Version != w.Version {
			t.Changes = append(t.Changes, host.Change{Name: w.Name, Arch: w.Arch, From: now.Version, To: w.Version})
		}
	}
	return t, b.step("plan")
}

func (b *box) Run(_ context.Context, t host.Transaction) (string, error) {
	b.runs[t.Attempt]++
	for _, c := range t.Changes {
		if err := b.fail[c.Name]; err != nil {
			return "output", err
		}
		if err := b.step("run"); err != nil {
			return "", err
		}
		b.put(c.Name, func(p *patch.Package) { p.State = patch.Broken })
		if err := b.step("half"); err != nil {
			return "", err
		}
		b.put(c.Name, func(p *patch.Package) { p.State, p.Version = patch.Installed, c.To })
	}
	return "installed", b.step("ran")
}

func (b *box) Recover(_ context.Context, _ string, undone func(begun bool) ([]host.Staged, error)) (string, error) {
	if err := b.step("recover"); err != nil {
		return "", err
	}
	files, err := undone(false)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := host.CheckFile(f.Path, f.Size, f.SHA256); err != nil {
			return "", err
		}
		b.put(f.Name, func(p *patch.Package) { p.State, p.Version = patch.Installed, f.Version })
		if err := b.step("recovering"); err != nil {
			return "", err
		}
	}
	return "repaired", nil
}

// Verify vouches for everything: the chain has tests of its own.
func (b *box) Verify(_ context.Context, _ host.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	out := map[patch.Hash][]byte{}
	for _, p := range want {
		out[p.SHA256] = []byte("Package: " + p.Name + "\n")
	}
	return out, nil
}

// keys are an appliance's keys for tests.
type keys struct {
	catalog, approver ed25519.PrivateKey
	ca                *x509.Certificate
	caKey             *ecdsa.PrivateKey
}

func newKeys(t testing.TB) *keys {
	t.Helper()
	_, catalog, _ := ed25519.GenerateKey(rand.Reader)
	_, approver, _ := ed25519.GenerateKey(rand.Reader)
	k := &keys{catalog: catalog, approver: approver}
	k.caKey, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.caKey.PublicKey, k.caKey)
	if err != nil {
		t.Fatal(err)
	}
	k.ca, _ = x509.ParseCertificate(der)
	return k
}

func (k *keys) issue(t testing.TB, pub any, usage x509.ExtKeyUsage, life time.Duration, names ...string) []byte {
	t.Helper()
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	tmpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}, DNSNames: names, IPAddresses: loopback()}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, k.ca, pub, k.caKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// ram gives a directory in memory where there is one: these tests are about order, and a disk's fsync only slows them down.
func ram(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fettle-agent-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// enrolled writes the files of an enrolled machine and gives its configuration.
func enrolled(t testing.TB, k *keys, b *box, server string) Config {
	t.Helper()
	cfg := Config{StateDir: ram(t), PolicyFile: filepath.Join(t.TempDir(), "policy"), Version: "test", Host: b, Installer: b, Chain: b,
		Room: func(int64, ...string) error { return nil }, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	enrolAt(t, k, cfg, server)
	return cfg
}

// enrolAt writes the files of an enrolled machine into an agent's state directory.
func enrolAt(t testing.TB, k *keys, cfg Config, server string) {
	t.Helper()
	l := layout{dir: cfg.StateDir}
	must(t, l.make())
	key, err := l.makeKey()
	must(t, err)
	id := identity{Server: server, Machine: "m1", CA: k.ca.Raw, Certificate: k.issue(t, &key.PublicKey, x509.ExtKeyUsageClientAuth, 7*24*time.Hour),
		CatalogKey: k.catalog.Public().(ed25519.PublicKey), ApproverKey: k.approver.Public().(ed25519.PublicKey)}
	must(t, writeJSON(l.identity(), id))
}

// deb is a payload in memory.
type deb struct {
	patch.PlanPackage
	bytes []byte
}

func newDeb(name, from, version string) deb {
	b := []byte("deb of " + name + " " + version)
	h := hashOf(b)
	return deb{patch.PlanPackage{Name: name, Arch: "amd64", From: from, Version: version, SHA256: h, Size: int64(len(b)), Origin: testOrigin()}, b}
}

func testOrigin() patch.Origin {
	return patch.Origin{Suite: "bookworm", Component: "main", Arch: "amd64", Release: hashOf([]byte("InRelease")), Index: hashOf([]byte("Packages")),
		IndexPath: "main/binary-amd64/Packages.xz", Dated: time.Now()}
}

// newOrder orders one item per package.
func newOrder(number uint64, debs ...deb) wire.Order {
	now := time.Now()
	o := wire.Order{ID: fmt.Sprintf("O%d", number), Machine: "m1", Number: number, OS: testOS, Issued: now, Expires: now.Add(time.Hour)}
	for i, d := range debs {
		o.Items = append(o.Items, wire.OrderItem{Attempt: fmt.Sprintf("A%d-%d", number, i), Patch: patch.ID("bookworm/" + d.Name + "/" + d.Version), Title: d.Name,
			Packages: []patch.PlanPackage{d.PlanPackage}})
	}
	return o
}

func (k *keys) seal(t testing.TB, o wire.Order) wire.Envelope {
	t.Helper()
	e, err := wire.Seal(k.approver, wire.TypeOrder, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// stock puts payloads, origins and a catalog where the agent would have fetched them to, so that a test needs no appliance.
func stock(t testing.TB, cfg Config, debs ...deb) {
	t.Helper()
	l := layout{dir: cfg.StateDir}
	for _, d := range debs {
		must(t, os.WriteFile(filepath.Join(l.payloads(), string(d.SHA256)), d.bytes, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(l.origins(), string(hashOf([]byte("InRelease")))), []byte("InRelease"), 0o600))
	meta, sigs, list := testCatalog(t, time.Now(), debs...)
	must(t, os.WriteFile(filepath.Join(l.catalog(), string(meta.Signatures)), sigs, 0o600))
	must(t, os.WriteFile(filepath.Join(l.catalog(), string(meta.List)), list, 0o600))
	must(t, writeJSON(l.state(), state{Newest: meta}))
}

func testCatalog(t testing.TB, built time.Time, debs ...deb) (meta patch.RevisionMeta, sigs, list []byte) {
	t.Helper()
	var defs []detect.Definition
	for _, d := range debs {
		defs = append(defs, detect.Definition{ID: patch.ID("bookworm/" + d.Name + "/" + d.Version),
			Packages: []detect.PackageRule{{Name: d.Name, Arch: d.Arch, Version: d.Version}}})
	}
	sigs, err := detect.Compile(testOS, version.Dpkg, defs)
	must(t, err)
	list = []byte("list of " + built.String())
	return patch.RevisionMeta{ID: patch.RevisionID(hashOf(sigs)[:16]), OS: testOS, List: hashOf(list), Signatures: hashOf(sigs), Patches: len(defs), Built: built}, sigs, list
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errKilled = errors.New("killed")

// open starts a session on cfg; the appliance is away.
func open(t testing.TB, cfg Config) *session {
	t.Helper()
	s, stop, err := start(cfg)
	must(t, err)
	s.settleWait, s.conn.pause = 0, time.Millisecond
	t.Cleanup(stop)
	return s
}
