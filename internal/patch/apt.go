package patch

// AptPolicy is what a machine's own apt configuration says about which versions it chooses, as apt_preferences(5) has it. Facts hold
// one only where the machine says anything at all, so that a plain machine's facts stay plain.
type AptPolicy struct {
	DefaultRelease string   `json:"default_release,omitempty"` // APT::Default-Release
	Pins           []AptPin `json:"pins,omitempty"`            // in the order in which apt reads them
	// Sources are the enabled archives that may decide something: those beside a release's own three suites, or all where a pin
	// names a site.
	Sources []AptSource `json:"sources,omitempty"`
	Phasing string      `json:"phasing,omitempty"` // "always" or "never" where configured
	// MachineID seeds the machine's turn in phased updates; only on systems whose archives are phased.
	MachineID string `json:"machine_id,omitempty"`
	// Fault says why apt itself would refuse the configuration; nothing that it decides can be judged.
	Fault string `json:"fault,omitempty"`
}

// AptPin is one record of a preferences file.
type AptPin struct {
	Packages string `json:"packages"` // "*", or names, globs and /expressions/ with blanks between, as written
	Pin      string `json:"pin"`      // "release a=bookworm-backports", "origin deb.example.org", "version 1.2*"
	Priority int    `json:"priority"` // NeverPin for "never"
	File     string `json:"file"`     // "/etc/apt/preferences.d/php"
}

// NeverPin is the priority "never".
const NeverPin = -32768

// AptSource is one suite of an archive that a machine's apt has enabled.
type AptSource struct {
	Site       string   `json:"site,omitempty"` // host name; empty for local files
	Suite      string   `json:"suite"`          // as the machine's sources call it
	Components []string `json:"components,omitempty"`
	Origin     string   `json:"origin,omitempty"` // the Release's Origin, where the machine has fetched it
}
