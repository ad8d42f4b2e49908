package web

import "bytes"

// unitsOf begins with the first byte of each short unit that numbers stand before.
var unitsOf = [256][]string{'B': {"B"}, 'k': {"kB"}, 'M': {"MB"}, 'G': {"GB"}, 'T': {"TB"}, 'P': {"PB"}, 'm': {"ms", "min"}, 's': {"s"}, 'h': {"h"}, '%': {"%"}}

// asTyped are the elements whose text is copied, sent back or read by scripts: it stays as it is.
var asTyped = []string{"pre", "code", "textarea", "option", "script", "style", "title", "time"}

// together keeps each number and its unit on one line, wherever a page's text has them: 101 ms never ends one line and begins the next. Whoever
// formats them need not know that they come into a page; in a terminal and in files the blank is a blank.
func together(page []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(page); i++ {
		switch c := page[i]; {
		case c == '<':
			end := bytes.IndexByte(page[i:], '>')
			if end < 0 {
				i = len(page)
				break
			}
			for _, name := range asTyped {
				if opens(page[i+1:], name) {
					if close := bytes.Index(page[i:], []byte("</"+name)); close > end {
						end = close - 1
					}
				}
			}
			i += end
		case c == ' ' && i > 0 && digit(page[i-1]) && unitAt(page[i+1:]):
			out = append(append(out, page[from:i]...), "\u00a0"...)
			from = i + 1
		}
	}
	if from == 0 {
		return page
	}
	return append(out, page[from:]...)
}

// opens reports whether a tag's inside, which begins here, is of an element of that name.
func opens(tag []byte, name string) bool {
	return len(tag) > len(name) && string(tag[:len(name)]) == name && !letter(tag[len(name)])
}

// unitAt reports whether a text begins with a unit that ends there.
func unitAt(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	for _, u := range unitsOf[text[0]] {
		if len(text) >= len(u) && string(text[:len(u)]) == u && (len(text) == len(u) || !letter(text[len(u)])) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// letter reports whether a byte goes on with a word.
func letter(c byte) bool {
	return digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80 || c == '-' || c == '_'
}
