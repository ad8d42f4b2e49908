package detect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Compile writes the signature file of one host OS, its definitions in the order given: best is Arrange's. A definition that the format
// cannot hold (an unusable package name) is kept and marked Unclear; only IDs must be usable and unique. The file does not hold them: who
// has it has a list of patches in the same order. Versions are ordered by scheme.
func Compile(os patch.HostOS, scheme version.Scheme, defs []Definition) ([]byte, error) {
	h, columns, err := layOut(os, scheme, defs, false)
	if err != nil {
		return nil, err
	}
	return seal(h, columns)
}

// Assemble opens signatures without a file between, for definitions that are judged once. Item tests keep the vendor's identifiers,
// for sources that answer by them.
func Assemble(os patch.HostOS, scheme version.Scheme, defs []Definition) (*Signatures, error) {
	h, columns, err := layOut(os, scheme, defs, true)
	if err != nil {
		return nil, err
	}
	return assemble(h, columns)
}

// layOut gives a file's header and columns.
func layOut(os patch.HostOS, order version.Scheme, defs []Definition, ids bool) (header, map[int][]byte, error) {
	h := header{os: os, definitions: len(defs)}
	var err error
	if h.scheme, err = schemeOf(order); err != nil {
		return h, nil, err
	}
	if len(defs) > maxDefinitions || os == "" || len(os) > 200 {
		return h, nil, patch.Errorf(patch.Invalid, "cannot compile %d definitions for the host OS %q", len(defs), os)
	}
	c := compiler{os: os, scheme: h.scheme, forest: newForest(os, h.scheme), labels: map[string]int{}}
	c.forest.items.IDs = ids
	called := make(map[patch.ID]bool, len(defs))
	for i := range defs {
		d := &defs[i]
		if called[d.ID] {
			return h, nil, patch.Errorf(patch.Invalid, "two definitions are called %q", d.ID)
		}
		called[d.ID] = true
		if err := c.add(d); err != nil {
			return h, nil, err
		}
	}
	h.rules, h.names = c.rules, namesOf(len(defs), func(i int) patch.ID { return defs[i].ID })
	if f := c.forest; max(len(f.text), len(f.wanted), len(f.objects.known), len(f.tests.known), len(f.nodes.known), 2*len(f.templates.known), len(f.pairs.known), f.filled/4) > maxEntries ||
		f.work > maxWork {
		return h, nil, f.tooMuch()
	}
	columns, err := c.columns()
	if err != nil {
		return h, nil, err
	}
	total := 0
	for _, col := range columns {
		total += len(col)
	}
	if total > maxRaw {
		return h, nil, patch.Errorf(patch.Invalid, "the definitions of %s need %d bytes; %d is the limit", os, total, maxRaw)
	}
	return h, columns, nil
}

type compiler struct {
	os     patch.HostOS
	scheme scheme
	rules  int
	trees  int // definitions with trees since the last package set
	head   string
	tail   string
	labels map[string]int
	run    stream // the rules of one module that are being added
	ran    int    // where the run before it ended
	mixed  bool   // a rule is for another architecture than the native one
	forest *forest
	from   provenances

	counts, shares, heads, tails, names, ops, versions, label, arches, streams bytes.Buffer
}

// stream is a run of rules [from, to) for one module stream.
type stream struct{ from, to, label int }

func (c *compiler) columns() (map[int][]byte, error) {
	columns, err := c.forest.columns()
	if err != nil {
		return nil, err
	}
	c.from.columns(columns)
	c.endRun()
	c.endTrees()
	if c.mixed {
		columns[secArches] = c.arches.Bytes()
	}
	for kind, col := range map[int]*bytes.Buffer{secCounts: &c.counts, secHeads: &c.heads, secTails: &c.tails, secNames: &c.names,
		secOps: &c.ops, secVersions: &c.versions, secShares: &c.shares, secLabels: &c.label, secStreams: &c.streams} {
		columns[kind] = col.Bytes()
	}
	return columns, nil
}

func (c *compiler) add(d *Definition) error {
	if !plain(string(d.ID)) || len(d.ID) > maxID {
		return patch.Errorf(patch.Invalid, "a definition cannot be called %q", d.ID)
	}
	rules, isSet := c.packageSet(d)
	if !isSet {
		c.trees++
		c.forest.plant(treesOf(d))
		return nil
	}
	c.endTrees()
	head, tail := c.head, ""
	if fromArchive(d.ID) {
		head, tail = splitID(d.ID)
	}
	k := shared(c.head, head)
	c.shares.Write([]byte{byte(k), byte(len(head) - k)})
	c.heads.WriteString(head[k:])
	if c.head != head {
		c.tail = ""
	}
	putShared(&c.tails, c.tail, tail)
	c.head, c.tail = head, tail
	c.counts.Write(binary.AppendUvarint(nil, uint64(len(rules))))
	source := head[strings.LastIndexByte(head, '/')+1:]
	for i, r := range rules {
		previous := PackageRule{}
		if i > 0 {
			previous = rules[i-1]
		}
		if r.Name == previous.Name {
			c.names.WriteByte(0)
		} else {
			putName(&c.names, source, r.Name)
		}
		c.putVersion(tail, previous.Version, r.Version)
		c.putArch(r.Arch)
		c.putModule(r.Module)
		c.from.add(r.From)
		c.rules++
	}
	return nil
}

