package detect

import (
	"cmp"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Arrange gives the order in which definitions take the least room and time: which one comes first, and so on. Those of archives follow
// their IDs, which are made of source and version; of the others those follow each other that ask about like things. The order does not
// depend on the one given.
func Arrange(defs []Definition) []int {
	keys, order := make([]string, len(defs)), make([]int, len(defs))
	for i := range defs {
		order[i] = i
		switch d := &defs[i]; {
		case len(d.Packages) == 0 || d.Unclear != "":
			pair := treesOf(d)
			keys[i] = "\x02" + pair[1].leaf()
		case !fromArchive(d.ID):
			keys[i] = "\x01" + firstRule(d.Packages)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(defs[a].ID, defs[b].ID)) })
	return order
}

// firstRule gives the package rule that comes first by name.
func firstRule(rules []PackageRule) string {
	r := slices.MinFunc(rules, func(a, b PackageRule) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return r.Name + "\x00" + r.Version
}

// leaf names what an expression's last test asks about.
func (e *Expr) leaf() string {
	for range maxDepth {
		if len(e.Of) == 0 {
			break
		}
		e = &e.Of[len(e.Of)-1]
	}
	if t := e.Test.Items; t != nil && t.Object != nil && len(t.Object.Entities) > 0 {
		var words []string
		for _, x := range t.Object.Entities {
			words = append(words, x.Value)
		}
		for _, s := range t.States {
			for _, x := range s.Entities {
				words = append(words, x.Value)
			}
		}
		return strings.Join(words, "\x00")
	}
	return e.Test.Name + "\x00" + e.Test.Operand
}

// namesOf sums up what definitions are called, in their order.
func namesOf(n int, id func(i int) patch.ID) uint32 {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for i := range n {
		_, _ = sum.Write(append([]byte(id(i)), 0))
	}
	return sum.Sum32()
}
