package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed"
	notices "github.com/fettle-project/fettle/internal/feed/advisory"
	"github.com/fettle-project/fettle/internal/feed/apps"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/feed/kev"
	"github.com/fettle-project/fettle/internal/feed/msrc"
	"github.com/fettle-project/fettle/internal/feed/osv"
	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/feed/sofa"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// fetchers bring feeds of every kind that can be subscribed to.
func fetchers() map[string]feed.Fetcher {
	return map[string]feed.Fetcher{apt.Kind: &apt.Fetcher{}, rpm.Kind: &rpm.Fetcher{}, rpm.UpdateinfoKind: &rpm.UpdateinfoFetcher{}, osv.Kind: osv.NewFetcher(),
		oval.Kind: oval.NewFetcher(), sdp.Kind: sdp.NewFetcher(), apps.Kind: apps.NewFetcher(), msrc.Kind: msrc.NewFetcher(), sofa.Kind: sofa.NewFetcher(), notices.Kind: notices.NewFetcher(), kev.Kind: kev.NewFetcher()}
}

// parsers make patches of feeds' raw files; Debian archives are the catalog's own.
func parsers() map[string]catalog.Parser {
	repository := catalog.Parser{Version: rpm.ParserVersion, Parse: func(ctx context.Context, g catalog.Generation) (catalog.Found, error) {
		entries, withdrawn, err := rpm.Entries(ctx, g.OS, g.State, g.Open)
		return catalog.Found{Entries: entries, Withdrawn: withdrawn}, err
	}}
	return map[string]catalog.Parser{
		rpm.Kind: repository, rpm.UpdateinfoKind: repository,
		osv.Kind: {Version: osv.ParserVersion, Parse: func(ctx context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, withdrawn, err := osv.Entries(ctx, g.OS, g.State, g.Open)
			return catalog.Found{Entries: entries, Withdrawn: withdrawn}, err
		}},
		oval.Kind: {Version: oval.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, withdrawn, err := oval.Generation(g.OS, g.State, oval.Open(g.Open))
			return catalog.Found{Entries: entries, Withdrawn: withdrawn}, err
		}},
		sdp.Kind: {Version: sdp.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, withdrawn, err := sdp.Generation(g.State, g.Open)
			return catalog.Found{Entries: entries, Withdrawn: withdrawn}, err
		}},
		apps.Kind: {Version: apps.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, err := apps.Generation(g.State, g.Open)
			return catalog.Found{Entries: entries}, err
		}},
		msrc.Kind: {Version: msrc.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, err := msrc.Generation(g.OS, g.State, g.Open)
			return catalog.Found{Entries: entries}, err
		}},
		sofa.Kind: {Version: sofa.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			entries, err := sofa.Generation(g.OS, g.State, g.Open)
			return catalog.Found{Entries: entries}, err
		}},
		notices.Kind: {Version: notices.ParserVersion, Parse: func(_ context.Context, g catalog.Generation) (catalog.Found, error) {
			notes, err := notices.Notes(g.State, g.Open)
			return catalog.Found{Notes: notes}, err
		}},
	}
}

// checkFeed fills what follows from what a feed says, and refuses what could never be fetched.
func checkFeed(f *patch.Feed) error {
	switch f.Kind {
	case "", apt.Kind:
		return checkArchive(f)
	case rpm.Kind, rpm.UpdateinfoKind, osv.Kind, oval.Kind:
		return checkAddress(f)
	case sdp.Kind, apps.Kind, msrc.Kind, sofa.Kind:
		return checkWindows(f)
	case notices.Kind:
		return checkNotices(f)
	case kev.Kind:
		return checkExploits(f)
	}
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Format("feeds of the kind %.40q are not known", f.Kind),
		Do: "Use one of apt, rpm, updateinfo, osv, oval, sdp, apps, msrc, sofa, advisories and kev."}
}

// checkFeedHere is checkFeed on the appliance itself, which reads the files that a feed names: what is not there is said now, and not by an alarm
// after the next sync.
func checkFeedHere(f *patch.Feed) error {
	if err := checkFeed(f); err != nil {
		return err
	}
	refuse := func(err error, do phrase.Phrase) error {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Err: err, Do: do}
	}
	if f.Keyring != "" {
		if _, err := debian.ReadKeyring(filepath.SplitList(f.Keyring)...); err != nil {
			return refuse(err, "Name a file of OpenPGP keys, or a directory of them, that is on the appliance and that it may read.")
		}
	}
	path, local := strings.CutPrefix(f.URI, "file://")
	if !local && !strings.HasPrefix(f.URI, "/") {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return refuse(err, "Name a file or a directory that is on the appliance and that it may read, or an https address.")
	}
	return nil
}

