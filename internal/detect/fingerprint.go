package detect

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"github.com/fettle-project/fettle/internal/item"
)

// Fingerprints gives a number for each definition, in order: equal ones for definitions that ask the same, in this file and any other of
// the same program.
func (s *Signatures) Fingerprints() ([]uint64, error) {
	pairs, err := s.trees.fingerprints()
	if err != nil {
		return nil, err
	}
	all := make([]uint64, 0, s.Len())
	for w := s.columns.walk(); w.step(); {
		if w.tree >= 0 {
			all = append(all, pairs[s.trees.root(w.tree)])
			continue
		}
		var p print
		for w.rule() {
			p.text(string(w.name()), w.arch, w.fixed(""), w.module)
			_, phased := s.policies.of(w.at.ops - 1)
			p.numbers(uint64(phased))
		}
		all = append(all, p.sum())
	}
	return all, nil
}

// print gathers what a fingerprint is of.
type print struct{ b []byte }

func (p *print) text(words ...string) {
	for _, w := range words {
		p.b = append(binary.AppendUvarint(p.b, uint64(len(w))), w...)
	}
}

func (p *print) numbers(values ...uint64) {
	for _, v := range values {
		p.b = binary.LittleEndian.AppendUint64(p.b, v)
	}
}

func (p *print) sum() uint64 {
	h := fnv.New64a()
	_, _ = h.Write(p.b)
	p.b = p.b[:0]
	return h.Sum64()
}

// fingerprints gives one for each pair of trees, from what stands in them and not from any number in the file.
func (t *trees) fingerprints() ([]uint64, error) {
	tests, nodes, pairs := make([]uint64, len(t.tests)), make([]uint64, len(t.nodes)), make([]uint64, len(t.pairs))
	var p print
	for i, row := range t.tests {
		p.numbers(uint64(row.kind), uint64(row.operand))
		if row.kind == TestItems {
			if err := p.items(t.items.Test(int(row.object))); err != nil {
				return nil, err
			}
		}
		if row.aboutPackage() {
			t.subject(&p, row)
		}
		tests[i] = p.sum()
	}
	for i, n := range t.nodes {
		p.numbers(uint64(n.op))
		for _, ref := range t.refs[n.start:n.end] {
			switch n.op {
			case OpIs:
				p.numbers(tests[ref])
			case OpUnclear:
				p.text(t.strings.at(ref))
			default:
				p.numbers(nodes[ref])
			}
		}
		nodes[i] = p.sum()
	}
	for i, pair := range t.pairs {
		roots := t.templates[pair.template].roots
		p.numbers(nodes[roots[0]], nodes[roots[1]])
		for _, n := range t.names(int32(i)) {
			p.text(t.strings.at(n))
		}
		for _, n := range t.operands(int32(i)) {
			p.text(t.wants.at(n))
		}
		pairs[i] = p.sum()
	}
	return pairs, nil
}

// subject adds what a test is about.
func (t *trees) subject(p *print, row testRow) {
	o := t.objects[row.object]
	p.numbers(uint64(o.class), uint64(o.name))
	if o.class == classInfo {
		p.text(fmt.Sprintf("%v", t.shapes[o.arch]))
		return
	}
	p.text(t.strings.at(o.arch), t.strings.at(o.module))
}

// items adds an item test in the form in which files hold it alone.
func (p *print) items(t *item.Test) error {
	var b item.Builder
	if _, err := b.Test(t); err != nil {
		return err
	}
	alone, err := b.Bytes()
	p.text(string(alone))
	return err
}
