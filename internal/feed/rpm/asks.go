package rpm

import "github.com/fettle-project/fettle/internal/detect"

// maxAsked bounds the memory for what a repository's packages ask of others, in bytes. Of packages that come after it is used up nothing is known.
const maxAsked = 16 << 20

// asks keeps what packages ask of others: most of it stands in many packages.
type asks struct {
	words   *[]string
	numbers map[string]uint32
	used    int
}

// take moves what a package asks into the shared form.
func (a *asks) take(p *Package) {
	requires, conflicts, provides := p.Requires, p.Conflicts, p.Provides
	p.Requires, p.Conflicts, p.Provides = nil, nil, nil
	if p.Untold || a.used > maxAsked {
		return
	}
	asks := detect.Asks{Requires: a.of(requires), Conflicts: a.of(conflicts), Provides: a.of(provides)}
	asks.Words = a.words
	p.Asks = &asks
	a.used += 88
}

func (a *asks) of(all []string) []uint32 {
	if a.numbers == nil {
		a.numbers, a.words = map[string]uint32{}, new([]string)
	}
	var out []uint32
	for _, s := range all {
		n, known := a.numbers[s]
		if !known {
			n = uint32(len(*a.words))
			a.numbers[s], *a.words = n, append(*a.words, s)
			a.used += 72 + len(s)
		}
		out = append(out, n)
	}
	a.used += 4 * len(out)
	return out
}
