package patch

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// What a page of the ledger says a hundred times is written without reflection: byte for byte as json.Marshal writes it.

// Appender appends itself so.
type Appender interface {
	AppendJSON(b []byte) ([]byte, error)
}

// AppendString appends a JSON string.
func AppendString[T ~string](b []byte, s T) []byte {
	b = append(b, '"')
	return quoted(append(b, s...), len(b))
}

// AppendPhrase appends a phrase as it is in JSON.
func AppendPhrase(b []byte, p phrase.Phrase) []byte {
	b = append(b, '"')
	return quoted(p.AppendEnglish(b), len(b))
}

// quoted ends the string that begins behind its quotation mark. What needs escaping is rare, and left to those who know how.
func quoted(b []byte, from int) []byte {
	for _, c := range b[from:] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(string(b[from:])) // of a string it does not fail
			return append(b[:from-1], text...)
		}
	}
	return append(b, '"')
}

// AppendTime appends a time.
func AppendTime(b []byte, t time.Time) ([]byte, error) {
	b, err := t.AppendText(append(b, '"'))
	return append(b, '"'), err
}

// appendList appends the items of an array, of which there are some.
func appendList[T any](b []byte, items []T, item func([]byte, *T) []byte) []byte {
	next := byte('[')
	for i := range items {
		b = item(append(b, next), &items[i])
		next = ','
	}
	return append(b, ']')
}

func appendStrings[T ~string](b []byte, items []T) []byte {
	return appendList(b, items, func(b []byte, s *T) []byte { return AppendString(b, *s) })
}

// AppendPatch appends a patch as json.Marshal gives it. It is no method: what embeds a patch would have it too, and lose its own members.
func AppendPatch(b []byte, p *Patch) (_ []byte, err error) {
	b = AppendString(append(b, `{"id":`...), p.ID)
	b = AppendString(append(b, `,"title":`...), p.Title)
	b = AppendString(append(b, `,"source":`...), p.Source)
	b = AppendString(append(b, `,"version":`...), p.Version)
	b = AppendString(append(b, `,"suite":`...), p.Suite)
	b = AppendString(append(b, `,"category":`...), p.Category)
	if p.Severity != "" {
		b = AppendString(append(b, `,"severity":`...), p.Severity)
	}
	if p.CVSS != 0 {
		score, err := json.Marshal(p.CVSS)
		if err != nil {
			return b, err
		}
		b = append(append(b, `,"cvss":`...), score...)
	}
	if len(p.CVEs) > 0 {
		b = appendStrings(append(b, `,"cves":`...), p.CVEs)
	}
	if p.Advisory != "" {
		b = AppendString(append(b, `,"advisory":`...), p.Advisory)
	}
	if !p.Released.IsZero() {
		if b, err = AppendTime(append(b, `,"released":`...), p.Released); err != nil {
			return b, err
		}
	}
	if len(p.Supersedes) > 0 {
		b = appendStrings(append(b, `,"supersedes":`...), p.Supersedes)
	}
	if len(p.Payloads) > 0 {
		b = appendList(append(b, `,"payloads":`...), p.Payloads, func(b []byte, f *Payload) []byte {
			b = AppendString(append(b, `{"name":`...), f.Name)
			b = AppendString(append(b, `,"arch":`...), f.Arch)
			b = AppendString(append(b, `,"version":`...), f.Version)
			return append(strconv.AppendInt(append(b, `,"size":`...), f.Size, 10), '}')
		})
	}
	return append(b, '}'), nil
}

// AppendReason appends a reason as json.Marshal gives it.
func AppendReason(b []byte, r *Reason) []byte {
	b = AppendString(append(b, `{"code":`...), r.Code)
	b = AppendPhrase(append(b, `,"text":`...), r.Text)
	if len(r.Clauses) > 0 {
		b = appendList(append(b, `,"clauses":`...), r.Clauses, func(b []byte, c *Clause) []byte {
			b = append(b, '{')
			if c.Subject != "" {
				b = append(AppendString(append(b, `"subject":`...), c.Subject), ',')
			}
			b = AppendPhrase(append(b, `"expected":`...), c.Expected)
			b = AppendPhrase(append(b, `,"seen":`...), c.Seen)
			if c.From != "" {
				b = AppendPhrase(append(b, `,"from":`...), c.From)
			}
			return append(b, '}')
		})
	}
	return append(b, '}')
}
