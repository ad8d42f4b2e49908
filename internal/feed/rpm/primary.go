package rpm

import (
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// MaxMetadata bounds a decompressed metadata file in bytes; the largest real one has 400 MB.
const MaxMetadata = 1 << 30

const (
	maxPackages  = 1_000_000
	maxRelations = 512 // kept of one package
	maxAsks      = 4096
)

// Package is one build in a repository's primary.xml.
type Package struct {
	NEVRA
	Summary   string
	Source    string // file name of its source package: "bash-5.1.8-9.el9.src.rpm"; empty for a source package
	Location  string // below the repository's address
	SHA256    patch.Hash
	Size      int64 // bytes of the file
	Filed     time.Time
	Obsoletes []Relation
	// Siblings are the names of packages that it requires in one exact version: nearly always those built from the same source.
	Siblings []string
	// Requires, Conflicts and Provides are capabilities as rpm writes them: "libfoo >= 2.1", "(a if b)". Provided programs are there as
	// "bin/name"; what every package provides by itself, and notes about what is bundled, are not.
	Requires, Conflicts, Provides []string
	// Untold: not all of them could be kept, so nothing follows from what is missing there.
	Untold bool
	Asks   *detect.Asks // these, once they are taken over; nil where nothing is known
	// Unclear says why the entry cannot be used.
	Unclear string
}

// Relation is a dependency: a name and which versions of it. Without Flags any version is meant.
type Relation struct {
	Name  string
	Flags string // "EQ", "LT", "LE", "GT", "GE"
	EVR   EVR
}

// Packages reads a primary.xml. An entry that contradicts itself is given with Unclear set; a file that is no well-formed primary.xml
// ends with an error.
func Packages(r io.Reader) iter.Seq2[Package, error] {
	return func(yield func(Package, error) bool) {
		s := newScanner(r, "primary.xml", "metadata")
		var p *Package
		n := 0
		for {
			e, err := s.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Package{}, err)
				return
			case !e.end && e.name == "package" && s.parent(&e) == "metadata":
				if n++; n > maxPackages {
					yield(Package{}, s.fault(errors.New("it lists too many packages")))
					return
				}
				p = &Package{}
			case p == nil:
			case e.end && e.name == "package":
				p.check()
				if !yield(*p, nil) {
					return
				}
				p = nil
			case e.end:
				p.readText(&e, s)
			default:
				p.readAttrs(&e, s)
			}
		}
	}
}

func (p *Package) readText(e *event, s *scanner) {
	switch s.parent(e) + "/" + e.name {
	case "package/name":
		p.Name = word(e.text)
	case "package/arch":
		p.Arch = word(e.text)
	case "package/summary":
		p.Summary = line(e.text)
	case "package/checksum":
		if s.checksum == "sha256" {
			p.SHA256 = patch.Hash(strings.ToLower(word(e.text)))
		}
	case "format/sourcerpm":
		p.Source = word(e.text)
	case "format/file":
		if program, ok := capability.Program(e.text); ok {
			p.tell(&p.Provides, word(program))
		}
	}
}

