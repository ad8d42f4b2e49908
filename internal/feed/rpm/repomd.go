package rpm

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// MaxRepomd bounds a repomd.xml in bytes; the largest real one has 12 KB.
const MaxRepomd = 1 << 20

const maxDataFiles = 100

// Repomd is a repository's index, repodata/repomd.xml: it vouches for every other metadata file.
type Repomd struct {
	Revision string
	// Dated is when the repository was made: its revision, where that is a time as usual, else its newest file's.
	Dated time.Time
	// Distros are the CPE names of the systems that it is for: "cpe:/o:almalinux:almalinux:9".
	Distros []string
	Data    []DataFile
}

// DataFile is one metadata file of a repository.
type DataFile struct {
	Type     string // "primary", "updateinfo", "modules"
	Location string // below the repository's address: "repodata/…-primary.xml.gz"
	SHA256   patch.Hash
	Size     int64 // bytes as served; 0: not said
	OpenSize int64 // bytes when decompressed; 0: not said
	// OpenSHA256 is the sum of the decompressed bytes; empty: not said.
	OpenSHA256 patch.Hash
	Dated      time.Time
}

// Find gives the file of a type.
func (r *Repomd) Find(kind string) (DataFile, bool) {
	for _, d := range r.Data {
		if d.Type == kind {
			return d, true
		}
	}
	return DataFile{}, false
}

// ParseRepomd reads a repomd.xml. Files that have no usable SHA-256 or location are an error where they are ones that Fettle reads.
func ParseRepomd(r io.Reader) (Repomd, error) {
	var out Repomd
	s := newScanner(io.LimitReader(r, MaxRepomd), "repomd.xml", "repomd")
	var d *DataFile
	for {
		e, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Repomd{}, err
		}
		switch {
		case !e.end && e.name == "data" && s.parent(&e) == "repomd":
			if len(out.Data) == maxDataFiles {
				return Repomd{}, s.fault(fmt.Errorf("it lists more than %d files", maxDataFiles))
			}
			out.Data = append(out.Data, DataFile{Type: word(e.attr("type"))})
			d = &out.Data[len(out.Data)-1]
		case e.end && e.name == "data":
			d = nil
		case d != nil:
			d.read(&e, s)
		case e.end && e.name == "revision":
			out.Revision = word(e.text)
		case !e.end && e.name == "distro" && len(out.Distros) < maxDataFiles:
			out.Distros = append(out.Distros, word(e.attr("cpeid")))
		}
	}
	for _, d := range out.Data {
		if err := d.check(); err != nil {
			return Repomd{}, s.fault(err)
		}
	}
	out.date()
	return out, nil
}

func (d *DataFile) read(e *event, s *scanner) {
	switch e.name {
	case "location":
		if !e.end {
			d.Location = e.attr("href")
		}
	case "checksum", "open-checksum":
		if !e.end {
			s.checksum = e.attr("type")
		} else if s.checksum == "sha256" {
			if e.name == "checksum" {
				d.SHA256 = patch.Hash(strings.ToLower(e.text))
			} else {
				d.OpenSHA256 = patch.Hash(strings.ToLower(e.text))
			}
		}
	case "size", "open-size", "timestamp":
		if n, err := strconv.ParseFloat(e.text, 64); e.end && err == nil && n > 0 && n < 1<<50 {
			switch e.name {
			case "size":
				d.Size = int64(n)
			case "open-size":
				d.OpenSize = int64(n)
			default:
				d.Dated = time.Unix(int64(n), 0).UTC()
			}
		}
	}
}

func (d *DataFile) check() error {
	switch d.Type {
	case typePrimary, typeUpdateinfo, typeModules:
	default:
		return nil
	}
	switch {
	case !d.SHA256.Valid():
		return fmt.Errorf("it gives no SHA-256 for %s", d.Type)
	case d.OpenSHA256 != "" && !d.OpenSHA256.Valid():
		return fmt.Errorf("the open-checksum of %s is none", d.Type)
	case !cleanPath(d.Location):
		return fmt.Errorf("the location of %s is outside of the repository", d.Type)
	}
	return nil
}

// cleanPath tells whether a location stays below the repository's address.
func cleanPath(p string) bool {
	return p != "" && word(p) == p && !strings.ContainsAny(p, `\?#%:`) && !strings.HasPrefix(p, "/") && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../")
}

func (r *Repomd) date() {
	// A revision of fewer digits is a counter, not seconds since 1970.
	if n, err := strconv.ParseInt(r.Revision, 10, 64); err == nil && n > 100_000_000 && n < 1<<40 {
		r.Dated = time.Unix(n, 0).UTC()
		return
	}
	for _, d := range r.Data {
		if d.Dated.After(r.Dated) {
			r.Dated = d.Dated
		}
	}
}
