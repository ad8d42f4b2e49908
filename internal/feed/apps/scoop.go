package apps

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
)

// scoopManifest is what of a Scoop manifest says how an app is installed. Scoop's own tool keeps apps in folders of its own; here its manifests
// serve for the version that is current and the installers' addresses, hashes and switches.
type scoopManifest struct {
	Version      string               `json:"version"`
	Description  string               `json:"description"`
	Homepage     string               `json:"homepage"`
	InnoSetup    bool                 `json:"innosetup"`
	Architecture map[string]scoopPart `json:"architecture"`
	scoopPart
}

type scoopPart struct {
	URL       several         `json:"url"`
	Hash      several         `json:"hash"`
	Installer *scoopInstaller `json:"installer"`
}

type scoopInstaller struct {
	Args several `json:"args"`
}

// several is a text, or a list of them.
type several []string

// UnmarshalJSON reads either.
func (s *several) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = several{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

func (s several) first() string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// scoop reads a manifest. The app is called as its file is, and recognised by that name: Scoop names no publisher.
func (s *Set) scoop(name string, b []byte) error {
	id := strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), path.Ext(name))
	a := &App{ID: id, Name: id, source: "scoop", from: name}
	var m scoopManifest
	if err := json.Unmarshal(b, &m); err != nil {
		a.fault = "it is not a Scoop manifest: " + err.Error()
		a.Version = "unknown"
		return s.add(a)
	}
	a.Version, a.Notes = m.Version, m.Homepage
	parts := map[string]scoopPart{"any": m.scoopPart}
	if len(m.Architecture) > 0 {
		parts = map[string]scoopPart{}
		for arch, part := range m.Architecture {
			parts[map[string]string{"64bit": "amd64", "32bit": "x86", "arm64": "arm64"}[arch]] = part
		}
	}
	for _, arch := range []string{"any", "amd64", "x86", "arm64", ""} {
		part, ok := parts[arch]
		if !ok {
			continue
		}
		if len(part.URL) == 0 {
			part.URL = m.URL
		}
		if len(part.Hash) == 0 {
			part.Hash = m.Hash
		}
		a.Packages = append(a.Packages, m.pack(arch, part))
	}
	a.wrong(m.Version == "", "it names no version")
	a.wrong(len(a.Packages) == 0 || a.Packages[0].URL == "", "it names no address")
	return s.add(a)
}

// pack makes a package of the first of a part's files. A hash of another kind than SHA-256 serves nobody: nothing is deployed by it.
func (m *scoopManifest) pack(arch string, part scoopPart) Package {
	p := Package{Architecture: arch, URL: part.URL.first(), Kind: "archive"}
	if kind, hash, typed := strings.Cut(part.Hash.first(), ":"); !typed {
		p.SHA256 = kind
	} else if strings.EqualFold(kind, "sha256") {
		p.SHA256 = hash
	}
	file := p.URL
	if u, err := url.Parse(p.URL); err == nil {
		if file = path.Base(u.Path); u.Fragment != "" { // #/setup.exe is what Scoop calls the file
			file = u.Fragment
		}
		u.Fragment = ""
		p.URL = u.String()
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".msi":
		p.Kind, p.Switches = "msi", "/qn /norestart"
	case ".exe":
		if m.InnoSetup {
			p.Kind, p.Switches = "exe", "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"
		}
		if part.Installer != nil && len(part.Installer.Args) > 0 {
			p.Kind, p.Switches = "exe", strings.Join(part.Installer.Args, " ")
		}
	case ".msix", ".appx", ".msixbundle":
		p.Kind = "msix"
	}
	return p
}
