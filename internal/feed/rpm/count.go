package rpm

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// counter reads a generation once, counts what it holds and looks for the system that it is for.
type counter struct {
	arch string

	packages, advisories int
	release              patch.HostOS   // by the package that brings /etc/os-release
	prefixes             map[string]int // how often advisories speak of a system
	dated                time.Time      // of the newest advisory
}

func (c *counter) read(o patch.Origin, open Open) error {
	f, err := open(o.Index)
	if err != nil {
		return err
	}
	defer f.Close()
	r := debian.Decompress(o.IndexPath, f, MaxMetadata)
	switch o.Component {
	case typeModules:
		return ParseModules(r, func(Module) error { return nil })
	case typeUpdateinfo:
		for a, err := range Advisories(r) {
			if err != nil {
				return err
			}
			c.advisories++
			c.hear(&a)
		}
		return nil
	}
	for p, err := range Packages(r) {
		if err != nil {
			return err
		}
		c.packages++
		if id, ok := strings.CutSuffix(p.Name, "-release"); ok && releasePackages[id] != "" {
			c.release = advisory.HostOS(releasePackages[id], p.Version, c.arch)
		}
	}
	return nil
}

// releasePackages maps the package that brings /etc/os-release, without "-release", to the ID in it.
var releasePackages = map[string]string{"almalinux": "almalinux", "rocky": "rocky", "redhat": "rhel", "centos-stream": "centos", "oraclelinux": "ol",
	"fedora": "fedora", "sles": "sles", "openSUSE": "opensuse-leap", "system": "amzn", "azurelinux": "azurelinux"}

// cpeIDs maps vendor and product of a CPE name to os-release's ID.
var cpeIDs = map[string]string{"almalinux:almalinux": "almalinux", "rocky:rocky": "rocky", "redhat:enterprise_linux": "rhel", "centos:centos": "centos",
	"oracle:linux": "ol", "fedoraproject:fedora": "fedora", "suse:sles": "sles", "opensuse:leap": "opensuse-leap", "amazon:amazon_linux": "amzn"}

// advisoryIDs maps how a vendor's advisories are called to os-release's ID.
var advisoryIDs = map[string]string{"ALSA": "almalinux", "ALBA": "almalinux", "ALEA": "almalinux", "RLSA": "rocky", "RLBA": "rocky", "RLEA": "rocky",
	"RHSA": "rhel", "RHBA": "rhel", "RHEA": "rhel", "ELSA": "ol", "ELBA": "ol", "ELEA": "ol", "FEDORA": "fedora"}

// hear notes an advisory's dates, and which system it speaks of: by its name and its packages' dist tags.
func (c *counter) hear(a *Advisory) {
	for _, t := range []time.Time{a.Issued, a.Updated} {
		if t.After(c.dated) {
			c.dated = t
		}
	}
	vendor, _, _ := strings.Cut(a.ID, "-")
	id := advisoryIDs[vendor]
	if id == "" {
		return
	}
	for i := range a.Rows {
		if tag := advisory.DistTag(a.Rows[i].Release); tag != "" {
			if c.prefixes == nil {
				c.prefixes = map[string]int{}
			}
			c.prefixes[string(advisory.HostOS(id, tag, c.arch))]++
			return
		}
	}
}

// hostOS gives the system that the generation itself names: in repomd.xml, by its release package, or in its advisories; empty where
// none of them does.
func (c *counter) hostOS(distros []string) patch.HostOS {
	for _, name := range distros {
		parts := strings.Split(strings.ToLower(name), ":")
		if len(parts) >= 5 && cpeIDs[parts[2]+":"+parts[3]] != "" && parts[4] != "" {
			return advisory.HostOS(cpeIDs[parts[2]+":"+parts[3]], parts[4], c.arch)
		}
	}
	if c.release != "" {
		return c.release
	}
	best := ""
	for p, n := range c.prefixes {
		if best == "" || n > c.prefixes[best] || n == c.prefixes[best] && p < best {
			best = p
		}
	}
	return patch.HostOS(best)
}
