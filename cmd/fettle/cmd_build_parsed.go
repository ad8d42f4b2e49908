package main

import (
	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// parsedFlags name files of feeds other than Debian archives.
type parsedFlags struct {
	Apk     []string `help:"Alpine's APKINDEX.tar.gz, or a folder laid out as a mirror: v3.20/main/x86_64/APKINDEX.tar.gz. May be repeated." placeholder:"PATH"`
	Secdb   []string `help:"Alpine's security database for one of the indexes. May be repeated." placeholder:"FILE"`
	ApkKeys []string `help:"Public keys, one of which must have signed each index, e.g. /etc/apk/keys. Without, indexes are not verified." placeholder:"PATH"`
}

func (f parsedFlags) given() bool { return len(f.Apk) > 0 }

// read gives what parsers make of the files.
func (f parsedFlags) read(s *screen) (map[patch.HostOS][]catalog.Parsed, error) {
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
	return parsed, nil
}
