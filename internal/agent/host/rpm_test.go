package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
)

// rpmWorld is a root with packages in it, and a folder of signed packages.
type rpmWorld struct {
	t           *testing.T
	root, files string
	key         *lab.RPMKey
	chain       *RpmChain
	rpm         *Rpm
}

func needRPM(t *testing.T) {
	t.Helper()
	for _, p := range []string{"rpm", "rpmkeys", "rpmbuild", "rpmsign", "gpg"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: needs %s: run scripts/needs test", p)
		}
	}
}

func newRPMWorld(t *testing.T, packages ...lab.RPM) *rpmWorld {
	t.Helper()
	needRPM(t)
	w := &rpmWorld{t: t, root: t.TempDir(), files: t.TempDir()}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.key, err = lab.NewRPMKey(t.Context(), t.TempDir(), "vendor")
	must(err)
	t.Cleanup(w.key.Close)
	packages = append(packages, native)
	must(lab.BuildRPMs(t.Context(), w.files, packages...))
	var names []string
	for _, p := range packages {
		names = append(names, filepath.Join(w.files, p.File()))
	}
	must(w.key.Sign(t.Context(), names...))
	must(os.MkdirAll(filepath.Join(w.root, "etc"), 0o755))
	must(os.WriteFile(filepath.Join(w.root, "etc/os-release"), []byte("ID=almalinux\nID_LIKE=\"rhel\"\nVERSION_ID=9.4\n"), 0o644))
	// Where the programs of this machine keep the database is a matter of their macros; the facts are read from where rpm's own default is.
	must(os.MkdirAll(filepath.Join(w.root, "var/lib/rpm"), 0o755))
	home := filepath.Join(w.root, dbPath(t))
	must(os.MkdirAll(filepath.Dir(home), 0o755))
	if home != filepath.Join(w.root, "var/lib/rpm") {
		must(os.Symlink(strings.Repeat("../", strings.Count(filepath.Dir(dbPath(t)), "/"))+"var/lib/rpm", home))
	}
	w.run("rpmkeys", "--root", w.root, "--import", w.key.Public)
	w.install(native)
	w.chain = &RpmChain{Payloads: t.TempDir(), Root: w.root}
	w.rpm = &Rpm{Dir: t.TempDir(), Root: w.root, LockWait: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	return w
}

func dbPath(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("rpm", "-E", "%_dbpath").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (w *rpmWorld) run(name string, args ...string) string {
	w.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// install puts packages on the machine by hand.
func (w *rpmWorld) install(packages ...lab.RPM) {
	args := []string{"--root", w.root, "--nosignature", "--oldpackage", "-i"}
	for _, p := range packages {
		args = append(args, filepath.Join(w.files, p.File()))
	}
	w.run("rpm", args...)
}

// all lists what rpm says is installed.
func (w *rpmWorld) all() string {
	out := strings.Fields(w.run("rpm", "--root", w.root, "-qa", "--qf", "%{name}-%{version}-%{release}.%{arch}\n"))
	out = slices.DeleteFunc(out, func(s string) bool { return !strings.HasSuffix(s, "noarch") && !strings.HasSuffix(s, "x86_64") })
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (w *rpmWorld) facts() patch.Facts {
	w.t.Helper()
	f, err := CollectFacts(context.Background(), w.root)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// plan names a package as an order does.
func (w *rpmWorld) plan(p lab.RPM) patch.PlanPackage {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.files, p.File()))
	if err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	out := patch.PlanPackage{Name: p.Name, Arch: p.Arch, Version: p.EVR(), SHA256: patch.Hash(hex.EncodeToString(sum[:])), Size: int64(len(b))}
	if out.Arch == "" {
		out.Arch = "noarch"
	}
	if err := os.WriteFile(filepath.Join(w.chain.Payloads, string(out.SHA256)), b, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// stage verifies and stages an order's packages.
func (w *rpmWorld) stage(packages ...patch.PlanPackage) []Staged {
	w.t.Helper()
	about, err := w.chain.Verify(w.t.Context(), Origin{}, packages)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []Staged
	for _, p := range packages {
		out = append(out, Staged{PlanPackage: p, Path: filepath.Join(w.chain.Payloads, string(p.SHA256)), Stanza: about[p.SHA256]})
	}
	if err := w.rpm.Stage(w.t.Context(), out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// native tells the machine's architecture.
var native = lab.RPM{Name: "rpm", Version: "4.16", Release: "1.el9", Arch: "x86_64"}

func v(name, version string, more ...func(*lab.RPM)) lab.RPM {
	p := lab.RPM{Name: name, Version: version, Release: "1.el9"}
	for _, m := range more {
		m(&p)
	}
	return p
}

// ownFile gives each version a file of its own, as kernels have.
func ownFile(p *lab.RPM) {
	p.Files = map[string]string{"/lib/modules/" + p.Name + "-" + p.Version: p.Name}
}

func needs(what ...string) func(*lab.RPM)    { return func(p *lab.RPM) { p.Requires = what } }
func replaces(what ...string) func(*lab.RPM) { return func(p *lab.RPM) { p.Obsoletes = what } }

var (
	lib1, lib2   = v("lib", "1.0"), v("lib", "2.0")
	app1, app2   = v("app", "1.0", needs("lib")), v("app", "2.0", needs("lib >= 2"))
	pin1, pin2   = v("pin", "1.0", needs("lib = 1.0")), v("pin", "2.0", needs("lib = 2.0"))
	old1, fresh1 = v("oldname", "1.0"), v("newname", "1.0", replaces("oldname < 2"))
	kern1        = v("kernel-core", "5.14.0", ownFile)
	kern2        = v("kernel-core", "5.15.0", ownFile, needs("lib >= 2"))
	kern3        = v("kernel-core", "5.16.0", func(p *lab.RPM) { p.Files = map[string]string{"/lib/modules/kernel-core-5.14.0": "overwritten"} })
	kmod1, kmod2 = v("dkmod", "1.0", ownFile), v("dkmod", "2.0", ownFile, func(p *lab.RPM) { p.Provides = []string{"installonlypkg(kernel-module)"} })
	clash1       = v("clash", "1.0")
	clash2       = v("clash", "2.0", func(p *lab.RPM) { p.Files = map[string]string{"/usr/share/lib/version": "mine"} })
	bad1, bad2   = v("badpre", "1.0"), v("badpre", "2.0", func(p *lab.RPM) { p.Scripts = map[string]string{"pre": "<lua>error('this script fails')"} })
	node1        = v("node", "1.1", func(p *lab.RPM) { p.Module = "node:1:20240101:abcd" })
	node0        = v("node", "1.0", func(p *lab.RPM) { p.Module = "node:1:20240101:abcd" })
)

// What rpm may do for an order and what not, on a real root.
func TestRpmPlans(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2, app1, app2, pin1, pin2, old1, fresh1, kern1, kern2, kern3, kmod1, kmod2, clash1, clash2, bad1, bad2, node0, node1)
	w.install(lib1, app1, old1, kern1, kmod1, clash1, node0)
	hold := func(f *patch.Facts, name string) {
		for i := range f.Packages {
			f.Packages[i].Held = f.Packages[i].Held || f.Packages[i].Name == name
		}
	}
	replaced := w.plan(fresh1)
	replaced.Replaces = []patch.InstalledPackage{{Name: "oldname", Arch: "noarch", Version: "1.0-1.el9"}}
	for _, c := range []struct {
		name          string
		want, allowed []patch.PlanPackage
		facts         func(*patch.Facts)
		changes       string
		cause         patch.FailCause
		says          string
	}{
		{"an update", []patch.PlanPackage{w.plan(lib2)}, nil, nil, "lib 1.0-1.el9>2.0-1.el9", "", ""},
		{"what it needs comes along", []patch.PlanPackage{w.plan(app2)}, []patch.PlanPackage{w.plan(lib2)}, nil, "app 1.0-1.el9>2.0-1.el9, lib 1.0-1.el9>2.0-1.el9", "", ""},
		{"what it needs is not approved", []patch.PlanPackage{w.plan(app2)}, nil, nil, "", patch.FailDependency, "app 2.0-1.el9 needs lib >= 2, which is not in this order"},
		{"a downgrade", []patch.PlanPackage{w.plan(lib1)}, nil, func(f *patch.Facts) {
			f.Packages = slices.Clone(f.Packages)
			for i := range f.Packages {
				if f.Packages[i].Name == "lib" {
					f.Packages[i].Version = "3.0-1.el9"
				}
			}
		}, "", patch.FailDrift, "nothing is ever downgraded"},
		{"held", []patch.PlanPackage{w.plan(lib2)}, nil, func(f *patch.Facts) { hold(f, "lib") }, "", patch.FailPolicy, "is held on this machine (exclude or versionlock)"},
		{"a replacement that nobody named", []patch.PlanPackage{w.plan(fresh1)}, nil, nil, "", patch.FailDependency, "newname 1.0-1.el9 would replace oldname 1.0-1.el9, which the plan does not name"},
		{"a replacement as planned", []patch.PlanPackage{replaced}, nil, nil, "newname >1.0-1.el9", "", ""},
		{"a replacement of what is held", []patch.PlanPackage{replaced}, nil, func(f *patch.Facts) { hold(f, "oldname") }, "", patch.FailPolicy, "which is held"},
		{"a kernel, beside the old one", []patch.PlanPackage{w.plan(kern2)}, []patch.PlanPackage{w.plan(lib2)}, nil, "kernel-core 5.14.0-1.el9>5.15.0-1.el9, lib 1.0-1.el9>2.0-1.el9", "", ""},
		{"a kernel that overwrites the old one", []patch.PlanPackage{w.plan(kern3)}, nil, nil, "", patch.FailPatch, "conflicts with file from package kernel-core"},
		{"another vendor's file", []patch.PlanPackage{w.plan(clash2)}, nil, nil, "", patch.FailPatch, "conflicts with file from package lib"},
		{"a module's build, enabled", []patch.PlanPackage{w.plan(node1)}, nil, func(f *patch.Facts) { f.Modules = []patch.Module{{Name: "node", Stream: "1", State: "enabled"}} }, "node 1.0-1.el9>1.1-1.el9", "", ""},
		{"a module's build, of another stream", []patch.PlanPackage{w.plan(node1)}, nil, func(f *patch.Facts) { f.Modules = []patch.Module{{Name: "node", Stream: "2", State: "enabled"}} }, "", patch.FailPolicy, "has enabled node:2"},
		{"a module's build, disabled", []patch.PlanPackage{w.plan(node1)}, nil, func(f *patch.Facts) { f.Modules = []patch.Module{{Name: "node", State: "disabled"}} }, "", patch.FailPolicy, "has disabled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			staged := w.stage(append(slices.Clone(c.want), c.allowed...)...)
			f := w.facts()
			if c.facts != nil {
				c.facts(&f)
			}
			before := w.all()
			tr, err := w.rpm.Plan(t.Context(), "A1", f, staged[:len(c.want)], staged)
			var fail *Failure
			if errors.As(err, &fail); c.cause == "" && err != nil || c.cause != "" && (fail == nil || fail.Cause != c.cause || !strings.Contains(fail.Text, c.says)) {
				t.Fatalf("%v (%+v)", err, fail)
			}
			var changes []string
			for _, x := range tr.Changes {
				changes = append(changes, fmt.Sprintf("%s %s>%s", x.Name, x.From, x.To))
			}
			if got := strings.Join(changes, ", "); got != c.changes {
				t.Errorf("changes %q, not %q", got, c.changes)
			}
			if w.all() != before {
				t.Error("a plan changed the machine")
			}
		})
	}
}

// Needs with conditions, as rpm states them, are met by packages of the order: what a package needs itself, and what an installed one does when its
// world changes. rpm says which of them are needed at all; what the order does not have is named.
func TestRpmMeetsRichNeeds(t *testing.T) {
	or2 := v("either", "2.0", needs("(gold or silver >= 2)"))
	if2 := v("iffy", "2.0", needs("(plug if lib)"))
	else2 := v("otherwise", "2.0", needs("(plug if absent else spare)"))
	and2 := v("both", "2.0", needs("(plug and spare)"))
	with2 := v("with", "2.0", needs("(lang(de) >= 1 with lang(de) < 3)"))
	unless2 := v("unless", "2.0", func(p *lab.RPM) { p.Conflicts = []string{"(lib < 2 unless spare)"} })
	gold, silver2, plug, spare := v("gold", "1.0"), v("silver", "2.0"), v("plug", "1.0"), v("spare", "1.0")
	german := v("german", "1.0", func(p *lab.RPM) { p.Provides = []string{"lang(de) = 2"} })
	keeps := v("keeps", "1.0", needs("(lib < 2 or spare)")) // installed: with lib 2.0 it needs spare
	w := newRPMWorld(t, lib1, lib2, or2, if2, else2, and2, with2, unless2, gold, silver2, plug, spare, german, keeps)
	w.install(lib1, keeps)
	for _, c := range []struct {
		want    lab.RPM
		allowed []lab.RPM
		comes   string // beside what is wanted
		says    string
	}{
		{or2, []lab.RPM{silver2}, "silver", ""},
		{or2, []lab.RPM{gold, plug}, "gold", ""},
		{or2, []lab.RPM{plug}, "", "either 2.0-1.el9 needs (gold or silver >= 2), which is not in this order"},
		{if2, []lab.RPM{spare, plug}, "plug", ""},
		{if2, nil, "", "iffy 2.0-1.el9 needs (plug if lib), which is not in this order"},
		{else2, []lab.RPM{spare}, "spare", ""},
		{and2, []lab.RPM{spare, plug}, "plug spare", ""},
		{with2, []lab.RPM{plug, german}, "german", ""},
		{unless2, []lab.RPM{plug, spare}, "spare", ""},
		{lib2, []lab.RPM{plug, spare}, "spare", ""},
		{lib2, []lab.RPM{plug}, "", "keeps 1.0-1.el9, which is installed, needs (lib < 2 or spare), and an update of keeps is not in this order"},
	} {
		var all []patch.PlanPackage
		for _, p := range append([]lab.RPM{c.want}, c.allowed...) {
			all = append(all, w.plan(p))
		}
		staged := w.stage(all...)
		tr, err := w.rpm.Plan(t.Context(), "A1", w.facts(), staged[:1], staged)
		var along []string
		for _, p := range tr.Along {
			along = append(along, p.Name)
		}
		slices.Sort(along)
		var fail *Failure
		if got := strings.Join(along, " "); got != c.comes || (err == nil) != (c.says == "") || err != nil && (!errors.As(err, &fail) || fail.Cause != patch.FailDependency || fail.Text != c.says) {
			t.Errorf("%s with %d others: %q comes along, %v", c.want.Name, len(c.allowed), got, err)
		}
	}
}

// A plan is carried out exactly: kernels beside each other, what is replaced goes, and nothing else.
func TestRpmRuns(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2, old1, fresh1, kern1, kern2, kmod1, kmod2, bad1, bad2)
	w.install(lib1, old1, kern1, kmod1, bad1)
	fresh := w.plan(fresh1)
	fresh.Replaces = []patch.InstalledPackage{{Name: "oldname", Arch: "noarch", Version: "1.0-1.el9"}}
	staged := w.stage(w.plan(kern2), w.plan(kmod2), fresh, w.plan(lib2), w.plan(bad2))
	run := func(attempt string, want ...Staged) (string, error) {
		tr, err := w.rpm.Plan(t.Context(), attempt, w.facts(), want, staged)
		if err != nil {
			t.Fatal(err)
		}
		return w.rpm.Run(t.Context(), tr)
	}
	if log, err := run("A1", staged[:3]...); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	want := "badpre-1.0-1.el9.noarch dkmod-1.0-1.el9.noarch dkmod-2.0-1.el9.noarch kernel-core-5.14.0-1.el9.noarch kernel-core-5.15.0-1.el9.noarch lib-2.0-1.el9.noarch newname-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64"
	if got := w.all(); got != want {
		t.Errorf("installed is\n%s, not\n%s", got, want)
	}
	if log, err := run("A2", staged[3]); err != nil || log != "" {
		t.Errorf("what is there already: %v %s", err, log)
	}
	_, err := run("A3", staged[4])
	if fail := (*Failure)(nil); !errors.As(err, &fail) || fail.Cause != patch.FailPatch || !strings.Contains(fail.Text, "this script fails") {
		t.Errorf("%v", err)
	}
	if got := w.all(); got != want {
		t.Errorf("after a script that failed:\n%s", got)
	}
	var files []Staged
	log, err := w.rpm.Recover(t.Context(), "A1", func(begun bool) ([]Staged, error) {
		if !begun {
			t.Error("the log does not show that it had begun")
		}
		files = []Staged{staged[3]}
		return files, nil
	})
	if err != nil || w.all() != want {
		t.Errorf("installed once more: %v %s", err, log)
	}
}

// Bytes that the vendor did not sign, with a key that this machine trusts, never come near rpm.
func TestRpmChain(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2, app1)
	other, err := lab.NewRPMKey(t.Context(), t.TempDir(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	good := w.plan(lib2)
	stranger, unsigned := t.TempDir(), t.TempDir()
	for _, dir := range []string{stranger, unsigned} {
		if err := lab.BuildRPMs(t.Context(), dir, lib1); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Sign(t.Context(), filepath.Join(stranger, lib1.File())); err != nil {
		t.Fatal(err)
	}
	from := func(dir string) patch.PlanPackage {
		c := *w
		c.files = dir
		return c.plan(lib1)
	}
	cut := t.TempDir()
	b, err := os.ReadFile(filepath.Join(w.files, lib1.File()))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-20] ^= 1
	if err := os.WriteFile(filepath.Join(cut, lib1.File()), b, 0o600); err != nil {
		t.Fatal(err)
	}
	named := w.plan(app1)
	named.Name = "lib"
	for name, c := range map[string]struct {
		p    patch.PlanPackage
		says string
	}{
		"a stranger's signature": {from(stranger), "signed by the key " + signer(t, other) + ", which the machine does not trust"},
		"no signature":           {from(unsigned), "it is not signed"},
		"a changed payload":      {from(cut), "does not verify"},
		"another package's name": {named, "the order names lib.noarch 1.0-1.el9, and the file is app.noarch"},
	} {
		out, err := w.chain.Verify(t.Context(), Origin{}, []patch.PlanPackage{c.p, good})
		var each Unvouched
		if !errors.As(err, &each) || patch.KindOf(each[c.p.SHA256]) != patch.Untrusted || !strings.Contains(err.Error(), c.says) || out[c.p.SHA256] != nil {
			t.Errorf("%s: %v", name, err)
		}
		if out[good.SHA256] == nil {
			t.Errorf("%s: the good one beside it is refused", name)
		}
	}
	// And rpm itself refuses them, should they ever come that far.
	for _, p := range []patch.PlanPackage{from(stranger), from(unsigned), from(cut)} {
		out, err := exec.Command("/usr/bin/rpm", rpmArgs(w.root, "--install", []string{filepath.Join(w.chain.Payloads, string(p.SHA256))})...).CombinedOutput()
		if err == nil {
			t.Errorf("rpm installed it: %s", out)
		}
	}
}

// signer is the long ID of a key, as gpg itself says it.
func signer(t *testing.T, k *lab.RPMKey) string {
	t.Helper()
	out, err := exec.Command("gpg", "--show-keys", "--with-colons", k.Public).Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(string(out), ":")
	return strings.ToLower(fields[4])
}

// Another program that holds rpm's lock is named and left alone.
func TestRpmBusy(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2)
	w.install(lib1)
	staged := w.stage(w.plan(lib2))
	lock := filepath.Join(w.root, "var/lib/rpm/.rpm.lock")
	holder := exec.Command("python3", "-c", "import fcntl,sys,time\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('held',flush=True)\ntime.sleep(60)", lock)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_, err = w.rpm.Plan(t.Context(), "A1", w.facts(), staged, staged)
	if fail := (*Failure)(nil); !errors.As(err, &fail) || fail.Cause != patch.FailLock || !strings.Contains(fail.Text, fmt.Sprintf("busy: python3 (pid %d)", holder.Process.Pid)) {
		t.Errorf("%v", err)
	}
}

func TestHostileRPMNames(t *testing.T) {
	good := patch.PlanPackage{Name: "bash", Arch: "x86_64", Version: "1:5.1.8-9.el9", SHA256: patch.Hash(strings.Repeat("a", 64)), Size: 1}
	if err := CheckRPM(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "-e", "--eval=%(id)", "a b", "a/b", "../x", "a\n", "%{lua:x}", "ä", strings.Repeat("a", 201)} {
		for _, set := range []func(*patch.PlanPackage){
			func(p *patch.PlanPackage) { p.Name = bad },
			func(p *patch.PlanPackage) { p.Arch = bad },
			func(p *patch.PlanPackage) { p.Version = bad },
			func(p *patch.PlanPackage) {
				p.Replaces = []patch.InstalledPackage{{Name: bad, Arch: "x", Version: "1-1"}}
			},
		} {
			p := good
			if set(&p); CheckRPM(p) == nil {
				t.Errorf("%+v passes", p)
			}
		}
	}
}

// An order that says so takes packages back to exactly the version before, and only those that say so.
func TestRpmGoesBack(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2, app1, app2)
	w.install(lib2, app2)
	back := func(p lab.RPM, from string) patch.PlanPackage {
		out := w.plan(p)
		out.Back, out.From = true, from
		return out
	}
	lib, app, fresh := back(lib1, "2.0-1.el9"), back(app1, "2.0-1.el9"), w.plan(app1)
	fail := (*Failure)(nil)
	staged := w.stage(lib, fresh)
	if _, err := w.rpm.Plan(t.Context(), "A1", w.facts(), staged[:1], staged); !errors.As(err, &fail) || fail.Cause != patch.FailDrift || !strings.Contains(fail.Text, "app is at 2.0-1.el9") {
		t.Errorf("another package went back with it: %v", err)
	}
	staged = w.stage(lib)
	if _, err := w.rpm.Plan(t.Context(), "A1", w.facts(), staged, staged); !errors.As(err, &fail) || fail.Cause != patch.FailDependency || !strings.Contains(fail.Text, "app") {
		t.Errorf("%v", err)
	}
	staged = w.stage(lib, app)
	tr, err := w.rpm.Plan(t.Context(), "A2", w.facts(), staged[:1], staged)
	if err != nil {
		t.Fatal(err)
	}
	if log, err := w.rpm.Run(t.Context(), tr); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got := w.all(); got != "app-1.0-1.el9.noarch lib-1.0-1.el9.noarch rpm-4.16-1.el9.x86_64" {
		t.Errorf("installed is %s", got)
	}
}
