package catalog

import (
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// maxClauses bounds the different clauses of one list; Debian has 150,000.
const maxClauses = 1 << 20

// asks is what a package asks of others and stands for, as its index has it: members with commas between; or as rpm's metadata have it.
type asks struct {
	depends, breaks, provides string
	rpm                       detect.Asks
}

// told stands first among what an rpm provides of which its repository tells: of others nothing is known.
const told = "."

// fields are the members of the three in the order in which they are kept.
func (a *asks) fields() [3][]string {
	if w := a.rpm.Words; w != nil {
		words := func(numbers []uint32) []string {
			out := make([]string, len(numbers))
			for i, n := range numbers {
				out[i] = (*w)[n]
			}
			return out
		}
		return [3][]string{words(a.rpm.Requires), words(a.rpm.Conflicts), append([]string{told}, words(a.rpm.Provides)...)}
	}
	return [3][]string{members(a.depends), members(a.breaks), members(a.provides)}
}

func members(field string) []string {
	var out []string
	for m := range strings.SplitSeq(field, ",") {
		if m = strings.TrimSpace(m); m != "" {
			out = append(out, m)
		}
	}
	return out
}

// asks fills the columns of what packages ask of others. Most clauses stand in many packages.
func (c columns) asks(all []made) {
	var clauses []string
	numbers := map[string]uint64{}
	for i := range all {
		start := len(c[pAsks])
		for k := range all[i].files {
			for _, found := range all[i].files[k].asks.fields() {
				c.number(pAsks, uint64(len(found)))
				for _, m := range found {
					n, known := numbers[m]
					if !known {
						n = uint64(len(clauses))
						numbers[m], clauses = n, append(clauses, m)
					}
					c.number(pAsks, n)
				}
			}
		}
		c.number(pAsking, uint64(len(c[pAsks])-start))
	}
	c.number(pClause, uint64(len(clauses)))
	for _, m := range clauses {
		c.text(pClause, m)
	}
}

// askIndex is the decoded columns of what packages ask; the zero value knows nothing.
type askIndex struct {
	rpm     bool
	clauses []string
	text    string
	ends    []uint32 // where in text each patch's part ends
}

func decodeAsks(os patch.HostOS, patches int, clauses, lengths, text cursor) (x askIndex, err error) {
	x.rpm = version.Of(os) == version.RPM
	x.text, x.clauses = text.rest, make([]string, clauses.count(min(maxClauses, len(clauses.rest))))
	for i := range x.clauses {
		x.clauses[i] = clauses.text()
	}
	x.ends = make([]uint32, patches)
	var end uint64
	for i := range x.ends {
		if end += lengths.number(); end > uint64(len(x.text)) {
			return askIndex{}, errFormat
		}
		x.ends[i] = uint32(end)
	}
	if !clauses.done() || !lengths.done() || end != uint64(len(x.text)) {
		return askIndex{}, errFormat
	}
	return x, nil
}

// of gives what the files of patch i ask; nil where nothing is known of it.
func (x *askIndex) of(i int, files []patch.Payload) ([]patch.Asking, error) {
	if i >= len(x.ends) {
		return nil, nil
	}
	start := uint32(0)
	if i > 0 {
		start = x.ends[i-1]
	}
	c := cursor{rest: x.text[start:x.ends[i]]}
	out := make([]patch.Asking, len(files))
	for k := range out {
		out[k].Payload = files[k]
		out[k].Depends, out[k].Breaks = x.clausesOf(&c), x.clausesOf(&c)
		provides, between := x.clausesOf(&c), ", "
		if x.rpm {
			between = "\n"
			if out[k].Untold = len(provides) == 0; !out[k].Untold {
				provides = provides[1:]
			}
		}
		out[k].Provides = strings.Join(provides, between)
	}
	if !c.done() {
		return nil, errFormat
	}
	return out, nil
}

func (x *askIndex) clausesOf(c *cursor) []string {
	out := make([]string, 0, c.count(len(c.rest)))
	for range cap(out) {
		out = append(out, pick(c, x.clauses, c.number()))
	}
	return out
}