func checkArchive(f *patch.Feed) error {
	several, err := feedsFromLine(fmt.Sprintf("deb %s %s %s", f.URI, f.Suite, joinWords(f.Components)), f.Arch, f.Keyring, f.IgnoreExpiry)
	if err != nil {
		return err
	}
	full := several[0]
	full.Name, full.OS = f.Name, cmp.Or(f.OS, full.OS)
	*f = full
	return nil
}

func checkAddress(f *patch.Feed) error {
	if f.Kind != rpm.Kind && f.Keyring != "" {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Of("feeds of the kind {1} carry no signature, so a keyring has no use", f.Kind),
			Do: "Leave the keyring out."}
	}
	f.Arch = advisory.NativeArch(cmp.Or(f.Arch, "x86_64"))
	switch {
	case f.OS == "":
	case f.Kind == oval.Kind:
		f.OS = oval.Complete(string(f.OS), f.Arch)
	default:
		f.OS = advisory.Complete(string(f.OS), f.Arch)
	}
	f.URI = strings.TrimRight(f.URI, "/")
	_, err := feed.Address(*f)
	return err
}

// checkWindows fills the host OS of a feed that does not say which Windows it is for.
func checkWindows(f *patch.Feed) error {
	if f.OS == "" {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Of("feeds of the kind {1} do not say which host OS's list they are for", f.Kind),
			Do: "Name it, as in --os windows-10.0.19045 or --os macos-15; subscribe once for each."}
	}
	if f.Keyring != "" {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Of("feeds of the kind {1} carry no OpenPGP signature, so a keyring has no use", f.Kind),
			Do: "Leave the keyring out."}
	}
	f.Arch = cmp.Or(f.Arch, "amd64")
	f.OS = sdp.Complete(string(f.OS), f.Arch)
	_, err := feed.Address(*f)
	return err
}

// checkNotices fills the host OS of a feed of advisories beside Debian archives: such a file is about all releases.
func checkNotices(f *patch.Feed) error {
	f.Arch = cmp.Or(f.Arch, "amd64")
	if f.OS == "" {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: "advisories do not say which host OS they are to enrich",
			Do: "Name it, as in --os debian-12."}
	}
	if f.Keyring != "" {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Of("feeds of the kind {1} carry no signature, so a keyring has no use", f.Kind),
			Do: "Leave the keyring out."}
	}
	f.OS = hostOS(string(f.OS), f.Arch)
	_, err := feed.Address(*f)
	return err
}

// checkExploits fills a feed of known exploited vulnerabilities: it is about CVEs, whatever host OS has them.
func checkExploits(f *patch.Feed) error {
	switch {
	case f.OS != "" && f.OS != patch.AnyOS:
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: "known exploited vulnerabilities are of no host OS", Do: "Leave --os out."}
	case f.Keyring != "":
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", f.Name), Why: phrase.Of("feeds of the kind {1} carry no signature, so a keyring has no use", f.Kind),
			Do: "Leave the keyring out."}
	}
	f.OS, f.Arch = patch.AnyOS, ""
	_, err := feed.UnsignedAddress(*f)
	return err
}

// hostOS completes the name of a Debian-like host OS with an architecture where it has none.
func hostOS(name, arch string) patch.HostOS {
	if at := strings.LastIndexByte(name, '-'); at > 0 && debian.ValidArch(name[at+1:]) && strings.Trim(name[at+1:], "0123456789.") != "" {
		return patch.HostOS(name)
	}
	return patch.HostOS(name + "-" + arch)
}

// feedAt makes a feed of an address: a repository, an updateinfo.xml, a database of OSV advisories or a document of OVAL definitions.
func feedAt(kind, address, os, arch, keyring string) (patch.Feed, error) {
	f := patch.Feed{Name: addressName(address), Kind: kind, URI: address, Arch: arch, OS: patch.HostOS(os), Keyring: keyring}
	if err := checkFeed(&f); err != nil {
		return f, usageError{err}
	}
	return f, nil
}

// addressName gives a feed a name of its own: host and path, without what every repository's address has.
func addressName(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	parts := strings.FieldsFunc(strings.ToLower(address), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_')
	})
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "os" || s == "repodata" || s == "pub" })
	return cmp.Or(strings.Join(parts, "-"), "feed")
}
