package sdp

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded gives the UTF-8 of a document that begins with a byte order mark, and other documents as they are.
func decoded(in io.Reader) io.Reader {
	b := bufio.NewReaderSize(in, 32<<10)
	head, _ := b.Peek(3)
	switch {
	case len(head) >= 2 && head[0] == 0xff && head[1] == 0xfe:
		_, _ = b.Discard(2)
		return &wide{in: b, low: 0}
	case len(head) >= 2 && head[0] == 0xfe && head[1] == 0xff:
		_, _ = b.Discard(2)
		return &wide{in: b, low: 1}
	case len(head) == 3 && string(head) == "\xef\xbb\xbf":
		_, _ = b.Discard(3)
	}
	return b
}

// wide turns UTF-16 into UTF-8.
type wide struct {
	in   *bufio.Reader
	low  int // which byte of two is the low one
	rest []byte
	err  error
}

func (w *wide) Read(p []byte) (int, error) {
	for len(w.rest) == 0 && w.err == nil {
		r := rune(0)
		if r, w.err = w.unit(); w.err != nil {
			break
		}
		if utf16.IsSurrogate(r) {
			second, err := w.unit()
			if err != nil {
				second, w.err = utf8.RuneError, err
			}
			r = utf16.DecodeRune(r, second)
		}
		w.rest = utf8.AppendRune(w.rest[:0], r)
	}
	if len(w.rest) == 0 {
		return 0, w.err
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wide) unit() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(w.in, b[:]); err != nil {
		return 0, err
	}
	return rune(b[w.low]) | rune(b[1-w.low])<<8, nil
}
