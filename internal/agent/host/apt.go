package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Plan simulates the installation of want with apt and gives the transaction, if all of it lies within allowed: no removal, no
// downgrade, no held package, nothing else. Otherwise a *Failure names what stands in the way. It changes no package.
func (a *Apt) Plan(ctx context.Context, attempt string, f patch.Facts, want, allowed []Staged) (Transaction, error) {
	t := Transaction{Attempt: attempt, Want: packages(want)}
	in := newInstalled(f)
	for _, p := range want {
		if old, ok := in.find(p.Name, p.Arch); ok && old.Held {
			return t, &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf("%s is held on this machine (apt-mark hold) at %s", p.Name, old.Version)}
		}
	}
	a.mergeUpdates(ctx)
	t.base = stamp(statusFile)
	args, err := a.installArgs(attempt, t.Want, true)
	if err != nil {
		return t, &Failure{Cause: patch.FailUntrusted, Text: err.Error()}
	}
	if err := a.copyMarks(); err != nil {
		return t, &Failure{Cause: stageCause(err), Text: "cannot read apt's marks: " + err.Error()}
	}
	out := bounded{max: 4 << 20}
	err = run(aptGet(ctx, args...), &out, nil)
	if out.over {
		return t, &Failure{Cause: patch.FailPatch, Text: "apt's plan is longer than 4 MiB"}
	}
	if err != nil {
		return t, a.whyNot(f, want, allowed, out.b, err)
	}
	steps, err := readSimulation(out.b)
	if err != nil {
		return t, &Failure{Cause: patch.FailPatch, Text: err.Error(), Log: lastPart(out.b)}
	}
	t.Along, t.Changes, err = judge(steps, f, t.Want, packages(allowed))
	if fail := (*Failure)(nil); errors.As(err, &fail) {
		fail.Log = lastPart(out.b)
	}
	if err != nil {
		return t, err
	}
	t.Doubt, err = debRoom(ctx, "/", t.of(slices.Concat(want, allowed)))
	return t, err
}

// of gives the files of the packages that a transaction installs.
func (t *Transaction) of(files []Staged) (out []Staged) {
	for _, p := range append(t.Want[:len(t.Want):len(t.Want)], t.Along...) {
		if i := slices.IndexFunc(files, func(f Staged) bool { return f.SHA256 == p.SHA256 }); i >= 0 && t.changes(p) {
			out = append(out, files[i])
		}
	}
	return out
}

// whyNot turns a failed simulation into the sentence that says what is missing.
func (a *Apt) whyNot(f patch.Facts, want, allowed []Staged, out []byte, err error) error {
	fail := &Failure{Cause: patch.FailDependency, Log: lastPart(out)}
	broken, named := brokenBefore(f, want, out)
	if needs := unmet(statusFile, f.OS.Arch, want, allowed); !named && needs != "" {
		fail.Text = needs
		return fail
	}
	if broken != "" {
		fail.Cause, fail.Text = patch.FailDrift, "the package database was broken before this order: "+broken
		return fail
	}
	fail.Text = "apt finds no way to install this with the packages of this order: " + err.Error()
	return fail
}

// brokenBefore names a package that was left half-way before this order, which does not install over it: the one that apt speaks of, named, or else the first.
func brokenBefore(f patch.Facts, want []Staged, out []byte) (text string, named bool) {
	for _, p := range f.Packages {
		if p.State != patch.Broken || slices.ContainsFunc(want, func(w Staged) bool { return w.Name == p.Name && w.Arch == p.Arch }) {
			continue
		}
		reinstall, depends := speaksOf(out, p)
		switch {
		case reinstall:
			return fmt.Sprintf("%s %s must be installed anew, which `dpkg --configure -a` does not do. Approve its fix, or run `apt-get install --reinstall %s`", p.Name, p.Version, p.Name), true
		case depends:
			return fmt.Sprintf("%s %s is half-installed. Run `dpkg --configure -a` and look at what it says", p.Name, p.Version), true
		case text == "":
			text = fmt.Sprintf("%s %s is half-installed. Run `dpkg --configure -a` and look at what it says", p.Name, p.Version)
		}
	}
	return text, false
}

// speaksOf tells whether apt refuses because a package must be installed anew ("E: The package shop-desk needs to be reinstalled, …"), or complains of what it
// depends on (" shop-core : Depends: …").
func speaksOf(out []byte, p patch.Package) (reinstall, depends bool) {
	for _, name := range []string{p.Name, p.Name + ":" + p.Arch} {
		reinstall = reinstall || bytes.Contains(out, []byte("The package "+name+" needs to be reinstalled"))
		depends = depends || bytes.Contains(out, []byte("\n "+name+" : "))
	}
	return reinstall, depends
}

