package world

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// maxFacts bounds decompressed facts and inventories in bytes: 100,000 packages fit.
const maxFacts = 64 << 20

// Finding judges a patch once more over the facts that the newest detect judged, with the signatures that it used. ok is false where
// facts or signatures are not at hand.
func (s *Sight) Finding(ctx context.Context, id patch.ID) (f patch.Finding, ok bool, err error) {
	p, i, listed := s.judged.Find(id)
	if !listed || s.Receipt == nil {
		return f, false, nil
	}
	if r := s.reading(id); r != nil && r.fits {
		return r.finding, true, nil
	}
	facts, err := s.Facts(ctx)
	if err != nil || facts == nil {
		return f, false, err
	}
	sigs, err := s.v.r.Catalog.Signatures(ctx, s.Receipt.OS, s.Receipt.Revision)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return f, false, nil
		}
		return f, false, err
	}
	if facts.OS.Key != sigs.OS() || i >= sigs.Len() {
		return f, false, nil
	}
	f = s.v.finder(sigs, facts, s.Receipt)(i)
	f.ID, f.Title = id, p.Title
	return f, true, nil
}

// finder prepares facts for one finding after the other, which for a page of one machine's rows costs more than all the findings.
func (v *View) finder(sigs *detect.Signatures, facts *patch.Facts, r *patch.Receipt) func(i int) patch.Finding {
	if k := (findingKey{facts: r.Facts, revision: r.Revision}); v.finding == nil || v.finds != k {
		v.finding, v.finds = sigs.Finder(facts), k
	}
	return v.finding
}

// Facts are those that the newest complete detect judged; nil where they have not arrived.
func (s *Sight) Facts(ctx context.Context) (*patch.Facts, error) {
	if s.Receipt == nil {
		return nil, nil
	}
	return s.v.Facts(ctx, s.Receipt.Facts)
}

// Facts are those under a hash: as they are at hand in memory, else decoded from storage; nil where that has none either.
func (v *View) Facts(ctx context.Context, hash patch.Hash) (*patch.Facts, error) {
	if f, ok := v.facts[hash]; ok {
		return f, nil
	}
	f, err := v.findFacts(ctx, hash)
	if err != nil || f == nil {
		return nil, err
	}
	if len(v.facts) >= keptFacts {
		clear(v.facts)
	}
	v.facts[hash] = f
	return f, nil
}

func (v *View) findFacts(ctx context.Context, hash patch.Hash) (*patch.Facts, error) {
	if v.r.Parts != nil {
		if f, ok := v.r.Parts.Facts(hash); ok {
			return f, nil
		}
	}
	b, err := v.r.Store.FindFacts(ctx, hash)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return nil, nil
		}
		return nil, err
	}
	f := new(patch.Facts)
	if err := Decode(b, f); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the stored facts %s: %w", hash, err)
	}
	return f, nil
}

// unpacker decompresses stored blobs, several at once; making one takes longer than most of them.
var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxFacts), zstd.WithDecoderLowmem(true))
})

// Decode reads a stored zstd JSON blob, such as facts and inventories, within a size limit.
func Decode(b []byte, into any) error {
	dec, err := unpacker()
	if err != nil {
		return err
	}
	raw, err := dec.DecodeAll(b, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Packages works out exactly which files a machine needs for a patch: see Needed. ok is false where its facts are not at hand.
func (s *Sight) Packages(ctx context.Context, id patch.ID) (pkgs []patch.PlanPackage, ok bool, err error) {
	if s.Receipt == nil || s.Meta == nil {
		return nil, false, nil
	}
	if r := s.reading(id); r != nil && r.fits && s.Verdict(id) == patch.NotPatched {
		return r.needed(), true, nil
	}
	k := neededKey{s.Receipt.Facts, id}
	if pkgs, ok := s.v.needed[k]; ok {
		return pkgs, true, nil
	}
	facts, err := s.Facts(ctx)
	if err != nil || facts == nil {
		return nil, false, err
	}
	files, err := s.v.Files(ctx, s.OS, id)
	if err != nil {
		return nil, false, err
	}
	var allowed []patch.AffectedPackage
	if choosy(facts) {
		if f, ok, err := s.Finding(ctx, id); err != nil {
			return nil, false, err
		} else if ok {
			allowed = allowedBy(facts, f.Verdict, f.Packages)
		}
	}
	pkgs = Needed(facts, files, s.Meta.Origins, allowed)
	s.v.needed[k] = pkgs
	return pkgs, true, nil
}

// Files are all the files of a patch; none where the newest list does not carry it.
func (v *View) Files(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	k := fileKey{os, id}
	if f, ok := v.files[k]; ok {
		return f, nil
	}
	f, err := v.r.Catalog.Payloads(ctx, os, id)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	v.files[k] = f
	return f, nil
}

// payloads fills in the files that the machine needs and where they stand on the appliance.
func (s *Sight) payloads(ctx context.Context, id patch.ID, w *gate.World) error {
	pkgs, ok, err := s.Packages(ctx, id)
	if err != nil || !ok {
		return err
	}
	w.PayloadsKnown = true
	for _, p := range pkgs {
		stored, err := s.v.Stored(ctx, id, p.SHA256)
		if err != nil {
			return err
		}
		w.Payloads = append(w.Payloads, gate.PayloadFact{Name: p.Name + " " + p.Version, File: p.SHA256.Short(), Size: p.Size, State: stored.State, Error: stored.Error, NextTry: stored.NextTry})
	}
	return nil
}

// Stored is where one file of a patch stands on the appliance; the zero value where nobody has wanted it yet.
func (v *View) Stored(ctx context.Context, id patch.ID, hash patch.Hash) (patch.StoredPayload, error) {
	known, ok := v.payloads[id]
	if !ok {
		known = map[patch.Hash]patch.StoredPayload{}
		all, err := v.r.Store.ListPayloads(ctx, patch.PayloadFilter{Patch: id})
		if err != nil {
			return patch.StoredPayload{}, err
		}
		for _, p := range all {
			known[p.SHA256] = p
		}
		v.payloads[id] = known
	}
	if p, ok := known[hash]; ok {
		return p, nil
	}
	p, err := v.r.Store.FindPayload(ctx, hash)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return p, err
	}
	known[hash] = p
	return p, nil
}
