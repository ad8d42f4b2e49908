package standalone

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A recording is a catalog bundle of one host OS with two members more: the facts that were judged, and recording. So everything that
// an answer depends on is in one file, and any program that reads bundles and facts can judge it.
const (
	recordedFactsName = "facts.json"
	recordingName     = "fettle-recording.json"
	maxRecording      = 64 << 10
)

// recording says who judged, and what the hashes of facts and answer must be.
type recording struct {
	Format  int        `json:"format"`  // 1
	Program string     `json:"program"` // the version of the program that wrote it
	Facts   patch.Hash `json:"facts"`   // of the member facts.json
	Answer  patch.Hash `json:"answer"`  // of what --json printed
}

// record writes facts, the catalog's part for this host OS and both hashes as one file, whole or not at all.
func (j *judged) record(o Options) error {
	slice, err := j.bundle.Slice(j.facts.OS.Key)
	if err != nil {
		return err
	}
	var facts bytes.Buffer
	if err := encodeFacts(&facts, j.facts); err != nil {
		return patch.Errorf(patch.Internal, "cannot encode the facts: %w", err)
	}
	answer, err := j.answer()
	if err != nil {
		return err
	}
	note, err := json.MarshalIndent(recording{Format: 1, Program: o.Version, Facts: content.Sum(facts.Bytes()), Answer: answer}, "", " ")
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot encode the recording: %w", err)
	}
	return catalog.WriteBundle(o.Record, []catalog.Built{slice}, catalog.Member{Name: recordingName, Bytes: note},
		catalog.Member{Name: recordedFactsName, Bytes: facts.Bytes()})
}

// answer is the hash of what --json prints.
func (j *judged) answer() (patch.Hash, error) {
	sum := sha256.New()
	w := bufio.NewWriter(sum)
	if err := j.writeJSON(w); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return patch.Hash(hex.EncodeToString(sum.Sum(nil))), nil
}

func readRecording(b *catalog.Bundle, path string) (recording, error) {
	var r recording
	note, err := b.Member(recordingName, maxRecording)
	if err == nil {
		err = json.Unmarshal(note, &r)
	}
	if err == nil && r.Format != 1 {
		err = patch.Errorf(patch.Invalid, "it has the format %d, and this program knows 1 only", r.Format)
	}
	if err != nil {
		return r, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} cannot be replayed", path), Err: err, Do: "Write one with \"fettle detect --record\"."}
	}
	return r, nil
}

func recordedFacts(path string) (patch.Facts, error) {
	b, err := catalog.OpenBundle(path)
	if err != nil {
		return patch.Facts{}, err
	}
	defer b.Close()
	r, err := readRecording(b, path)
	if err != nil {
		return patch.Facts{}, err
	}
	facts, err := b.Member(recordedFactsName, maxFacts)
	if err != nil {
		return patch.Facts{}, err
	}
	if content.Sum(facts) != r.Facts {
		return patch.Facts{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the facts in {1} are not those that were recorded", path), Do: "Record again."}
	}
	return decodeFacts(facts, "the member "+recordedFactsName+" of "+path)
}

// compareRecorded fails where this program judges otherwise than the one that recorded: the reason for which people replay.
func (j *judged) compareRecorded(o Options) error {
	r, err := readRecording(j.bundle, o.Replay)
	if err != nil {
		return err
	}
	answer, err := j.answer()
	if err != nil || answer == r.Answer {
		return err
	}
	return &patch.Error{Kind: patch.Conflict, What: "this program's answer is not the recorded one",
		Why: phrase.Of("it was recorded by version {1}, and this is {2}", r.Program, o.Version), Do: "Compare both answers with --json, each by its own program."}
}
