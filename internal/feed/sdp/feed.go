package sdp

import (
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "sdp"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// Complete gives the host OS that a person means by "windows-10.0.19045", with or without an architecture, which dpkg's word arch names.
func Complete(name, arch string) patch.HostOS {
	for _, known := range []string{"-amd64", "-arm64", "-x86"} {
		if strings.HasSuffix(name, known) {
			return patch.HostOS(name)
		}
	}
	arch = cmp.Or(arch, "amd64")
	switch arch {
	case "x86_64":
		arch = "amd64"
	case "aarch64":
		arch = "arm64"
	case "i386", "i686":
		arch = "x86"
	}
	return patch.HostOS(name + "-" + arch)
}

// NewFetcher fetches catalogs of software packages: a package, a catalog, a cabinet or a zip of them. A cabinet's signature is not verified.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxCab, Survey: func(_ context.Context, _ patch.Feed, raw feed.Raw) (feed.Contents, error) {
		var s Set
		err := s.ReadAny(raw.Name, raw, raw.Size)
		return feed.Contents{Definitions: len(s.Packages), Dated: s.Dated()}, err
	}}
}

// Generation gives the patches of a generation. Packages say themselves which Windows they are for, so they are on the list of any.
func Generation(state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) (entries []detect.Entry, withdrawn []patch.ID, err error) {
	var s Set
	err = feed.WithFile(state.Origins[0], open, s.ReadAny)
	return s.Entries(), s.Withdrawn(), err
}
