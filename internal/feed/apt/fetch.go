// Package apt fetches Debian archives: a suite's InRelease file and the package indexes that it vouches for.
//
// It owns the way from an address to verified raw files: the signature is checked before a byte of the Release is believed, and an
// index is kept only if its length and SHA-256 are what the Release says. It follows no redirect to another host, and judges
// neither age nor size: that is package feed's.
package apt

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "apt"

// maxIndex bounds a compressed index in bytes; the largest real one has 13 MB.
const maxIndex = 256 << 20

// Fetcher fetches apt feeds. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client  // nil: one with sensible timeouts
	Pause time.Duration // before the second try of a failed request, doubled for the third; 0: one second
}

// Fetch implements feed.Fetcher. Feed.Keyring may name several files or directories, separated like PATH; empty means the keyrings
// of this machine's own apt.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	base, err := checkFeed(sub)
	if err != nil {
		return out, err
	}
	keyring, err := openKeyring(sub.Keyring)
	if err != nil {
		return out, err
	}
	g := &generation{sub: sub, base: base, dir: dir, get: feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress), now: now, keyring: keyring}
	if last != nil && g.kept(last) {
		g.last = last
	}
	out.State, out.Unchanged, err = g.fetch(ctx)
	out.Bytes = g.get.Bytes
	return out, err
}

func openKeyring(paths string) (openpgp.EntityList, error) {
	if paths == "" {
		return debian.ReadKeyring(MachineKeyrings()...)
	}
	return debian.ReadKeyring(filepath.SplitList(paths)...)
}

// generation is one fetch of one feed.
type generation struct {
	sub     patch.Feed
	base    string
	dir     *content.Dir
	get     *feed.Getter
	now     time.Time
	keyring openpgp.EntityList
	last    *patch.FeedState // newest good generation, where its raw files are all there
}

// kept tells whether all raw files of a generation are at hand and are those that the feed is now set up for.
func (g *generation) kept(s *patch.FeedState) bool {
	components := make([]string, 0, len(s.Origins))
	for _, o := range s.Origins {
		if _, ok := g.dir.Has(o.Index); !ok || o.Arch != g.sub.Arch || o.Suite != g.sub.Suite {
			return false
		}
		components = append(components, o.Component)
	}
	_, ok := g.dir.Has(s.Release)
	return ok && slices.Equal(components, g.sub.Components)
}

func (g *generation) fetch(ctx context.Context) (state patch.FeedState, unchanged bool, err error) {
	text, tags, err := g.inRelease(ctx)
	if err != nil {
		return state, false, err
	}
	release, err := debian.VerifyReleaseAt(text, g.keyring, g.now)
	if err != nil {
		return state, false, err
	}
	if release.Codename != g.sub.Suite && release.Suite != g.sub.Suite {
		return state, false, untrusted("the server answered with another suite",
			phrase.Format("its Release is for %q (%q), not for %q", release.Codename, release.Suite, g.sub.Suite))
	}
	if g.last != nil && content.Sum(text) == g.last.Release {
		state = *g.last
		state.About = release.About()
		state.ETag, state.Modified = tags.ETag, tags.Modified
		return state, true, nil
	}
	state = patch.FeedState{Label: release.Label, About: release.About(), Dated: release.Date, ValidUntil: release.ValidUntil, ETag: tags.ETag, Modified: tags.Modified}
	state.OS, _ = release.HostOS(g.hostArch())
	if state.Release, err = g.dir.PutBytes(ctx, text); err != nil {
		return state, false, err
	}
	for _, component := range g.sub.Components {
		origin, n, err := g.index(ctx, release, component)
		if err != nil {
			return state, false, err
		}
		origin.Release = state.Release
		state.Origins = append(state.Origins, origin)
		state.Packages += n
	}
	return state, false, nil
}

// hostArch is the architecture of the machines that the feed is for. It may be another than the packages': amd64 machines may have i386
// packages as well.
func (g *generation) hostArch() string {
	if at := strings.LastIndexByte(string(g.sub.OS), '-'); at >= 0 {
		return string(g.sub.OS[at+1:])
	}
	return g.sub.Arch
}

