package bundle

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// notes reads what o.Advisories name: files or addresses, or directories of JSON files.
func (o *Options) notes(ctx context.Context, dir *content.Dir, summary *Summary) ([]patch.Note, error) {
	var all []patch.Note
	for _, name := range o.Advisories {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			notes, err := readNotices(name)
			if err != nil {
				return nil, err
			}
			all = append(all, notes...)
			continue
		}
		notes, fetched, err := o.fetchNotes(ctx, name, dir)
		if summary.Fetched += fetched; err != nil {
			return nil, err
		}
		all = append(all, notes...)
	}
	return all, nil
}

func (o *Options) fetchNotes(ctx context.Context, address string, dir *content.Dir) ([]patch.Note, int64, error) {
	if !strings.Contains(address, "://") {
		full, err := filepath.Abs(address)
		if err != nil {
			return nil, 0, err
		}
		address = full
	}
	progress := o.Progress
	if progress == nil {
		progress = func(feed.Progress) {}
	}
	fetcher := advisory.NewFetcher()
	fetcher.HTTP = o.HTTP
	got, err := fetcher.Fetch(ctx, patch.Feed{Name: address, Kind: advisory.Kind, URI: address}, nil, dir, time.Time{}, progress)
	if err != nil {
		return nil, got.Bytes, err
	}
	notes, err := advisory.Notes(got.State, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	return notes, got.Bytes, err
}

func readNotices(dir string) ([]patch.Note, error) {
	var all []patch.Note
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Ext(path) != ".json" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := advisory.Read(path, f)
		if err != nil {
			return fmt.Errorf("cannot read the advisories %s: %w", path, err)
		}
		all = append(all, r.Notes...)
		return nil
	})
	return all, err
}
