package standalone

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// maxFacts bounds a facts file.
const maxFacts = 128 << 20

// Facts prints a machine's facts as JSON: what a detect judges, and what --facts reads back. With a catalog they hold what its
// definitions ask for beyond packages, too.
func Facts(ctx context.Context, o Options) error {
	if o.Catalog != "" {
		j, err := o.load(ctx, false)
		if err != nil {
			return err
		}
		defer j.bundle.Close()
		return encodeFacts(o.Out, j.facts)
	}
	f, err := host.CollectFacts(ctx, o.root())
	if err != nil {
		return err
	}
	return encodeFacts(o.Out, f)
}

func encodeFacts(out io.Writer, f patch.Facts) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(f)
}

func (o Options) readFacts(ctx context.Context) (patch.Facts, error) {
	if o.Replay != "" {
		return recordedFacts(o.Replay)
	}
	if o.Facts == "" {
		return host.CollectFacts(ctx, o.root())
	}
	b, err := readFile(o.Facts)
	if err != nil {
		return patch.Facts{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot read the facts file {1}", o.Facts), Err: err}
	}
	return decodeFacts(b, "the facts file "+o.Facts)
}

// ReadFacts reads a facts file.
func ReadFacts(path string) (patch.Facts, error) {
	return Options{Facts: path}.readFacts(context.Background())
}

// decodeFacts reads facts as Facts wrote them; where names them in errors.
func decodeFacts(b []byte, where string) (patch.Facts, error) {
	var f patch.Facts
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil || dec.More() {
		return patch.Facts{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not one", where), Err: err,
			Do: "Write one with \"fettle facts\"."}
	}
	if f.OS.Key == "" {
		f.OS.Key = f.OS.HostOS()
	}
	if f.OS.Key == "" || f.OS.Arch == "" {
		return patch.Facts{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} does not name its host OS", where),
			Do: "Write one with \"fettle facts\"."}
	}
	slices.SortStableFunc(f.Packages, func(a, b patch.Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	return f, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFacts+1))
	if err == nil && len(b) > maxFacts {
		err = patch.Errorf(patch.Invalid, "it is larger than %d MiB", maxFacts>>20)
	}
	return b, err
}
