package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// RPM is a package to build.
type RPM struct {
	Name, Version, Release string
	Arch                   string // "x86_64", "noarch"; empty means noarch
	Requires, Provides     []string
	Obsoletes, Conflicts   []string
	Files                  map[string]string // path → content
	Config                 []string          // those of Files that are %config(noreplace)
	Scripts                map[string]string // "pre", "post", "preun", … → a shell script; with a leading "<lua>" one that needs no shell
	Module                 string            // modularity label: "node:1:20240101:abcd"
}

// EVR is the version as Fettle writes it.
func (p RPM) EVR() string { return p.Version + "-" + p.Release }

func (p RPM) arch() string {
	if p.Arch == "" {
		return "noarch"
	}
	return p.Arch
}

// File is the name of the package's file.
func (p RPM) File() string { return fmt.Sprintf("%s-%s.%s.rpm", p.Name, p.EVR(), p.arch()) }

// RPMKey signs packages as a vendor does.
type RPMKey struct {
	Public string // the armoured public key's file, to be imported by rpmkeys
	home   string
	name   string
}

// NewRPMKey makes a key whose secret part stays in a folder of dir.
func NewRPMKey(ctx context.Context, dir, name string) (*RPMKey, error) {
	k := &RPMKey{home: filepath.Join(dir, "gnupg-"+name), Public: filepath.Join(dir, name+".asc"), name: name}
	if err := os.MkdirAll(k.home, 0o700); err != nil {
		return nil, err
	}
	if _, err := k.gpg(ctx, "--quick-generate-key", "--passphrase", "", name+" <"+name+"@vendor.invalid>", "rsa2048", "sign", "never"); err != nil {
		return nil, err
	}
	public, err := k.gpg(ctx, "--export", "--armor")
	if err != nil {
		return nil, err
	}
	return k, os.WriteFile(k.Public, public, 0o644)
}

func (k *RPMKey) gpg(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "gpg", append([]string{"--homedir", k.home, "--batch", "--no-tty", "--pinentry-mode", "loopback"}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("gpg: %w: %s", err, lastLines(string(exit.Stderr), 3))
	}
	return out, err
}

// Sign signs package files in place.
func (k *RPMKey) Sign(ctx context.Context, files ...string) error {
	args := []string{"--define", "_gpg_name " + k.name, "--define", "_gpg_path " + k.home, "--define", "__gpg /usr/bin/gpg", "--addsign"}
	return quiet(exec.CommandContext(ctx, "rpmsign", append(args, files...)...))
}

// Close ends the key's agent.
func (k *RPMKey) Close() {
	_ = exec.Command("gpgconf", "--homedir", k.home, "--kill", "gpg-agent").Run()
}

// BuildRPMs builds packages and puts their files into dir.
func BuildRPMs(ctx context.Context, dir string, packages ...RPM) error {
	top, err := os.MkdirTemp("", "fettle-rpmbuild-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(top)
	specs := map[string][]string{}
	for i, p := range packages {
		spec := filepath.Join(top, fmt.Sprintf("%d.spec", i))
		if err := os.WriteFile(spec, []byte(p.spec()), 0o600); err != nil {
			return err
		}
		specs[p.arch()] = append(specs[p.arch()], spec)
	}
	for arch, files := range specs {
		args := []string{"-bb", "--quiet", "--nodeps", "--target", arch, "--define", "_topdir " + top, "--define", "_build_id_links none",
			"--define", "__os_install_post %{nil}", "--define", "_binary_payload w0.ufdio", "--define", "_rpmdir " + dir, "--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"}
		if err := quiet(exec.CommandContext(ctx, "rpmbuild", append(args, files...)...)); err != nil {
			return err
		}
	}
	return nil
}

// CreateRepo makes dir a repository.
func CreateRepo(ctx context.Context, dir string) error {
	return quiet(exec.CommandContext(ctx, "createrepo_c", "-q", dir))
}

// AddMetadata adds a file, such as updateinfo.xml or modules.yaml, to a repository.
func AddMetadata(ctx context.Context, dir, kind, file string) error {
	return quiet(exec.CommandContext(ctx, "modifyrepo_c", "--mdtype="+kind, file, filepath.Join(dir, "repodata")))
}

func quiet(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, lastLines(string(out), 8))
	}
	return nil
}

// spec writes the recipe.
func (p RPM) spec() string {
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	line("Name: %s\nVersion: %s\nRelease: %s\nSummary: %s of the tests\nLicense: none\nAutoReqProv: no", p.Name, p.Version, p.Release, p.Name)
	if p.arch() == "noarch" {
		line("BuildArch: noarch")
	}
	if p.Module != "" {
		line("ModularityLabel: %s", p.Module)
	}
	for tag, values := range map[string][]string{"Requires": p.Requires, "Provides": p.Provides, "Obsoletes": p.Obsoletes, "Conflicts": p.Conflicts} {
		for _, v := range values {
			line("%s: %s", tag, v)
		}
	}
	line("%%description\nA package of the tests.\n%%install")
	files := p.Files
	if files == nil {
		files = map[string]string{"/usr/share/" + p.Name + "/version": p.EVR()}
	}
	paths := slices.Sorted(maps.Keys(files))
	for _, path := range paths {
		line("mkdir -p %%{buildroot}%s\ncat >%%{buildroot}%s <<'END-OF-FILE'\n%s\nEND-OF-FILE", filepath.Dir(path), path, strings.ReplaceAll(files[path], "%", "%%"))
	}
	for _, when := range slices.Sorted(maps.Keys(p.Scripts)) {
		script, lua := strings.CutPrefix(p.Scripts[when], "<lua>")
		interpreter := ""
		if lua {
			interpreter = " -p <lua>"
		}
		line("%%%s%s\n%s", when, interpreter, script)
	}
	line("%%files")
	for _, path := range paths {
		if slices.Contains(p.Config, path) {
			s.WriteString("%config(noreplace) ")
		}
		line("%s", path)
	}
	return s.String()
}
