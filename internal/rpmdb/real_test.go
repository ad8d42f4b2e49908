package rpmdb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	library "github.com/knqyf263/go-rpmdb/pkg"

	"github.com/fettle-project/fettle/internal/patch"
)

// run starts one of rpm's programs, which `make test` installs.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

const query = `%{name}\t%{arch}\t%|epoch?{%{epoch}:}|%{version}-%{release}\t%{sourcerpm}\t%{modularitylabel}\t%|rsaheader?{%{rsaheader:pgpsig}}:{%{dsaheader:pgpsig}}|\n`

// ask gives what rpm itself says of a database.
func ask(t *testing.T, dir, backend string) []patch.Package {
	t.Helper()
	var all []patch.Package
	for line := range strings.Lines(run(t, "rpm", "--dbpath", dir, "--define", "_db_backend "+backend, "-qa", "--qf", query)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		p := patch.Package{Name: f[0], Arch: f[1], Version: f[2], State: patch.Installed}
		_, evr, hasEpoch := strings.Cut(f[2], ":")
		if !hasEpoch {
			evr = f[2]
		}
		p.Source, p.SourceVersion = f[0], evr
		if parts := strings.Split(strings.TrimSuffix(f[3], ".src.rpm"), "-"); len(parts) > 2 {
			n := len(parts)
			p.Source, p.SourceVersion = strings.Join(parts[:n-2], "-"), strings.Join(parts[n-2:], "-")
		}
		if parts := strings.Split(f[4], ":"); len(parts) > 1 {
			p.Module = parts[0] + ":" + parts[1]
		}
		if _, id, ok := strings.Cut(f[5], "Key ID "); ok {
			p.Signer = id
		}
		all = append(all, p)
	}
	provides := askProvides(t, dir, backend)
	for i, p := range all {
		all[i].Provides = strings.Join(provides[[3]string{p.Name, p.Arch, p.Version}], "\n")
	}
	slices.SortFunc(all, func(a, b patch.Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	return all
}

// askProvides gives what rpm itself says that packages provide: what is not theirs by name, and their programs.
func askProvides(t *testing.T, dir, backend string) map[[3]string][]string {
	t.Helper()
	all := map[[3]string][]string{}
	const who = `%{=name}\t%{=arch}\t%|epoch?{%{=epoch}:}|%{=version}-%{=release}\t`
	format := `[` + who + `%{providename}\t%{provideflags:depflags}\t%{provideversion}\n]` + `[` + who + `%{filenames}\n]`
	for line := range strings.Lines(run(t, "rpm", "--dbpath", dir, "--define", "_db_backend "+backend, "-qa", "--qf", format)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		key, told := [3]string{f[0], f[1], f[2]}, ""
		switch {
		case len(f) == 4 && (strings.HasSuffix(filepath.Dir(f[3]), "/bin") || strings.HasSuffix(filepath.Dir(f[3]), "/sbin")):
			told = "bin/" + filepath.Base(f[3])
		case len(f) == 6:
			told = strings.TrimSpace(f[3] + " " + strings.TrimSpace(f[4]) + " " + f[5])
			if own := f[3] == f[0] || f[3] == f[0]+"(x86-64)" || f[3] == "config("+f[0]+")"; strings.Contains(f[3], " ") || strings.HasPrefix(f[3], "bundled(") || own && f[5] == f[2] {
				continue
			}
		}
		if told != "" && !slices.Contains(all[key], told) {
			all[key] = append(all[key], told)
		}
	}
	for _, told := range all {
		slices.Sort(told)
	}
	return all
}

// in opens the files of a folder.
func in(dir string) func(string) (File, error) {
	return func(name string) (File, error) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		return f, nil
	}
}

// build makes packages with rpmbuild: one plain, one with an epoch, one of a module, and the same name in two versions.
func build(t *testing.T, dir string, version, count int) []string {
	t.Helper()
	var spec strings.Builder
	fmt.Fprintf(&spec, "Name: kernel-core\nVersion: 5.14.%d\nRelease: 1.el9\nSummary: s\nLicense: MIT\n%%description\nd\n%%files\n", version)
	for i := range count {
		fmt.Fprintf(&spec, "%%package -n lib%d\nSummary: s%s\n", i, strings.Repeat(" long", i*40))
		if i%3 == 1 {
			fmt.Fprintf(&spec, "Epoch: %d\n", i%2)
		}
		if i%4 == 2 {
			spec.WriteString("ModularityLabel: nodejs:18:9020020230301:rhel9\nBuildArch: noarch\n")
		}
		fmt.Fprintf(&spec, "%%description -n lib%d\nd\n%%files -n lib%d\n", i, i)
	}
	name := filepath.Join(dir, fmt.Sprintf("p%d.spec", version))
	if err := os.WriteFile(name, []byte(spec.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, fmt.Sprint("out", version))
	run(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+dir, "--define", "_rpmdir "+out, name)
	files, err := filepath.Glob(out + "/*/*.rpm")
	if err != nil || len(files) != count+1 {
		t.Fatal(files, err)
	}
	return files
}

func install(dir string, files []string) *exec.Cmd {
	args := []string{"--dbpath", dir, "--define", "_db_backend sqlite", "-i", "--nodeps", "--justdb", "--noscripts", "--force-debian"}
	return exec.Command("rpm", append(args, files...)...)
}

func TestAgreesWithRPM(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	for version := range 2 {
		files := build(t, dir, version, 30*(1-version))
		if out, err := install(db, files).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	key := publicKey(t)
	run(t, "rpm", "--dbpath", db, "--import", key)
	want := ask(t, db, "sqlite")
	got, err := Read(in(db))
	if diff := gocmp.Diff(want, got); err != nil || diff != "" || len(got) != 33 {
		t.Error(err, len(got), diff)
	}
	if got[0].Name != "gpg-pubkey" || got[0].Arch != "(none)" || got[1].Name != got[2].Name || got[1].Version == got[2].Version {
		t.Errorf("%+v", got[:3])
	}
}

// rpm is killed at any moment; what it has committed, mostly into the log, is what the database has, as rpm says itself afterwards.
func TestAgreesWithRPMThatWasKilled(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	if out, err := install(db, build(t, dir, 1, 1)).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	logs := 0
	for round := range 12 {
		cmd := install(db, build(t, dir, 10+round, 60)[:40])
		if round > 0 {
			cmd.Args = append(cmd.Args, "--replacepkgs", "--oldpackage", "--force")
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+rand.IntN(60)) * time.Millisecond)
		cmd.Process.Kill()
		_ = cmd.Wait()
		kept := filepath.Join(dir, fmt.Sprint("kept", round)) // rpm -q merges the log
		if err := os.CopyFS(kept, os.DirFS(db)); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(kept + "/rpmdb.sqlite-wal"); err == nil && st.Size() > 0 {
			logs++
		}
		got, err := Read(in(kept))
		if diff := gocmp.Diff(ask(t, db, "sqlite"), got); err != nil || diff != "" {
			t.Fatal(round, err, diff)
		}
	}
	if logs == 0 {
		t.Error("no kill left a log behind: nothing was tested")
	}
}

// The samples of the library are databases of real machines; rpm reads them, too.
func TestAgreesOnBerkeleyDB(t *testing.T) {
	module := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb"))
	for _, name := range []string{"centos5-plain", "centos6-many", "centos7-many", "centos8-modularitylabel"} {
		dir := filepath.Join(module, "pkg/testdata", name)
		got, err := Read(in(dir))
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := gocmp.Diff(ask(t, dir, "bdb_ro"), got); diff != "" {
			t.Error(name, diff)
		}
		db, err := library.Open(filepath.Join(dir, "Packages"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := db.ListPackages()
		if err != nil || len(list) != len(got) {
			t.Fatal(name, err, len(list), len(got))
		}
		for _, p := range list {
			if !slices.ContainsFunc(got, func(g patch.Package) bool {
				return g.Name == p.Name && strings.HasSuffix(g.Version, p.Version+"-"+p.Release)
			}) {
				t.Errorf("%s: %s-%s is missing", name, p.Name, p.Version)
			}
		}
	}
}

func TestNoDatabase(t *testing.T) {
	if _, err := Read(in(t.TempDir())); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
	empty := filepath.Join(t.TempDir(), "db")
	run(t, "rpm", "--dbpath", empty, "--define", "_db_backend sqlite", "--initdb")
	if got, err := Read(in(empty)); patch.KindOf(err) != patch.Invalid || got != nil {
		t.Error(got, err)
	}
	if _, err := Read(func(string) (File, error) { return nil, fs.ErrPermission }); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}
