package version

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rpmPairs asks rpm itself, in one process, for the order of many pairs. Lua's own file functions hand them over.
const rpmPairs = `%{lua:
for line in io.lines(os.getenv("PAIRS")) do
  local a, b = line:match("^([^ ]+) ([^ ]+)$")
  print(rpm.vercmp(a, b) .. "\n")
end}`

func askRPM(t *testing.T, pairs [][2]string) []string {
	t.Helper()
	path, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip("SKIPPED: rpm is not installed, so nothing referees our order of RPM versions")
	}
	var in bytes.Buffer
	for _, p := range pairs {
		in.WriteString(p[0] + " " + p[1] + "\n")
	}
	file := filepath.Join(t.TempDir(), "pairs")
	if err := os.WriteFile(file, in.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--eval", rpmPairs)
	cmd.Env = append(os.Environ(), "PAIRS="+file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("rpm: %v: %s", err, out)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs) {
		t.Fatalf("rpm answered %d of %d pairs: %.300s", len(answers), len(pairs), out)
	}
	return answers
}

// randomEVR makes what rpm's tags can hold: with and without epoch and release, marks and separators in every place.
func randomEVR(r *rand.Rand) string {
	pieces := []string{"0", "1", "10", "09", "a", "b1", "rc1", "Z", "~", "~~", "^", "^git1", "^~", ".", "..", "_", "+", "el7_9", "20240101"}
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	}
	epoch := []string{"", "", "0:", "1:", "12:", "2147483647:"}[r.IntN(6)]
	version := word(1 + r.IntN(5))
	release := []string{"", "-1", "-1.el9", "-1.el9_2.1", "-0." + word(2), "-" + word(1+r.IntN(3))}[r.IntN(6)]
	return epoch + version + release
}

func TestRPMAgreesOnOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var pairs [][2]string
	for range 20_000 {
		a, b := randomEVR(r), randomEVR(r)
		if r.IntN(3) == 0 { // near relatives differ late
			b = a + []string{"", "~", "^", ".0", "a", "~1", "^1"}[r.IntN(7)]
		}
		pairs = append(pairs, [2]string{a, b})
	}
	wrong := 0
	for i, want := range askRPM(t, pairs) {
		got, err := Compare(RPM, pairs[i][0], pairs[i][1])
		if err != nil {
			t.Fatalf("Compare(%q, %q): %v", pairs[i][0], pairs[i][1], err)
		}
		if word := [...]string{"-1", "0", "1"}[got+1]; word != want {
			if wrong++; wrong < 10 {
				t.Errorf("%q ? %q: we say %s, rpm says %s", pairs[i][0], pairs[i][1], word, want)
			}
		}
	}
}
