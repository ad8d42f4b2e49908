package advisory

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Limits. The security tracker's list of CVEs has 25 MB, Ubuntu's database of notices 60 MB; one notice of a kernel 0.5 MB.
const (
	maxFile    = 512 << 20 // plain bytes of one file
	maxNotice  = 4 << 20
	maxLine    = 256 << 10
	maxMembers = 200_000
	maxKept    = 40 << 20 // bytes of memory that all notes may take
	maxCVEs    = 4096
)

// Result is what a file says.
type Result struct {
	Notes []patch.Note
	// Skipped is how many notices could not be understood.
	Skipped int
	kept    int
}

// Read reads one file; name tells by its ending whether it is compressed. Which of the formats it has is told by its beginning.
func Read(name string, r io.Reader) (Result, error) {
	var out Result
	in := bufio.NewReaderSize(debian.Decompress(name, r, maxFile), 64<<10)
	err := out.read(in)
	return out, err
}

// ReadZip reads all JSON files of a zip, as OSV databases are published.
func ReadZip(at io.ReaderAt, size int64) (Result, error) {
	var out Result
	z, err := zip.NewReader(at, size)
	if err != nil {
		return out, patch.Errorf(patch.Invalid, "this is not a zip file: %w", err)
	}
	if len(z.File) > maxMembers {
		return out, patch.Errorf(patch.Exhausted, "the zip has more than %d files", maxMembers)
	}
	left := int64(maxFile)
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		if left <= 0 {
			return out, patch.Errorf(patch.Exhausted, "the zip holds more than %d bytes", maxFile)
		}
		m, err := f.Open()
		if err != nil {
			return out, patch.Errorf(patch.Invalid, "cannot read %.80q: %w", f.Name, err)
		}
		limited := &io.LimitedReader{R: m, N: min(maxNotice, left)}
		before := limited.N
		err = out.json(bufio.NewReader(limited))
		left -= before - limited.N
		m.Close()
		if patch.KindOf(err) == patch.Exhausted {
			return out, err
		}
		if err != nil {
			out.Skipped++
		}
	}
	return out, nil
}

func (out *Result) read(in *bufio.Reader) error {
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		}
		if err := in.UnreadByte(); err != nil {
			return err
		}
		if c == '{' || c == '"' {
			return out.json(in)
		}
		if next, _ := in.Peek(2); c == '[' && len(next) == 2 && strings.IndexByte("{ \t\r\n]", next[1]) >= 0 {
			return out.json(in)
		}
		return out.list(in)
	}
}

// add keeps a note if its package and version can be ones.
func (out *Result) add(n patch.Note) error {
	if !debian.ValidName(n.Source) || n.Version != "" && !debian.ValidVersion(n.Version) || n.Version == "" && n.Severity == patch.NotGiven && n.CVSS == 0 {
		return nil
	}
	n.Advisory, n.Title, n.Release = word(n.Advisory), sentence(n.Title), word(n.Release)
	out.kept += 200 + len(n.Source) + len(n.Version) + len(n.Title) + len(n.Advisory) + 16*len(n.CVEs)
	if out.kept > maxKept {
		return patch.Errorf(patch.Exhausted, "the advisories need more than %d bytes of memory", maxKept)
	}
	out.Notes = append(out.Notes, n)
	return nil
}

// cveOf finds the CVE that an identifier is or contains: "UBUNTU-CVE-2024-1234".
func cveOf(id string) (string, bool) {
	i := strings.Index(id, "CVE-")
	if i < 0 || len(id) > 40 {
		return "", false
	}
	year, number, ok := strings.Cut(id[i+4:], "-")
	const digits = "0123456789"
	if !ok || len(year) != 4 || len(number) < 4 || strings.Trim(year+number, digits) != "" {
		return "", false
	}
	return id[i:], true
}

func word(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// sentence makes a title safe for one line.
func sentence(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "")
	}
	return s
}

// severity puts the trackers' words into ours.
func severity(s string) patch.Severity {
	switch strings.ToLower(strings.TrimRight(s, "*")) {
	case "unimportant", "negligible", "low":
		return patch.Low
	case "medium":
		return patch.Medium
	case "high":
		return patch.High
	case "critical":
		return patch.Critical
	}
	return patch.NotGiven
}
