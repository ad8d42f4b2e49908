package rpm

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
)

const (
	maxAdvisories   = 500_000
	maxRows         = 30_000 // packages of one advisory; the largest real one has 6,000
	maxReferences   = 10_000
	typePrimary     = "primary"
	typeUpdateinfo  = "updateinfo"
	typeModules     = "modules"
	statusRetracted = "retracted"
)

// Advisory is one <update> of an updateinfo.xml.
type Advisory struct {
	ID, Title        string
	Type             string // "security", "bugfix", "enhancement", "newpackage"
	Severity, Status string // the vendor's words
	Issued, Updated  time.Time
	CVEs             []string
	Rows             []Row
	Reboot           bool // the vendor suggests a reboot
	Unclear          string
}

// Row is one fixed build of an advisory.
type Row struct {
	NEVRA
	Source string // file name of the source package, where given
	// Module is the module stream ("nodejs:18") of the collection that lists it, empty for none.
	Module string
}

// Advisories reads an updateinfo.xml. An advisory that cannot be understood is given with Unclear set; a file that is no well-formed
// updateinfo.xml ends with an error.
func Advisories(r io.Reader) iter.Seq2[Advisory, error] {
	return func(yield func(Advisory, error) bool) {
		s := newScanner(r, "updateinfo.xml", "updates")
		a := &reading{}
		n := 0
		for {
			e, err := s.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Advisory{}, err)
				return
			case !e.end && e.name == "update" && s.parent(&e) == "updates":
				if n++; n > maxAdvisories {
					yield(Advisory{}, s.fault(errors.New("it lists too many advisories")))
					return
				}
				a = &reading{open: true}
				a.Type, a.Status = word(e.attr("type")), word(e.attr("status"))
			case !a.open:
			case e.end && e.name == "update":
				a.open = false
				a.check()
				if !yield(a.Advisory, nil) {
					return
				}
			case e.end:
				a.readText(&e, s)
			default:
				a.readAttrs(&e, s)
			}
		}
	}
}

// reading is an advisory whose end has not been read.
type reading struct {
	Advisory
	open   bool
	module string
}

func (a *reading) readText(e *event, s *scanner) {
	switch s.parent(e) + "/" + e.name {
	case "update/id":
		a.ID = word(e.text)
	case "update/title":
		a.Title = line(e.text)
	case "update/severity":
		a.Severity = word(e.text)
	case "package/filename":
		if n := len(a.Rows); n > 0 && a.Rows[n-1].Arch == "" {
			if f, ok := ParseNEVRA(strings.TrimSuffix(e.text, ".rpm")); ok {
				a.Rows[n-1].Arch = word(f.Arch)
			}
		}
	case "package/reboot_suggested", "update/reboot_suggested":
		a.Reboot = a.Reboot || e.text != "0" && !strings.EqualFold(e.text, "false")
	}
}

func (a *reading) readAttrs(e *event, s *scanner) {
	switch s.parent(e) + "/" + e.name {
	case "update/issued":
		a.Issued = date(e.attr("date"))
	case "update/updated":
		a.Updated = date(e.attr("date"))
	case "references/reference":
		if id := word(e.attr("id")); strings.HasPrefix(id, "CVE-") && len(a.CVEs) < maxReferences {
			a.CVEs = append(a.CVEs, id)
		}
	case "pkglist/collection":
		a.module = ""
	case "collection/module":
		if a.module = word(e.attr("name") + ":" + e.attr("stream")); a.module == "" || e.attr("name") == "" || e.attr("stream") == "" {
			a.Unclear = "it is about a module without a usable name and stream"
		}
	case "collection/package":
		a.addRow(e)
	}
}

func (a *reading) addRow(e *event) {
	if len(a.Rows) == maxRows {
		a.Unclear = fmt.Sprintf("it lists more than %d packages", maxRows)
		return
	}
	r := Row{Module: a.module, Source: word(e.attr("src"))}
	r.Name, r.Arch = word(e.attr("name")), word(e.attr("arch"))
	r.EVR = EVR{Epoch: word(e.attr("epoch")), Version: word(e.attr("version")), Release: word(e.attr("release"))}
	switch {
	case r.Name == "":
		a.Unclear = "it lists a package without a usable name"
	case !r.EVR.valid():
		a.Unclear = "it gives no usable version for " + r.Name
	}
	if r.Module == "" && advisory.ModularRelease(r.Release) {
		r.Module = advisory.AnyStream
	}
	a.Rows = append(a.Rows, r)
}

func (a *reading) check() {
	if a.ID == "" && a.Unclear == "" {
		a.Unclear = "it has no usable identifier"
	}
}

func (a *Advisory) kept() int {
	n := 320 + len(a.ID) + len(a.Title)
	for _, c := range a.CVEs {
		n += 16 + len(c)
	}
	for i := range a.Rows {
		n += 160 + len(a.Rows[i].Name) + len(a.Rows[i].Version) + len(a.Rows[i].Release) + len(a.Rows[i].Source)
	}
	return n
}

// date reads the times that vendors write: "2024-05-01 00:00:00", RFC 3339, seconds since 1970.
func date(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.DateTime, time.RFC3339, time.DateOnly, time.DateTime + " MST", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<40 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}
