package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A journal line is: CRC-32C of the JSON in 8 hex digits, its length in decimal, the JSON, newline.

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func journalLine(b []byte) []byte {
	line := make([]byte, 0, len(b)+24)
	sum := strconv.FormatUint(1<<32|uint64(checksum(b)), 16)
	line = append(line, sum[1:]...)
	line = append(line, ' ')
	line = strconv.AppendInt(line, int64(len(b)), 10)
	line = append(line, ' ')
	line = append(line, b...)
	return append(line, '\n')
}

// readLine checks one line without its newline and gives its JSON.
func readLine(line []byte) ([]byte, bool) {
	_, rest, _ := bytes.Cut(line, []byte(" "))
	_, body, ok := bytes.Cut(rest, []byte(" "))
	return body, ok && bytes.Equal(bytes.TrimSuffix(journalLine(body), []byte("\n")), line)
}

// maxJournal bounds what is read at start; a journal is rewritten long before.
const maxJournal = 256 << 20

// readJournal gives the events of b and the length of its whole part. What is torn at the end is left out; damage before a line that
// is whole is an error, because then something that was durable is lost.
func readJournal(b []byte) (events []event, whole int64, err error) {
	rest, number := b, 0
	for len(rest) > 0 {
		number++
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		body, ok := readLine(line)
		var e event
		if !ended || !ok || json.Unmarshal(body, &e) != nil {
			if anyWhole(after) {
				return events, whole, damaged(number)
			}
			return events, whole, nil
		}
		events = append(events, e)
		whole += int64(len(line)) + 1
		rest = after
	}
	return events, whole, nil
}

func anyWhole(b []byte) bool {
	for line := range bytes.Lines(b) {
		if _, ok := readLine(bytes.TrimSuffix(line, []byte("\n"))); ok {
			return true
		}
	}
	return false
}

func damaged(line int) error {
	return &patch.Error{Kind: patch.Internal, What: phrase.Of("the agent's journal is damaged in line {1}, and whole lines follow", strconv.Itoa(line)),
		Why: "what this machine had been told to install before is not certain, so it installs nothing",
		Do:  "Look at the disk, then run `fettle-agent repair` to keep the damaged file aside and begin a new journal."}
}

// openJournal reads the journal, or begins one where there is none or only an empty one, as a power loss may leave it.
func openJournal(path string, now func() time.Time) (*journal, error) {
	return openJournalOn(liveDisk{}, path, now)
}

func openJournalOn(d Disk, path string, now func() time.Time) (*journal, error) {
	f, err := d.Open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot open the journal: %w", err)
	}
	j := &journal{f: f, now: now, disk: d, grown: make(chan struct{}, 1)}
	if err := j.load(); err != nil {
		f.Close()
		return nil, err
	}
	if err := syncDir(d, filepath.Dir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *journal) load() error {
	b, err := io.ReadAll(io.LimitReader(j.f, maxJournal))
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot read the journal: %w", err)
	}
	events, whole, err := readJournal(b)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := j.apply(e); err != nil {
			return err
		}
	}
	j.size = whole
	if whole < int64(len(b)) {
		if err := j.f.Truncate(whole); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot cut the torn end off the journal: %w", err)
		}
		return j.f.Sync()
	}
	return nil
}

// compactAt is the size in bytes above which a journal without open business is rewritten.
const compactAt = 1 << 20

// compact replaces a long journal by one that carries only what must not be forgotten: the counts, and the newest order with its results
// where it is needed for explaining. It does nothing while an order is open or a result is not acknowledged.
func compact(path string, j *journal) (*journal, error) {
	j.mu.Lock()
	idle := len(j.pending) == 0 && (j.last == nil || j.last.Closed) && j.size >= compactAt
	base := beginning{Seq: j.seq, Number: j.number}
	j.mu.Unlock()
	if !idle {
		return j, nil
	}
	b, err := json.Marshal(event{At: j.now().UTC(), Begin: &base})
	if err != nil {
		return j, err
	}
	j.Close() // Windows replaces no open file
	failed := replaceFile(j.disk, path, journalLine(b))
	j, err = openJournalOn(j.disk, path, j.now)
	return j, errors.Join(failed, err)
}

// Repair puts a damaged journal aside and begins a new one that goes on after everything which can still be read from the old one.
// An order whose course the damage hid is not resumed: the detect that follows shows what it did.
func Repair(stateDir string) (aside string, err error) {
	path := layout{dir: stateDir}.journal()
	b, err := os.ReadFile(path)
	if err != nil {
		return "", patch.Errorf(patch.Unavailable, "cannot read the journal: %w", err)
	}
	base := beginning{}
	for line := range bytes.Lines(b) {
		body, ok := readLine(bytes.TrimSuffix(line, []byte("\n")))
		var e event
		if !ok || json.Unmarshal(body, &e) != nil {
			continue
		}
		switch {
		case e.Begin != nil:
			base.Seq, base.Number = max(base.Seq, e.Begin.Seq), max(base.Number, e.Begin.Number)
		case e.Order != nil:
			base.Number = max(base.Number, e.Order.Number)
		case e.Result != nil:
			base.Seq = max(base.Seq, e.Result.Seq)
		}
	}
	aside = path + "." + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Rename(path, aside); err != nil {
		return "", patch.Errorf(patch.Unavailable, "cannot put the damaged journal aside: %w", err)
	}
	line, err := json.Marshal(event{At: time.Now().UTC(), Begin: &base})
	if err != nil {
		return aside, err
	}
	return aside, writeFile(path, journalLine(line))
}
