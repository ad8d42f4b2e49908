package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/lab"
)

// msu makes an update in the form in which Windows' own come: a cabinet in a cabinet, and a description of what it is.
func msu(t *testing.T) string {
	t.Helper()
	dir, source := t.TempDir(), "testdata/mug/"
	for _, name := range []string{"update.mum", "mug.manifest", "mug.xml"} {
		if err := os.WriteFile(filepath.Join(dir, name), read(t, source+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, argv := range [][]string{{"gcab", "-c", "mug.cab", "update.mum", "mug.manifest"}, {"gcab", "-c", "mug.msu", "mug.cab", "mug.xml"}} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	return filepath.Join(dir, "mug.msu")
}

// product is the code by which Windows Installer knows the only program that it installed.
func (w *windows) product() string {
	w.t.Helper()
	listed := string(w.run("reg", "query", `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall`))
	return regexp.MustCompile(`\{[0-9A-Fa-f-]{36}\}`).FindString(listed)
}

// msp makes a patch for a product that makes it version 2.0.0, on the machine itself: Windows alone writes such files.
func (w *windows) msp(product, code string) string {
	w.t.Helper()
	program := filepath.Join(w.t.TempDir(), "patch.exe")
	cmd := exec.Command("x86_64-w64-mingw32-gcc", "-s", "testdata/kettle/patch.c", "-o", program, "-lole32", "-luuid")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	w.copy(program, `C:\patch.exe`)
	w.run(`C:\patch.exe`, `C:\kettle.msp`, product, code)
	return w.Path(`C:\kettle.msp`)
}

// Updates in Windows' own two forms, both signed, go all the way: a patch of a program that Windows Installer keeps, and an update that
// wusa installs. Windows Installer then says of the patch that it is applied.
func TestUpdatesInWindowsOwnForms(t *testing.T) {
	needRoot(t)
	const code = "{5A1F3A52-5B3F-4B8E-9F5A-0C6F0F0D2B99}"
	w, s, h, ca := newWindows(t), newShed(t), newShelf(t), newAuthority(t)
	w.trust(ca)
	w.copy(kettle(t, "1.0.0"), `C:\kettle.msi`)
	w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
	product := w.product()
	w.old("Mug")
	h.put("Kettle", "msp", "Fettle Test", ca.sign(t, w.msp(product, code)), "")
	h.put("Mug", "msu", "Fettle Test", ca.sign(t, msu(t)), "")
	s.cli("feeds", "add", "--name", "apps", "--apps", h.pack(), "--os", "windows-6.1-sp1-amd64")
	s.cli("catalog", "sync")
	name := w.joins(s)
	b := &box{s: s, spec: lab.AgentSpec{Hostname: name}}
	ids := []string{"apps/test.kettle/2.0", "apps/test.mug/2.0"}
	for _, id := range ids {
		if got := b.row(id); got.Verdict != "not-patched" {
			t.Fatalf("%s is %+v before", id, got)
		}
	}
	s.approve(ids...)
	plan, _ := s.plan(b)
	s.ended(s.apply(plan))
	for _, id := range ids {
		if got := b.row(id); got.Verdict != "patched" || got.Execution != "done" || got.Effect != "verified" {
			t.Errorf("%s: %+v\n%s", id, got, s.cli("explain", name, id))
		}
	}
	applied := func(code string) string {
		return fmt.Sprintf("<m:MsiPatchInstalledForProduct PatchCode=%q ProductCode=%q/>", code, product)
	}
	got, text := w.judge(map[string]string{"the patch": applied(code), "another patch": applied("{5A1F3A52-5B3F-4B8E-9F5A-0C6F0F0D2B98}")})
	if diff := cmp.Diff(map[string]string{"the patch": "patched", "another patch": "not-patched"}, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}
