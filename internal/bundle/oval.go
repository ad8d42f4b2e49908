package bundle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// OVAL names documents of OVAL definitions to build from.
type OVAL struct {
	Files     []string // plain or compressed, by their endings
	Variables map[string][]string
	OS        string // "azurelinux-3.0": for definitions that do not name a system this program knows; empty: they are for any
	Arch      string // of the machines, as dpkg says; empty: amd64
}

// Read adds the documents' definitions to parsed, by the host OS that each says it is for. It gives what in them is not understood.
func (o OVAL) Read(parsed map[patch.HostOS][]catalog.Parsed) (notes []string, err error) {
	for _, path := range o.Files {
		d, origin, err := o.open(path)
		if err != nil {
			return nil, err
		}
		for _, note := range d.Notes {
			notes = append(notes, path+": "+note)
		}
		for os, entries := range o.entries(d) {
			origin.Suite = entries[0].Patch.Suite
			parsed[os] = append(parsed[os], catalog.Parsed{Origins: []patch.Origin{origin}, Entries: entries, Withdrawn: d.Withdrawn()})
		}
	}
	return notes, nil
}

func (o OVAL) entries(d *oval.Document) map[patch.HostOS][]detect.Entry {
	all := d.Entries(cmp.Or(o.Arch, "amd64"))
	if anywhere := all[patch.AnyOS]; o.OS != "" && anywhere != nil {
		os := oval.Complete(o.OS, cmp.Or(o.Arch, "amd64"))
		delete(all, patch.AnyOS)
		all[os] = append(all[os], anywhere...)
	}
	return all
}

func (o OVAL) open(path string) (*oval.Document, patch.Origin, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, patch.Origin{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open the OVAL document {1}", path), Err: err}
	}
	defer f.Close()
	sum := sha256.New()
	raw := io.TeeReader(f, sum)
	d, err := oval.Read(debian.Decompress(path, raw, oval.MaxDocument), oval.Options{Variables: o.Variables})
	if err != nil {
		return nil, patch.Origin{}, err
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return nil, patch.Origin{}, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read the OVAL document {1}", path), Err: err}
	}
	return d, patch.Origin{Component: "oval", Index: patch.Hash(hex.EncodeToString(sum.Sum(nil))), IndexPath: filepath.Base(path), Dated: d.Dated}, nil
}
