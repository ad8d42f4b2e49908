// Package standalone detects and explains with nothing but files: a catalog bundle, and a machine, a directory with one, or a facts
// file. It joins host, catalog and detect for both programs and prints for people and for programs.
//
// It knows no appliance, keeps no state and changes nothing on the machine; it writes only where it is told to.
package standalone

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Options say what to judge, by what, and where the answer goes.
type Options struct {
	Catalog  string           // bundle file
	Root     string           // root directory of the machine to judge; "" is "/"
	Facts    string           // judge this facts file instead of a machine
	Replay   string           // judge again what Record wrote here, instead of Catalog and a machine
	Record   string           // also write what was judged, and by what, as one file here
	Snapshot string           // also write the compact snapshot here
	JSON     bool             // the whole answer as JSON instead of a summary
	Brief    bool             // the process ends with this: it may take memory as it is fastest
	Version  string           // of this program, for the snapshot
	Now      func() time.Time // nil is time.Now
	Out      io.Writer
}

func (o Options) root() string {
	if o.Root == "" {
		return "/"
	}
	return o.Root
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now().UTC()
	}
	return o.Now().UTC()
}

// judged is a machine, what it is judged by, and the result.
type judged struct {
	facts      patch.Facts
	bundle     *catalog.Bundle
	meta       patch.RevisionMeta
	signatures *detect.Signatures
	asked      detect.Asked
	result     detect.Result
	started    time.Time
	ended      time.Time
	hash       func() (patch.Hash, error) // of the facts; only where a snapshot is written
}

// Detect judges every patch of the bundle for the machine's host OS. The snapshot file appears whole or not at all.
func Detect(ctx context.Context, o Options) error {
	j, err := o.load(ctx, o.Snapshot != "" && o.Record == "" && !o.JSON)
	if err != nil {
		return err
	}
	defer j.bundle.Close()
	if j.result, err = j.signatures.EvaluateAsked(&j.facts, j.asked); err != nil {
		return err
	}
	j.ended = o.now()
	if o.Snapshot != "" {
		if err := j.writeSnapshot(o); err != nil {
			return err
		}
	}
	if o.Record != "" {
		if err := j.record(o); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(o.Out, 64<<10)
	switch {
	case o.JSON:
		err = j.writeJSON(w)
	case o.Snapshot != "":
		j.writeCounts(w)
	default:
		err = j.writeReport(w)
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil && o.Replay != "" {
		err = j.compareRecorded(o)
	}
	return err
}

// receipt goes with the verdicts as agents upload them. No appliance knows this machine, so Machine is empty and Seq is the time.
func (j *judged) receipt(o Options) patch.Receipt {
	r := patch.Receipt{Seq: uint64(max(1, j.started.Unix())), OS: j.facts.OS.Key, Revision: j.meta.ID, Started: j.started, Ended: j.ended,
		Expected: j.signatures.Len(), Evaluated: j.result.Verdicts.Len(), Errors: j.result.Errors, Agent: o.Version}
	if o.Facts == "" && o.Replay == "" {
		r.Boot = host.BootID(o.root())
	}
	return r
}

// writeSnapshot does all else before it waits for the hash of the facts.
func (j *judged) writeSnapshot(o Options) error {
	s := patch.Snapshot{Receipt: j.receipt(o), Verdicts: j.result.Verdicts}
	packed, err := wire.PackVerdicts(s.Verdicts)
	if err == nil {
		s.Facts, err = j.hash()
	}
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		return err
	}
	b, err := wire.JoinSnapshot(s.Receipt, packed)
	if err != nil {
		return err
	}
	if err := replaceFile(o.Snapshot, b); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write the snapshot {1}", o.Snapshot), Err: err}
	}
	return nil
}

// replaceFile puts a new file in the place of path; at no moment is there a partial one.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
