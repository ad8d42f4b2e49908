package standalone

import (
	"cmp"
	"context"
	"runtime"
	"sync"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/probe"
	"github.com/fettle-project/fettle/internal/wire"
)

// load opens the bundle and, meanwhile, reads the machine's facts and hashes them; where the bundle is for one OS only, it opens its
// signatures before it knows that the machine is of that OS. Briefly: no more than verdicts are asked of it, so facts.Objects may be missing.
func (o Options) load(ctx context.Context, briefly bool) (*judged, error) {
	j := &judged{started: o.now()}
	if o.Brief {
		short()
	}
	facts := sync.OnceValues(func() (patch.Facts, error) { return o.readFacts(ctx) })
	begun := sync.OnceValues(func() (hashed *wire.FactsHash, err error) {
		known, err := facts()
		if err == nil && o.Snapshot != "" { // which names them
			hashed = wire.HashFacts(known)
		}
		return hashed, err
	})
	err := o.open(j, func() { go begun() })
	if err == nil {
		j.facts, err = facts()
	}
	if err == nil {
		err = j.choose()
	}
	if err == nil {
		j.asked, err = o.collect(ctx, j.signatures, &j.facts, briefly)
	}
	if err != nil {
		begun()
		if j.bundle != nil {
			j.bundle.Close()
		}
		return nil, err
	}
	if o.Snapshot != "" {
		j.hash = meanwhile(func() (patch.Hash, error) {
			hashed, _ := begun() // there are facts
			return hashed.Sum(j.facts, j.asked.Texts())
		})
	}
	return j, nil
}

// meanwhile begins work, and gives what waits for it.
func meanwhile[T any](work func() (T, error)) (wait func() (T, error)) {
	wait = sync.OnceValues(work)
	go wait()
	return wait
}

// open opens the bundle, and its signatures where they can only be the right ones.
func (o Options) open(j *judged, meanwhile func()) (err error) {
	if j.bundle, err = catalog.OpenBundle(cmp.Or(o.Replay, o.Catalog)); err != nil {
		return err
	}
	if oses := j.bundle.OSes(); len(oses) == 1 {
		j.signatures, _ = j.bundle.SignaturesAfter(oses[0], func(file []byte) { // choose tries again, and says why it cannot
			if o.Brief && detect.ItemBytes(file) > manyItems {
				makeRoom()
			}
			meanwhile()
		})
	}
	return nil
}

// choose takes the signatures for the machine's host OS.
func (j *judged) choose() (err error) {
	key := j.facts.OS.Key
	if s := j.signatures; s == nil || s.OS() != key && s.OS() != patch.AnyOS {
		j.signatures, err = j.bundle.Signatures(key)
	}
	j.meta, _ = j.bundle.Meta(key)
	return err
}

const (
	// manyTests is from where on it pays to ask a machine from two sides.
	manyTests = 500
	// manyItems is from how many bytes of item tests on it pays to make room; some 2,500 tests have them.
	manyItems = 200 << 10
)

// collect asks the machine what signatures name beyond packages; facts from a file hold it already.
func (o Options) collect(ctx context.Context, s *detect.Signatures, f *patch.Facts, briefly bool) (detect.Asked, error) {
	if o.Facts != "" || o.Replay != "" {
		return detect.Asked{}, nil
	}
	m, err := probe.Open(o.root())
	if err != nil {
		return detect.Asked{}, err
	}
	defer m.Close()
	var second item.Source
	if s.Tests() >= manyTests && runtime.GOOS == "linux" && runtime.NumCPU() > 1 {
		m, err := probe.Open(o.root())
		if err != nil {
			return detect.Asked{}, err
		}
		defer m.Close()
		second = m
	}
	if briefly {
		return s.Pass(ctx, f, m, second, wire.AppendObject)
	}
	return s.Ask(ctx, f, m, second)
}
