package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const maxListed = 512 << 20

// readLists adds what a directory of apt lists holds: each InRelease is verified, and each Packages file of this architecture
// beside it must be, when decompressed, what the Release says.
func (o *Options) readLists(dir string, inputs map[patch.HostOS][]catalog.Source) error {
	keyring, err := openKeyring(o.Keyring)
	if err != nil {
		return err
	}
	releases, err := filepath.Glob(filepath.Join(dir, "*_InRelease"))
	if err != nil || len(releases) == 0 {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("there is no InRelease file in {1}", dir), Err: err, Do: "Name a directory such as /var/lib/apt/lists, after apt-get update."}
	}
	found := 0
	for _, path := range releases {
		n, err := o.readSuite(path, keyring, inputs)
		if err != nil {
			return fmt.Errorf("cannot use %s: %w", path, err)
		}
		found += n
	}
	if found == 0 {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("there is no package index for {1} in {2}", o.Arch, dir), Do: "Run apt-get update there, or name another architecture."}
	}
	return nil
}

func openKeyring(paths string) (openpgp.EntityList, error) {
	if paths == "" {
		return debian.ReadKeyring(apt.MachineKeyrings()...)
	}
	return debian.ReadKeyring(filepath.SplitList(paths)...)
}

func (o *Options) readSuite(path string, keyring openpgp.EntityList, inputs map[patch.HostOS][]catalog.Source) (int, error) {
	text, err := readBounded(path, debian.MaxRelease)
	if err != nil {
		return 0, err
	}
	release, err := debian.VerifyReleaseAt(text, keyring, o.Now())
	if err != nil {
		return 0, err
	}
	hostOS, known := release.HostOS(o.Arch)
	if !known {
		return 0, &patch.Error{Kind: patch.Invalid, What: phrase.Format("cannot tell the host OS of %s %s", release.Origin, release.Codename)}
	}
	prefix := strings.TrimSuffix(path, "InRelease")
	address, err := url.PathUnescape(strings.ReplaceAll(filepath.Base(prefix), "_", "/"))
	if err != nil {
		return 0, patch.Errorf(patch.Invalid, "the name of the file is not apt's: %w", err)
	}
	base, _, _ := strings.Cut(address, "/dists/")
	found := 0
	for _, component := range release.Components {
		component = component[strings.LastIndex(component, "/")+1:]
		index := component + "/binary-" + o.Arch + "/Packages"
		files, _ := filepath.Glob(prefix + strings.ReplaceAll(index, "/", "_") + "*")
		if len(files) == 0 {
			continue
		}
		open, err := verifiedList(files[0], index, release)
		if err != nil {
			return 0, err
		}
		origin := patch.Origin{
			Suite: suiteOf(release), Component: component, Arch: o.Arch, Dated: release.Date,
			Release: content.Sum(text), Index: release.SHA256[index].SHA256, IndexPath: index,
		}
		inputs[hostOS] = append(inputs[hostOS], catalog.Source{Origin: origin, URI: "http://" + base, Label: release.Label, About: release.About(), Open: open})
		found++
	}
	return found, nil
}

// suiteOf is the name that a feed would ask for. Ubuntu gives all suites of a release the same codename.
func suiteOf(r debian.Release) string {
	if r.Codename != "" && !strings.HasPrefix(r.Suite, r.Codename+"-") {
		return r.Codename
	}
	return r.Suite
}

// verifiedList reads a list into memory, so that what is built is what was verified.
func verifiedList(path, index string, release debian.Release) (func() (io.ReadCloser, error), error) {
	want, ok := release.SHA256[index]
	if !ok {
		return nil, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("the Release does not vouch for {1}", filepath.Base(path))}
	}
	packed, err := readBounded(path, maxListed)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, debian.Decompress(path, bytes.NewReader(packed), debian.MaxPackages))
	if err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != want.Size || got != string(want.SHA256) {
		return nil, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("{1} is not what its Release says", filepath.Base(path)), Do: "Run apt-get update there again."}
	}
	return func() (io.ReadCloser, error) {
		return io.NopCloser(debian.Decompress(path, bytes.NewReader(packed), debian.MaxPackages)), nil
	}, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot read an apt list", Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot read an apt list", Err: err}
	}
	if int64(len(b)) > limit {
		return nil, &patch.Error{Kind: patch.Exhausted, What: phrase.Format("%s is larger than %d bytes", path, limit)}
	}
	return b, nil
}