// endTrees counts the definitions with trees that have come one after the other.
func (c *compiler) endTrees() {
	if c.trees > 0 {
		c.counts.Write(uvarints(0, c.trees-1))
	}
	c.trees = 0
}

// packageSet gives the sorted rules of a definition that fits the compact shape, their architectures as scheme.arch gives them.
func (c *compiler) packageSet(d *Definition) ([]PackageRule, bool) {
	if d.Unclear != "" || len(d.Packages) == 0 {
		return nil, false
	}
	rules := make([]PackageRule, 0, len(d.Packages))
	for _, r := range d.Packages {
		if !r.usable() {
			return nil, false
		}
		r.Arch, r.Module = c.scheme.arch(c.os, r.Arch), streamOf(r.Module, r.Version)
		rules = append(rules, r)
	}
	rules = sortedRules(rules)
	for _, r := range rules {
		if !c.known(r.Arch, 255) || !c.known(r.Module, maxLabels) {
			return nil, false
		}
	}
	return rules, true
}

// known gives a label its number, and reports whether there is one below limit.
func (c *compiler) known(label string, limit int) bool {
	if label == "" {
		return true
	}
	n, ok := c.labels[label]
	if !ok && len(c.labels) < limit {
		n = len(c.labels)
		c.labels[label] = n
		c.label.WriteString(label)
		c.label.WriteByte(0)
		return true
	}
	return ok && n < limit
}

func (c *compiler) putArch(arch string) {
	if arch == archNative {
		c.arches.WriteByte(0)
		return
	}
	c.mixed = true
	c.arches.WriteByte(byte(c.labels[arch] + 1))
}

// putModule notes the module of rule number c.rules.
func (c *compiler) putModule(module string) {
	if module == "" {
		return
	}
	label := c.labels[module]
	if c.run.to != c.rules || c.run.label != label || c.run.to == 0 {
		c.endRun()
		c.run = stream{from: c.rules, label: label}
	}
	c.run.to = c.rules + 1
}

func (c *compiler) endRun() {
	if r := c.run; r.to > r.from {
		c.streams.Write(uvarints(r.from-c.ran, r.to-r.from-1, r.label))
		c.ran = r.to
	}
	c.run = stream{}
}

// sortedRules gives the rules by name, architecture, module and version, each once.
func sortedRules(rules []PackageRule) []PackageRule {
	sorted := slices.SortedFunc(slices.Values(rules), func(a, b PackageRule) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Version, b.Version))
	})
	return slices.Compact(sorted)
}

func (c *compiler) putVersion(tail, previous, v string) {
	switch v {
	case tail:
		c.ops.WriteByte(opTail)
	case previous:
		c.ops.WriteByte(opPrevious)
	default:
		c.ops.WriteByte(opText)
		putShared(&c.versions, tail, v)
	}
}

// treesOf gives prerequisite and installed tree that a definition means where it does not fit the compact shape.
func treesOf(d *Definition) [2]Expr {
	unclear := func(text string) [2]Expr {
		e := Expr{Op: OpUnclear, Text: clip(text)}
		return [2]Expr{e, e}
	}
	switch {
	case d.Unclear != "":
		return unclear(d.Unclear)
	case len(d.Packages) > 0:
		for _, r := range d.Packages {
			if !r.usable() {
				return unclear("the vendor's index names a package, architecture, module or version that cannot be one")
			}
		}
		p, i := PackageSet(sortedRules(d.Packages))
		return [2]Expr{p, i}
	case d.Installed == nil:
		return unclear("the definition does not say how to tell whether it is installed")
	case d.Prerequisite == nil:
		return [2]Expr{And(), *d.Installed}
	}
	return [2]Expr{*d.Prerequisite, *d.Installed}
}

// usable reports whether the format can hold the rule.
func (r *PackageRule) usable() bool {
	return plain(r.Name) && plain(r.Version) && (r.Arch == "" || plain(r.Arch)) && (r.Module == "" || plain(r.Module))
}

// fromArchive tells an ID that is made of suite, source package and version: names and versions of the rules are like those.
func fromArchive(id patch.ID) bool { return strings.Count(string(id), "/") > 1 }

// splitID cuts an ID at its last slash.
func splitID(id patch.ID) (head, tail string) {
	i := max(0, strings.LastIndexByte(string(id), '/'))
	return string(id[:i]), strings.TrimPrefix(string(id[i:]), "/")
}

// plain reports whether s can stand in a text column: printable ASCII, not empty, not long.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s != "" && len(s) <= maxText
}

// clip makes any text fit a text column.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxText)]
}

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && n < maxShare && a[n] == b[n] {
		n++
	}
	return n
}

// putShared writes s by what it shares with the beginning of reference.
func putShared(b *bytes.Buffer, reference, s string) {
	if k := shared(reference, s); k > 0 {
		b.WriteByte(byte(shareMark + k))
		s = s[k:]
	}
	b.WriteString(s)
	b.WriteByte(0)
}

// putName writes a binary package's name by way of its source's name.
func putName(b *bytes.Buffer, source, name string) {
	if i := strings.Index(name, source); i >= 0 && source != "" {
		b.WriteString(name[:i])
		b.WriteByte(sourceMark)
		name = name[i+len(source):]
	}
	b.WriteString(name)
	b.WriteByte(0)
}
