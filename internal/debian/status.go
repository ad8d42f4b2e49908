package debian

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of the package database: the largest real ones have under 10,000 packages and 20 MB.
const (
	MaxStatus         = 96 << 20
	maxStatusPackages = 100_000
	maxProvides       = 64 << 10  // of one package; some of Rust's have 20 kB
	statusChunk       = 128 << 10 // read at a time: a buffer that stays in the processor's cache, where a whole database does not
)

// statusFields are the fields of a status paragraph that decide anything here.
type statusFields struct {
	seen                                          bool // the paragraph has begun
	name, status, arch, version, source, provides []byte
}

// ParseStatus reads dpkg's status database. It is all or nothing: a database that is empty, cut off or garbled is an error that says
// where. Packages that are not installed at all are left out; a version that is no version is kept as it is. The result is sorted by
// name, then architecture.
func ParseStatus(r io.Reader) ([]patch.Package, error) {
	out := make([]patch.Package, 0, 1<<10)
	err := readStatus(r, func(p patch.Package, known bool) error {
		if known {
			out = append(out, p)
		}
		if len(out) > maxStatusPackages {
			return fault("it names more than %d packages", maxStatusPackages)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(out, byName) {
		slices.SortStableFunc(out, byName)
	}
	for i := 1; i < len(out); i++ {
		if byName(out[i-1], out[i]) == 0 {
			return nil, fault("it has two entries for %s:%s", out[i].Name, out[i].Arch)
		}
	}
	return out, nil
}

// readStatus goes over all paragraphs of a database. Each ends with an empty line, the last one too.
func readStatus(r io.Reader, each func(p patch.Package, known bool) error) error {
	b := make([]byte, 0, statusChunk)
	blank, lines, total := true, 0, 0
	for {
		n, err := io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		if total += n; total > MaxStatus {
			return fault("it is larger than %d MiB", MaxStatus>>20)
		}
		whole := 0 // up to where entries are complete
		if at := bytes.LastIndex(b, []byte("\n\n")); at >= 0 {
			whole = at + len("\n\n")
		}
		blank = blank && len(bytes.TrimSpace(b)) == 0
		switch end := err == io.EOF || err == io.ErrUnexpectedEOF; {
		case err != nil && !end:
			return err
		case end && blank:
			return fault("it is empty")
		case end && len(bytes.TrimLeft(b[whole:], "\n")) > 0:
			return fault("it is cut off: its last entry, that of %s, is not complete", short(lastPackage(b[whole:])))
		case end:
			_, err := scanStatus(b, lines, each)
			return err
		}
		if lines, err = scanStatus(b[:whole], lines, each); err != nil {
			return err
		}
		if b = b[:copy(b, b[whole:])]; len(b) > maxParagraph {
			return fault("an entry is larger than %d MiB", maxParagraph>>20)
		}
		b = slices.Grow(b, statusChunk/2)
	}
}

// ParseStatusUpdate reads one file of dpkg's updates directory, which holds what dpkg has not yet merged into the status database,
// because it is running or was killed, and gives packages with it merged in.
func ParseStatusUpdate(b []byte, packages []patch.Package) ([]patch.Package, error) {
	_, err := scanStatus(b, 0, func(p patch.Package, known bool) error {
		at, found := slices.BinarySearchFunc(packages, p, byName)
		switch {
		case found && known:
			packages[at] = p
		case found:
			packages = slices.Delete(packages, at, at+1)
		case known:
			packages = slices.Insert(packages, at, p)
		}
		return nil
	})
	return packages, err
}

// ParseStatusPart reads one file of a status.d directory, where images without a package manager describe one package each, often
// without the line that says that it is installed.
func ParseStatusPart(b []byte, packages []patch.Package) ([]patch.Package, error) {
	if !bytes.HasPrefix(b, []byte("Status:")) && !bytes.Contains(b, []byte("\nStatus:")) {
		b = append([]byte("Status: install ok installed\n"), b...)
	}
	return ParseStatusUpdate(b, packages)
}

func byName(a, b patch.Package) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
}

// scanStatus goes over all paragraphs of a text that begins behind some lines, and gives how many lines there are now; known is false for
// a package that dpkg only remembers.
func scanStatus(b []byte, line int, each func(p patch.Package, known bool) error) (lines int, err error) {
	var f statusFields
	for len(b) > 0 {
		line++
		end := bytes.IndexByte(b, '\n')
		text := b
		if end >= 0 {
			text, b = b[:end], b[end+1:]
		} else {
			b = nil
		}
		if len(text) > 0 && !f.take(text) {
			return line, fault("line %d is not a field: %s", line, short(text))
		}
		if (len(text) == 0 || len(b) == 0) && f.seen {
			p, known, err := f.entry()
			if err != nil {
				return line, patch.Errorf(patch.Invalid, "the entry that ends at line %d: %w", line, err)
			}
			if err := each(p, known); err != nil {
				return line, err
			}
			f = statusFields{}
		}
	}
	return line, nil
}

// take reads one line of a paragraph.
func (f *statusFields) take(line []byte) bool {
	switch c := line[0]; {
	case c == ' ' || c == '\t':
		return f.seen
	case c == '#':
		return true
	}
	f.seen = true
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return false
	}
	var to *[]byte
	switch name := line[:colon]; {
	case is(name, "Package"):
		to = &f.name
	case is(name, "Status"):
		to = &f.status
	case is(name, "Architecture"):
		to = &f.arch
	case is(name, "Version"):
		to = &f.version
	case is(name, "Source"):
		to = &f.source
	case is(name, "Provides"):
		to = &f.provides
	default:
		return bytes.IndexByte(name, 0) < 0
	}
	if *to != nil {
		return false // twice
	}
	*to = trimField(line[colon+1:])
	return true
}

// is compares field names, which are ASCII, whatever their case.
func is(name []byte, field string) bool {
	return len(name) == len(field) && (string(name) == field || strings.EqualFold(string(name), field))
}

func trimField(b []byte) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == 0 }
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// entry judges a paragraph that is complete.
func (f *statusFields) entry() (p patch.Package, known bool, err error) {
	if !ValidName(string(f.name)) {
		return p, false, fault("%s is not a package name", short(f.name))
	}
	want, flag, state, ok := splitStatus(string(f.status))
	if !ok {
		return p, false, fault("the status of %s is not a status: %s", f.name, short(f.status))
	}
	if state == "not-installed" {
		return patch.Package{Name: string(f.name), Arch: string(f.arch)}, false, nil
	}
	if !ValidArch(string(f.arch)) {
		return p, false, fault("the architecture of %s is none: %s", f.name, short(f.arch))
	}
	p = patch.Package{Name: string(f.name), Arch: string(f.arch), Version: clean(f.version, 256), Held: want == "hold"}
	p.State = packageState(flag, state)
	p.Provides = clean(f.provides, maxProvides)
	p.Source, p.SourceVersion = p.Name, p.Version
	if len(f.source) > 0 {
		p.Source = clean(f.source, 256)
		if name, rest, ok := strings.Cut(p.Source, " ("); ok {
			p.Source, p.SourceVersion = name, strings.TrimSuffix(rest, ")")
		}
	}
	return p, true, nil
}

