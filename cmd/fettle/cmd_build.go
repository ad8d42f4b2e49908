package main

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/patch"
)

type catalogBuildCmd struct {
	Output       string   `short:"o" required:"" help:"The bundle file to write." placeholder:"FILE"`
	Apt          []string `sep:"none" help:"An archive as apt writes it: \"deb URI SUITE COMPONENT…\". May be repeated." placeholder:"LINE"`
	AptLists     []string `help:"Build from what apt has fetched already, e.g. /var/lib/apt/lists. May be repeated." type:"existingdir" placeholder:"DIR"`
	Advisories   []string `help:"Advisories beside apt archives: the Debian security tracker's list of DSAs, DLAs or CVEs, Ubuntu's notices as JSON or OSV; a file, an https address or a directory. May be repeated." placeholder:"FILE"`
	parsedFlags  `embed:""`
	Arch         string `default:"amd64" help:"The machines' architecture."`
	Keyring      string `help:"OpenPGP keyring that the signatures must verify with; default: this machine's own for apt." placeholder:"FILE"`
	IgnoreExpiry bool   `help:"Accept an index that says that it has expired, for frozen mirrors."`
	Cache        string `help:"Keep fetched files here, so that the next build fetches only what changed." placeholder:"DIR"`
}

func (catalogBuildCmd) Help() string {
	return `Every archive's index is verified against the vendor's signature before it is used. On any error no bundle is written.

Examples:
  fettle catalog build -o bookworm.bundle --apt "deb https://mirror.example.org/debian bookworm main" \
      --apt "deb https://mirror.example.org/debian-security bookworm-security main"
  fettle catalog build -o debian.bundle --apt "deb https://mirror.example.org/debian-security bookworm-security main" --advisories DSA/list
  fettle catalog build -o here.bundle --apt-lists /var/lib/apt/lists
  fettle catalog build -o alpine.bundle --apk mirror/v3.20 --secdb main.json --secdb community.json --apk-keys /etc/apk/keys
  fettle catalog build -o alma.bundle --rpm https://mirror.example.org/almalinux/9/BaseOS/x86_64/os --rpm https://mirror.example.org/almalinux/9/AppStream/x86_64/os
  fettle catalog build -o rocky.bundle --osv osv/rocky --os rocky-9
  fettle catalog build -o noble.bundle --oval com.ubuntu.noble.usn.oval.xml.bz2
  fettle catalog build -o drivers.bundle --sdp vendor-catalog.cab --os windows-10.0.19045
  fettle catalog build -o apps.bundle --apps definitions --apps winget-pkgs/manifests/m
  fettle catalog build -o ten.bundle --msrc cvrf/2026-Jan.json --msrc cvrf/2026-Feb.json --apps definitions
  fettle catalog build -o macs.bundle --sofa macos_data_feed.json`
}

func (c catalogBuildCmd) Run(ctx context.Context, s *screen) error {
	if len(c.Apt) == 0 && len(c.AptLists) == 0 && !c.given() {
		return usagef("name at least one archive with --apt, --apt-lists, --apk, --rpm, --updateinfo, --osv, --oval, --sdp, --apps, --msrc or --sofa")
	}
	for _, text := range c.Apt {
		if _, err := feedsFromLine(text, c.Arch, c.Keyring, c.IgnoreExpiry); err != nil {
			return err
		}
	}
	b := newBars(s)
	var mu sync.Mutex
	options := bundle.Options{
		Out: c.Output, Sources: c.Apt, AptLists: c.AptLists, Arch: c.Arch, Keyring: c.Keyring, CacheDir: c.Cache, IgnoreExpiry: c.IgnoreExpiry,
		Advisories: c.Advisories,
		Progress: func(p feed.Progress) {
			mu.Lock()
			defer mu.Unlock()
			b.set(p.Feed, p.Done, p.Total, progressText(p, b.live != nil))
		},
	}
	var sum bundle.Summary
	var err error
	if options.Parsed, err = c.read(ctx, s, options); err == nil {
		sum, err = bundle.Build(ctx, options)
	}
	b.stop()
	if err != nil {
		return err
	}
	return s.show(sum, func(w io.Writer) { printBuilt(w, sum) })
}

func progressText(p feed.Progress, moving bool) string {
	if moving && p.Total > 0 {
		return p.File + ", " + size(p.Done) + " of " + size(p.Total)
	}
	return p.File
}

func printBuilt(w io.Writer, sum bundle.Summary) {
	for _, k := range sum.Catalogs {
		line(w, "%s: %s, %s, revision %s; list %s, signatures %s.", k.OS, plural(k.Patches, "patch", "patches"), plural(k.Packages, "package", "packages"),
			k.ID, size(int64(k.ListBytes)), size(int64(k.SignatureBytes)))
	}
	line(w, "Wrote %s; %s fetched in %.1f s, built in %.1f s.", sum.Path, size(sum.Fetched), sum.FetchSeconds, sum.BuildSeconds)
}

// feedsFromLine reads "deb URI SUITE COMPONENT…" and what the flags add to it: one feed for each architecture that the line names, the
// machines' own first.
func feedsFromLine(text, arch, keyring string, ignoreExpiry bool) ([]patch.Feed, error) {
	feeds, err := apt.ParseSources(text, arch)
	if err != nil {
		return nil, usageError{err}
	}
	for i := range feeds {
		f := &feeds[i]
		if keyring != "" {
			f.Keyring = keyring
		}
		f.IgnoreExpiry = ignoreExpiry
		f.OS, _ = debian.Release{Origin: "Debian", Codename: f.Suite}.HostOS(feeds[0].Arch)
	}
	return feeds, nil
}

func joinWords(words []string) string { return strings.Join(words, " ") }
