package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Origin is one vendor index to verify: what the order says about it, and its files by their content address.
type Origin struct {
	patch.Origin
	ReleaseFile string // the InRelease file, whose bytes hash to Release
	Codename    string // the machine's release, which the vendor's must belong to
	// FetchIndex gives the index file, whose bytes hash to Index. It is asked only where a stanza is not known yet.
	FetchIndex func(ctx context.Context) (path string, err error)
}

// Chain follows the vendor's own signatures on this machine: keyring → InRelease → index → stanza → package file. The appliance's word
// counts for nothing in it.
type Chain struct {
	Dir  string // keeps stanzas that verified, by the index's hash; mode 0700
	Root string // where apt's keyrings and sources are; "/" for the live machine
	Now  func() time.Time
}

// Verify gives the signed stanza of each package by its SHA-256. Any package that the index does not carry with exactly this name,
// architecture, version, size and SHA-256 is left out and named in the error.
func (c *Chain) Verify(ctx context.Context, o Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	sum, err := c.release(o)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(c.Dir, "stanzas-"+string(o.Index)+".json")
	known := readStanzas(cache)
	if lacking := without(want, known); len(lacking) > 0 {
		found, err := scan(ctx, o, sum, lacking)
		if err != nil {
			return nil, err
		}
		for h, text := range found {
			known[h] = text
		}
		if err := writeStanzas(cache, known); err != nil {
			return nil, err
		}
	}
	out := map[patch.Hash][]byte{}
	for _, p := range want {
		if text, ok := known[p.SHA256]; ok && carries([]byte(text), p) {
			out[p.SHA256] = []byte(text)
		}
	}
	if lacking := missingFrom(want, out); lacking != "" {
		return out, patch.Errorf(patch.Untrusted, "the vendor's signed index of %s does not carry %s with the bytes that the order names", o.Suite, lacking)
	}
	return out, nil
}

// release verifies InRelease with the machine's keyring and gives what it says about the index.
func (c *Chain) release(o Origin) (debian.FileSum, error) {
	var none debian.FileSum
	keys, err := c.keyring(o.Suite)
	if err != nil {
		return none, err
	}
	st, err := os.Stat(o.ReleaseFile)
	if err != nil || st.Size() > debian.MaxRelease {
		return none, patch.Errorf(patch.Untrusted, "cannot read the InRelease file of %s", o.Suite)
	}
	b, err := os.ReadFile(o.ReleaseFile)
	if err != nil {
		return none, patch.Errorf(patch.Unavailable, "cannot read the InRelease file of %s: %w", o.Suite, err)
	}
	r, err := debian.VerifyReleaseAt(b, keys, c.Now())
	if err != nil {
		return none, err
	}
	if o.Suite != r.Suite && o.Suite != r.Codename {
		return none, patch.Errorf(patch.Untrusted, "the signed Release is of %s (%s) and not of %s", r.Codename, r.Suite, o.Suite)
	}
	if base(r.Codename) != o.Codename {
		return none, patch.Errorf(patch.Untrusted, "the signed Release is of %s, and this machine runs %s", r.Codename, o.Codename)
	}
	sum, ok := r.SHA256[o.IndexPath]
	if !ok || sum.SHA256 != o.Index {
		return none, patch.Errorf(patch.Untrusted, "the signed Release of %s does not name this index as %s", o.Suite, o.IndexPath)
	}
	return sum, nil
}

// base is the release that a suite belongs to: bookworm for bookworm-security and bookworm/updates.
func base(codename string) string {
	codename, _, _ = strings.Cut(codename, "-")
	codename, _, _ = strings.Cut(codename, "/")
	return codename
}

// scan reads the index once, from end to end, and keeps the stanzas of the packages looked for.
func scan(ctx context.Context, o Origin, sum debian.FileSum, want []patch.PlanPackage) (map[patch.Hash]string, error) {
	path, err := o.FetchIndex(ctx)
	if err != nil {
		return nil, err
	}
	if err := CheckFile(path, sum.Size, sum.SHA256); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	byName := map[string][]patch.PlanPackage{}
	for _, p := range want {
		byName[p.Name] = append(byName[p.Name], p)
	}
	found := map[patch.Hash]string{}
	err = debian.ScanPackages(debian.Decompress(o.IndexPath, f, debian.MaxPackages), func(s debian.Stanza) error {
		for _, p := range byName[string(s.Package)] {
			if string(s.SHA256) == string(p.SHA256) {
				found[p.SHA256] = string(s.Text)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the index of %s: %w", o.Suite, err)
	}
	return found, nil
}

// carries holds a stanza against a package: the one place where the vendor's word and the order's meet.
func carries(text []byte, p patch.PlanPackage) bool {
	return fieldOf(text, "Package") == p.Name && fieldOf(text, "Architecture") == p.Arch && fieldOf(text, "Version") == p.Version &&
		fieldOf(text, "SHA256") == string(p.SHA256) && fieldOf(text, "Size") == fmt.Sprint(p.Size)
}

func without(want []patch.PlanPackage, known map[patch.Hash]string) []patch.PlanPackage {
	var out []patch.PlanPackage
	for _, p := range want {
		if text, ok := known[p.SHA256]; !ok || !carries([]byte(text), p) {
			out = append(out, p)
		}
	}
	return out
}

func missingFrom(want []patch.PlanPackage, have map[patch.Hash][]byte) string {
	var names []string
	for _, p := range want {
		if have[p.SHA256] == nil {
			names = append(names, p.Name+":"+p.Arch+" "+p.Version)
		}
	}
	return strings.Join(names, ", ")
}

// readStanzas reads kept stanzas; a cache that cannot be read is an empty one.
func readStanzas(path string) map[patch.Hash]string {
	known := map[patch.Hash]string{}
	if b, err := os.ReadFile(path); err == nil && json.Unmarshal(b, &known) != nil {
		known = map[patch.Hash]string{}
	}
	return known
}

func writeStanzas(path string, known map[patch.Hash]string) error {
	b, err := json.Marshal(known)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
