package version

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

func dpkg(t testing.TB) string {
	path, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("SKIPPED: dpkg is not installed, so nothing referees our order of Debian versions")
	}
	return path
}

func holds(t testing.TB, dpkg, a, op, b string) bool {
	t.Helper()
	err := exec.Command(dpkg, "--compare-versions", a, op, b).Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("dpkg --compare-versions %q %s %q: %v", a, op, b, err)
	}
	return err == nil
}

func checkAgainst(t testing.TB, dpkg, a, b string) {
	t.Helper()
	op := [...]string{"lt", "eq", "gt"}[DpkgCompare(a, b)+1]
	if !holds(t, dpkg, a, op, b) {
		t.Errorf("we say %q %s %q, dpkg does not", a, op, b)
	}
}

// Versions made of the pieces that real ones are made of, and of those that trip parsers.
func randomVersion(r *rand.Rand) string {
	pieces := []string{"0", "1", "10", "09", "a", "b1", "rc", "~", "~~", "+", "+dfsg", "-1", ".", "..2", "ubuntu3", "deb12u4", "A", "Z"}
	var b strings.Builder
	b.WriteString([]string{"", "", "0:", "1:", "12:"}[r.IntN(5)])
	b.WriteByte("0123456789"[r.IntN(10)])
	for range r.IntN(5) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	b.WriteString([]string{"", "-0", "-1", "-1~bpo1", "-2+b1"}[r.IntN(5)])
	return b.String()
}

func TestDpkgAgreesOnOrder(t *testing.T) {
	path := dpkg(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		checkAgainst(t, path, randomVersion(r), randomVersion(r))
	}
}

func TestDpkgAgreesOnValidity(t *testing.T) {
	path := dpkg(t)
	list := []string{"1", "1-1", "1:1", "0:0-0", "1.0~", "1:1:1-1", "1-1-1", "1.0-", "a1", ":1", "1:", "1:-1", "é1", "1_1", "1.0-1_", "1/2",
		"2147483647:1", "2147483648:1", "1-a", "1+", "1-~", "-1", "1-:"}
	for _, s := range list {
		err := exec.Command(path, "--validate-version", s).Run()
		if ours := DpkgValid(s); (ours == nil) != (err == nil) {
			t.Errorf("DpkgValid(%q) = %v, dpkg --validate-version: %v", s, ours, err)
		}
	}
}

func FuzzDpkg(f *testing.F) {
	path := dpkg(f)
	f.Add("1.0-1", "1.0-1~deb12u1")
	f.Add("1:1.0", "2.0+b1")
	f.Fuzz(func(t *testing.T, a, b string) {
		if DpkgValid(a) == nil && DpkgValid(b) == nil {
			checkAgainst(t, path, a, b)
		}
	})
}
