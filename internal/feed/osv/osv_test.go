package osv_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/osv"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const hostOS = patch.HostOS("almalinux-9-x86_64")

func TestHostOS(t *testing.T) {
	for ecosystem, want := range map[string]patch.HostOS{
		"AlmaLinux:9": "almalinux-9-x86_64", "Rocky Linux:8": "rocky-8-x86_64", "Azure Linux:3": "azurelinux-3.0-x86_64",
		"Red Hat:enterprise_linux:9::baseos": "rhel-9-x86_64", "Red Hat:enterprise_linux:8.6::appstream": "rhel-8-x86_64", "Red Hat:enterprise_linux:9": "rhel-9-x86_64",
		"SUSE:Linux Enterprise Server 15 SP5": "sles-15.5-x86_64", "SUSE:Linux Enterprise Server 12": "sles-12-x86_64",
		"SUSE:Linux Enterprise Server 15 SP3-LTSS": "sles-15.3-x86_64", "SUSE:Linux Enterprise Module for Basesystem 15 SP5": "sles-15.5-x86_64",
		"SUSE:Linux Enterprise Server for SAP Applications 15 SP4": "sles_sap-15.4-x86_64", "SUSE:Linux Enterprise Desktop 15 SP4": "sled-15.4-x86_64",
		"openSUSE:Leap 15.6": "opensuse-leap-15.6-x86_64",
		"Debian:12":          "", "Alpine:v3.20": "", "npm": "", "AlmaLinux": "", "AlmaLinux:9;rm": "", "Red Hat:openshift:4.12::el8": "", "Red Hat:rhel_eus:9.2::baseos": "",
		"openSUSE:Tumbleweed": "", "": "",
	} {
		if got, ok := osv.HostOS(ecosystem, "amd64"); got != want || ok != (want != "") {
			t.Errorf("%s is %s, not %s", ecosystem, got, want)
		}
	}
}

// rig keeps feeds of a directory.
type rig struct {
	t   *testing.T
	dir *content.Dir
	at  string

	withdrawn []patch.ID // by the newest entries
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return &rig{t: t, dir: dir, at: t.TempDir()}
}

func (r *rig) put(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.at, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) fetch(f patch.Feed, last *patch.FeedState) (feed.Fetched, error) {
	f.Name, f.Kind, f.Arch = "osv", osv.Kind, "x86_64"
	if f.URI == "" {
		f.URI = r.at
	}
	return osv.NewFetcher().Fetch(context.Background(), f, last, r.dir, time.Now(), func(feed.Progress) {})
}

func (r *rig) open(h patch.Hash) (io.ReadCloser, error) { return r.dir.Open(h) }

