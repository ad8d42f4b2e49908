package installer

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/richardlehane/mscfb"

	"github.com/fettle-project/fettle/internal/patch"
)

const (
	maxStreams = 4096
	maxStream  = 4 << 20 // of each of an MSI's tables that are read
)

// identifyMSI reads an MSI's properties, and its architecture from its summary. An MSI is a compound file (MS-CFB) whose streams are tables;
// its string pool holds every text once, and tables refer to them by number.
func identifyMSI(f io.ReaderAt) (a Agent, err error) {
	defer func() {
		if p := recover(); p != nil { // of the library, over a file that lies about itself
			err = patch.Errorf(patch.Invalid, "it is not an MSI: its parts do not fit together")
		}
	}()
	streams, err := readStreams(f)
	if err != nil {
		return a, err
	}
	texts, wide, err := stringPool(streams["\u4840_StringPool"], streams["\u4840_StringData"])
	if err != nil {
		return a, err
	}
	properties, err := propertyTable(streams["\u4840Property"], texts, wide)
	if err != nil {
		return a, err
	}
	if !strings.EqualFold(properties["UpgradeCode"], upgradeCode) {
		return a, patch.Errorf(patch.Invalid, "it is the MSI of %q", properties["ProductName"])
	}
	a = Agent{OS: "windows", Format: MSI, Version: properties["ProductVersion"]}
	platform, _, _ := strings.Cut(summaryTemplate(streams["SummaryInformation"]), ";")
	a.Arch = map[string]string{"x64": "amd64", "Arm64": "arm64"}[platform]
	if a.Arch == "" {
		a.Arch = platform
	}
	return a, nil
}

// readStreams reads the streams that say what an MSI is, by their decoded names; what holds files is not read.
func readStreams(f io.ReaderAt) (map[string][]byte, error) {
	doc, err := mscfb.New(f)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "it is not an MSI: %w", err)
	}
	out := map[string][]byte{}
	for range maxStreams {
		e, err := doc.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, patch.Errorf(patch.Invalid, "it is not an MSI: %w", err)
		}
		name := streamName(e.Name)
		switch name {
		case "\u4840_StringPool", "\u4840_StringData", "\u4840Property", "SummaryInformation":
		default:
			continue
		}
		b, err := io.ReadAll(io.LimitReader(e, maxStream+1))
		if err != nil || len(b) > maxStream {
			return nil, patch.Errorf(patch.Invalid, "it is not an MSI: its table %s cannot be read", strings.TrimPrefix(name, "\u4840"))
		}
		out[name] = b
	}
	return nil, patch.Errorf(patch.Invalid, "it is not an MSI of the agent: it has more than %d streams", maxStreams)
}

// streamName undoes the packing of two of 64 characters into one of 0x3800–0x47ff; 0x4840 in front of a name says that it is a table's.
func streamName(packed string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
	var b strings.Builder
	for _, r := range packed {
		switch {
		case r >= 0x3800 && r < 0x4800:
			b.WriteByte(alphabet[(r-0x3800)&0x3f])
			b.WriteByte(alphabet[(r-0x3800)>>6])
		case r >= 0x4800 && r < 0x4840:
			b.WriteByte(alphabet[r-0x4800])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// stringPool gives the texts by number, and whether tables refer to them with three bytes.
func stringPool(pool, data []byte) (texts []string, wide bool, err error) {
	broken := patch.Errorf(patch.Invalid, "it is not an MSI: its texts cannot be read")
	if len(pool) < 4 {
		return nil, false, broken
	}
	wide = binary.LittleEndian.Uint16(pool[2:])&0x8000 != 0
	texts = []string{""}
	for rest := pool[4:]; len(rest) >= 4; rest = rest[4:] {
		size, uses := uint32(binary.LittleEndian.Uint16(rest)), binary.LittleEndian.Uint16(rest[2:])
		if size == 0 && uses != 0 { // a long one: its size fills an entry of its own
			if rest = rest[4:]; len(rest) < 4 {
				return nil, false, broken
			}
			size = binary.LittleEndian.Uint32(rest)
		}
		if int64(size) > int64(len(data)) {
			return nil, false, broken
		}
		texts, data = append(texts, string(data[:size])), data[size:]
	}
	return texts, wide, nil
}

// propertyTable reads a table of two texts a row, which is kept column by column.
func propertyTable(table []byte, texts []string, wide bool) (map[string]string, error) {
	size := 2
	if wide {
		size = 3
	}
	rows := len(table) / (2 * size)
	text := func(cell int) (string, bool) {
		b := table[cell*size:]
		n := int(b[0]) | int(b[1])<<8
		if wide {
			n |= int(b[2]) << 16
		}
		if n >= len(texts) {
			return "", false
		}
		return texts[n], true
	}
	out := map[string]string{}
	for i := range rows {
		name, ok := text(i)
		value, also := text(rows + i)
		if !ok || !also {
			return nil, patch.Errorf(patch.Invalid, "it is not an MSI: its properties cannot be read")
		}
		out[name] = value
	}
	return out, nil
}

// summaryTemplate gives property 7 of a summary (MS-OLEPS 2.21), such as "x64;1033"; "" where there is none.
func summaryTemplate(summary []byte) string {
	at := func(b []byte, n uint32) uint32 {
		if int64(n)+4 > int64(len(b)) {
			return 0
		}
		return binary.LittleEndian.Uint32(b[n:])
	}
	start := at(summary, 44)
	if start == 0 || int64(start) > int64(len(summary)) {
		return ""
	}
	section := summary[start:]
	for i := range min(at(section, 4), 64) {
		if at(section, 8+8*i) != 7 {
			continue
		}
		value := at(section, 12+8*i)
		size := at(section, value+4)
		if value == 0 || at(section, value) != 30 || int64(value)+8+int64(size) > int64(len(section)) {
			return ""
		}
		return strings.TrimRight(string(section[value+8:][:size]), "\x00")
	}
	return ""
}
