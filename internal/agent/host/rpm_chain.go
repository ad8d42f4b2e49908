package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// RpmChain verifies packages by the vendor's own signature in each of them, with the keys that this machine's rpm trusts. The
// appliance's word counts for nothing in it.
type RpmChain struct {
	Payloads string // the folder of fetched files, by their SHA-256
	Root     string // whose rpm keyring; "/" for the live machine
}

// Unvouched says of each package why nobody vouches for it.
type Unvouched map[patch.Hash]error

// Error joins the reasons.
func (u Unvouched) Error() string {
	var all []string
	for _, err := range u {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

// Verify gives what each package that verified says of itself, by its SHA-256. A package that does not verify, or whose signed header is
// of another name, architecture or version than the order's, is left out and is in the Unvouched error.
func (c *RpmChain) Verify(ctx context.Context, _ Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	out, bad := map[patch.Hash][]byte{}, Unvouched{}
	for _, p := range want {
		about, err := c.verify(ctx, p)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			bad[p.SHA256] = err
			continue
		}
		out[p.SHA256] = about
	}
	if len(bad) > 0 {
		return out, bad
	}
	return out, nil
}

func (c *RpmChain) verify(ctx context.Context, p patch.PlanPackage) ([]byte, error) {
	if err := CheckRPM(p); err != nil {
		return nil, err
	}
	path := filepath.Join(c.Payloads, string(p.SHA256))
	if err := CheckFile(path, p.Size, p.SHA256); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	about, err := rpmdb.ReadPackageFile(bufio.NewReader(f))
	if err != nil {
		return nil, patch.Errorf(patch.Untrusted, "%s %s: %w", p.Name, p.Version, err)
	}
	if about.Name != p.Name || about.Arch != p.Arch || about.Version != p.Version {
		return nil, patch.Errorf(patch.Untrusted, "the order names %s.%s %s, and the file is %s.%s %s", p.Name, p.Arch, p.Version, about.Name, about.Arch, about.Version)
	}
	out := bounded{max: 64 << 10}
	if err := run(rpmkeys(ctx, checkArgs(c.Root, path)...), &out, nil); err != nil {
		return nil, patch.Errorf(patch.Untrusted, "%s %s does not verify with this machine's rpm keyring: %s", p.Name, p.Version, whyUnverified(out.b, about.Signer))
	}
	return json.Marshal(about)
}

// whyUnverified makes a reason of rpmkeys' lines.
func whyUnverified(out []byte, signer string) string {
	text := string(out)
	switch {
	case strings.Contains(text, "NOKEY"):
		return fmt.Sprintf("it is signed by the key %s, which the machine does not trust. If it should, import it there with rpmkeys --import", signer)
	case strings.Contains(text, "BAD"):
		return "its bytes are not what was signed"
	case strings.Contains(text, "no signature") || signer == "":
		return "it is not signed"
	}
	return tidy(strings.ReplaceAll(text, "\n", "; "), 300)
}
