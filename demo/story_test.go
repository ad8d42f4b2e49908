package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The whole story, end to end: real archive, real root, real programs. The story checks itself at every step that matters: only
// approved files are fetched, the plan is exactly approved and eligible, dpkg shows only those upgrades, and each one is verified.
func TestStory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: real machines need root, or scripts/as-root")
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "../cmd/fettle", "../cmd/fettle-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	work, clean, err := workFolder()
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	s := story{t: &terminal{out: io.MultiWriter(&told, t.Output()), width: 100}, dir: work,
		fettle: filepath.Join(dir, "fettle"), agent: filepath.Join(dir, "fettle-agent")}
	err = s.tell(t.Context())
	if err == nil {
		err = s.check(t)
	}
	s.end()
	clean()
	if err != nil {
		t.Fatal(err)
	}
	leftNothing(t, work)
}

// check asks the programs once more what the story has only shown.
func (s *story) check(t *testing.T) error {
	var faults []error
	for _, c := range []struct {
		patch, standing string
		deployable      bool
	}{
		{s.cast.approved[0].Patch.ID, "patched", false},
		{s.cast.notApplicable.Patch.ID, "not applicable", false},
		{s.cast.undecided.Patch.ID, "not deployed", false},
		{s.cast.declined.Patch.ID, "not deployed", false},
	} {
		out, err := s.appliance.CLI(t.Context(), "explain", hostname, c.patch)
		if err != nil {
			faults = append(faults, err)
		} else if first, _, _ := strings.Cut(out, "\n"); !strings.HasSuffix(strings.TrimSpace(first), c.standing) {
			faults = append(faults, errors.New("explain "+c.patch+" begins with "+first))
		}
	}
	if _, err := s.appliance.CLI(t.Context(), "audit", "verify"); err != nil {
		faults = append(faults, err)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(s.appliance.PID()) + "/status")
	if err != nil || !strings.Contains(string(status), "\nUid:\t65534\t65534\t65534\t65534\n") {
		faults = append(faults, errors.New("the appliance does not run as nobody"))
	}
	return errors.Join(faults...)
}

func leftNothing(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(mounts, []byte(folderPrefix)) {
		t.Errorf("mounts are left:\n%s", mounts)
	}
	if out, err := exec.Command("pgrep", "-af", dir).Output(); err == nil {
		t.Errorf("processes are left:\n%s", out)
	}
}
