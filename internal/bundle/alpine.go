package bundle

import (
	"time"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/catalog"
	feed "github.com/fettle-project/fettle/internal/feed/apk"
	"github.com/fettle-project/fettle/internal/patch"
)

// Alpine names files of Alpine repositories to build from.
type Alpine struct {
	Indexes []string // APKINDEX.tar.gz files, or folders laid out as a mirror is
	SecDBs  []string // security databases for their releases and repositories
	Keys    []string // public keys or folders of them; without, indexes are read unverified
}

// Read adds the repositories' patches to parsed and names the suites whose index nobody vouches for.
func (a Alpine) Read(parsed map[patch.HostOS][]catalog.Parsed) (unverified []string, err error) {
	keys, err := apk.ReadKeys(a.Keys...)
	if err != nil {
		return nil, err
	}
	repos, err := feed.ReadFiles(a.Indexes, a.SecDBs, keys)
	if err != nil {
		return nil, err
	}
	for _, r := range repos {
		if r.Index.Signer == "" {
			unverified = append(unverified, r.Suite())
		}
		parsed[r.OS()] = append(parsed[r.OS()], catalog.Parsed{
			Origins: []patch.Origin{{Suite: r.Suite(), Component: r.Name, Arch: r.Arch, Index: r.Sum, IndexPath: "APKINDEX.tar.gz", Dated: newest(r)}},
			Entries: feed.Entries(r),
		})
	}
	return unverified, nil
}

// newest is when the newest package of the index was built: an index carries no date of its own.
func newest(r feed.Repository) time.Time {
	var at int64
	for _, p := range r.Index.Packages {
		at = max(at, p.Built)
	}
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}
