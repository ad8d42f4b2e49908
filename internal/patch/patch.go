package patch

import (
	"strings"
	"time"
)

// ID names one patch for ever: "bookworm-security/perl/5.36.0-7+deb12u4" (suite, source package, source version).
type ID string

// HostOS is an operating system at patch granularity, e.g. "debian-12-amd64". The agent reads it at the moment of detect.
type HostOS string

// AnyOS is the host OS of definitions that say themselves which machines they are for: signatures for it judge any machine.
const AnyOS HostOS = "any"

// RevisionID names one write-once list + signatures pair of a host OS: the first 16 hex digits of the SHA-256 over both files' hashes.
type RevisionID string

// Hash is a lower-case hexadecimal SHA-256 of some bytes.
type Hash string

// Valid reports whether h is 64 lower-case hexadecimal digits; only then may it become part of a path.
func (h Hash) Valid() bool {
	return len(h) == 64 && strings.Trim(string(h), "0123456789abcdef") == ""
}

// Short is the beginning of h, long enough to tell a patch's files apart.
func (h Hash) Short() string { return string(h[:min(len(h), 16)]) }

// Severity is the vendor's own word, normalised to five; NotGiven where the feed has none.
type Severity string

const (
	NotGiven Severity = ""
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Category separates security fixes from other updates.
type Category string

const (
	Security Category = "security"
	Update   Category = "update"
)

// Patch is what the list says about one patch. It carries no payload and no payload hash.
type Patch struct {
	ID       ID       `json:"id"`
	Title    string   `json:"title"`
	Source   string   `json:"source"`   // Debian source package
	Version  string   `json:"version"`  // its version
	Suite    string   `json:"suite"`    // the suite that carries it
	Category Category `json:"category"` //
	Severity Severity `json:"severity,omitempty"`
	// CVSS is the highest base score (version 3) that the feed gives for what the patch mends: 0.1 to 10; 0 where it gives none, which is
	// unknown and neither high nor low.
	CVSS     float64   `json:"cvss,omitzero"`
	CVEs     []string  `json:"cves,omitempty"`
	Advisory string    `json:"advisory,omitempty"` // the vendor's announcement: "DSA-5678-1"; empty where the ID says it
	Released time.Time `json:"released,omitzero"`  // date of the feed generation that first carried it
	// Supersedes names the patches that this one replaces: the next older version(s) of the same source on the same list.
	Supersedes []ID      `json:"supersedes,omitempty"`
	Payloads   []Payload `json:"payloads,omitempty"`
}

// Note is what an advisory says about one version of a source package. It enriches the patches that bring this version.
type Note struct {
	Release string // the release that it is about, by codename or number: "bookworm", "22.04"
	Source  string
	Version string // the version with the fix; empty: the note rates CVEs for the source package, whatever its version
	// Advisory is empty for what is known of a CVE without one.
	Advisory string
	Title    string
	Severity Severity
	CVSS     float64 // as Patch.CVSS
	CVEs     []string
	Issued   time.Time
}

// Payload is one installable file of a patch, as the list names it.
type Payload struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	Version string `json:"version"`
	Size    int64  `json:"size"` // bytes
}

// Relation is how one package speaks of others: by name and, unless Op is empty, by a range of versions.
type Relation struct {
	Name    string `json:"name"`
	Op      string `json:"op,omitempty"` // "<", "<=", "=", ">=", ">"; empty: any version
	Version string `json:"version,omitempty"`
}

// PayloadFile is where a payload comes from and what its bytes must be. It never travels in a list: it goes into signed orders.
type PayloadFile struct {
	Payload
	URL    string `json:"url"`    // where the appliance fetches it
	SHA256 Hash   `json:"sha256"` // from the vendor's signed index
	// Origin says which signed vendor index vouches for the file; it indexes RevisionMeta.Origins.
	Origin int `json:"origin"`
	// Needs names binary packages of the same patch that this one depends on, by name.
	Needs []string `json:"needs,omitempty"`
	// Along marks a file of another patch: it is installed only where a file of this one needs it and its package is not there.
	Along bool `json:"along,omitempty"`
	// Replaces are packages of other names that the package removes when it is installed (rpm's Obsoletes).
	Replaces []Relation `json:"replaces,omitempty"`
	// Instead marks a file that is needed where a package that it replaces is installed, and not where an older one of its own name is.
	Instead bool `json:"instead,omitempty"`
	// Setup says how the file is installed where no package manager does; nil where one does.
	Setup *Setup `json:"setup,omitempty"`
}

// Origin is a vendor's signed index that a revision was built from; agents verify the chain themselves.
type Origin struct {
	Suite     string    `json:"suite"`
	Component string    `json:"component"`
	Arch      string    `json:"arch"`
	Release   Hash      `json:"release"`    // the InRelease file, as served by the appliance under its content address
	Index     Hash      `json:"index"`      // the Packages file (compressed), likewise
	IndexPath string    `json:"index_path"` // its name inside Release: "main/binary-amd64/Packages.xz"
	Dated     time.Time `json:"dated"`      // the Release's Date field
}

// RevisionMeta describes one published revision of a host OS's catalog. Its canonical JSON is what the appliance signs.
type RevisionMeta struct {
	ID         RevisionID `json:"id"`
	OS         HostOS     `json:"os"`
	List       Hash       `json:"list"`       // content address of the list file
	Signatures Hash       `json:"signatures"` // content address of the signature file
	Payloads   Hash       `json:"payloads"`   // content address of the payload index; it never leaves the appliance
	Patches    int        `json:"patches"`
	Packages   int        `json:"packages"` // binary packages the signatures know
	Built      time.Time  `json:"built"`
	Origins    []Origin   `json:"origins"`
	// Made names the versions of the code that made the revision of the origins: "catalog 2, oval 1". Newer code makes it again.
	Made string `json:"made,omitempty"`
	// Faults counts what the feeds have wrong.
	Faults CatalogFaults `json:"faults,omitzero"`
}

// CatalogFaults counts what is wrong in the feeds that a revision was made of. The patches are on the list all the same.
type CatalogFaults struct {
	Unclear  int `json:"unclear,omitempty"`  // definitions that cannot be understood, in whole or in part: they are judged "error"
	Dangling int `json:"dangling,omitempty"` // said to supersede something that is not on the list
	Selves   int `json:"selves,omitempty"`   // said to supersede themselves
	Cyclic   int `json:"cyclic,omitempty"`   // patches that supersede each other in a circle: none of them counts as superseded by another one
}

// MetadataDate is the date of the newest vendor index in the revision: how old our knowledge is.
func (m RevisionMeta) MetadataDate() time.Time {
	var t time.Time
	for _, o := range m.Origins {
		if !o.Dated.IsZero() && (t.IsZero() || o.Dated.After(t)) {
			t = o.Dated
		}
	}
	return t
}