func (p *Package) readAttrs(e *event, s *scanner) {
	switch s.parent(e) + "/" + e.name {
	case "package/version":
		p.EVR = evrOf(e)
	case "package/checksum":
		s.checksum = e.attr("type")
	case "package/location":
		p.Location = strings.Clone(e.attr("href"))
		if e.attr("base") != "" {
			p.Location = "" // elsewhere: not a file that this repository vouches for
		}
	case "package/size":
		p.Size, _ = strconv.ParseInt(e.attr("package"), 10, 64)
	case "package/time":
		if n, err := strconv.ParseInt(e.attr("file"), 10, 64); err == nil && n > 0 && n < 1<<40 {
			p.Filed = time.Unix(n, 0).UTC()
		}
	case "obsoletes/entry":
		if name := word(e.attr("name")); name != "" && len(p.Obsoletes) < maxRelations {
			p.Obsoletes = append(p.Obsoletes, Relation{Name: name, Flags: word(e.attr("flags")), EVR: evrOf(e)})
		}
	case "provides/entry":
		if r := related(e); r.Op != "" && r.Version == p.EVR.String() && capability.Own(p.Name, r.Name) || capability.Bundled(r.Name) {
			return
		}
		p.tell(&p.Provides, asked(e))
	case "conflicts/entry":
		p.tell(&p.Conflicts, asked(e))
	case "requires/entry":
		p.tell(&p.Requires, asked(e))
		if e.attr("flags") != "EQ" || len(p.Siblings) == maxRelations {
			return
		}
		name, _, _ := strings.Cut(e.attr("name"), "(")
		if name = word(name); name != "" {
			p.Siblings = append(p.Siblings, name)
		}
	}
}

// tell keeps a capability; where that cannot be, it is not forgotten that there is one.
func (p *Package) tell(all *[]string, s string) {
	if s == "" || len(*all) == maxAsks {
		p.Untold = true
		return
	}
	*all = append(*all, s)
}

// related is the relation of an entry, in the operators of patch.Relation; one that rpm would not understand either has none.
func related(e *event) patch.Relation {
	r := patch.Relation{Name: e.attr("name"), Op: opOf(e.attr("flags"))}
	if v := evrOf(e); r.Op != "" && v.Version != "" {
		r.Version = v.String()
	} else {
		r.Op = ""
	}
	return r
}

// asked writes an entry as rpm does; empty where it cannot be kept.
func asked(e *event) string {
	r := related(e)
	if strings.HasPrefix(r.Name, "(") {
		return sentence(r.Name)
	}
	if word(r.Name) == "" || len(r.Version) > 256 || r.Version != "" && word(r.Version) == "" {
		return ""
	}
	return capability.Written(r)
}

// sentence keeps an expression as it is, if it can be one.
func sentence(s string) string {
	if len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return ""
	}
	return strings.Clone(s)
}

func opOf(flags string) string {
	switch flags {
	case "LT":
		return "<"
	case "LE":
		return "<="
	case "EQ":
		return "="
	case "GE":
		return ">="
	case "GT":
		return ">"
	}
	return ""
}

func evrOf(e *event) EVR {
	return EVR{Epoch: word(e.attr("epoch")), Version: word(e.attr("ver")), Release: word(e.attr("rel"))}
}

func (p *Package) check() {
	switch {
	case p.Name == "" || p.Arch == "":
		p.Unclear = "the repository lists a package without a usable name or architecture"
	case !p.EVR.valid():
		p.Unclear = "the repository gives " + p.Name + " no usable version"
	}
	if !p.SHA256.Valid() || !cleanPath(p.Location) || p.Size <= 0 {
		p.SHA256, p.Location, p.Size = "", "", 0
	}
}

// sourceName splits the file name of a source package into name and version.
func (p *Package) sourceName() (string, EVR) {
	if n, ok := ParseNEVRA(strings.TrimSuffix(p.Source, ".rpm")); ok {
		n.Epoch = p.Epoch // file names have none; nearly always the source has its packages' epoch
		return n.Name, n.EVR
	}
	return p.Name, p.EVR
}

// kept is about how many bytes of memory the entry takes.
func (p *Package) kept() int {
	n := 320 + len(p.Name) + len(p.Version) + len(p.Release) + len(p.Source) + len(p.Location) + len(p.Summary) + len(p.SHA256)
	for _, o := range p.Obsoletes {
		n += 80 + len(o.Name) + len(o.EVR.Version) + len(o.EVR.Release)
	}
	for _, s := range p.Siblings {
		n += 16 + len(s)
	}
	return n
}

// line makes one short line of a vendor's text.
func line(s string) string {
	const short = 300
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '�' {
			return ' '
		}
		return r
	}, s[:min(len(s), short)])
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
}
