package debian

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	arMagic    = "!<arch>\n"
	maxMembers = 64
)

// arReader reads the members of a .deb, an ar archive with plain names.
type arReader struct {
	r       io.Reader
	member  io.LimitedReader
	padding int64
	seen    int
	started bool
}

// next goes to the next member; io.EOF after the last one. The member's bytes are read from a.member.
func (a *arReader) next() (name string, err error) {
	if !a.started {
		a.started = true
		magic := make([]byte, len(arMagic))
		if _, err := io.ReadFull(a.r, magic); err != nil || string(magic) != arMagic {
			return "", fault("it is no .deb: it does not begin as one")
		}
	} else if _, err := io.CopyN(io.Discard, a.r, a.member.N+a.padding); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if a.seen++; a.seen > maxMembers {
		return "", fault("the .deb has more than %d members", maxMembers)
	}
	var head [60]byte
	if _, err := io.ReadFull(a.r, head[:]); errors.Is(err, io.EOF) {
		return "", io.EOF
	} else if err != nil {
		return "", fault("the .deb is cut off: %w", err)
	}
	size, err := strconv.ParseInt(strings.TrimRight(string(head[48:58]), " "), 10, 64)
	if err != nil || size < 0 || string(head[58:]) != "`\n" {
		return "", fault("the .deb has a malformed member header")
	}
	a.member = io.LimitedReader{R: a.r, N: size}
	a.padding = size & 1
	return strings.TrimSuffix(strings.TrimRight(string(head[:16]), " "), "/"), nil
}
