package bundle_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/lab"
)

// BenchmarkBuild builds the catalog of the live suites that this machine's own apt is set up with, from indexes that are already
// fetched: the figures are a build's time, decompression included, and the files' sizes in percent of the Packages files.
func BenchmarkBuild(b *testing.B) {
	if os.Getenv("FETTLE_BENCH") == "" {
		b.Skip("SKIPPED: set FETTLE_BENCH=1 to fetch the live suites")
	}
	archive, err := lab.ReadArchive(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	o := bundle.Options{Out: filepath.Join(b.TempDir(), "bundle"), CacheDir: b.TempDir(), IgnoreExpiry: archive.IgnoreExpiry}
	for _, s := range archive.Sources {
		o.Sources = append(o.Sources, s.Line())
	}
	s, err := bundle.Build(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	dir, err := content.Open(o.CacheDir)
	if err != nil {
		b.Fatal(err)
	}
	defer dir.Close()
	meta := s.Catalogs[0].RevisionMeta
	var plain int64
	in := catalog.Input{OS: meta.OS, Now: meta.Built}
	for _, origin := range meta.Origins {
		open := func() (io.ReadCloser, error) { return dir.Open(origin.Index) }
		in.Sources = append(in.Sources, catalog.Source{Origin: origin, URI: "https://deb.example.org/debian", Open: open})
		f, err := open()
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, debian.Decompress(origin.IndexPath, f, debian.MaxPackages))
		f.Close()
		if err != nil {
			b.Fatal(err)
		}
		plain += n
	}
	var built catalog.Built
	for b.Loop() {
		if built, err = catalog.Build(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(built.Meta.Patches), "patches")
	b.ReportMetric(float64(built.Meta.Packages), "packages")
	b.ReportMetric(float64(len(built.List)), "list-bytes")
	b.ReportMetric(100*float64(len(built.List))/float64(plain), "list-%")
	b.ReportMetric(float64(len(built.Signatures)), "signature-bytes")
	b.ReportMetric(100*float64(len(built.Signatures))/float64(plain), "signature-%")
}