func splitStatus(s string) (want, flag, state string, ok bool) {
	if s == "install ok installed" { // nearly always
		return "install", "ok", "installed", true
	}
	words := strings.Fields(s)
	if len(words) != 3 || !slices.Contains([]string{"install", "hold", "deinstall", "purge", "unknown"}, words[0]) ||
		!slices.Contains([]string{"ok", "reinstreq"}, words[1]) {
		return "", "", "", false
	}
	return words[0], words[1], words[2], slices.Contains([]string{"not-installed", "config-files", "half-installed", "unpacked",
		"half-configured", "triggers-awaited", "triggers-pending", "installed"}, words[2])
}

func packageState(flag, state string) patch.PackageState {
	switch {
	case flag == "reinstreq":
		return patch.Broken
	case state == "installed" || state == "triggers-awaited" || state == "triggers-pending":
		return patch.Installed
	case state == "config-files":
		return patch.Removed
	}
	return patch.Broken
}

// clean makes hostile bytes storable text: no NUL, no control character, valid UTF-8, bounded.
func clean(b []byte, limit int) string {
	if len(b) <= limit && !slices.ContainsFunc(b, func(c byte) bool { return c < 0x20 || c >= 0x7f }) {
		return string(b)
	}
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

// lastPackage names the package that a cut-off database begins to describe.
func lastPackage(b []byte) string {
	for line := range bytes.Lines(b) {
		if name, ok := bytes.CutPrefix(line, []byte("Package:")); ok {
			return clean(bytes.TrimSpace(name), 60)
		}
	}
	return "unknown"
}
