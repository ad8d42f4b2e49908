package catalog

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of what an entry may carry into a list.
const (
	maxTitle    = 400
	maxWord     = 256 // source, version, suite, advisory, a CVE
	maxID       = 255
	maxCVEs     = 4096
	maxEntry    = 16384 // files of a patch
	maxAddress  = 2048
	maxFileName = 256
	maxReplaced = 512 // packages that a file replaces
)

// fromParsers makes what parsers found safe to publish.
func (in *Input) fromParsers() []made {
	var all []made
	first := len(in.Sources)
	for _, p := range in.Parsed {
		base := ""
		if p.URI != "" {
			base = strings.TrimRight(p.URI, "/") + "/"
		}
		for i := range p.Entries {
			m := adopt(&p.Entries[i], base, first, len(p.Origins))
			m.date(p.Origins, in.Previous)
			all = append(all, m)
		}
		first += len(p.Origins)
	}
	supersedeParsed(all, in.scheme())
	return all
}

// adopt takes an entry over. Its strings are a vendor's: what could break a line, a path or a list is left out of them.
func adopt(e *detect.Entry, base string, first, origins int) made {
	m := made{patch: e.Patch, rule: e.Definition}
	p := &m.patch
	p.ID = usableID(p.ID)
	m.rule.ID = p.ID
	p.Source, p.Version, p.Suite, p.Advisory = word(p.Source), word(p.Version), word(p.Suite), word(p.Advisory)
	if p.Title = clean(p.Title, maxTitle); p.Title == "" {
		p.Title = strings.TrimSpace(p.Source + " " + p.Version)
	}
	p.CVEs = nil
	for _, cve := range e.Patch.CVEs {
		if cve = word(cve); cve != "" && len(p.CVEs) < maxCVEs {
			p.CVEs = append(p.CVEs, cve)
		}
	}
	p.Supersedes = nil
	for _, id := range e.Patch.Supersedes {
		p.Supersedes = append(p.Supersedes, usableID(id))
	}
	p.Released = p.Released.UTC().Truncate(time.Second)
	p.Payloads = nil
	if m.rule.Unclear == "" && len(e.Files) <= maxEntry {
		m.offer(e.Files, e.Asks, base, first, origins)
	}
	return m
}

// offer takes the files over, all or none: half of a patch is not to be installed.
func (m *made) offer(files []patch.PayloadFile, asked []detect.Asks, base string, first, origins int) {
	var taken []madeFile
	var payloads []patch.Payload
	for i := range files {
		f := &files[i]
		t := madeFile{address: relative(f.URL, base), origin: first + f.Origin, replaces: f.Replaces, instead: f.Instead, setup: f.Setup}
		if len(asked) == len(files) {
			t.asks.rpm = asked[i]
		}
		n, err := hex.Decode(t.sha256[:], []byte(f.SHA256[:min(len(f.SHA256), 64)]))
		named := f.Name != "" && len(f.Name) <= maxFileName && word(f.Name) == f.Name && word(f.Arch) == f.Arch && word(f.Version) == f.Version
		if err != nil || n != 32 || !f.SHA256.Valid() || f.Size <= 0 || !named || t.address == "" || f.Origin < 0 || f.Origin >= origins || !sound(f.Replaces) || f.Setup != nil && f.Setup.Check() != nil {
			return
		}
		for _, need := range f.Needs {
			if j := slices.IndexFunc(files, func(o patch.PayloadFile) bool { return o.Name == need }); j >= 0 && j != i {
				t.needs = append(t.needs, j)
			}
		}
		slices.Sort(t.needs)
		t.needs = slices.Compact(t.needs)
		taken, payloads = append(taken, t), append(payloads, f.Payload)
	}
	m.files, m.patch.Payloads = taken, payloads
}

// sound tells whether what a file replaces can be published.
func sound(all []patch.Relation) bool {
	return len(all) <= maxReplaced && !slices.ContainsFunc(all, func(r patch.Relation) bool {
		return r.Name == "" || word(r.Name) != r.Name || len(r.Op) > 2 || word(r.Version) != r.Version
	})
}

// relative gives how an address is kept: below base as an unescaped path, else whole; empty where it is none to fetch from.
func relative(address, base string) string {
	if len(address) > maxAddress {
		return ""
	}
	if base != "" && !strings.Contains(address, "://") {
		address = base + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || word(address) != address {
		return ""
	}
	rest, below := strings.CutPrefix(address, base)
	path, err := url.PathUnescape(rest)
	if base == "" || !below || err != nil || !cleanPath(path) || (&url.URL{Path: path}).EscapedPath() != rest {
		return address
	}
	return path
}

// date gives a patch that the feed does not date the day when it first came.
func (m *made) date(origins []patch.Origin, previous *List) {
	if !m.patch.Released.IsZero() {
		return
	}
	if previous != nil {
		if j, ok := previous.Index(m.patch.ID); ok {
			m.patch.Released = previous.At(j).Released
			return
		}
	}
	m.patch.Released = patch.RevisionMeta{Origins: origins}.MetadataDate().UTC().Truncate(time.Second)
}

// usableID keeps an ID that can stand in a line, a path and a query, and escapes what is not one.
func usableID(id patch.ID) patch.ID {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' || r == '%' }
	if id != "" && len(id) <= maxID && !strings.ContainsFunc(string(id), bad) {
		return id
	}
	return patch.ID("_" + url.QueryEscape(string(id[:min(len(id), 80)])))
}

func word(s string) string { return clean(s, maxWord) }

func clean(s string, limit int) string { return string(plainTextOf([]byte(s), limit)) }
