package catalog

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// A payload index is payloadMagic and one zstd frame of columns. Its order is the list's: name, architecture, version and
// size of a file are there. One of payloadMagic4 has the first three columns only.
const (
	payloadMagic  = "FTLPAYL5"
	payloadMagic4 = "FTLPAYL4"
)

const (
	pHead  = iota // host OS; number of patches; base addresses
	pFiles        // per patch: length of its part of pFile
	pFile         // per payload: path below the origin's base address, or a whole address; SHA-256; origin; how many other payloads of the patch it needs, these; its marks; what it replaces, where it replaces something; its setup as JSON, where it has one
	payloadColumns4
)

// Columns of what packages ask of others; empty where the kind of archive does not tell.
const (
	pClause = iota + payloadColumns4 // clauses, each once
	pAsking                          // per patch: length of its part of pAsks
	pAsks                            // per payload: how many clauses its dependencies have, these by number; the same of its breaks; and of its provides
	payloadColumns
)

func encodePayloads(os patch.HostOS, all []made, bases []string) ([]byte, error) {
	c := make(columns, payloadColumns)
	c.asks(all)
	c.text(pHead, string(os))
	c.number(pHead, uint64(len(all)))
	c.number(pHead, uint64(len(bases)))
	for _, base := range bases {
		c.text(pHead, base)
	}
	for i := range all {
		start := len(c[pFile])
		for _, f := range all[i].files {
			c.text(pFile, f.address)
			c[pFile] = append(c[pFile], f.sha256[:]...)
			c.number(pFile, uint64(f.origin))
			c.number(pFile, uint64(len(f.needs)))
			for _, j := range f.needs {
				c.number(pFile, uint64(j))
			}
			c.number(pFile, f.marks())
			if len(f.replaces) > 0 {
				c.number(pFile, uint64(len(f.replaces)))
			}
			for _, r := range f.replaces {
				c.text(pFile, r.Name)
				c.text(pFile, r.Op)
				c.text(pFile, r.Version)
			}
			if f.setup != nil {
				b, err := json.Marshal(f.setup)
				if err != nil {
					return nil, patch.Errorf(patch.Internal, "cannot encode how %s is installed: %w", all[i].patch.ID, err)
				}
				c.text(pFile, string(b))
			}
		}
		c.number(pFiles, uint64(len(c[pFile])-start))
	}
	return c.pack(payloadMagic, zstd.SpeedDefault)
}

// Marks of a file in the index.
const (
	markAlong = 1 << iota
	markInstead
	markReplaces // what it replaces follows
	markSetup    // how it is installed follows
	markLimit    // above all of them
)

func (f *madeFile) marks() (m uint64) {
	if f.along {
		m |= markAlong
	}
	if f.instead {
		m |= markInstead
	}
	if len(f.replaces) > 0 {
		m |= markReplaces
	}
	if f.setup != nil {
		m |= markSetup
	}
	return m
}

// needs gives the other files of the patch that file i depends on: those that stand first among their alternatives.
func (gr *grouped) needs(i int) []int {
	files := gr.carried()
	if len(files) == 1 {
		return nil
	}
	var needs []int
	for clause := range strings.SplitSeq(files[i].depends, ",") {
		clause = strings.TrimLeft(clause, " ")
		end := strings.IndexAny(clause, " (|:")
		if end < 0 {
			end = len(clause)
		}
		j, ok := slices.BinarySearchFunc(gr.files, clause[:end], func(f debFile, name string) int { return strings.Compare(f.name, name) })
		if !ok {
			j = slices.IndexFunc(gr.brought, func(f debFile) bool { return f.name == clause[:end] })
			if ok = j >= 0; ok {
				j += len(gr.files)
			}
		}
		if ok && j != i && files[j].name != files[i].name && !slices.Contains(needs, j) {
			needs = append(needs, j)
		}
	}
	slices.Sort(needs)
	return needs
}

// payloadIndex is a decoded payload index; the files of a patch are read when asked for.
type payloadIndex struct {
	os    patch.HostOS
	bases []string
	files string
	ends  []uint32 // where in files each patch's part ends
	asks  askIndex
}

func decodePayloads(b []byte) (*payloadIndex, error) {
	magic, columns := payloadMagic, payloadColumns
	if bytes.HasPrefix(b, []byte(payloadMagic4)) {
		magic, columns = payloadMagic4, payloadColumns4
	}
	cols, err := unpack(b, magic, columns)
	if err != nil {
		return nil, err
	}
	head, lengths := &cols[pHead], &cols[pFiles]
	x := &payloadIndex{os: patch.HostOS(head.text()), files: cols[pFile].rest}
	n := head.count(min(maxPatches, len(lengths.rest)))
	for range head.count(len(head.rest)) {
		x.bases = append(x.bases, head.text())
	}
	x.ends = make([]uint32, n)
	var end uint64
	for i := range x.ends {
		if end += lengths.number(); end > uint64(len(x.files)) {
			return nil, errFormat
		}
		x.ends[i] = uint32(end)
	}
	if !head.done() || !lengths.done() || end != uint64(len(x.files)) {
		return nil, errFormat
	}
	if len(cols) == payloadColumns {
		x.asks, err = decodeAsks(x.os, n, cols[pClause], cols[pAsking], cols[pAsks])
	}
	return x, err
}

// of gives the files of patch i of the list that the index was built with.
func (x *payloadIndex) of(i int, p *patch.Patch) ([]patch.PayloadFile, error) {
	if i >= len(x.ends) {
		return nil, errFormat
	}
	start := uint32(0)
	if i > 0 {
		start = x.ends[i-1]
	}
	c := cursor{rest: x.files[start:x.ends[i]]}
	files := make([]patch.PayloadFile, len(p.Payloads))
	for k := range files {
		f := &files[k]
		f.Payload = p.Payloads[k]
		name := c.text()
		f.SHA256 = patch.Hash(hex.EncodeToString([]byte(c.take(32))))
		f.Origin = c.count(len(x.bases) - 1)
		for range c.count(len(p.Payloads)) {
			f.Needs = append(f.Needs, pick(&c, p.Payloads, c.number()).Name)
		}
		marks := c.count(markLimit - 1)
		f.Along, f.Instead = marks&markAlong != 0, marks&markInstead != 0
		if marks&markReplaces != 0 {
			for range c.count(min(maxReplaced, len(c.rest))) {
				f.Replaces = append(f.Replaces, patch.Relation{Name: c.text(), Op: c.text(), Version: c.text()})
			}
		}
		if marks&markSetup != 0 {
			f.Setup = &patch.Setup{}
			if json.Unmarshal([]byte(c.text()), f.Setup) != nil || f.Setup.Check() != nil {
				return nil, errFormat
			}
		}
		if c.bad {
			return nil, errFormat
		}
		if f.URL = name; !strings.Contains(name, "://") {
			f.URL = x.bases[f.Origin] + (&url.URL{Path: name}).EscapedPath()
		}
	}
	if !c.done() {
		return nil, errFormat
	}
	return files, nil
}
