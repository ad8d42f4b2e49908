package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// makeTree writes files below a new directory that stands for a machine's root.
func makeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	bookworm  = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n"
	twoStatus = "Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\n\n" +
		"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n\n"
)

func debianTree(more map[string]string) map[string]string {
	files := map[string]string{"etc/os-release": bookworm, "var/lib/dpkg/status": twoStatus}
	for name, text := range more {
		files[name] = text
	}
	return files
}

func TestCollectFacts(t *testing.T) {
	f, err := CollectFacts(context.Background(), makeTree(t, debianTree(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := patch.OSFacts{Key: "debian-12-amd64", ID: "debian", VersionID: "12", Codename: "bookworm", Pretty: "Debian GNU/Linux 12 (bookworm)",
		Arch: "amd64", Manager: "dpkg", Provides: true}
	if diff := cmp.Diff(want, f.OS); diff != "" || len(f.Packages) != 2 {
		t.Error(diff, len(f.Packages))
	}
}

func TestFactsFromOtherPlaces(t *testing.T) {
	root := makeTree(t, map[string]string{
		"usr/lib/os-release":              "ID=debian\nVERSION_CODENAME=forky\nPRETTY_NAME='Debian\x00\x00 \xff'\n",
		"var/lib/dpkg/status":             twoStatus,
		"var/lib/dpkg/arch":               "arm64\namd64\n",
		"var/lib/dpkg/status.d/base":      "Package: base-files\nVersion: 12.4\nArchitecture: arm64\n",
		"var/lib/dpkg/status.d/x.md5sums": "junk",
		"var/lib/dpkg/updates/0001":       "Package: apt\nStatus: install ok half-configured\nArchitecture: amd64\nVersion: 2.6.2\n",
		"var/lib/dpkg/updates/0002":       "Package: apt\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2.6.3\n",
		"var/lib/dpkg/updates/tmp.i":      "half a line",
	})
	// An absolute link is the machine's, not ours: it must not lead out of the root.
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/os-release", filepath.Join(root, "etc/os-release")); err != nil {
		t.Fatal(err)
	}
	f, err := CollectFacts(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	if f.OS.Key != "debian-forky-arm64" || f.OS.Pretty != "Debian \uFFFD" {
		t.Errorf("%+v", f.OS)
	}
	if len(f.Packages) != 3 || f.Packages[0].Version != "2.6.3" || f.Packages[0].State != patch.Broken || f.Packages[1].Name != "base-files" {
		t.Errorf("%+v", f.Packages)
	}
}

func TestNoPartialFacts(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no status":      {map[string]string{"etc/os-release": bookworm}, "no such file"},
		"empty status":   {debianTree(map[string]string{"var/lib/dpkg/status": ""}), "empty"},
		"cut status":     {debianTree(map[string]string{"var/lib/dpkg/status": twoStatus[:len(twoStatus)-9]}), "cut off"},
		"garbled status": {debianTree(map[string]string{"var/lib/dpkg/status": strings.Repeat("\x00", 8192)}), "cut off"},
		"garbled update": {debianTree(map[string]string{"var/lib/dpkg/updates/0000": "Package: a b\n\n"}), "pending update 0000"},
		"garbled part":   {debianTree(map[string]string{"var/lib/dpkg/status.d/x": "what\n"}), "part x"},
		"no os-release":  {map[string]string{"var/lib/dpkg/status": twoStatus}, "which operating system"},
		"hostile ID":     {debianTree(map[string]string{"etc/os-release": "ID=../../x\nVERSION_ID=1\n"}), "which operating system"},
		"no architecture": {debianTree(map[string]string{
			"var/lib/dpkg/status": "Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"}), "architecture"},
	} {
		root := makeTree(t, c.files)
		f, err := CollectFacts(context.Background(), root)
		if err == nil || len(f.Packages) > 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d packages, %v", name, len(f.Packages), err)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := CollectFacts(cancelled, makeTree(t, debianTree(nil))); err == nil {
		t.Error("a cancelled context still gives facts")
	}
}

func TestPipesAndLinksAreNotFollowed(t *testing.T) {
	root := makeTree(t, map[string]string{"etc/os-release": bookworm, "var/lib/dpkg/x": ""})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(twoStatus), 0o600); err != nil {
		t.Fatal(err)
	}
	status := filepath.Join(root, "var/lib/dpkg/status")
	for name, put := range map[string]func() error{
		"pipe":           func() error { return syscall.Mkfifo(status, 0o644) },
		"link out":       func() error { return os.Symlink(secret, status) },
		"climbing link":  func() error { return os.Symlink("../../../../../../../../../../"+secret, status) },
		"directory":      func() error { return os.Mkdir(status, 0o755) },
		"link to itself": func() error { return os.Symlink("status", status) },
	} {
		os.RemoveAll(status)
		if err := put(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { _, err := CollectFacts(context.Background(), root); done <- err }()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s: facts were read", name)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: it waits", name)
		}
	}
}
