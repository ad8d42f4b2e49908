package apps

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// App is one version of one program, as our own format has it.
type App struct {
	ID        string   `yaml:"id"` // "example.scribbler": the same for every version
	Name      string   `yaml:"name"`
	Publisher string   `yaml:"publisher"`
	Version   string   `yaml:"version"`
	Released  string   `yaml:"released"` // 2026-11-20
	Severity  string   `yaml:"severity"` // low, medium, high or critical
	CVEs      []string `yaml:"cves"`
	Notes     string   `yaml:"notes"` // where the publisher tells about this version
	// Match says how an installed program is recognised; any of several. Without it name and publisher do.
	Match    []Match   `yaml:"match"`
	Requires Requires  `yaml:"requires"`
	Packages []Package `yaml:"packages"`
	// NewToo offers the program to machines that do not have it.
	NewToo bool `yaml:"new-too"`

	from   string // which file
	fault  string // why it is not understood
	source string // "apps", "scoop", "winget"
}

// Match recognises an installed program. All that is given must hold.
type Match struct {
	Name      string `yaml:"name"`      // compared by its key: without versions, architectures, languages
	Publisher string `yaml:"publisher"` // likewise, without legal forms
	Like      string `yaml:"like"`      // the name as Windows lists it, * being any text
	ID        string `yaml:"id"`        // its key below Uninstall: a product code, or the installer's own word
	Scope     string `yaml:"scope"`     // "machine" or "user"; empty: either
	// Version is what the list of programs says where this version is installed; empty: the app's version.
	Version string `yaml:"version"`
}

// Requires is what else must hold for the app to be for a machine.
type Requires struct {
	Windows string  `yaml:"windows"` // at least this version: "10.0.17763"
	Below   string  `yaml:"below"`   // and older than this one
	Program []Match `yaml:"programs"`
}

// Package is one installer.
type Package struct {
	Architecture string         `yaml:"architecture"` // amd64, x86, arm64, or any
	URL          string         `yaml:"url"`
	SHA256       string         `yaml:"sha256"`
	Size         int64          `yaml:"size"`
	Kind         string         `yaml:"kind"`     // msi, msp, msu, cab, inno, nsis, burn, exe; msix and archive are not installed
	Switches     string         `yaml:"switches"` // beside those with which installers of its kind ask nothing
	Signer       string         `yaml:"signer"`   // the name in the certificate that it must be signed with
	Blockers     []string       `yaml:"blockers"` // programs during whose running it is not installed: "scribbler.exe"
	Minutes      int            `yaml:"minutes"`  // how long it may take; 30 where nothing is said
	ExitCodes    map[int]string `yaml:"exit-codes"`
	Uninstall    string         `yaml:"uninstall"`
}

var (
	idPattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,126}$`) })
	hashPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })
	cvePattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{1,10}$`) })
)

// check completes an app, and says in fault why it cannot be judged.
func (a *App) check() {
	if len(a.Match) == 0 {
		a.Match = []Match{{Name: a.Name, Publisher: a.Publisher}}
	}
	a.wrong(!idPattern().MatchString(a.ID), "its id is %q", a.ID)
	a.wrong(a.Name == "" || len(a.Name) > 300, "it has no usable name")
	a.wrong(!orderly(a.Version), "its version is %q", a.Version)
	_, err := a.released()
	a.wrong(err != nil, "it was released on %q", a.Released)
	_, known := severities[a.Severity]
	a.wrong(!known, "its severity is %q", a.Severity)
	for _, cve := range a.CVEs {
		a.wrong(!cvePattern().MatchString(cve), "it names the CVE %q", cve)
	}
	for _, m := range append(append([]Match{}, a.Match...), a.Requires.Program...) {
		a.wrong(m.Name == "" && m.Like == "" && m.ID == "", "a match names no program")
		a.wrong(m.Scope != "" && m.Scope != "machine" && m.Scope != "user", "a match has the scope %q", m.Scope)
		a.wrong(m.Version != "" && !orderly(m.Version), "a match has the version %q", m.Version)
	}
	for _, v := range []string{a.Requires.Windows, a.Requires.Below} {
		_, err := version.Compare(version.Windows, v, v)
		a.wrong(v != "" && err != nil, "it requires the Windows version %q", v)
	}
	for i := range a.Packages {
		a.Packages[i].check(a)
	}
}

func orderly(v string) bool {
	_, err := version.Compare(version.Winget, v, v)
	return err == nil && len(v) <= 128
}

func (p *Package) check(a *App) {
	p.SHA256 = strings.ToLower(p.SHA256)
	switch p.Architecture {
	case "amd64", "x86", "arm64", "any":
	default:
		a.wrong(true, "a package is for the architecture %q", p.Architecture)
	}
	_, known := kinds[p.Kind]
	a.wrong(!known, "a package is of the kind %q", p.Kind)
	a.wrong(p.SHA256 != "" && !hashPattern().MatchString(p.SHA256), "a package has the SHA-256 %q", p.SHA256)
	a.wrong(p.Size < 0, "a package has the size %d", p.Size)
	for code, word := range p.ExitCodes {
		_, known := outcomes[word]
		a.wrong(!known, "the exit code %d means %q", code, word)
	}
}

// wrong keeps the first reason.
func (a *App) wrong(is bool, format string, args ...any) {
	if is && a.fault == "" {
		a.fault = fmt.Sprintf(format, args...)
	}
}

func (a *App) released() (time.Time, error) {
	if a.Released == "" {
		return time.Time{}, nil
	}
	return time.Parse("2006-01-02", a.Released)
}

var severities = map[string]patch.Severity{"": patch.NotGiven, "low": patch.Low, "medium": patch.Medium, "high": patch.High, "critical": patch.Critical}
