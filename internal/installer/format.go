package installer

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// Format says how an agent is packed.
type Format string

const (
	Program Format = "program" // the executable alone, which scripts install
	Deb     Format = "deb"
	RPM     Format = "rpm"
	MSI     Format = "msi"
)

const (
	packageName = "fettle-agent"
	upgradeCode = "{8D0CF3F5-7F0E-4B6C-A1A5-0E5A6F4F9C61}" // of packaging/agent.wxs: what all versions of the agent's MSI have in common
	maxHead     = 32 << 20                                 // of a package that is read for what it says about itself
)

// offers are the agents that there can be.
func offers() []Agent {
	var all []Agent
	for _, arch := range []string{"amd64", "arm64"} {
		for _, f := range []Format{Program, Deb, RPM} {
			all = append(all, Agent{OS: "linux", Arch: arch, Format: f})
		}
		all = append(all, Agent{OS: "windows", Arch: arch, Format: Program}, Agent{OS: "windows", Arch: arch, Format: MSI}, Agent{OS: "darwin", Arch: arch, Format: Program})
	}
	return all
}

// possible reports whether agents of this kind exist.
func (a Agent) possible() bool {
	return slices.ContainsFunc(offers(), func(b Agent) bool { return a.OS == b.OS && a.Arch == b.Arch && a.Format == b.Format })
}

// fileName is its name on the shelf.
func (a Agent) fileName() string {
	name := packageName + "-" + a.OS + "-" + a.Arch
	switch {
	case a.Format != Program:
		return name + "." + string(a.Format)
	case a.OS == "windows":
		return name + ".exe"
	}
	return name
}

// identify reads from a file's own bytes what it is. Its name counts for nothing.
func identify(f *os.File) (a Agent, err error) {
	head := make([]byte, 8)
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return a, err
	}
	start := io.NewSectionReader(f, 0, maxHead)
	switch {
	case bytes.Equal(head, []byte("!<arch>\n")):
		a, err = identifyDeb(start)
	case bytes.HasPrefix(head, []byte{0xed, 0xab, 0xee, 0xdb}):
		a, err = identifyRPM(start)
	case bytes.Equal(head, []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}):
		a, err = identifyMSI(f)
	default:
		return identifyProgram(f)
	}
	if err == nil && !versionText(a.Version) {
		err = patch.Errorf(patch.Invalid, "its version cannot be written into a script")
	}
	return a, err
}

func versionText(v string) bool {
	return regexp.MustCompile(`^[0-9][A-Za-z0-9.+~^:_-]{0,79}$`).MatchString(v)
}

func identifyProgram(f *os.File) (Agent, error) {
	a := Agent{Format: Program}
	info, err := buildinfo.Read(f)
	if err != nil {
		return a, patch.Errorf(patch.Invalid, "it is neither a program that Go built nor a package: %w", err)
	}
	for _, v := range info.Settings {
		switch v.Key {
		case "GOOS":
			a.OS = v.Value
		case "GOARCH":
			a.Arch = v.Value
		case "vcs.revision":
			a.Revision = v.Value
		}
	}
	if !strings.HasSuffix(info.Path, agentMain) {
		return a, patch.Errorf(patch.Invalid, "it is the program %q", info.Path)
	}
	return a, nil
}

func identifyDeb(r io.Reader) (Agent, error) {
	c, err := debian.ReadDebControl(r)
	if err != nil {
		return Agent{}, err
	}
	return named(c.Get("Package"), Agent{OS: "linux", Arch: c.Get("Architecture"), Format: Deb, Version: c.Get("Version")})
}

func identifyRPM(r io.Reader) (Agent, error) {
	p, err := rpmdb.ReadPackageFile(r)
	if err != nil {
		return Agent{}, err
	}
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[p.Arch]
	if arch == "" {
		arch = p.Arch
	}
	return named(p.Name, Agent{OS: "linux", Arch: arch, Format: RPM, Version: p.Version})
}

func named(name string, a Agent) (Agent, error) {
	if name != packageName {
		return a, patch.Errorf(patch.Invalid, "it is the package %q", name)
	}
	return a, nil
}