// Run installs a transaction. It returns apt's output and nil when apt ended with success; what it did to the packages is for the caller
// to read from the package database. Once begun it is never ended from outside, not even by ctx.
func (a *Apt) Run(ctx context.Context, t Transaction) (string, error) {
	if err := a.Await(ctx, briefly(a.LockWait), nil); err != nil {
		return "", err
	}
	if t.base != "" && t.base != stamp(statusFile) {
		return "", &Failure{Cause: patch.FailDrift, Untouched: true, Text: "another program changed packages between the last check and the installation"}
	}
	all := append(t.Want[:len(t.Want):len(t.Want)], t.Along...)
	args, err := a.installArgs(t.Attempt, all, false)
	if err == nil {
		err = a.checkArchives(all)
	}
	if err != nil {
		return "", &Failure{Cause: patch.FailUntrusted, Text: err.Error()}
	}
	if err := a.copyMarks(); err != nil {
		return "", &Failure{Cause: stageCause(err), Text: "cannot copy apt's marks: " + err.Error()}
	}
	keep, err := a.guard(t.Attempt)
	if err != nil {
		return "", asFailure(err)
	}
	defer keep.Close()
	var out tail
	if err := runWatched(aptGet(context.WithoutCancel(ctx), args...), &out, keep, &a.Watch); err != nil {
		return out.String(), classify(out.b, err)
	}
	a.markNew(ctx, t)
	return out.String(), nil
}

// updatesDir is where dpkg notes what it has not yet merged into its database.
const updatesDir = "/var/lib/dpkg/updates"

// mergeUpdates has dpkg merge the notes of one that was cut off into its database, and nothing else: apt does not read them, and begins nothing before that.
// Where it does not work, because a dpkg is at work, apt will say so.
func (a *Apt) mergeUpdates(ctx context.Context) {
	if notes, _ := filepath.Glob(filepath.Join(updatesDir, "[0-9]*")); len(notes) == 0 {
		return
	}
	var out tail
	if err := run(dpkg(context.WithoutCancel(ctx), mergeArgs()...), &out, nil); err != nil && a.Log != nil {
		a.Log.Warn("dpkg was interrupted, and its notes cannot be merged", "err", err, "output", out.String())
	}
}

// stamp tells one state of a file that is replaced as a whole, as dpkg's is, from another.
func stamp(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", st.Size(), st.ModTime().UnixNano())
}

// markNew marks packages that are new on the machine as automatically installed. It is a nicety: when it fails, nothing is lost.
func (a *Apt) markNew(ctx context.Context, t Transaction) {
	var names []string
	for _, c := range t.Changes {
		if c.From == "" && debian.ValidName(c.Name) && debian.ValidArch(c.Arch) {
			names = append(names, c.Name+":"+c.Arch)
		}
	}
	if len(names) == 0 {
		return
	}
	var out tail
	if err := run(aptMark(ctx, autoArgs(names)...), &out, nil); err != nil && a.Log != nil {
		a.Log.Warn("cannot mark new packages as automatically installed", "packages", names, "err", err)
	}
}

// Recover finishes an attempt that was interrupted, as far as dpkg can: it waits for everything that the attempt had started,
// configures what is unpacked, and reinstalls the verified files of packages that are still broken. It may be called again.
func (a *Apt) Recover(ctx context.Context, attempt string, broken func(begun bool) ([]Staged, error)) (string, error) {
	if err := awaitGuard(ctx, a.LockWait, a.guardPath(attempt)); err != nil {
		return "", err
	}
	if err := a.Await(ctx, a.LockWait, nil); err != nil {
		return "", err
	}
	keep, err := a.guard(attempt)
	if err != nil {
		return "", asFailure(err)
	}
	defer keep.Close()
	ctx = context.WithoutCancel(ctx)
	var out tail
	err = runWatched(dpkg(ctx, configureArgs()...), &out, keep, &a.Watch)
	still, lookErr := broken(false)
	if lookErr != nil {
		return out.String(), asFailure(lookErr)
	}
	if len(still) == 0 {
		return out.String(), nil
	}
	paths, openErr := verifiedPaths(still)
	if openErr != nil {
		return out.String(), asFailure(errors.Join(openErr, err))
	}
	if err := runWatched(dpkg(ctx, reinstallArgs(paths, anyBack(packages(still)))...), &out, keep, &a.Watch); err != nil {
		return out.String(), classify(out.b, err)
	}
	return out.String(), nil
}

// verifiedPaths hashes kept files once more before dpkg gets their names.
func verifiedPaths(files []Staged) ([]string, error) {
	var paths []string
	for _, f := range files {
		if err := CheckFile(f.Path, f.Size, f.SHA256); err != nil {
			return nil, err
		}
		paths = append(paths, f.Path)
	}
	return paths, nil
}

func packages(files []Staged) []patch.PlanPackage {
	out := make([]patch.PlanPackage, len(files))
	for i, f := range files {
		out[i] = f.PlanPackage
	}
	return out
}

func asFailure(err error) error {
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f
	}
	cause := stageCause(err)
	if errors.Is(err, os.ErrNotExist) {
		cause = patch.FailInterrupted
	}
	return &Failure{Cause: cause, Text: err.Error()}
}
