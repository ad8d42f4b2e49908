package debian

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Release is what a vendor signed about a suite.
type Release struct {
	Origin, Label, Suite, Codename string
	Version                        string // "12.8"; empty for security and updates suites
	Architectures, Components      []string
	Date, ValidUntil               time.Time // ValidUntil is zero where the vendor gives none
	ByHash                         bool      // Acquire-By-Hash: indexes can be fetched by their hash
	// NotAutomatic: no version of the suite is chosen unless a person asks for it; with ButAutomaticUpgrades, once installed from
	// there a package follows it.
	NotAutomatic, ButAutomaticUpgrades bool
	SHA256                             map[string]FileSum
}

// FileSum is what one index file must be.
type FileSum struct {
	Size   int64
	SHA256 patch.Hash
}

const maxReleaseFiles = 100_000

// ParseRelease reads a Release file's text. It says nothing about trust: see VerifyRelease.
func ParseRelease(text []byte) (Release, error) {
	var p Paragraph
	for next, err := range Paragraphs(bytes.NewReader(text)) {
		if err != nil {
			return Release{}, err
		}
		if p != nil {
			return Release{}, fault("the Release has a second paragraph")
		}
		p = next
	}
	r := Release{
		Origin: p.Get("Origin"), Label: p.Get("Label"), Suite: p.Get("Suite"), Codename: p.Get("Codename"), Version: p.Get("Version"),
		Architectures: strings.Fields(p.Get("Architectures")), Components: strings.Fields(p.Get("Components")),
		ByHash: p.Get("Acquire-By-Hash") == "yes",
	}
	r.NotAutomatic = flag(p, "NotAutomatic")
	r.ButAutomaticUpgrades = r.NotAutomatic && flag(p, "ButAutomaticUpgrades")
	var err error
	if r.Date, err = parseDate(p.Get("Date")); err != nil {
		return Release{}, fault("the Release has no valid Date: %w", err)
	}
	if until, has := p.Find("Valid-Until"); has {
		if r.ValidUntil, err = parseDate(until); err != nil {
			return Release{}, fault("the Release has no valid Valid-Until: %w", err)
		}
	}
	if r.Codename == "" && r.Suite == "" {
		return Release{}, fault("the Release names neither codename nor suite")
	}
	r.SHA256, err = parseSums(p.Get("SHA256"))
	return r, err
}

// About is what of a Release decides which versions machines choose.
func (r Release) About() patch.Release {
	return patch.Release{Origin: r.Origin, Label: r.Label, Suite: r.Suite, Codename: r.Codename, Version: r.Version,
		NotAutomatic: r.NotAutomatic, ButAutomaticUpgrades: r.ButAutomaticUpgrades}
}

func flag(p Paragraph, name string) bool {
	v := strings.TrimSpace(p.Get(name))
	return strings.EqualFold(v, "yes") || strings.EqualFold(v, "true") || v == "1"
}

// parseDate reads RFC 1123 dates in UTC, with a day of one or two digits, as archives write them.
func parseDate(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, zone := range []string{" UTC", " GMT", " Z", " +0000"} {
		if rest, ok := strings.CutSuffix(s, zone); ok {
			return time.Parse("Mon, _2 Jan 2006 15:04:05", rest)
		}
	}
	return time.Time{}, fault("%s is not a date in UTC", short(s))
}

func parseSums(s string) (map[string]FileSum, error) {
	sums := make(map[string]FileSum, strings.Count(s, "\n"))
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 {
			return nil, fault("the Release has a malformed SHA256 line: %s", short(line))
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		sum := FileSum{Size: size, SHA256: patch.Hash(f[0])}
		if err != nil || size < 0 || !sum.SHA256.Valid() {
			return nil, fault("the Release has a malformed SHA256 line: %s", short(line))
		}
		if other, double := sums[f[2]]; double && other != sum {
			return nil, fault("the Release contradicts itself about %s", short(f[2]))
		}
		if len(sums) == maxReleaseFiles {
			return nil, fault("the Release lists more than %d files", maxReleaseFiles)
		}
		sums[f[2]] = sum
	}
	if len(sums) == 0 {
		return nil, fault("the Release lists no files with SHA256")
	}
	return sums, nil
}

// HostOS names the host OS that a suite of a distribution is for: "debian-12-amd64" for bookworm, bookworm-security and
// bookworm-updates. It does not know for the archives of others, which may serve any host OS.
func (r Release) HostOS(arch string) (os patch.HostOS, known bool) {
	name, _, _ := strings.Cut(r.Codename, "-")
	name, _, _ = strings.Cut(name, "/")
	var id, number string
	switch r.Origin {
	case "Debian", "Debian Backports":
		id, number = "debian", debianNumber(name)
	case "Ubuntu", "UbuntuESM", "UbuntuESMApps":
		id, number = "ubuntu", r.Version
	}
	if number == "" || !madeOf(number, ".") || !ValidArch(arch) {
		return "", false
	}
	return patch.HostOS(id + "-" + number + "-" + arch), true
}

func debianNumber(codename string) string {
	switch codename {
	case "stretch":
		return "9"
	case "buster":
		return "10"
	case "bullseye":
		return "11"
	case "bookworm":
		return "12"
	case "trixie":
		return "13"
	case "forky":
		return "14"
	case "sid":
		return "sid"
	}
	return ""
}
