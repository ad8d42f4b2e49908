package detect

import (
	"bytes"
	"strings"
)

// texts are many short texts, kept as one.
type texts struct {
	all  string
	ends []int32
}

func (x *texts) len() int { return len(x.ends) }

func (x *texts) at(n int32) string {
	if n == 0 {
		return x.all[:x.ends[0]]
	}
	return x.all[x.ends[n-1]:x.ends[n]]
}

// put adds a text and gives its number.
func (x *texts) put(s string) int32 {
	x.all += s
	x.ends = append(x.ends, int32(len(x.all)))
	return int32(len(x.ends) - 1)
}

// open reads a text column whose entries refer to the one before, after first.
func (x *texts) open(col []byte, first ...string) bool {
	var all strings.Builder
	all.Grow(min(len(col)*5/4, maxRaw/2))
	x.ends = make([]int32, 0, len(first)+min(bytes.Count(col, []byte{0}), maxEntries))
	for _, s := range first {
		all.WriteString(s)
		x.ends = append(x.ends, int32(all.Len()))
	}
	start := all.Len() // of the previous text
	for at := 0; at < len(col); {
		before := all.Len()
		if !unshare(col, &at, all.String()[start:], &all) || len(x.ends) == maxEntries || all.Len() > maxRaw/2 {
			return false
		}
		x.ends, start = append(x.ends, int32(all.Len())), before
	}
	x.all = all.String()
	return true
}

// unshare appends the next entry of a text column, which may share its beginning with reference.
func unshare(col []byte, at *int, reference string, to *strings.Builder) bool {
	n := bytes.IndexByte(col[*at:], 0)
	if n < 0 {
		return false
	}
	entry, k := col[*at:*at+n], 0
	*at += n + 1
	if n > 0 && entry[0] >= shareMark {
		k, entry = int(entry[0]-shareMark), entry[1:]
	}
	if k > len(reference) || k+len(entry) > maxText {
		return false
	}
	to.WriteString(reference[:k])
	to.Write(entry)
	return true
}

// writeTexts writes a text column whose entries refer to the one before.
func writeTexts(all []string) []byte {
	var col bytes.Buffer
	previous := ""
	for _, s := range all {
		putShared(&col, previous, s)
		previous = s
	}
	return col.Bytes()
}
