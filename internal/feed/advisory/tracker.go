package advisory

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// entry is one entry of the tracker's lists: an advisory or a CVE, at the left edge, with indented lines under it.
//
//	[29 Mar 2023] DSA-5380-1 xorg-server - security update
//		{CVE-2023-1393}
//		[bullseye] - xorg-server 2:1.20.11-1+deb11u6
//	CVE-2023-1393 (A flaw was found …)
//		{DSA-5380-1 DLA-3377-1}
//		- xorg-server 2:21.1.7-2 (bug #1; medium)
//		[bullseye] - xorg-server <no-dsa> (Minor issue)
type entry struct {
	note patch.Note // as far as the first line tells
	cves []string
	rows []row
	bad  bool
}

// row says in which version a source package of a release has the fix.
type row struct {
	release, source, version string
	severity                 patch.Severity
}

// list reads data/DSA/list, data/DLA/list or data/CVE/list.
func (out *Result) list(in *bufio.Reader) error {
	var e *entry
	for {
		line, err := readLine(in)
		if len(line) > 0 && line[0] != ' ' && line[0] != '\t' {
			if fail := out.finish(e); fail != nil {
				return fail
			}
			e = heading(line)
		} else if e != nil {
			e.take(strings.TrimSpace(line))
		}
		if errors.Is(err, io.EOF) {
			return out.finish(e)
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads a line and forgets what of it is beyond the limit.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return strings.TrimRight(string(line), "\r\n"), err
		}
	}
}

// heading begins an entry. What is neither an advisory nor a CVE has no entry.
func heading(line string) *entry {
	if strings.HasPrefix(line, "CVE-") {
		id, _, _ := strings.Cut(line, " ")
		cve, ok := cveOf(id)
		return &entry{cves: []string{cve}, bad: !ok || cve != id}
	}
	date, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	id, title, _ := strings.Cut(rest, " ")
	if !ok || line[0] != '[' || !(strings.HasPrefix(id, "DSA-") || strings.HasPrefix(id, "DLA-")) {
		return &entry{bad: true}
	}
	e := &entry{note: patch.Note{Advisory: id, Title: title}}
	if _, after, ok := strings.Cut(title, " - "); ok {
		e.note.Title = after
	}
	if issued, err := time.Parse("2 Jan 2006", date); err == nil {
		e.note.Issued = issued
	}
	return e
}

// take reads an indented line.
func (e *entry) take(line string) {
	release := ""
	switch {
	case strings.HasPrefix(line, "{"):
		for id := range strings.FieldsSeq(strings.Trim(line, "{}")) {
			if cve, ok := cveOf(id); ok && len(e.cves) < maxCVEs {
				e.cves = append(e.cves, cve)
			}
		}
		return
	case strings.HasPrefix(line, "["):
		var ok bool
		if release, line, ok = strings.Cut(line[1:], "] "); !ok {
			return
		}
	}
	line, ok := strings.CutPrefix(line, "- ")
	words := strings.Fields(line)
	if !ok || len(words) < 2 || len(e.rows) == maxCVEs {
		return
	}
	r := row{release: release, source: words[0]}
	if words[1][0] != '<' {
		r.version = words[1]
	}
	_, remarks, _ := strings.Cut(line, "(")
	for remark := range strings.SplitSeq(strings.TrimSuffix(remarks, ")"), ";") {
		if s := severity(strings.TrimSpace(remark)); s != patch.NotGiven {
			r.severity = s
		}
	}
	e.rows = append(e.rows, r)
}

// finish makes an entry's notes: one for each release that has the fix, and what a CVE is rated at for each package.
func (out *Result) finish(e *entry) error {
	if e == nil {
		return nil
	}
	if e.bad {
		out.Skipped++
		return nil
	}
	for _, r := range e.rows {
		n := e.note
		n.Source, n.Severity, n.CVEs = r.source, r.severity, e.cves
		if r.release != "" && r.version != "" {
			n.Release, n.Version = r.release, r.version
			if err := out.add(n); err != nil {
				return err
			}
		}
		if r.severity != patch.NotGiven && n.Advisory == "" {
			if err := out.add(patch.Note{Source: r.source, Severity: r.severity, CVEs: e.cves}); err != nil {
				return err
			}
		}
	}
	return nil
}
