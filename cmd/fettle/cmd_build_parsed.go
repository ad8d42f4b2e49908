package main

import (
	"context"

	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// parsedFlags name files of feeds other than Debian archives.
type parsedFlags struct {
	Apk        []string `help:"Alpine's APKINDEX.tar.gz, or a folder laid out as a mirror: v3.20/main/x86_64/APKINDEX.tar.gz. May be repeated." placeholder:"PATH"`
	Secdb      []string `help:"Alpine's security database for one of the indexes. May be repeated." placeholder:"FILE"`
	RPM        []string `name:"rpm" help:"An rpm repository: the https address or directory that holds repodata. May be repeated." placeholder:"BASEURL"`
	Updateinfo []string `help:"An updateinfo.xml, compressed or not. May be repeated." placeholder:"FILE"`
	OSV        []string `name:"osv" help:"OSV advisories of rpm distributions: a directory or a zip of JSON files. May be repeated." placeholder:"DIR"`
	OVAL       []string `name:"oval" help:"A document of OVAL definitions, compressed or not. May be repeated." placeholder:"FILE"`
	SDP        []string `name:"sdp" help:"WSUS software packages: .sdp files, catalogs (.xml), cabinets or zips of them, or directories. May be repeated." placeholder:"PATH"`
	Apps       []string `help:"Definitions of third-party programs: our own YAML, winget or Scoop manifests; files, zips or directories. May be repeated." placeholder:"PATH"`
	MSRC       []string `name:"msrc" help:"Microsoft's security documents, CVRF or CSAF: files, zips or directories. May be repeated." placeholder:"PATH"`
	SOFA       []string `name:"sofa" help:"SOFA's feed of macOS releases. May be repeated." placeholder:"FILE"`
	OS         string   `name:"os" help:"The host OS that repositories, advisories and definitions are for, such as almalinux-9, where they do not say themselves." placeholder:"OS"`
	ApkKeys    []string `help:"Public keys, one of which must have signed each index, e.g. /etc/apk/keys. Without, indexes are not verified." placeholder:"PATH"`
}

func (f parsedFlags) given() bool {
	return len(f.Apk)+len(f.RPM)+len(f.Updateinfo)+len(f.OSV)+len(f.OVAL)+len(f.SDP)+len(f.Apps)+len(f.MSRC)+len(f.SOFA) > 0
}

// read gives what parsers make of the files. more are the options that say how to fetch.
func (f parsedFlags) read(ctx context.Context, s *screen, more bundle.Options) (map[patch.HostOS][]catalog.Parsed, error) {
	parsed := map[patch.HostOS][]catalog.Parsed{}
	if len(f.Apk)+len(f.Secdb) > 0 {
		unverified, err := bundle.Alpine{Indexes: f.Apk, SecDBs: f.Secdb, Keys: f.ApkKeys}.Read(parsed)
		if err != nil {
			return nil, err
		}
		for _, suite := range unverified {
			line(s.err, "fettle: the index of %s was not verified: --apk-keys names the keys to verify with.", clean(suite))
		}
	}
	from := bundle.RPM{Repositories: f.RPM, Updateinfo: f.Updateinfo, OSV: f.OSV, OS: f.OS, Arch: more.Arch, Keyring: more.Keyring,
		CacheDir: more.CacheDir, HTTP: more.HTTP, Progress: more.Progress, Now: more.Now}
	if from.Given() {
		if _, err := from.Read(ctx, parsed); err != nil {
			return nil, err
		}
	}
	notes, err := bundle.OVAL{Files: f.OVAL, OS: f.OS, Arch: more.Arch}.Read(parsed)
	for _, note := range notes {
		s.say("fettle: %s", clean(note))
	}
	if err != nil {
		return nil, err
	}
	notes, err = bundle.Windows{SDP: f.SDP, Apps: f.Apps, MSRC: f.MSRC, SOFA: f.SOFA, OS: f.OS, Arch: more.Arch}.Read(parsed)
	for _, note := range notes {
		s.say("fettle: %s", clean(note))
	}
	if err != nil {
		return nil, err
	}
	return parsed, nil
}
