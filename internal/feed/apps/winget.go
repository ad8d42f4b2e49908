package apps

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// wingetManifest is what of a winget manifest says what a program is and how it is installed: of all in one file (singleton), or of one of
// several: version, installer, and a locale for each language.
type wingetManifest struct {
	Identifier    string            `yaml:"PackageIdentifier"`
	Version       string            `yaml:"PackageVersion"`
	Type          string            `yaml:"ManifestType"`
	DefaultLocale string            `yaml:"DefaultLocale"`
	Locale        string            `yaml:"PackageLocale"`
	Publisher     string            `yaml:"Publisher"`
	Name          string            `yaml:"PackageName"`
	NotesURL      string            `yaml:"ReleaseNotesUrl"`
	ReleaseDate   string            `yaml:"ReleaseDate"`
	Installers    []wingetInstaller `yaml:"Installers"`

	wingetInstaller `yaml:",inline"` // what installers have that do not say so themselves
}

type wingetInstaller struct {
	Architecture  string              `yaml:"Architecture"`
	InstallerType string              `yaml:"InstallerType"`
	NestedType    string              `yaml:"NestedInstallerType"`
	URL           string              `yaml:"InstallerUrl"`
	SHA256        string              `yaml:"InstallerSha256"`
	Scope         string              `yaml:"Scope"`
	MinimumOS     string              `yaml:"MinimumOSVersion"`
	ProductCode   string              `yaml:"ProductCode"`
	Switches      map[string]string   `yaml:"InstallerSwitches"`
	SuccessCodes  []int               `yaml:"InstallerSuccessCodes"`
	ReturnCodes   []wingetReturnCode  `yaml:"ExpectedReturnCodes"`
	Listed        []wingetListedEntry `yaml:"AppsAndFeaturesEntries"`
}

type wingetReturnCode struct {
	Code     int    `yaml:"InstallerReturnCode"`
	Response string `yaml:"ReturnResponse"`
}

// wingetListedEntry is what Windows' list of programs says.
type wingetListedEntry struct {
	DisplayName    string `yaml:"DisplayName"`
	Publisher      string `yaml:"Publisher"`
	DisplayVersion string `yaml:"DisplayVersion"`
	ProductCode    string `yaml:"ProductCode"`
}

// wingetParts are the files of one version of a program.
type wingetParts struct {
	version, installer *wingetManifest
	locales            []*wingetManifest
	from               string
}

// winget reads one manifest. A manifest in several files becomes an app when all files have been read: Finish makes it.
func (s *Set) winget(name, kind string, b []byte) error {
	var m wingetManifest
	if err := yaml.Unmarshal(b, &m); err != nil {
		a := &App{ID: m.Identifier, Name: m.Identifier, Version: m.Version, source: "winget", from: name, fault: "it is not a winget manifest: " + strings.Join(strings.Fields(err.Error()), " ")}
		return s.add(a)
	}
	if strings.EqualFold(kind, "singleton") {
		return s.add(m.app(name, &m, &m))
	}
	if s.parts == nil {
		s.parts = map[string]*wingetParts{}
	}
	key := m.Identifier + "\x00" + m.Version
	p := s.parts[key]
	if p == nil {
		p = &wingetParts{from: name}
		s.parts[key] = p
	}
	if s.kept += 1000 + 2*len(b); s.kept > maxKept {
		return errTooMuch
	}
	switch strings.ToLower(kind) {
	case "version":
		p.version = &m
	case "installer":
		p.installer = &m
	case "defaultlocale":
		p.locales = append([]*wingetManifest{&m}, p.locales...)
	case "locale":
		p.locales = append(p.locales, &m)
	default:
		s.note("%s: a winget manifest of the kind %.40q is not known", name, kind)
	}
	return nil
}

// Finish makes apps of the winget manifests that came in several files.
func (s *Set) Finish() error {
	for _, key := range slices.Sorted(maps.Keys(s.parts)) {
		p := s.parts[key]
		id, version, _ := strings.Cut(key, "\x00")
		if p.installer == nil || len(p.locales) == 0 {
			a := &App{ID: id, Name: id, Version: version, source: "winget", from: p.from, fault: "the winget manifest lacks its installer or its locale file"}
			if err := s.add(a); err != nil {
				return err
			}
			continue
		}
		if err := s.add(p.installer.app(p.from, p.installer, p.locales[0])); err != nil {
			return err
		}
	}
	s.parts = nil
	return nil
}