// inRelease asks for the Release if it changed, else gives the one that is kept.
func (g *generation) inRelease(ctx context.Context) ([]byte, feed.Tags, error) {
	var known feed.Tags
	if g.last != nil {
		known = feed.Tags{ETag: g.last.ETag, Modified: g.last.Modified}
	}
	text, fresh, err := g.get.Small(ctx, g.base+"InRelease", "InRelease", debian.MaxRelease, known)
	if err != nil {
		return nil, feed.Tags{}, err
	}
	if text != nil {
		return text, fresh, nil
	}
	if text, err = g.dir.Read(g.last.Release, debian.MaxRelease); err == nil {
		return text, known, nil
	}
	// The kept file is damaged: have it sent again.
	if err := g.dir.Remove(g.last.Release); err != nil {
		return nil, feed.Tags{}, err
	}
	g.last = nil
	return g.get.Small(ctx, g.base+"InRelease", "InRelease", debian.MaxRelease, feed.Tags{})
}

// index brings one component's package index into the directory and counts its packages.
func (g *generation) index(ctx context.Context, release debian.Release, component string) (patch.Origin, int, error) {
	origin := patch.Origin{Suite: g.sub.Suite, Component: component, Arch: g.sub.Arch, Dated: release.Date}
	sum, ok := debian.FileSum{}, false
	for _, ending := range []string{".xz", ".gz", ".zst"} {
		origin.IndexPath = component + "/binary-" + g.sub.Arch + "/Packages" + ending
		if sum, ok = release.SHA256[origin.IndexPath]; ok {
			break
		}
	}
	if !ok {
		return origin, 0, &patch.Error{
			Kind: patch.Invalid, What: phrase.Format("the suite %s has no package index for the component %s and the architecture %s", g.sub.Suite, component, g.sub.Arch),
			Do: "Correct the feed's components or architecture.",
		}
	}
	if sum.Size == 0 || sum.Size > maxIndex {
		return origin, 0, untrusted("the Release lists an implausible index", phrase.Format("%s would have %d bytes", origin.IndexPath, sum.Size))
	}
	origin.Index = sum.SHA256
	if err := g.bring(ctx, release, origin, sum); err != nil {
		return origin, 0, err
	}
	n, err := g.count(origin)
	return origin, n, err
}

func (g *generation) bring(ctx context.Context, release debian.Release, origin patch.Origin, sum debian.FileSum) error {
	if size, ok := g.dir.Has(sum.SHA256); ok && size == sum.Size {
		return nil
	}
	urls := []string{g.base + origin.IndexPath}
	if release.ByHash {
		byHash := g.base + filepath.ToSlash(filepath.Dir(origin.IndexPath)) + "/by-hash/SHA256/" + string(sum.SHA256)
		urls = []string{byHash, urls[0]}
	}
	var err error
	for _, url := range urls {
		err = g.get.File(ctx, url, origin.IndexPath, g.dir, content.Want{SHA256: sum.SHA256, Size: sum.Size})
		if err == nil || patch.KindOf(err) != patch.NotFound {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot fetch %s: %w", origin.IndexPath, err)
	}
	return nil
}

// count reads the whole index once: one that cannot be read to its end must not replace one that can.
func (g *generation) count(origin patch.Origin) (int, error) {
	f, err := g.dir.Open(origin.Index)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n := 0
	err = debian.ScanPackages(debian.Decompress(origin.IndexPath, f, debian.MaxPackages), func(s debian.Stanza) error {
		if a := string(s.Architecture); a != g.sub.Arch && a != "all" {
			return patch.Errorf(patch.Invalid, "the index has the package %.60q for the foreign architecture %.30q", s.Package, a)
		}
		n++
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read %s: %w", origin.IndexPath, err)
	}
	return n, nil
}

func untrusted(what, why phrase.Phrase) error {
	return &patch.Error{Kind: patch.Untrusted, What: what, Why: why}
}
