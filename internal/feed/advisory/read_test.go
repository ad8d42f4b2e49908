package advisory

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
)

const dsas = `[29 Nov 2026] DSA-9380-1 xorg-server - security update
	{CVE-2026-10393 CVE-2026-10394}
	[bookworm] - xorg-server 2:21.1.7-3+deb12u9
	[trixie] - xorg-server 2:21.1.16-1.3+deb13u1
[17 Nov 2026] DLA-4356-2 sox - regression update
	[bullseye] - sox 14.4.2+git20190427-2+deb11u2
	NOTE: nothing
nonsense
`

const cves = `CVE-2026-10393 (A flaw was found (in X).)
	{DSA-9380-1}
	- xorg-server 2:21.1.18-1 (bug #1100001; medium)
	- xwayland <unfixed> (unimportant)
	[bookworm] - xwayland <no-dsa> (Minor issue)
	NOTE: https://example.org
CVE-2026-10500 (In the Linux kernel, …)
	- linux 6.18.2-1
	[bookworm] - linux 6.1.200-1
CVE-2026-XXXX [not yet numbered]
	- perl <unfixed>
`

const usn = `{"description": "Text", "id": "7001-1", "title": "OpenSSL vulnerabilities", "timestamp": 1790000000.5, "summary": "Several issues were fixed in OpenSSL.",
 "cves": ["CVE-2026-2511", "https://launchpad.net/bugs/1"], "releases": {"jammy": {"sources": {"openssl": {"version": "3.0.2-0ubuntu1.30", "description": "x"}},
 "binaries": {"libssl3": {"version": "3.0.2-0ubuntu1.30"}}, "archs": {"all": {"urls": {}}}}, "noble": {"sources": {"openssl": {"version": "3.0.13-0ubuntu3.9"}}}}}`

const osvNotice = `{"schema_version": "1.7.0", "id": "USN-7002-1", "summary": "libreoffice vulnerability", "upstream": ["UBUNTU-CVE-2026-3524"], "published": "2026-09-02T17:49:15.210877Z",
 "affected": [{"package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "libreoffice", "purl": "pkg:deb/ubuntu/libreoffice"}, "ranges": [{"type": "ECOSYSTEM",
 "events": [{"introduced": "0"}, {"fixed": "1:7.3.7-0ubuntu0.22.04.9"}]}], "versions": ["1:7.3.2-0ubuntu2"]}]}`

const osvCVE = `{"id": "UBUNTU-CVE-2026-3524", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}, {"type": "Ubuntu", "score": "high"}], "affected": [{"package":
 {"ecosystem": "Ubuntu:Pro:18.04:LTS", "name": "libreoffice"}, "ranges": []}]}`

