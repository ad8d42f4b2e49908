package sofa

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const small = `{"LastCheck":"2026-08-22T18:45:03.057991718+00:00","OSVersions":[
 {"OSVersion":"Sequoia 15","SecurityReleases":[{"ProductName":"macOS","ProductVersion":"15.0","Build":"","AllBuilds":[],"ReleaseDate":"2024-09-16T00:00:00Z","CVEs":{}}],"SupportedModels":[{"Identifiers":{"Mac14,7":"x","Mac15,1":"y"}}]},
 {"OSVersion":"Sonoma 14","SupportedModels":[{"Identifiers":{"Mac14,7":"x"}}],"SecurityReleases":[
  {"UpdateName":"macOS Sonoma 14.5","ProductVersion":"14.5","Build":"23F79","AllBuilds":["23F79","23F80"],"ReleaseDate":"2024-05-13T00:00:00Z","SecurityInfo":"https://apple.example/14.5","CVEs":{"CVE-2024-2":{},"CVE-2024-1":{},"x":{}},"ActivelyExploitedCVEs":["CVE-2024-1"],"UpdateSummary":{"Priority":"medium"}},
  {"ProductVersion":"14.4","AllBuilds":[],"ReleaseDate":"2024-03-07T00:00:00Z","CVEs":{"CVE-2024-3":{}},"UpdateSummary":{"Priority":"high"}},
  {"ProductVersion":"14.4.1 (a)","AllBuilds":[],"CVEs":{}},
  {"ProductVersion":"14.4.2","AllBuilds":[],"DeviceScope":"specific","SupportedDevices":["J493AP"],"CVEs":{}},
  {"ProductVersion":"41.4","AllBuilds":[],"CVEs":{}},{"ProductVersion":"14.9","AllBuilds":["23X"],"CVEs":{}}]},
 {"OSVersion":"?","SecurityReleases":[]}]}`

const sonoma = patch.HostOS("macos-14-arm64")

func verdicts(t *testing.T, entries []detect.Entry, os patch.OSFacts) map[patch.ID]patch.Verdict {
	t.Helper()
	var defs []detect.Definition
	for _, e := range entries {
		defs = append(defs, e.Definition)
	}
	b, err := detect.Compile(os.Key, version.MacOS, defs)
	if err != nil {
		t.Fatal(err)
	}
	s, err := detect.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Evaluate(&patch.Facts{OS: os})
	if err != nil {
		t.Fatal(err)
	}
	out := map[patch.ID]patch.Verdict{}
	for i := range defs {
		out[defs[i].ID] = r.Verdicts.At(i)
	}
	return out
}

func TestVerdictsByVersionBuildAndModel(t *testing.T) {
	s, err := Read("small", strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	entries := s.Entries(sonoma)
	const NA, NP, P, E = patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty
	for _, c := range []struct {
		version, build, model string
		want                  map[patch.ID]patch.Verdict
	}{
		{"14.4", "23E214", "Mac14,7", map[patch.ID]patch.Verdict{"macos/14.4": P, "macos/14.4.1a": NP, "macos/14.4.2": NA, "macos/14.5": NP, "macos/upgrade-15": NP}},
		{"14.4.1 (a)", "23E300a", "J493AP", map[patch.ID]patch.Verdict{"macos/14.4": P, "macos/14.4.1a": P, "macos/14.4.2": NP, "macos/14.5": NP, "macos/upgrade-15": NA}},
		{"14.4.1", "23E224", "", map[patch.ID]patch.Verdict{"macos/14.4": P, "macos/14.4.1a": NP, "macos/14.4.2": E, "macos/14.5": NP, "macos/upgrade-15": E}},
		{"14.5", "23F79", "Mac1,1", map[patch.ID]patch.Verdict{"macos/14.5": P, "macos/upgrade-15": NA}}, {"14.5", "23F5049f", "", map[patch.ID]patch.Verdict{"macos/14.5": NP}}, // a seed
		{"14.5", "", "", map[patch.ID]patch.Verdict{"macos/14.5": E, "macos/14.4": P}}, {"14.6", "23G80", "", map[patch.ID]patch.Verdict{"macos/14.5": P, "macos/14.9": E, "macos/41.4": E}},
	} {
		got := verdicts(t, entries, patch.OSFacts{Key: sonoma, ID: "macos", VersionID: c.version, Build: c.build, Model: c.model, Arch: "arm64"})
		if len(got) != 7 {
			t.Errorf("%d patches", len(got))
		}
		for id, want := range c.want {
			if got[id] != want {
				t.Errorf("%s %s %s: %s is %v, not %v", c.version, c.build, c.model, id, got[id], want)
			}
		}
	}
	if s.Unclear() != 2 || len(s.Notes) != 1 {
		t.Errorf("%d releases are not understood, %q", s.Unclear(), s.Notes)
	}
	for _, e := range entries {
		if e.Patch.ID == "macos/14.5" {
			p := e.Patch
			if p.Severity != patch.Critical || p.Category != patch.Security || !cmp.Equal(p.CVEs, []string{"CVE-2024-1", "CVE-2024-2"}) || p.Title != "macOS Sonoma 14.5 (fixes 1 that are being exploited)" || !cmp.Equal(p.Supersedes, []patch.ID{"macos/14.4.2"}) || p.Released.Year() != 2024 {
				t.Errorf("%+v", p)
			}
		}
	}
	for _, bad := range []string{"", "[]", "{}", `{"OSVersions":[]}`, `{"OSVersions":[{"OSVersion":"x"}]}`, strings.Repeat(" ", maxFeed+1)} {
		if _, err := Read("bad", strings.NewReader(bad)); err == nil {
			t.Errorf("%.30q is read", bad)
		}
	}
}

func TestRealReleasesAreUnderstood(t *testing.T) {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with the real feed (macos/sofa-macos-v2.json.zst)")
	}
	b, err := exec.Command("zstdcat", filepath.Join(truth, "macos/sofa-macos-v2.json.zst")).Output()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read("sofa", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	releases, exploited := 0, 0
	for i := range s.systems {
		releases += len(s.systems[i].releases)
		for _, r := range s.systems[i].releases {
			if len(r.Exploited) > 0 {
				exploited++
			}
		}
	}
	t.Logf("%d systems, %d releases, %d fix what is exploited, %d not understood, notes %q", len(s.systems), releases, exploited, s.Unclear(), s.Notes)
	if releases != 126 || s.Unclear() > 0 || len(s.Notes) > 0 {
		t.Error("not all of the real releases are understood")
	}
	got := verdicts(t, s.Entries("macos-14-arm64"), patch.OSFacts{Key: "macos-14-arm64", ID: "macos", VersionID: "14.4", Build: "23E214", Model: "Mac14,7", Arch: "arm64"})
	for id, want := range map[patch.ID]patch.Verdict{"macos/14.4": patch.Patched, "macos/14.3.1": patch.Patched, "macos/14.4.1": patch.NotPatched, "macos/14.5": patch.NotPatched, "macos/14.8.9": patch.NotPatched, "macos/upgrade-15": patch.NotPatched, "macos/upgrade-26": patch.NotPatched} {
		if got[id] != want {
			t.Errorf("%s is %v, not %v", id, got[id], want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Read("x", bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, os := range s.OSes() {
			s.Entries(os)
		}
	})
}
