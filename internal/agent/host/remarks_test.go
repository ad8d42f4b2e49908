package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
)

// Against rpm itself: a configuration file that was changed here is kept, and said to be.
func TestRpmRemarks(t *testing.T) {
	conf := func(version string) lab.RPM {
		p := v("conf", version)
		p.Files, p.Config = map[string]string{"/etc/conf.d/conf": version}, []string{"/etc/conf.d/conf"}
		return p
	}
	old, fresh := conf("1.0"), conf("2.0")
	fresh.Scripts = map[string]string{"post": "<lua>error('not today')"}
	w := newRPMWorld(t, old, fresh)
	w.install(old)
	path := filepath.Join(w.root, "etc/conf.d/conf")
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	staged := w.stage(w.plan(fresh))
	tr, err := w.rpm.Plan(t.Context(), "A1", w.facts(), staged, staged)
	if err != nil {
		t.Fatal(err)
	}
	log, err := w.rpm.Run(t.Context(), tr)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	got := strings.Join(Remarks(log), "; ")
	if !strings.Contains(got, "/etc/conf.d/conf was kept as changed here; the vendor's is /etc/conf.d/conf.rpmnew") || !strings.Contains(got, "scriptlet failed") {
		t.Errorf("%q of\n%s", got, log)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("it was overwritten: %s", b)
	}
}

func TestDpkgRemarks(t *testing.T) {
	got := Remarks("Setting up shop (2) ...\n\nConfiguration file '/etc/shop.conf'\n ==> Modified (by you or by a script) since installation.\n" +
		" ==> Package distributor has shipped an updated version.\n ==> Keeping old config file as default.\nProcessing triggers\n")
	if len(got) != 1 || got[0] != "/etc/shop.conf was kept as changed here; the vendor's is /etc/shop.conf.dpkg-dist" {
		t.Errorf("%q", got)
	}
}

func TestRpmWhole(t *testing.T) {
	w := newRPMWorld(t, lib1, lib2, kern1, kern2)
	w.install(lib1, kern1)
	w.run("rpm", "--root", w.root, "--nosignature", "--nodeps", "-i", filepath.Join(w.files, kern2.File()))
	if ok, seen := rpmWhole(t.Context(), w.root); !ok {
		t.Errorf("two kernels: %s", seen)
	}
	w.run("rpm", "--root", w.root, "--nosignature", "--nodeps", "--replacefiles", "-i", filepath.Join(w.files, lib2.File()))
	if ok, seen := rpmWhole(t.Context(), w.root); ok || seen != "lib is there in two versions" {
		t.Errorf("a package twice: %v, %s", ok, seen)
	}
}
