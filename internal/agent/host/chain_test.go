package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/fettle-project/fettle/internal/patch"
)

func hashOf(b []byte) patch.Hash {
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// vendor is an archive with a signing key, and a machine's root that trusts it.
type vendor struct {
	t       *testing.T
	root    string
	key     *openpgp.Entity
	stanzas string
	release string // what is signed; %s is the index's line
	served  []byte // the InRelease file
	fetched int
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{t: t, root: t.TempDir()}
	var err error
	if v.key, err = openpgp.NewEntity("vendor", "", "v@example.org", nil); err != nil {
		t.Fatal(err)
	}
	v.stanzas = fmt.Sprintf("Package: curl\nArchitecture: amd64\nVersion: 1.0-2\nDepends: libc6\nFilename: pool/c.deb\nSize: 10\nSHA256: %s\nDescription: c\n\n", someHash)
	v.release = "Origin: Debian\nSuite: oldstable-security\nCodename: bookworm-security\nDate: Sat, 17 May 2025 08:00:00 UTC\nSHA256:\n %s\n"
	v.trust("etc/apt/trusted.gpg.d/vendor.asc", v.key)
	return v
}

func (v *vendor) trust(name string, key *openpgp.Entity) {
	path := filepath.Join(v.root, name)
	os.MkdirAll(filepath.Dir(path), 0o755)
	f, err := os.Create(path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	w, _ := armor.Encode(f, openpgp.PublicKeyType, nil)
	key.Serialize(w)
	w.Close()
}

// origin signs the index and gives what an order would say about it.
func (v *vendor) origin() Origin {
	index := []byte(v.stanzas)
	line := fmt.Sprintf("%s %d main/binary-amd64/Packages", hashOf(index), len(index))
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, v.key.PrivateKey, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	fmt.Fprintf(w, v.release, line)
	w.Close()
	v.served = b.Bytes()
	return v.named(index)
}

func (v *vendor) named(index []byte) Origin {
	dir := v.t.TempDir()
	release, packages := filepath.Join(dir, "InRelease"), filepath.Join(dir, "Packages")
	os.WriteFile(release, v.served, 0o600)
	os.WriteFile(packages, index, 0o600)
	return Origin{Codename: "bookworm", ReleaseFile: release,
		Origin:     patch.Origin{Suite: "bookworm-security", Release: hashOf(v.served), Index: hashOf(index), IndexPath: "main/binary-amd64/Packages"},
		FetchIndex: func(context.Context) (string, error) { v.fetched++; return packages, nil }}
}

func TestChain(t *testing.T) {
	stranger, _ := openpgp.NewEntity("stranger", "", "s@example.org", nil)
	for name, c := range map[string]struct {
		change func(v *vendor, p *patch.PlanPackage)
		after  func(v *vendor, o *Origin)
		want   string // empty: it verifies
	}{
		"as it should be":   {},
		"other bytes":       {change: func(_ *vendor, p *patch.PlanPackage) { p.SHA256 = patch.Hash(strings.Repeat("0", 64)) }, want: "does not carry curl:amd64 1.0-2"},
		"other size":        {change: func(_ *vendor, p *patch.PlanPackage) { p.Size = 11 }, want: "does not carry"},
		"other version":     {change: func(_ *vendor, p *patch.PlanPackage) { p.Version = "1.0-3" }, want: "does not carry"},
		"other name":        {change: func(_ *vendor, p *patch.PlanPackage) { p.Name = "evil" }, want: "does not carry evil"},
		"key of a stranger": {change: func(v *vendor, _ *patch.PlanPackage) { v.key = stranger }, want: "does not verify"},
		"no signature":      {after: func(v *vendor, o *Origin) { v.rewrite(o, []byte("Codename: bookworm-security\n")) }, want: "does not verify"},
		"changed after": {after: func(v *vendor, o *Origin) {
			v.rewrite(o, bytes.Replace(v.served, []byte("Debian"), []byte("Debiam"), 1))
		}, want: "does not verify"},
		"text before": {after: func(v *vendor, o *Origin) { v.rewrite(o, append([]byte("SHA256:\n evil\n"), v.served...)) }, want: "does not verify"},
		"another suite": {change: func(v *vendor, _ *patch.PlanPackage) {
			v.release = strings.ReplaceAll(v.release, "-security", "-backports")
		}, want: "and not of bookworm-security"},
		"another release":     {after: func(_ *vendor, o *Origin) { o.Codename = "trixie" }, want: "this machine runs trixie"},
		"an index not signed": {after: func(v *vendor, o *Origin) { *o = v.named([]byte(v.stanzas + "\n")) }, want: "does not name this index"},
		"index swapped on disk": {after: func(v *vendor, o *Origin) {
			path, _ := o.FetchIndex(context.Background())
			os.WriteFile(path, bytes.Repeat([]byte("x"), len(v.stanzas)), 0o600)
		}, want: "hashes to"},
		"no keyring at all": {after: func(v *vendor, _ *Origin) { os.RemoveAll(filepath.Join(v.root, "etc")) }, want: "no keyring"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t)
			p := good()
			if c.change != nil {
				c.change(v, &p)
			}
			o := v.origin()
			if c.after != nil {
				c.after(v, &o)
			}
			chain := &Chain{Dir: t.TempDir(), Root: v.root, Now: time.Now}
			got, err := chain.Verify(context.Background(), o, []patch.PlanPackage{p})
			if c.want == "" {
				if err != nil || !bytes.Contains(got[p.SHA256], []byte("Depends: libc6")) {
					t.Fatalf("%v: %s", err, got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || got[p.SHA256] != nil {
				t.Fatalf("%v", err)
			}
		})
	}
}

func (v *vendor) rewrite(o *Origin, b []byte) { os.WriteFile(o.ReleaseFile, b, 0o600) }

// A second order needs neither the index's bytes nor its parsing; its signature is checked all the same.
func TestChainRemembersStanzas(t *testing.T) {
	v := newVendor(t)
	o := v.origin()
	chain := &Chain{Dir: t.TempDir(), Root: v.root, Now: time.Now}
	for range 3 {
		if _, err := chain.Verify(context.Background(), o, []patch.PlanPackage{good()}); err != nil {
			t.Fatal(err)
		}
	}
	if v.fetched != 1 {
		t.Fatalf("the index was fetched %d times", v.fetched)
	}
	os.RemoveAll(filepath.Join(v.root, "etc"))
	if _, err := chain.Verify(context.Background(), o, []patch.PlanPackage{good()}); err == nil {
		t.Fatal("a key that is not trusted any more still counts")
	}
}

// Keys count for the suites that the machine's own sources give them to, and for no others.
func TestKeysOfOtherSources(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		ok         bool
	}{
		"sources of this release":    {"debian.sources", "Types: deb\nURIs: http://x\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/k.asc\n", true},
		"sources of something else":  {"node.sources", "Types: deb\nURIs: http://x\nSuites: nodistro\nComponents: main\nSigned-By: /usr/share/keyrings/k.asc\n", false},
		"one line of this release":   {"a.list", "deb [arch=amd64 signed-by=/usr/share/keyrings/k.asc] http://x bookworm main\n", true},
		"one line of something else": {"a.list", "deb [signed-by=/usr/share/keyrings/k.asc] http://x stable main\n", false},
		"commented out":              {"a.list", "# deb [signed-by=/usr/share/keyrings/k.asc] http://x bookworm main\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t)
			os.RemoveAll(filepath.Join(v.root, "etc"))
			v.trust("usr/share/keyrings/k.asc", v.key)
			os.MkdirAll(filepath.Join(v.root, "etc/apt/sources.list.d"), 0o755)
			os.WriteFile(filepath.Join(v.root, "etc/apt/sources.list.d", c.file), []byte(c.text), 0o644)
			chain := &Chain{Dir: t.TempDir(), Root: v.root, Now: time.Now}
			_, err := chain.Verify(context.Background(), v.origin(), []patch.PlanPackage{good()})
			if (err == nil) != c.ok {
				t.Fatalf("%v", err)
			}
		})
	}
}
