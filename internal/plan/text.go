package plan

import (
	"encoding/json"
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// What is here appends what encoding/json would make of a plan's deed, byte for byte: a large fleet's plan is megabytes, made anew whenever it is
// looked at, and hashed each time. Which vendor index vouches for a file is left out, because its bytes are named by their hash, and so are the words
// that go with an outcome.

// deeds remembers what was made of an item: thousands of machines have the same one.
type deeds struct{ items map[itemKey][]byte }

// itemKey is equal for items of the same deed. Packages are told apart by where they stand: they are worked out once for machines that need the same.
type itemKey struct {
	id              patch.ID
	title, decision string
	first           *patch.PlanPackage
	packages        int
	outcome         patch.Outcome
	restart         string
}

func (d deeds) appendItem(b []byte, it *patch.PlanItem) []byte {
	if len(it.Packages) == 0 {
		return appendItem(b, it)
	}
	k := itemKey{it.Patch, it.Title, it.Decision, &it.Packages[0], len(it.Packages), it.Outcome, it.Restart}
	text, known := d.items[k]
	if !known {
		text = appendItem(nil, it)
		d.items[k] = text
	}
	return append(b, text...)
}

// appendMachine appends the JSON of what a plan does on one machine.
func (d deeds) appendMachine(b []byte, m *patch.MachinePlan) []byte {
	b = wire.AppendText(append(b, `{"machine":`...), string(m.Machine))
	b = wire.AppendText(append(b, `,"os":`...), string(m.OS))
	b = append(b, `,"items":`...)
	for i := range m.Items {
		b = d.appendItem(append(b, begins(i)), &m.Items[i])
	}
	b = strconv.AppendInt(append(b, `],"expected":{"bytes":`...), m.Expected.Bytes, 10)
	b = strconv.AppendInt(append(b, `,"seconds":`...), int64(m.Expected.Seconds), 10)
	b = appendTrue(b, `,"restart":true`, m.Expected.Restart)
	if m.Expected.Why != "" {
		b = wire.AppendText(append(b, `,"why":`...), m.Expected.Why.String())
	}
	return append(b, "}}"...)
}

func appendItem(b []byte, it *patch.PlanItem) []byte {
	b = wire.AppendText(append(b, `{"patch":`...), string(it.Patch))
	b = wire.AppendText(append(b, `,"title":`...), it.Title)
	b = wire.AppendText(append(b, `,"decision":`...), it.Decision)
	b = append(b, `,"packages":`...)
	for i := range it.Packages {
		b = appendPackage(append(b, begins(i)), &it.Packages[i])
	}
	switch {
	case it.Packages == nil:
		b = append(b, "null"...)
	case len(it.Packages) == 0:
		b = append(b, "[]"...)
	default:
		b = append(b, ']')
	}
	b = wire.AppendGiven(b, `,"outcome":`, string(it.Outcome))
	b = wire.AppendGiven(b, `,"restart":`, it.Restart)
	return append(b, '}')
}

func appendPackage(b []byte, p *patch.PlanPackage) []byte {
	b = wire.AppendText(append(b, `{"name":`...), p.Name)
	b = wire.AppendText(append(b, `,"arch":`...), p.Arch)
	b = wire.AppendGiven(b, `,"from":`, p.From)
	b = wire.AppendText(append(b, `,"version":`...), p.Version)
	b = wire.AppendText(append(b, `,"sha256":`...), string(p.SHA256))
	b = strconv.AppendInt(append(b, `,"size":`...), p.Size, 10)
	b = append(b, `,"origin":{"suite":"","component":"","arch":"","release":"","index":"","index_path":"","dated":"0001-01-01T00:00:00Z"}`...)
	b = appendTrue(b, `,"beside":true`, p.Beside)
	if len(p.Replaces) > 0 {
		b = appendRare(append(b, `,"replaces":`...), p.Replaces)
	}
	b = appendTrue(b, `,"back":true`, p.Back)
	if p.Setup != nil {
		b = appendRare(append(b, `,"setup":`...), p.Setup)
	}
	return append(b, '}')
}

// begins is what stands before a list's element.
func begins(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

func appendTrue(b []byte, member string, is bool) []byte {
	if is {
		b = append(b, member...)
	}
	return b
}

// appendRare leaves to encoding/json what few plans have; nothing of it can fail to be JSON.
func appendRare(b []byte, v any) []byte {
	text, _ := json.Marshal(v)
	return append(b, text...)
}
