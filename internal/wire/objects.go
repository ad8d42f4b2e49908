package wire

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
)

// appendObject appends what encoding/json makes of a collected object, byte for byte: a machine may have tens of thousands, and they are
// hashed at each detect.
func appendObject(b []byte, c *patch.Collected) []byte {
	b = appendText(append(b, `{"class":`...), c.Class)
	b = appendText(append(b, `,"key":`...), c.Key)
	b = appendText(append(b, `,"flag":`...), string(c.Flag))
	b = appendGiven(b, `,"message":`, c.Message)
	if len(c.Fields) > 0 {
		b = appendList(append(b, `,"fields":`...), c.Fields, func(b []byte, s *string) []byte { return appendText(b, *s) })
	}
	if len(c.Items) > 0 {
		b = appendList(append(b, `,"items":`...), c.Items, appendItem)
	}
	return append(b, '}')
}

func appendItem(b []byte, it *patch.Item) []byte {
	b = append(b, '{')
	if it.Status != "" {
		b = append(appendText(append(b, `"status":`...), string(it.Status)), ',')
	}
	b = append(b, `"fields":`...)
	if it.Fields == nil {
		return append(b, "null}"...)
	}
	return append(appendList(b, it.Fields, appendField), '}')
}

func appendField(b []byte, f *patch.Field) []byte {
	b = appendText(append(b, `{"name":`...), f.Name)
	b = appendGiven(b, `,"type":`, f.Type)
	b = appendGiven(b, `,"status":`, string(f.Status))
	b = appendGiven(b, `,"value":`, f.Value)
	if len(f.Record) > 0 {
		b = appendList(append(b, `,"record":`...), f.Record, appendField)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, all []T, one func([]byte, *T) []byte) []byte {
	b = append(b, '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, &all[i])
	}
	return append(b, ']')
}

// appendGiven appends a member that is left out where it is empty.
func appendGiven(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, name...), s)
}

// appendText appends a string; encoding/json itself where it is more than printable ASCII.
func appendText(b []byte, s string) []byte {
	before, from := len(b), 0
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= utf8.RuneSelf || c == '<' || c == '>' || c == '&' || c == 0x7f:
			quoted, _ := json.Marshal(s) // a string cannot fail
			return append(b[:before], quoted...)
		case c == '"' || c == '\\':
			b = append(append(b, s[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, s[from:]...), '"')
}
