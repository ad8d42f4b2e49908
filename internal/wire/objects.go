package wire

import (
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

// What is here appends what encoding/json makes of facts, byte for byte: a machine has thousands of packages, may have tens of thousands of
// objects, and all are hashed at each detect.

func appendPackage(b []byte, p *patch.Package) []byte {
	b = AppendText(append(b, `{"name":`...), p.Name)
	b = AppendText(append(b, `,"arch":`...), p.Arch)
	b = AppendText(append(b, `,"version":`...), p.Version)
	b = AppendText(append(b, `,"source":`...), p.Source)
	b = AppendText(append(b, `,"source_version":`...), p.SourceVersion)
	b = AppendText(append(b, `,"state":`...), string(p.State))
	if p.Held {
		b = append(b, `,"held":true`...)
	}
	b = AppendGiven(b, `,"module":`, p.Module)
	b = AppendGiven(b, `,"signer":`, p.Signer)
	b = AppendGiven(b, `,"provides":`, p.Provides)
	return append(b, '}')
}

// AppendObject appends the JSON of an object.
func AppendObject(b []byte, c *patch.Collected) []byte {
	b = AppendText(append(b, `{"class":`...), c.Class)
	b = AppendText(append(b, `,"key":`...), c.Key)
	b = AppendText(append(b, `,"flag":`...), string(c.Flag))
	b = AppendGiven(b, `,"message":`, c.Message)
	if len(c.Fields) > 0 {
		b = appendList(append(b, `,"fields":`...), c.Fields, func(b []byte, s *string) []byte { return AppendText(b, *s) })
	}
	if len(c.Items) > 0 {
		b = appendList(append(b, `,"items":`...), c.Items, appendItem)
	}
	return append(b, '}')
}

func appendItem(b []byte, it *patch.Item) []byte {
	b = append(b, '{')
	if it.Status != "" {
		b = append(AppendText(append(b, `"status":`...), string(it.Status)), ',')
	}
	b = append(b, `"fields":`...)
	if it.Fields == nil {
		return append(b, "null}"...)
	}
	return append(appendList(b, it.Fields, appendField), '}')
}

func appendField(b []byte, f *patch.Field) []byte {
	b = AppendText(append(b, `{"name":`...), f.Name)
	b = AppendGiven(b, `,"type":`, f.Type)
	b = AppendGiven(b, `,"status":`, string(f.Status))
	b = AppendGiven(b, `,"value":`, f.Value)
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

// AppendGiven appends a member that is left out where it is empty.
func AppendGiven(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return AppendText(append(b, name...), s)
}

// Characters of ASCII that stand in JSON as they are, a bit each: the printable ones without `"`, `&`, `<`, `>` and `\`. One look a byte: a
// machine's objects are megabytes of text.
const (
	plainLow  = 0xafffffbb_00000000
	plainHigh = 0x7fffffff_efffffff
)

// AppendText appends the JSON of a string; encoding/json itself where it is more than printable ASCII.
func AppendText(b []byte, s string) []byte {
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
