package apk

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// record is one paragraph of "X:value" lines, of which each letter occurs once; an installed package's lines about its folders and
// files (F, M, R, a, Z) are skipped.
type record struct {
	pkg  Package
	seen bool
	kept int // bytes kept so far, over all records
}

// scan goes over all paragraphs of r, which blank lines end. The last one needs its blank line where whole is set.
func scan(r io.Reader, whole bool, each func(Package) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), maxLine)
	var rec record
	count := 0
	done := func() error {
		if rec.pkg.Name == "" || rec.pkg.Version == "" {
			return fault("an entry lacks its name or version, near %s", short(rec.pkg.Name+rec.pkg.Version))
		}
		if rec.pkg.Origin == "" {
			rec.pkg.Origin = rec.pkg.Name
		}
		if count++; count > maxPackages {
			return fault("it names more than %d packages", maxPackages)
		}
		p := rec.pkg
		rec = record{kept: rec.kept}
		return each(p)
	}
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line != "" {
			if err := rec.take(line); err != nil {
				return fault("line %d: %v", n, err)
			}
		} else if rec.seen {
			if err := done(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fault("it cannot be read to its end: %v", err)
	}
	switch {
	case rec.seen && whole:
		return fault("it is cut off: its last entry, that of %s, is not complete", short(rec.pkg.Name))
	case rec.seen:
		return done()
	}
	return nil
}

func (r *record) take(line string) error {
	if len(line) < 2 || line[1] != ':' {
		return fault("it is not a field: %s", short(line))
	}
	r.seen = true
	value := line[2:]
	field := r.field(line[0])
	switch {
	case field != nil && *field != "":
		return fault("the field %c comes twice in one entry", line[0])
	case field != nil:
		*field = strings.Clone(value)
	case line[0] == 'p':
		r.pkg.Provides = strings.Fields(value)
		r.kept += 16 * len(r.pkg.Provides)
	case line[0] == 'f':
		r.pkg.Broken = strings.ContainsAny(value, "fsx")
		return nil
	case line[0] == 't':
		r.pkg.Built, _ = strconv.ParseInt(value, 10, 64)
		return nil
	default:
		return nil
	}
	if r.kept += len(line); r.kept > maxKept {
		return fault("its names and versions take more than %d MiB", maxKept>>20)
	}
	return nil
}

func (r *record) field(letter byte) *string {
	switch letter {
	case 'P':
		return &r.pkg.Name
	case 'V':
		return &r.pkg.Version
	case 'A':
		return &r.pkg.Arch
	case 'o':
		return &r.pkg.Origin
	}
	return nil
}