// app joins what the installer's and the default locale's files say.
func (m *wingetManifest) app(from string, installer, locale *wingetManifest) *App {
	a := &App{ID: m.Identifier, Name: locale.Name, Publisher: locale.Publisher, Version: m.Version, Released: installer.ReleaseDate, Notes: locale.NotesURL, source: "winget", from: from}
	a.wrong(len(installer.Installers) == 0, "the winget manifest has no installers")
	match := func(n Match) {
		if !slices.Contains(a.Match, n) && len(a.Match) < 50 {
			a.Match = append(a.Match, n)
		}
	}
	plain := Match{Name: locale.Name, Publisher: locale.Publisher}
	for _, in := range installer.Installers {
		in.inherit(&installer.wingetInstaller)
		if strings.EqualFold(in.Architecture, "arm") { // of a Windows that is no more
			continue
		}
		p, known := in.pack()
		a.wrong(!known, "an installer is for the architecture %q", in.Architecture)
		if a.Packages = append(a.Packages, p); oldest(in.MinimumOS, a.Requires.Windows) {
			a.Requires.Windows = in.MinimumOS
		}
		if in.ProductCode != "" {
			match(Match{ID: in.ProductCode})
		}
		for _, l := range in.Listed {
			if l.ProductCode != "" {
				match(Match{ID: l.ProductCode, Version: l.DisplayVersion})
			}
			n := Match{Name: l.DisplayName, Publisher: l.Publisher, Version: l.DisplayVersion}
			if n.Name == "" {
				n.Name = locale.Name
			}
			if n.Publisher == "" {
				n.Publisher = locale.Publisher
			}
			if plain.Version = l.DisplayVersion; n.Name != plain.Name || n.Publisher != plain.Publisher {
				match(n)
			}
		}
	}
	match(plain)
	return a
}

// oldest is whether a is the first bound, or a lower one than b.
func oldest(a, b string) bool {
	return a != "" && (b == "" || len(a) < len(b) || len(a) == len(b) && a < b)
}

func (i *wingetInstaller) inherit(root *wingetInstaller) {
	for _, f := range []struct{ own, from *string }{{&i.Architecture, &root.Architecture}, {&i.InstallerType, &root.InstallerType}, {&i.NestedType, &root.NestedType}, {&i.URL, &root.URL}, {&i.SHA256, &root.SHA256},
		{&i.Scope, &root.Scope}, {&i.MinimumOS, &root.MinimumOS}, {&i.ProductCode, &root.ProductCode}} {
		if *f.own == "" {
			*f.own = *f.from
		}
	}
	if i.Switches == nil {
		i.Switches = root.Switches
	}
	if i.SuccessCodes == nil {
		i.SuccessCodes = root.SuccessCodes
	}
	if i.ReturnCodes == nil {
		i.ReturnCodes = root.ReturnCodes
	}
	if i.Listed == nil {
		i.Listed = root.Listed
	}
}

// wingetKinds are the kinds of installers, and the switches with which they ask nothing.
var wingetKinds = map[string]struct{ kind, switches string }{"msi": {"msi", "/qn /norestart"}, "wix": {"msi", "/qn /norestart"}, "exe": {"exe", ""}, "burn": {"exe", "/quiet /norestart"},
	"inno": {"exe", "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"}, "nullsoft": {"exe", "/S"}, "msix": {"msix", ""}, "appx": {"msix", ""}, "zip": {"archive", ""}, "portable": {"archive", ""}, "pwa": {"archive", ""}, "font": {"archive", ""}, "msstore": {"archive", ""}}

func (i *wingetInstaller) pack() (Package, bool) {
	arch, known := map[string]string{"x64": "amd64", "x86": "x86", "arm64": "arm64", "neutral": "any"}[strings.ToLower(i.Architecture)]
	kind := wingetKinds[strings.ToLower(i.InstallerType)]
	p := Package{Architecture: arch, URL: i.URL, SHA256: i.SHA256, Kind: kind.kind, Switches: kind.switches}
	if s := i.Switches["Silent"]; s != "" {
		p.Switches = s
	}
	if s := i.Switches["Custom"]; s != "" {
		p.Switches = strings.TrimSpace(p.Switches + " " + s)
	}
	responses := map[string]string{"rebootRequiredToFinish": "reboot", "rebootInitiated": "rebooting", "installInProgress": "busy", "alreadyInstalled": "present", "cancelledByUser": "cancelled", "diskFull": "disk-full", "blockedByPolicy": "blocked"}
	for _, c := range i.SuccessCodes {
		p.exit(c, "done")
	}
	for _, c := range i.ReturnCodes {
		word := responses[c.Response]
		if word == "" {
			word = "failed"
		}
		p.exit(c.Code, word)
	}
	return p, known
}

func (p *Package) exit(code int, word string) {
	if p.ExitCodes == nil {
		p.ExitCodes = map[int]string{}
	}
	p.ExitCodes[code] = word
}
