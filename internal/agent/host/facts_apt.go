package host

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	aptDir   = "etc/apt/"
	listsDir = "var/lib/apt/lists/"
	// maxAptSources bounds the sources of one machine.
	maxAptSources = 1000
)

// readAptPolicy reads what the machine's own apt is set up to choose; nil where that is nothing but the newest version.
func readAptPolicy(root string, release map[string]string) (*patch.AptPolicy, error) {
	var p patch.AptPolicy
	conf, err := readAptConf(root)
	if err != nil {
		return nil, err
	}
	p.DefaultRelease = tidy(conf.Get("APT::Default-Release"), 120)
	if err := readPins(root, &p); err != nil {
		return nil, err
	}
	if p.Sources, err = readAptSources(root, release["VERSION_CODENAME"], namesSite(p.Pins)); err != nil {
		return nil, err
	}
	readPhasing(root, release, conf, &p)
	if p.DefaultRelease == "" && p.Phasing == "" && p.MachineID == "" && p.Fault == "" && len(p.Pins)+len(p.Sources) == 0 {
		return nil, nil
	}
	return &p, nil
}

// aptParts lists the files of one of apt's .d directories: those that apt reads, in its order. With bare, names without an ending too.
func aptParts(root, dir, ending string, bare bool) []string {
	var parts []string
	for _, name := range namesIn(root, aptDir+dir) {
		dot := strings.LastIndexByte(name, '.')
		named := dot < 0 && bare || dot >= 0 && name[dot+1:] == ending
		plain := strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789._-:") == ""
		if name[0] != '.' && plain && named {
			parts = append(parts, aptDir+dir+"/"+name)
		}
	}
	return parts
}

// readAptFile reads a file of apt's configuration; one that is not there is empty.
func readAptFile(root, name string, limit int64) ([]byte, error) {
	b, err := readLimited(root, name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read this machine's apt configuration /{1}", name), Err: cause(err),
			Do: "Nothing was judged: which versions apt would choose is not known."}
	}
	return b, nil
}

func readAptConf(root string) (debian.AptConf, error) {
	var conf debian.AptConf
	for _, name := range append(aptParts(root, "apt.conf.d", "conf", true), aptDir+"apt.conf") {
		b, err := readAptFile(root, name, debian.MaxAptConf)
		if err != nil {
			return nil, err
		}
		conf = debian.ParseAptConf(b, conf)
	}
	return conf, nil
}

// readPins reads the preferences. Where apt would refuse them, it would choose nothing at all: that is kept as the fault.
func readPins(root string, p *patch.AptPolicy) error {
	for _, name := range append([]string{aptDir + "preferences"}, aptParts(root, "preferences.d", "pref", true)...) {
		b, err := readAptFile(root, name, debian.MaxPreferences)
		if err != nil {
			return err
		}
		if p.Pins, err = debian.ParsePreferences(b, "/"+name, p.Pins); err != nil {
			p.Fault = tidy(err.Error(), 300)
			return nil
		}
	}
	return nil
}

func namesSite(pins []patch.AptPin) bool {
	return slices.ContainsFunc(pins, func(p patch.AptPin) bool { return strings.HasPrefix(strings.ToLower(p.Pin), "origin") })
}

// readAptSources gives the enabled archives beside the release's own suites, which serve every machine anyway; with all, those too.
func readAptSources(root, codename string, all bool) ([]patch.AptSource, error) {
	var sources []patch.AptSource
	names := append([]string{aptDir + "sources.list"}, aptParts(root, "sources.list.d", "list", false)...)
	for _, name := range append(names, aptParts(root, "sources.list.d", "sources", false)...) {
		b, err := readAptFile(root, name, debian.MaxSources)
		if err != nil {
			return nil, err
		}
		for _, e := range debian.ParseAptSources(b, name) {
			suite := strings.TrimSuffix(e.Suite, "/updates")
			if own := suite == codename || suite == codename+"-updates" || suite == codename+"-security"; (all || !own) && len(sources) < maxAptSources {
				s := patch.AptSource{Site: tidy(e.Site(), 255), Suite: tidy(e.Suite, 120), Origin: fetchedOrigin(root, e)}
				for _, c := range e.Components {
					s.Components = append(s.Components, tidy(c, 60))
				}
				sources = append(sources, s)
			}
		}
	}
	return sources, nil
}

// fetchedOrigin is the Origin of a suite's Release, as the machine's apt has fetched it; empty where it has not.
func fetchedOrigin(root string, e debian.AptEntry) string {
	name := e.ListName()
	if name == "" || strings.ContainsAny(name, "\x00/") {
		return ""
	}
	for _, ending := range []string{"InRelease", "Release"} {
		b, err := readStart(root, listsDir+name+ending)
		if origin, ok := originLine(b[:bytes.LastIndexByte(b, '\n')+1]); err == nil && ok {
			return origin
		}
		if err == nil { // nearly always it is one of the first lines
			b, err = readLimited(root, listsDir+name+ending, debian.MaxRelease)
		}
		if origin, ok := originLine(b); err == nil && ok {
			return origin
		}
	}
	return ""
}

func originLine(release []byte) (string, bool) {
	for line := range bytes.Lines(release) {
		if origin, ok := bytes.CutPrefix(line, []byte("Origin:")); ok {
			return tidy(strings.TrimSpace(string(origin)), 120), true
		}
	}
	return "", false
}

// readStart reads the first bytes of a file.
func readStart(root, name string) ([]byte, error) {
	f, err := openIn(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 2<<10))
}

// readPhasing reads how the machine takes part in phased updates. Only Ubuntu's archives are phased: elsewhere the machine's ID is
// nobody's business, unless apt is set up with one.
func readPhasing(root string, release map[string]string, conf debian.AptConf, p *patch.AptPolicy) {
	switch {
	case conf.Bool("APT::Get::Always-Include-Phased-Updates", "Update-Manager::Always-Include-Phased-Updates"):
		p.Phasing = "always"
	case conf.Bool("APT::Get::Never-Include-Phased-Updates", "Update-Manager::Never-Include-Phased-Updates"):
		p.Phasing = "never"
	}
	p.MachineID = tidy(conf.Get("APT::Machine-ID"), 64)
	if ubuntu := release["ID"] == "ubuntu" || slices.Contains(strings.Fields(release["ID_LIKE"]), "ubuntu"); p.MachineID == "" && ubuntu {
		if b, err := readLimited(root, "etc/machine-id", maxSmall); err == nil {
			first, _, _ := strings.Cut(string(b), "\n")
			p.MachineID = tidy(strings.TrimSpace(first), 64)
		}
	}
}
