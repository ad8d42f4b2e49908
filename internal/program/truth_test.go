package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pairs counts what is taken for one program, and what is one.
type pairs struct{ both, only, missed int }

func TestRealNamesAreTold(t *testing.T) {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with real names of programs (windows/winget-name-publisher-id.tsv)")
	}
	b, err := os.ReadFile(filepath.Join(truth, "windows/winget-name-publisher-id.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs []string
	right := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) != 3 {
			continue
		}
		id := Publisher(f[1]) + "." + Name(f[0])
		ours, theirs = append(ours, Key(id)), append(theirs, Key(f[2]))
		if Key(id) == Key(f[2]) {
			right++
		} else {
			t.Logf("%q by %q is %s, not %s", f[0], f[1], id, f[2])
		}
	}
	var p pairs
	for i := range ours {
		for k := range i {
			switch same := theirs[i] == theirs[k]; {
			case ours[i] == ours[k] && same:
				p.both++
			case ours[i] == ours[k]:
				p.only++
			case same:
				p.missed++
			}
		}
	}
	precision, recall := float64(p.both)/float64(p.both+p.only), float64(p.both)/float64(p.both+p.missed)
	t.Logf("%d of %d keys are those that another program gives; of pairs that are one program: precision %.3f, recall %.3f (%+v)", right, len(ours), precision, recall, p)
	if len(ours) < 560 || right*100 < 95*len(ours) || precision < 0.97 || recall < 0.95 {
		t.Error("names of programs are not told well enough")
	}
}
