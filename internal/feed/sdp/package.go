package sdp

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Package is one Software Distribution Package.
type Package struct {
	ID             string // PackageID, as written: "00004850-0000-0000-5350-000000065001"
	Vendor         string
	Title          string
	Products       []string
	Type           UpdateType
	Expired        bool // its vendor has withdrawn it
	Created        time.Time
	Classification string // "Security Updates"
	Severity       patch.Severity
	CVEs           []string
	KB, Bulletin   string
	Supersedes     []string
	Bundles        []string
	// Prerequisites must all hold; of each, one of the packages must be installed.
	Prerequisites [][]string
	Items         []Item
	// Faults say what of the package is not understood.
	Faults []string

	installed, installable *detect.Expr // of the package itself; nil where it has no such rule
}

// UpdateType is what a package is for.
type UpdateType string

// Types of packages.
const (
	Software  UpdateType = "Software"
	Driver    UpdateType = "Driver"
	Detectoid UpdateType = "Detectoid" // carries a rule that others refer to, and nothing to install
)

// Item is one installable item: one file with the command that installs it.
type Item struct {
	ID        string
	Languages []string
	Installer Installer
	File      *File // nil where it has none of its own
	Reboot    string
	Input     bool // it may ask the user something
	Network   bool
	Exclusive bool // it must be installed alone

	rules rules
}

// rules are the ApplicabilityRules of an item; a missing one is false, as the schema says.
type rules struct {
	given                              bool
	installed, superseded, installable *detect.Expr
}

// Installer says how an item is installed.
type Installer struct {
	Kind        string // "command line", "msi", "msp", "driver"; empty for another one
	Program     string // of the command line, or the MSI or MSP file
	Arguments   string
	Uninstall   string
	Code        string       // product or patch code
	Default     ReturnCode   // of return codes that are not listed
	ReturnCodes []ReturnCode // what the vendor says that return codes mean
}

// ReturnCode is what one return code of an installer means.
type ReturnCode struct {
	Code   int    `json:"code"`
	Result string `json:"result"` // "Succeeded", "Failed", "Cancelled"
	Reboot bool   `json:"reboot,omitempty"`
}

// File is what has to be downloaded.
type File struct {
	Name, URL string
	Size      int64
	SHA1      string     // 40 hexadecimal digits; nearly all vendors give no other hash
	SHA256    patch.Hash // empty where the vendor gives none: nothing is deployed by SHA-1 alone
	Modified  time.Time
}

// parse makes a package of its element, and tells about how many bytes it takes.
func parse(e *element, whole bool, leaves map[string]detect.Expr) (p *Package, bytes int) {
	p = &Package{Type: Software}
	c := compiler{p: p, leaves: leaves}
	if properties := e.child("Properties"); properties != nil {
		p.properties(properties)
	}
	if !whole {
		p.fault("the package is larger than this program reads")
		return p, 1000
	}
	p.describe(e)
	p.installed, p.installable = c.wrapped(e.child("IsInstalled")), c.wrapped(e.child("IsInstallable"))
	p.Supersedes, p.Bundles = e.child("SupersededPackages").texts("PackageID"), e.child("BundledPackages").texts("PackageID")
	for i := range e.of {
		switch child := &e.of[i]; child.name {
		case "Prerequisites":
			for k := range child.of {
				if any := child.of[k].texts("PackageID"); child.of[k].name == "AtLeastOne" && len(any) > 0 {
					p.Prerequisites = append(p.Prerequisites, any)
				} else {
					p.fault("its prerequisites have an element " + quote(child.of[k].name))
				}
			}
		case "InstallableItem":
			p.Items = append(p.Items, c.item(child))
		}
	}
	return p, c.bytes + p.weight()
}

// weight is about what a package costs in memory beside its rules.
func (p *Package) weight() int {
	n := 1200 + len(p.Title) + 60*(len(p.Supersedes)+len(p.Bundles)+len(p.CVEs)+len(p.Products))
	for _, any := range p.Prerequisites {
		n += 24 + 60*len(any)
	}
	for i := range p.Items {
		n += 1400 + 40*len(p.Items[i].Installer.ReturnCodes) + len(p.Items[i].Installer.Arguments)
	}
	return n
}

func (p *Package) fault(text string) {
	if len(p.Faults) < 20 {
		p.Faults = append(p.Faults, text)
	}
}

func (p *Package) properties(e *element) {
	p.ID, p.Vendor, p.Created = clip(e.get("PackageID"), 100), clip(e.get("VendorName"), 200), moment(e.get("CreationDate"))
	p.Expired = e.get("PublicationState") == "Expired"
	if kind := e.get("UpdateType"); kind != "" {
		p.Type = UpdateType(clip(kind, 40))
	}
	for _, name := range e.texts("ProductName") {
		p.Products = append(p.Products, clip(name, 200))
	}
}