func notes(t *testing.T, name string, text []byte) Result {
	t.Helper()
	r, err := Read(name, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func day(d, m int) time.Time { return time.Date(2026, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func TestReadTracker(t *testing.T) {
	two := []string{"CVE-2026-10393", "CVE-2026-10394"}
	want := []patch.Note{
		{Release: "bookworm", Source: "xorg-server", Version: "2:21.1.7-3+deb12u9", Advisory: "DSA-9380-1", Title: "security update", CVEs: two, Issued: day(29, 11)},
		{Release: "trixie", Source: "xorg-server", Version: "2:21.1.16-1.3+deb13u1", Advisory: "DSA-9380-1", Title: "security update", CVEs: two, Issued: day(29, 11)},
		{Release: "bullseye", Source: "sox", Version: "14.4.2+git20190427-2+deb11u2", Advisory: "DLA-4356-2", Title: "regression update", Issued: day(17, 11)}}
	got := notes(t, "list", []byte(dsas))
	if diff := cmp.Diff(want, got.Notes); diff != "" || got.Skipped != 1 {
		t.Error(diff, got.Skipped)
	}
	want = []patch.Note{{Source: "xorg-server", Severity: patch.Medium, CVEs: two[:1]}, {Source: "xwayland", Severity: patch.Low, CVEs: two[:1]},
		{Release: "bookworm", Source: "linux", Version: "6.1.200-1", CVEs: []string{"CVE-2026-10500"}}}
	got = notes(t, "list.xz", debtest.XZ(t, []byte(cves)))
	if diff := cmp.Diff(want, got.Notes); diff != "" || got.Skipped != 1 {
		t.Error(diff, got.Skipped)
	}
}

func TestReadNotices(t *testing.T) {
	openssl := patch.Note{Release: "jammy", Source: "openssl", Version: "3.0.2-0ubuntu1.30", Advisory: "USN-7001-1", Title: "OpenSSL vulnerabilities", CVEs: []string{"CVE-2026-2511"},
		Issued: time.Unix(1_790_000_000, 0).UTC()}
	noble := openssl
	noble.Release, noble.Version = "noble", "3.0.13-0ubuntu3.9"
	office := patch.Note{Release: "22.04", Source: "libreoffice", Version: "1:7.3.7-0ubuntu0.22.04.9", Advisory: "USN-7002-1", Title: "libreoffice vulnerability", CVEs: []string{"CVE-2026-3524"},
		Issued: time.Date(2026, 9, 2, 17, 49, 15, 210877000, time.UTC)}
	rated := patch.Note{Source: "libreoffice", Severity: patch.High, CVEs: []string{"CVE-2026-3524"}}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, text := range map[string]string{"osv/USN-7002-1.json": osvNotice, "README": "x"} {
		w, _ := z.Create(name)
		io.WriteString(w, text)
	}
	z.Close()
	for name, c := range map[string]struct {
		text    string
		want    []patch.Note
		skipped int
	}{
		"one":          {usn, []patch.Note{openssl, noble}, 0},
		"OSV":          {osvNotice, []patch.Note{office}, 0},
		"a CVE":        {osvCVE, []patch.Note{rated}, 0},
		"an array":     {"\n[" + osvNotice + "," + osvCVE + "]", []patch.Note{office, rated}, 0},
		"lines":        {usn + "\n" + osvNotice + "\n", []patch.Note{openssl, noble, office}, 0},
		"a database":   {`{"7001-1": ` + usn + `, "9-9": {"id": 7}, "8-1": {"title": "no fix"}}`, []patch.Note{openssl, noble}, 2},
		"withdrawn":    {strings.Replace(osvNotice, `"id"`, `"withdrawn": "2026-01-01T00:00:00Z", "id"`, 1), nil, 1},
		"hostile text": {strings.Replace(usn, "OpenSSL v", `\u001b[31mOpen\nSSL\u009b v`, 1), nil, 0},
		"nothing":      {"", nil, 0},
	} {
		got := notes(t, name, []byte(c.text))
		if name == "hostile text" {
			if len(got.Notes) != 2 || got.Notes[0].Title != "[31mOpen SSL vulnerabilities" {
				t.Errorf("%s: %+v", name, got.Notes)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got.Notes); diff != "" || got.Skipped != c.skipped {
			t.Errorf("%s: %s, %d skipped", name, diff, got.Skipped)
		}
	}
	got, err := ReadZip(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if diff := cmp.Diff([]patch.Note{office}, got.Notes); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("x", maxNotice+100_000)
	for name, c := range map[string]struct {
		text string
		kind patch.Kind
	}{
		"cut":               {usn[:200], patch.Invalid},
		"a cut database":    {`{"7001-1": ` + usn, patch.Invalid},
		"no JSON":           {"{]", patch.Invalid},
		"an endless notice": {`{"id": "` + long + `"}`, patch.Exhausted},
		"too many":          {many(), patch.Exhausted},
	} {
		if _, err := Read(name, strings.NewReader(c.text)); patch.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadZip(strings.NewReader("PK"), 2); patch.KindOf(err) != patch.Invalid {
		t.Error(err)
	}
	if r := notes(t, "long", []byte("[1 Jan 2026] DSA-1-1 x - "+long+"\n\t[bookworm] - perl 1\n")); len(r.Notes) != 1 || len(r.Notes[0].Title) > 160 {
		t.Error(len(r.Notes))
	}
}

func many() string {
	var b strings.Builder
	b.WriteString("[1 Jan 2026] DSA-1-1 x - y\n")
	for i := range maxKept / 200 {
		if i%4000 == 0 {
			fmt.Fprintf(&b, "[1 Jan 2026] DSA-%d-1 x - y\n", i)
		}
		b.WriteString("\t[bookworm] - perl 1\n")
	}
	return b.String()
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{dsas, cves, usn, osvNotice, osvCVE, "[" + usn + "]", `{"7001-1": ` + usn + `}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, _ := Read("x", bytes.NewReader(b))
		for _, n := range r.Notes {
			if n.Source == "" || strings.ContainsAny(n.Title+n.Advisory+n.Version+n.Release, "\n\x1b\x00") || n.Version == "" && n.Severity == patch.NotGiven && n.CVSS == 0 {
				t.Errorf("%+v", n)
			}
		}
	})
}

// The shape is that of Ubuntu's OSV records: a vector and a word of its own beside each other.
func TestScoresOfNotices(t *testing.T) {
	text := strings.Replace(osvCVE, "CVSS:3.1/AV:N\"", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H\"", 1)
	if got := notes(t, "x", []byte(text)).Notes; len(got) != 1 || got[0].CVSS != 8.8 || got[0].Severity != patch.High {
		t.Errorf("%+v", got)
	}
	if got := notes(t, "x", []byte(osvCVE)).Notes; len(got) != 1 || got[0].CVSS != 0 {
		t.Errorf("half a vector is a score: %+v", got)
	}
}
