package osv_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed/osv"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// truth gives a file of the folder with real data, decompressed.
func truth(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("FETTLE_TRUTH")
	if dir == "" {
		t.Skip("FETTLE_TRUTH names no folder with real data: nothing is compared")
	}
	packed, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	b, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inventory is a real machine's packages with what its own package manager offered for each.
type inventory struct {
	Packages map[string]struct{ Name, Version, Release, NewVersion, NewRelease, Arch, ModularityLabel string }
}

func machine(t *testing.T, name string, os patch.HostOS) (facts patch.Facts, offered map[string]string) {
	t.Helper()
	var in inventory
	if err := json.Unmarshal(truth(t, "hosts/"+name+".json.zst"), &in); err != nil {
		t.Fatal(err)
	}
	facts = patch.Facts{OS: patch.OSFacts{Key: os, Arch: "x86_64", Manager: "rpm"}}
	offered = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(in.Packages)) {
		p := in.Packages[key]
		facts.Packages = append(facts.Packages, patch.Package{Name: p.Name, Arch: p.Arch, Version: p.Version + "-" + p.Release, State: patch.Installed, Module: p.ModularityLabel})
		offered[p.Name] = p.NewVersion + "-" + p.NewRelease
	}
	return facts, offered
}

// alma gives the entries of a real OSV database, by way of the files that it comes as.
func alma(t *testing.T, r *rig, edit func([]byte) []byte, os patch.HostOS) []detect.Entry {
	t.Helper()
	for files := tar.NewReader(bytes.NewReader(truth(t, "rpm/alma9-osv-2026-03.tar.zst"))); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(files); err != nil {
			t.Fatal(err)
		} else if strings.HasSuffix(h.Name, ".json") {
			r.put(filepath.Base(h.Name), string(edit(b)))
		}
	}
	got, err := r.fetch(patch.Feed{OS: os}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := osv.Entries(context.Background(), os, got.State, r.open)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// offers tells whether dnf offered a package's fix. Of several versions that were on offer the inventories hold the last in the order of
// text, where "611.9" comes after "611.38".
func offers(offered string, p patch.AffectedPackage) bool {
	fixed, err := version.Compare(version.RPM, offered, p.Fixed)
	update, err2 := version.Compare(version.RPM, offered, p.Installed)
	return err == nil && err2 == nil && (fixed >= 0 || update > 0 && offered > p.Fixed)
}

// An advisory that is called missing on a real machine must be among what that machine's own dnf offered: each package that decides
// had an update to the advisory's version or a newer one.
func TestMissingIsWhatTheVendorsToolOffered(t *testing.T) {
	for name, c := range map[string]struct {
		os   patch.HostOS
		edit func([]byte) []byte
	}{
		"alma_9":  {hostOS, func(b []byte) []byte { return b }},
		"rocky_9": {"rocky-9-x86_64", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("AlmaLinux:9"), []byte("Rocky Linux:9")) }},
	} {
		t.Run(name, func(t *testing.T) {
			entries := alma(t, newRig(t), c.edit, c.os)
			facts, offered := machine(t, name, c.os)
			defs := make([]detect.Definition, len(entries))
			for i := range entries {
				defs[i] = entries[i].Definition
			}
			file, err := detect.Compile(c.os, version.RPM, defs)
			if err != nil {
				t.Fatal(err)
			}
			s, err := detect.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			findings, err := s.Findings(&facts)
			if err != nil {
				t.Fatal(err)
			}
			missing, wrong, patched := 0, 0, 0
			i := -1
			for f := range findings {
				i++
				f.ID = defs[i].ID
				switch f.Verdict {
				case patch.Faulty:
					t.Errorf("%s: %s", f.ID, f.Reason.Text)
				case patch.Patched:
					patched++
				}
				if f.Verdict != patch.NotPatched {
					continue
				}
				missing++
				for _, p := range f.Packages {
					if strings.Contains(p.Fixed, ".alma.") && name != "alma_9" {
						continue // rebuilt by one vendor only
					}
					if !offers(offered[p.Name], p) {
						wrong++
						t.Errorf("%s: %s is at %s and should get %s, but dnf offered %s", f.ID, p.Name, p.Installed, p.Fixed, offered[p.Name])
					}
				}
			}
			t.Logf("%d advisories, %d missing, %d patched, %d packages not offered", len(entries), missing, patched, wrong)
			if missing < 100 || patched < 10 {
				t.Error("that is too few to tell anything")
			}
		})
	}
}

// What a vendor's tool offers for a package is newer than what is installed, or is the same.
func TestVendorsOffersAreUpdates(t *testing.T) {
	for name, os := range map[string]patch.HostOS{"alma_9": hostOS, "rocky_9": "rocky-9-x86_64", "sles15": "sles-15.3-x86_64"} {
		facts, offered := machine(t, name, os)
		var defs []detect.Definition
		updates := map[patch.ID]bool{}
		for _, p := range facts.Packages {
			id := patch.ID("offer/" + p.Name + "/" + offered[p.Name])
			defs = append(defs, detect.Definition{ID: id, Packages: []detect.PackageRule{{Name: p.Name, Arch: p.Arch, Version: offered[p.Name]}}})
			updates[id] = offered[p.Name] != p.Version
		}
		file, err := detect.Compile(os, version.RPM, defs)
		if err != nil {
			t.Fatal(err)
		}
		s, err := detect.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := s.Findings(&facts)
		if err != nil {
			t.Fatal(err)
		}
		n, i := 0, -1
		for f := range findings {
			i++
			f.ID = defs[i].ID
			if want := updates[f.ID]; (f.Verdict == patch.NotPatched) != want || f.Verdict == patch.Faulty {
				t.Errorf("%s: %s is %s: %s", name, f.ID, f.Verdict, f.Reason.Text)
			}
			if updates[f.ID] {
				n++
			}
		}
		t.Logf("%s: %d packages, %d with an update", name, len(facts.Packages), n)
	}
}
