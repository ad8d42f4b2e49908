package apk

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

func repository() Repository {
	return Repository{Release: "3.20", Name: "main", Arch: "x86_64",
		Index: apk.Index{Packages: []apk.Package{
			{Name: "openssl", Version: "3.3.2-r1", Arch: "x86_64", Origin: "openssl"},
			{Name: "libcrypto3", Version: "3.3.2-r1", Arch: "x86_64", Origin: "openssl"},
			{Name: "openssl-old", Version: "3.1.0-r0", Arch: "x86_64", Origin: "openssl"},
			{Name: "musl", Version: "1.2.5-r1", Arch: "x86_64", Origin: "musl"},
			{Name: "odd", Version: "1..2", Arch: "x86_64", Origin: "odd"},
			{Name: "curl", Version: "8.9.1-r1", Arch: "x86_64", Origin: "curl"},
		}, Unclear: []string{"an entry's name cannot be one"}},
		Fixes: []apk.Fix{
			{Origin: "openssl", Version: "0", Fixed: []string{"CVE-2022-1292"}},
			{Origin: "openssl", Version: "3.3.0-r3", Fixed: []string{"CVE-2024-4741", "XSA-1"}},
			{Origin: "openssl", Version: "3.3.2-r1", Fixed: []string{"CVE-2024-9143"}},
			{Origin: "curl", Version: "8.10.0-r0", Fixed: []string{"CVE-2024-8096"}},
			{Origin: "gone", Version: "1.0-r0", Fixed: []string{"CVE-2020-12345"}},
			{Origin: "apr", Version: "1.7.1-r0"},
			{Origin: "../evil", Version: "a/b\x1b", Fixed: []string{"CVE-2020-12345"}, Unclear: "it cannot be one"},
			{Origin: "musl", Version: "one", Fixed: []string{"CVE-2020-12345"}},
		}}
}

func TestEntries(t *testing.T) {
	rule := func(name, v string) detect.PackageRule {
		return detect.PackageRule{Name: name, Arch: "x86_64", Version: v}
	}
	type row struct {
		Packages   []detect.PackageRule
		Category   patch.Category
		CVEs       []string
		Supersedes []patch.ID
		Unclear    string
	}
	got := map[patch.ID]row{}
	for _, e := range Entries(repository()) {
		if e.Patch.ID != e.Definition.ID {
			t.Errorf("%s is judged as %s", e.Patch.ID, e.Definition.ID)
		}
		got[e.Patch.ID] = row{e.Definition.Packages, e.Patch.Category, e.Patch.CVEs, e.Patch.Supersedes, e.Definition.Unclear}
	}
	want := map[patch.ID]row{
		"alpine-3.20-main/unnamed/unknown": {Category: patch.Update, Unclear: "an entry's name cannot be one"},
		"alpine-3.20-main/openssl/3.1.0-r0": {Category: patch.Update,
			Packages: []detect.PackageRule{rule("libcrypto3", "3.1.0-r0"), rule("openssl", "3.1.0-r0"), rule("openssl-old", "3.1.0-r0")}},
		"alpine-3.20-main/openssl/3.3.0-r3": {Category: patch.Security, CVEs: []string{"CVE-2024-4741"}, Supersedes: []patch.ID{"alpine-3.20-main/openssl/3.1.0-r0"},
			Packages: []detect.PackageRule{rule("libcrypto3", "3.3.0-r3"), rule("openssl", "3.3.0-r3")}},
		"alpine-3.20-main/openssl/3.3.2-r1": {Category: patch.Security, CVEs: []string{"CVE-2024-9143"}, Supersedes: []patch.ID{"alpine-3.20-main/openssl/3.3.0-r3"},
			Packages: []detect.PackageRule{rule("libcrypto3", "3.3.2-r1"), rule("openssl", "3.3.2-r1")}},
		"alpine-3.20-main/musl/1.2.5-r1": {Category: patch.Update, Packages: []detect.PackageRule{rule("musl", "1.2.5-r1")}},
		"alpine-3.20-main/musl/one":      {Category: patch.Security, Unclear: "the security database names a version that is none"},
		"alpine-3.20-main/odd/1..2":      {Category: patch.Update, Unclear: "the index offers odd in a version that is none"},
		"alpine-3.20-main/curl/8.9.1-r1": {Category: patch.Update, Packages: []detect.PackageRule{rule("curl", "8.9.1-r1")}},
		"alpine-3.20-main/curl/8.10.0-r0": {Category: patch.Security, CVEs: []string{"CVE-2024-8096"}, Supersedes: []patch.ID{"alpine-3.20-main/curl/8.9.1-r1"},
			Packages: []detect.PackageRule{rule("curl", "8.10.0-r0")}},
		"alpine-3.20-main/gone/1.0-r0": {Category: patch.Security, CVEs: []string{"CVE-2020-12345"},
			Packages: []detect.PackageRule{rule("gone", "1.0-r0")}},
		"alpine-3.20-main/.._evil/a_b%1B": {Category: patch.Security, Unclear: "it cannot be one"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEntriesCompile(t *testing.T) {
	var defs []detect.Definition
	for _, e := range Entries(repository()) {
		defs = append(defs, e.Definition)
	}
	if _, err := detect.Compile(repository().OS(), version.APK, defs); err != nil {
		t.Error(err)
	}
}

func TestTitles(t *testing.T) {
	titles := map[patch.ID]string{"alpine-3.20-main/openssl/3.3.2-r1": "openssl 3.3.2-r1", "alpine-3.20-main/openssl/3.3.0-r3": "openssl 3.3.0-r3 (XSA-1)"}
	for _, e := range Entries(repository()) {
		if want, ok := titles[e.Patch.ID]; ok && e.Patch.Title != want {
			t.Errorf("%s: %q", e.Patch.ID, e.Patch.Title)
		}
	}
}
