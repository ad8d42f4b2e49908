package wire

import (
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

// What is here appends what encoding/json makes of facts, byte for byte: a machine has thousands of packages, may have tens of thousands of
// objects, and all are hashed at each detect.

func appendPackage(b []byte, p *patch.Package) []byte {
	b = appendText(append(b, `{"name":`...), p.Name)
	b = appendText(append(b, `,"arch":`...), p.Arch)
	b = appendText(append(b, `,"version":`...), p.Version)
	b = appendText(append(b, `,"source":`...), p.Source)
	b = appendText(append(b, `,"source_version":`...), p.SourceVersion)
	b = appendText(append(b, `,"state":`...), string(p.State))
	if p.Held {
		b = append(b, `,"held":true`...)
	}
	b = appendGiven(b, `,"module":`, p.Module)
	b = appendGiven(b, `,"signer":`, p.Signer)
	b = appendGiven(b, `,"provides":`, p.Provides)
	return append(b, '}')
}

// AppendObject appends the JSON of an object.
func AppendObject(b []byte, c *patch.Collected) []byte {
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

// Characters of ASCII that stand in JSON as they are, a bit each: the printable ones without `"`, `&`, `<`, `>` and `\`. One look a byte: a
// machine's objects are megabytes of text.
const (
	plainLow  = 0xafffffbb_00000000
	plainHigh = 0x7fffffff_efffffff
)

// appendText appends a string; encoding/json itself where it is more than printable ASCII.
func appendText(b []byte, s string) []byte {
	before, from := len(b), 0
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		mask := uint64(plainLow)
		if c >= 64 {
			mask = plainHigh
		}
		switch {
		case c < 0x80 && mask>>(c&63)&1 != 0:
		case c == '"' || c == '\\':
			b = append(append(b, s[from:i]...), '\\')
			from = i
		default:
			quoted, _ := json.Marshal(s) // a string cannot fail
			return append(b[:before], quoted...)
		}
	}
	return append(append(b, s[from:]...), '"')
}
