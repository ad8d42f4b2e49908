package rpm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind is the patch.Feed.Kind of whole repositories, UpdateinfoKind that of single updateinfo.xml files.
const (
	Kind           = "rpm"
	UpdateinfoKind = "updateinfo"
)

const (
	repomdPath    = "repodata/repomd.xml"
	maxCompressed = 512 << 20 // of one metadata file in bytes; the largest real one has 60 MB
)

// Fetcher fetches rpm repositories. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client  // nil: one with sensible timeouts
	Pause time.Duration // before the second try of a failed request, doubled for the third; 0: one second
}

// Fetch implements feed.Fetcher. With Feed.Keyring, repomd.xml must be signed by one of its keys; without, the repository must come over
// a way that nobody else can write to: https, this machine itself or a directory. Every file that repomd.xml names must be what it says.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	base, err := feed.Address(sub)
	if err != nil {
		return out, err
	}
	g := &generation{sub: sub, base: base + "/", dir: dir, get: feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress), now: now}
	if last != nil && g.kept(last) {
		g.last = last
	}
	out.State, out.Unchanged, err = g.fetch(ctx)
	out.Bytes = g.get.Bytes
	return out, err
}

// generation is one fetch of one repository.
type generation struct {
	sub  patch.Feed
	base string
	dir  *content.Dir
	get  *feed.Getter
	now  time.Time
	last *patch.FeedState // newest good generation, where its raw files are all there
}

func (g *generation) kept(s *patch.FeedState) bool {
	for _, o := range s.Origins {
		if _, ok := g.dir.Has(o.Index); !ok || o.Suite != g.suite() || o.Arch != g.arch() {
			return false
		}
	}
	_, ok := g.dir.Has(s.Release)
	return ok && len(s.Origins) > 0
}

func (g *generation) arch() string { return advisory.NativeArch(g.sub.Arch) }

// suite names the repository in origins.
func (g *generation) suite() string { return g.sub.Name }

func (g *generation) fetch(ctx context.Context) (state patch.FeedState, unchanged bool, err error) {
	text, tags, err := g.repomd(ctx)
	if err != nil {
		return state, false, err
	}
	if g.last != nil && (text == nil || content.Sum(text) == g.last.Release) {
		state = *g.last
		state.ETag, state.Modified = tags.ETag, tags.Modified
		return state, true, nil
	}
	index, err := ParseRepomd(bytes.NewReader(text))
	if err != nil {
		return state, false, err
	}
	state = patch.FeedState{Label: g.sub.Name, Dated: index.Dated, ETag: tags.ETag, Modified: tags.Modified}
	if state.Release, err = g.dir.PutBytes(ctx, text); err != nil {
		return state, false, err
	}
	for _, kind := range []string{typePrimary, typeUpdateinfo, typeModules} {
		d, ok := index.Find(kind)
		switch {
		case ok:
			o := patch.Origin{Suite: g.suite(), Component: kind, Arch: g.arch(), Release: state.Release, Index: d.SHA256, IndexPath: d.Location, Dated: index.Dated}
			if err := g.bring(ctx, d); err != nil {
				return state, false, err
			}
			state.Origins = append(state.Origins, o)
		case kind == typePrimary:
			return state, false, &patch.Error{Kind: patch.Invalid, What: "the repository has no list of packages", Why: "its repomd.xml names no primary file",
				Do: "Check the address; it must be the directory that holds repodata."}
		}
	}
	return g.count(state, index.Distros)
}

// repomd asks for the index if it changed, verified. Nil means that it has not.
func (g *generation) repomd(ctx context.Context) ([]byte, feed.Tags, error) {
	var known feed.Tags
	if g.last != nil {
		known = feed.Tags{ETag: g.last.ETag, Modified: g.last.Modified}
	}
	text, tags, err := g.get.Small(ctx, g.base+repomdPath, repomdPath, MaxRepomd, known)
	if err != nil {
		return nil, tags, err
	}
	if text == nil {
		return nil, known, nil
	}
	if g.sub.Keyring == "" {
		return text, tags, nil
	}
	keyring, err := debian.ReadKeyring(filepath.SplitList(g.sub.Keyring)...)
	if err != nil {
		return nil, tags, err
	}
	signature, _, err := g.get.Small(ctx, g.base+repomdPath+".asc", repomdPath+".asc", MaxRepomd, feed.Tags{})
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return nil, tags, &patch.Error{Kind: patch.Untrusted, What: "the repository is not signed", Why: "it has no " + repomdPath + ".asc", Err: err,
			Do: "Leave the feed's keyring out if the vendor signs packages only; then its address must be an https one."}
	}
	if err != nil {
		return nil, tags, err
	}
	return text, tags, debian.VerifyDetachedAt(repomdPath, text, signature, keyring, g.now)
}

// bring has a metadata file in the directory, verified.
func (g *generation) bring(ctx context.Context, d DataFile) error {
	if d.Size > maxCompressed {
		return &patch.Error{Kind: patch.Untrusted, What: "the repository lists an implausible file", Why: phrase.Format("%s would have %d bytes", d.Location, d.Size)}
	}
	if size, ok := g.dir.Has(d.SHA256); !ok || d.Size > 0 && size != d.Size {
		err := g.get.File(ctx, g.base+d.Location, d.Location, g.dir, content.Want{SHA256: d.SHA256, Size: d.Size, Limit: maxCompressed})
		if err != nil {
			return fmt.Errorf("cannot fetch %s: %w", d.Location, err)
		}
	}
	if d.OpenSHA256 == "" {
		return nil
	}
	f, err := g.dir.Open(d.SHA256)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, debian.Decompress(d.Location, f, MaxMetadata))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != string(d.OpenSHA256) || d.OpenSize > 0 && n != d.OpenSize {
		return &patch.Error{Kind: patch.Untrusted, What: phrase.Of("{1} is not what repomd.xml says", d.Location), Why: phrase.Of("decompressed it has the SHA-256 {1}", got)}
	}
	return nil
}

// count reads everything once: a generation that cannot be read to its end must not replace one that can. It also finds the host OS.
func (g *generation) count(state patch.FeedState, distros []string) (patch.FeedState, bool, error) {
	c := &counter{arch: g.arch()}
	for _, o := range state.Origins {
		if err := c.read(o, func(h patch.Hash) (io.ReadCloser, error) { return g.dir.Open(h) }); err != nil {
			return state, false, fmt.Errorf("cannot read %s: %w", o.IndexPath, err)
		}
	}
	state.Packages = c.packages + c.advisories
	state.OS = c.hostOS(distros)
	return state, false, nil
}