// describe reads what is for people: the English words where there are some, else the first.
func (p *Package) describe(e *element) {
	for i := range e.of {
		switch child := &e.of[i]; child.name {
		case "LocalizedProperties":
			if english := strings.HasPrefix(strings.ToLower(child.child("Language").words()), "en"); p.Title == "" || english {
				p.Title = clip(child.child("Title").words(), 300)
			}
		case "UpdateSpecificData":
			p.Classification, p.KB, p.Bulletin = clip(child.get("UpdateClassification"), 60), clip(child.child("KBArticleID").words(), 40), clip(child.child("SecurityBulletinID").words(), 40)
			p.Severity = severity(child.get("MsrcSeverity"))
			for _, cve := range child.texts("CveID") {
				p.CVEs = append(p.CVEs, clip(cve, 60))
			}
		}
	}
	if p.Title == "" {
		p.Title = p.ID
	}
}

func severity(s string) patch.Severity {
	switch strings.ToLower(s) {
	case "critical":
		return patch.Critical
	case "important":
		return patch.High
	case "moderate":
		return patch.Medium
	case "low":
		return patch.Low
	}
	return patch.NotGiven
}

func (c *compiler) item(e *element) Item {
	item := Item{ID: clip(e.get("ID"), 100), Languages: e.texts("Language")}
	if r := e.child("ApplicabilityRules"); r != nil {
		c.metadata = r.child("Metadata")
		item.rules = rules{given: true, installed: c.wrapped(r.child("IsInstalled")), superseded: c.wrapped(r.child("IsSuperseded")), installable: c.wrapped(r.child("IsInstallable"))}
		c.metadata = nil
	}
	if r := e.child("InstallProperties"); r != nil {
		item.Reboot, item.Input, item.Network = clip(r.get("RebootBehavior"), 40), r.yes("CanRequestUserInput"), r.yes("RequiresNetworkConnectivity")
		item.Exclusive = r.get("Impact") == "RequiresExclusiveHandling"
	}
	item.Installer = installer(e)
	if f := e.child("OriginFile"); f != nil {
		item.File = file(f)
	}
	return item
}

func installer(e *element) Installer {
	for i := range e.of {
		switch d := &e.of[i]; d.name {
		case "CommandLineInstallerData":
			in := Installer{Kind: "command line", Program: clip(d.get("Program"), 260), Arguments: clip(d.get("Arguments"), 4096), Default: ReturnCode{Result: "Failed", Reboot: d.yes("RebootByDefault")}}
			if result := d.get("DefaultResult"); result != "" {
				in.Default.Result = clip(result, 20)
			}
			for k := range d.of {
				if code, err := strconv.Atoi(d.of[k].get("Code")); d.of[k].name == "ReturnCode" && err == nil {
					in.ReturnCodes = append(in.ReturnCodes, ReturnCode{Code: code, Result: clip(d.of[k].get("Result"), 20), Reboot: d.of[k].yes("Reboot")})
				}
			}
			return in
		case "MsiInstallerData":
			return Installer{Kind: "msi", Program: clip(d.get("MsiFile"), 260), Arguments: clip(d.get("CommandLine"), 4096), Uninstall: clip(d.get("UninstallCommandLine"), 4096), Code: clip(d.get("ProductCode"), 60)}
		case "MspInstallerData":
			return Installer{Kind: "msp", Program: clip(d.child("MspFileName").words(), 260), Arguments: clip(d.get("CommandLine"), 4096), Uninstall: clip(d.get("UninstallCommandLine"), 4096), Code: clip(d.get("PatchCode"), 60)}
		case "WindowsDriverInstallerData", "WindowsDriver":
			return Installer{Kind: "driver"}
		}
	}
	return Installer{}
}

func file(e *element) *File {
	f := &File{Name: clip(e.get("FileName"), 260), URL: clip(e.get("OriginUri"), 2083), Modified: moment(e.get("Modified")), SHA1: digest(e.get("Digest"), 20)}
	f.Size, _ = strconv.ParseInt(e.get("Size"), 10, 64)
	for i := range e.of {
		if d := &e.of[i]; d.name == "AdditionalDigest" && d.get("Algorithm") == "SHA256" {
			f.SHA256 = patch.Hash(digest(d.words(), 32))
		}
	}
	return f
}

// digest gives the hexadecimal digits of a base64 hash of n bytes; empty where it is none.
func digest(s string, n int) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != n {
		return ""
	}
	return hex.EncodeToString(b)
}

// moment reads an xsd:dateTime; one without a zone is UTC.
func moment(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Return says what a return code means.
func (i *Installer) Return(code int) ReturnCode {
	for _, r := range i.ReturnCodes {
		if r.Code == code {
			return r
		}
	}
	return ReturnCode{Code: code, Result: i.Default.Result, Reboot: i.Default.Reboot}
}

func quote(s string) string { return strconv.QuoteToASCII(clip(s, 60)) }