func (r *rig) entries(os patch.HostOS) []detect.Entry {
	r.t.Helper()
	got, err := r.fetch(patch.Feed{}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	all, withdrawn, err := osv.Entries(context.Background(), os, got.State, r.open)
	if err != nil {
		r.t.Fatal(err)
	}
	r.withdrawn = withdrawn
	slices.SortFunc(all, func(a, b detect.Entry) int { return strings.Compare(string(a.Patch.ID), string(b.Patch.ID)) })
	return all
}

// advisory writes one with rows "name introduced fixed".
func advisory(id, ecosystem string, rows ...string) string {
	var affected []string
	for _, row := range rows {
		f := strings.Fields(row)
		affected = append(affected, fmt.Sprintf(`{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":%q},{"fixed":%q}]}]}`, ecosystem, f[0], f[1], f[2]))
	}
	return fmt.Sprintf(`{"id":%q,"summary":"Important: %s update","published":"2024-05-01T00:00:00Z","modified":"2024-05-02T00:00:00Z","related":["CVE-2024-2","CVE-2024-1"],"aliases":["RHSA-1"],"affected":[%s]}`,
		id, id, strings.Join(affected, ","))
}

func TestEntries(t *testing.T) {
	r := newRig(t)
	r.put("almalinux9/ALSA-2024:1.json", advisory("ALSA-2024:1", "AlmaLinux:9", "bash 0 0:5.1-2.el9", "bash-debuginfo 0 5.1-2.el9", "npm 0 1:8-1.module_el9+1"))
	r.put("almalinux9/ALSA-2024:2.json", advisory("ALSA-2024:2", "AlmaLinux:9", "bash 0 5.1-3.el9", "npm 0 1:8-1.module_el9+1"))
	r.put("almalinux9/ALBA-2024:3.json", advisory("ALBA-2024:3", "AlmaLinux:9", "zip 2.0-1 3.0-1"))
	r.put("almalinux9/ALSA-2024:4.json", advisory("ALSA-2024:4", "AlmaLinux:8", "bash 0 4.4-1.el8"))
	r.put("almalinux9/ALSA-2024:5.json", `{"id": "ALSA-2024:5", cut`)
	r.put("almalinux9/ALSA-2024:6.json", strings.Replace(advisory("ALSA-2024:6", "AlmaLinux:9", "git 0 1"), "ECOSYSTEM", "GIT", 1))
	r.put("almalinux9/ALSA-2024:7.json", strings.Replace(advisory("ALSA-2024:7", "AlmaLinux:9", "vim 0 1"), `{"fixed":"1"}`, `{"last_affected":"1"}`, 1))
	r.put("almalinux9/ALSA-2024:8.json", strings.Replace(advisory("ALSA-2024:8", "AlmaLinux:9", "vim 0 1"), `"affected"`, `"withdrawn":"2024-06-01T00:00:00Z","affected"`, 1))
	r.put("debian/broken.json", "[")
	r.put("readme.txt", "no advisory")
	var got []string
	byID := map[patch.ID]detect.Entry{}
	for _, e := range r.entries(hostOS) {
		byID[e.Patch.ID] = e
		got = append(got, fmt.Sprintf("%s %s %d %q", e.Patch.ID, e.Patch.Category, len(e.Definition.Packages), e.Definition.Unclear))
	}
	want := []string{
		`almalinux-9/ALBA-2024:3 update 0 ""`,
		`almalinux-9/ALSA-2024:1 security 2 ""`,
		`almalinux-9/ALSA-2024:2 security 2 ""`,
		`almalinux-9/ALSA-2024:5 security 0 "its file cannot be read: the file is not an OSV advisory: invalid character 'c' looking for beginning of object key string"`,
		`almalinux-9/ALSA-2024:6 security 0 "it tells the affected versions of git as \"GIT\", not in the distribution's own versions"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !slices.Equal(r.withdrawn, []patch.ID{"almalinux-9/ALSA-2024:8"}) {
		t.Errorf("withdrawn are %v", r.withdrawn)
	}
	first := byID["almalinux-9/ALSA-2024:1"]
	wantFirst := detect.Entry{
		Patch: patch.Patch{ID: "almalinux-9/ALSA-2024:1", Title: "Important: ALSA-2024:1 update", Source: "bash", Version: "5.1-2.el9", Suite: "almalinux-9", Category: patch.Security,
			Severity: patch.High, CVEs: []string{"CVE-2024-1", "CVE-2024-2"}, Released: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)},
		Definition: detect.Definition{ID: "almalinux-9/ALSA-2024:1", Packages: []detect.PackageRule{{Name: "bash", Version: "5.1-2.el9"}, {Name: "npm", Version: "1:8-1.module_el9+1", Module: "*:*"}}},
	}
	if d := cmp.Diff(wantFirst, first); d != "" {
		t.Error(d)
	}
	if s := byID["almalinux-9/ALSA-2024:2"].Patch.Supersedes; !slices.Equal(s, []patch.ID{"almalinux-9/ALSA-2024:1"}) {
		t.Errorf("ALSA-2024:2 supersedes %v", s)
	}
}

// A fault that came with a version does not concern older ones, and one that went with a version none that are newer.
func TestWindows(t *testing.T) {
	r := newRig(t)
	two := strings.Replace(advisory("ALSA-2024:1", "AlmaLinux:9", "zip 2.0-1 2.5-1"), `{"fixed":"2.5-1"}`, `{"fixed":"2.5-1"},{"introduced":"3.0-1"},{"fixed":"3.5-1"}`, 1)
	r.put("a.json", two)
	r.put("b.json", advisory("ALSA-2024:2", "AlmaLinux:9", "zip 0 2.5-1", "node 0 2-1.module_el9+1"))
	file, err := detect.Compile(hostOS, version.RPM, []detect.Definition{r.entries(hostOS)[0].Definition, r.entries(hostOS)[1].Definition})
	if err != nil {
		t.Fatal(err)
	}
	s, err := detect.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	verdict := func(i int, p patch.Package) patch.Verdict {
		p.Arch, p.State = "x86_64", patch.Installed
		facts := &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "x86_64", Manager: "rpm"}, Packages: []patch.Package{p}}
		return s.Find(facts, i).Verdict
	}
	for v, want := range map[string]patch.Verdict{"1.0-1": patch.NotApplicable, "2.0-1": patch.NotPatched, "2.4-9": patch.NotPatched, "2.5-1": patch.Patched,
		"2.9-1": patch.Patched, "3.0-1": patch.NotPatched, "3.5-1": patch.Patched} {
		if got := verdict(0, patch.Package{Name: "zip", Version: v}); got != want {
			t.Errorf("zip %s is %s, not %s", v, got, want)
		}
	}
	for module, want := range map[string]patch.Verdict{"": patch.NotApplicable, "node:1": patch.NotPatched} {
		if got := verdict(1, patch.Package{Name: "node", Version: "1-1", Module: module}); got != want {
			t.Errorf("node of %q is %s, not %s", module, got, want)
		}
	}
}

func TestFetch(t *testing.T) {
	r := newRig(t)
	r.put("a/1.json", advisory("ALSA-2024:1", "AlmaLinux:9", "bash 0 1-1"))
	r.put("a/2.json", advisory("ALSA-2024:2", "AlmaLinux:9", "bash 0 1-2"))
	got, err := r.fetch(patch.Feed{}, nil)
	if err != nil || got.State.OS != hostOS || got.State.Packages != 2 || !got.State.Dated.Equal(time.Date(2024, 5, 2, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v %v", got, err)
	}
	if again, err := r.fetch(patch.Feed{}, &got.State); err != nil || !again.Unchanged {
		t.Errorf("again: %+v %v", again, err)
	}
	if _, err := r.fetch(patch.Feed{OS: "rocky-9-x86_64"}, nil); err == nil {
		t.Error("a feed with nothing for its host OS is accepted")
	}
	r.put("b/3.json", advisory("ALSA-2024:3", "AlmaLinux:8", "bash 0 1-2"))
	several, err := r.fetch(patch.Feed{}, nil)
	if err != nil || several.State.OS != "" || several.State.Packages != 3 {
		t.Errorf("two systems: %+v %v", several, err)
	}
	oses, err := osv.OSes(context.Background(), several.State, r.open)
	if err != nil || !slices.Equal(oses, []patch.HostOS{"almalinux-8-x86_64", hostOS}) {
		t.Errorf("%v %v", oses, err)
	}
	if one, err := r.fetch(patch.Feed{OS: hostOS}, nil); err != nil || one.State.Packages != 2 {
		t.Errorf("one of two systems: %+v %v", one, err)
	}
	zipped := filepath.Join(t.TempDir(), "all.zip")
	if err := os.WriteFile(zipped, zipOf(t, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.fetch(patch.Feed{URI: zipped}, nil); err != nil || got.State.Packages != 3 {
		t.Errorf("a zip: %+v %v", got, err)
	}
	for name, uri := range map[string]string{"plain http": "http://osv.example.org/all.zip", "nothing": filepath.Join(r.at, "none"), "no zip": filepath.Join(r.at, "a/1.json"), "no advisories": t.TempDir()} {
		if _, err := r.fetch(patch.Feed{URI: uri, Keyring: "k"}, nil); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func zipOf(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range n {
		id := fmt.Sprintf("ALSA-2024:%d", i)
		w, err := z.Create(id + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, advisory(id, "AlmaLinux:9", "bash 0 1-1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "x", "no identifier": `{"affected":[]}`, "a blank in the identifier": `{"id":"a b"}`, "many values": `{"id":"a","aliases":[` + strings.Repeat(`"",`, 300_000) + `""]}`,
		"a large file": `{"id":"` + strings.Repeat("x", osv.MaxAdvisory) + `"}`, "deep nesting": `{"id":"a","details":` + strings.Repeat("[", 100_000),
	} {
		if _, err := osv.Parse(strings.NewReader(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestRatings holds base scores of vectors whose ratings first.org publishes.
func TestRatings(t *testing.T) {
	for vector, want := range map[string]patch.Severity{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": patch.Critical, // 9.8
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": patch.Medium,   // 6.1
		"CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": patch.High,     // 7.8
		"CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N": patch.Low,      // 1.6
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": patch.Critical, // 9.9
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": patch.NotGiven,
		"CVSS:4.0/AV:N": patch.NotGiven, "": patch.NotGiven, "CVSS:3.1/AV:X": patch.NotGiven,
	} {
		r := newRig(t)
		a := map[string]any{}
		if err := json.Unmarshal([]byte(advisory("RLSA-2024:1", "Rocky Linux:9", "bash 0 1-1")), &a); err != nil {
			t.Fatal(err)
		}
		a["summary"], a["severity"] = "bash", []map[string]string{{"type": "CVSS_V3", "score": vector}}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		r.put("a.json", string(b))
		got := r.entries("rocky-9-x86_64")[0].Patch
		if got.Severity != want {
			t.Errorf("%s is %q, not %q", vector, got.Severity, want)
		}
		if (got.CVSS > 0) != (want != patch.NotGiven) || vector == "CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H" && got.CVSS != 7.8 {
			t.Errorf("%s scores %v", vector, got.CVSS)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(advisory("ALSA-2024:1", "AlmaLinux:9", "bash 0 1-1")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := osv.Parse(bytes.NewReader(b))
		if err == nil && (a.ID == "" || strings.ContainsAny(a.ID, "\n \x1b")) {
			t.Errorf("%q", a.ID)
		}
	})
}

func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, 2))
	dir, err := content.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { dir.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := dir.PutBytes(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		state := patch.FeedState{Origins: []patch.Origin{{Index: h, Arch: "x86_64"}}}
		all, _, err := osv.Entries(context.Background(), hostOS, state, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
		if err != nil {
			return
		}
		for _, e := range all {
			if !strings.HasPrefix(string(e.Patch.ID), "almalinux-9/") {
				t.Errorf("%q", e.Patch.ID)
			}
		}
	})
}
