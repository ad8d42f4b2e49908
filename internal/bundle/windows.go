package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed/apps"
	"github.com/fettle-project/fettle/internal/feed/msrc"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/feed/sofa"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Windows names sources of patches for Windows and macOS to build from.
type Windows struct {
	SDP  []string // WSUS packages and catalogs: files or directories
	Apps []string // definitions of third-party programs: files or directories
	MSRC []string // Microsoft's CVRF and CSAF documents: files or directories
	SOFA []string // SOFA's feed of macOS releases: files
	OS   string   // for what does not say itself which host OS it is for; empty: it is for any
	Arch string   // of the machines, as dpkg says; empty: amd64
}

// Read adds what the sources have to parsed. It gives what in them is not understood.
func (w Windows) Read(parsed map[patch.HostOS][]catalog.Parsed) (notes []string, err error) {
	if len(w.SDP) > 0 {
		var set sdp.Set
		for _, path := range w.SDP {
			if err := set.ReadPath(path); err != nil {
				return nil, err
			}
		}
		hash, err := hashOf(w.SDP)
		if err != nil {
			return nil, err
		}
		notes = append(set.Notes, unclear(set.Unclear(), len(set.Packages), "software packages")...)
		origin := patch.Origin{Suite: "sdp", Component: sdp.Kind, Index: hash, IndexPath: filepath.Base(w.SDP[0]), Dated: set.Dated()}
		w.add(parsed, origin, set.Entries(), set.Withdrawn())
	}
	if len(w.Apps) > 0 {
		var set apps.Set
		for _, path := range w.Apps {
			if err := set.ReadPath(path); err != nil {
				return nil, err
			}
		}
		hash, err := hashOf(w.Apps)
		if err != nil {
			return nil, err
		}
		notes = append(append(notes, set.Notes...), unclear(set.Unclear(), len(set.Apps), "app definitions")...)
		origin := patch.Origin{Suite: "apps", Component: apps.Kind, Index: hash, IndexPath: filepath.Base(w.Apps[0]), Dated: set.Dated()}
		w.add(parsed, origin, set.Entries(), nil)
	}
	anywhere := parsed[patch.AnyOS]
	for _, read := range []func(map[patch.HostOS][]catalog.Parsed) ([]string, error){w.msrc, w.sofa} {
		more, err := read(parsed)
		if notes = append(notes, more...); err != nil {
			return notes, err
		}
	}
	for os := range parsed { // a machine has one list: what is for any Windows is on each Windows' list
		if strings.HasPrefix(string(os), "windows-") && w.OS == "" {
			parsed[os] = append(parsed[os], anywhere...)
		}
	}
	return notes, nil
}

func (w Windows) msrc(parsed map[patch.HostOS][]catalog.Parsed) ([]string, error) {
	if len(w.MSRC) == 0 {
		return nil, nil
	}
	var set msrc.Set
	for _, path := range w.MSRC {
		if err := set.ReadPath(path); err != nil {
			return nil, err
		}
	}
	hash, err := hashOf(w.MSRC)
	if err != nil {
		return nil, err
	}
	origin := patch.Origin{Suite: "msrc", Component: msrc.Kind, Index: hash, IndexPath: filepath.Base(w.MSRC[0]), Dated: set.Dated()}
	w.each(parsed, origin, set.OSes(), set.Entries)
	return set.Notes, nil
}

func (w Windows) sofa(parsed map[patch.HostOS][]catalog.Parsed) (notes []string, err error) {
	for _, path := range w.SOFA {
		set, err := sofa.ReadPath(path)
		if err != nil {
			return notes, err
		}
		hash, err := hashOf([]string{path})
		if err != nil {
			return notes, err
		}
		notes = append(notes, set.Notes...)
		origin := patch.Origin{Suite: "sofa", Component: sofa.Kind, Index: hash, IndexPath: filepath.Base(path), Dated: set.Dated()}
		w.each(parsed, origin, set.OSes(), set.Entries)
	}
	return notes, nil
}

// each adds the entries of every host OS, or of the one that was asked for.
func (w Windows) each(parsed map[patch.HostOS][]catalog.Parsed, origin patch.Origin, oses []patch.HostOS, entries func(patch.HostOS) []detect.Entry) {
	for _, os := range oses {
		if w.OS == "" || os == sdp.Complete(w.OS, w.Arch) {
			parsed[os] = append(parsed[os], catalog.Parsed{Origins: []patch.Origin{origin}, Entries: entries(os)})
		}
	}
}

func unclear(n, of int, what string) []string {
	if n == 0 {
		return nil
	}
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	return []string{fmt.Sprintf("%d of %d %s %s not understood in every part", n, of, what, verb)}
}

// add puts entries that are for any host OS where they belong.
func (w Windows) add(parsed map[patch.HostOS][]catalog.Parsed, origin patch.Origin, entries []detect.Entry, withdrawn []patch.ID) {
	os := patch.AnyOS
	if w.OS != "" {
		os = sdp.Complete(w.OS, w.Arch)
	}
	parsed[os] = append(parsed[os], catalog.Parsed{Origins: []patch.Origin{origin}, Entries: entries, Withdrawn: withdrawn})
}

// hashOf is over all files of some paths, in order.
func hashOf(paths []string) (patch.Hash, error) {
	sum := sha256.New()
	for _, path := range paths {
		var names []string
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return "", &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot read {1}", path), Err: err}
		}
		slices.Sort(names)
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				return "", &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot read {1}", name), Err: err}
			}
			_, err = io.Copy(sum, f)
			f.Close()
			if err != nil {
				return "", &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", name), Err: err}
			}
		}
	}
	return patch.Hash(hex.EncodeToString(sum.Sum(nil))), nil
}
