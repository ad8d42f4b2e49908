package agent

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// keepAndAdd is a small kind of delta: how many bytes of the old file stay, and what follows them.
func keepAndAdd(before, delta []byte) ([]byte, error) {
	if len(delta) == 0 || int(delta[0]) > len(before) {
		return nil, patch.Errorf(patch.Untrusted, "no delta")
	}
	return append(append([]byte{}, before[:delta[0]]...), delta[1:]...), nil
}

// A catalog file is made of the old one and a delta where that gives exactly the file that the signed revision names; on any doubt the
// whole file is fetched.
func TestCatalogFilesComeAsDeltas(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(good []byte) (status int, body []byte)
		lose   bool // the old file
		whole  bool // files are fetched in whole
	}{
		"good":         {answer: func(good []byte) (int, []byte) { return 200, good }},
		"another file": {answer: func(good []byte) (int, []byte) { return 200, append(good, '!') }, whole: true},
		"garbage":      {answer: func([]byte) (int, []byte) { return 200, []byte{255, 1} }, whole: true},
		"too long":     {answer: func([]byte) (int, []byte) { return 200, make([]byte, maxDelta+1) }, whole: true},
		"none":         {answer: func([]byte) (int, []byte) { return 404, nil }, whole: true},
		"out of order": {answer: func([]byte) (int, []byte) { return 500, nil }, whole: true},
		"no old file":  {answer: func(good []byte) (int, []byte) { return 200, good }, lose: true, whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newAppliance(t), newBox("curl")
			cfg := a.joined(t, b)
			cfg.ApplyDelta = keepAndAdd
			s := open(t, cfg)
			now := time.Now()
			a.publish(t, now, newDeb("curl", "1.0-1", "1.0-2"))
			old, err := s.refreshCatalog(context.Background(), testOS)
			must(t, err)
			a.publish(t, now.Add(time.Second), newDeb("curl", "1.0-1", "1.0-3"))
			if c.lose {
				must(t, os.Remove(filepath.Join(s.files.catalog(), string(old.List))))
				must(t, os.Remove(filepath.Join(s.files.catalog(), string(old.Signatures))))
			}
			wholes, asked := 0, 0
			a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/v1/blob/") {
					wholes++
				}
				pair, ok := strings.CutPrefix(r.URL.Path, "/v1/delta/")
				if !ok {
					return false
				}
				asked++
				_, next, _ := strings.Cut(pair, "-")
				status, body := c.answer(append([]byte{0}, a.blobs[patch.Hash(next)]...))
				w.WriteHeader(status)
				w.Write(body)
				return true
			}
			meta, err := s.refreshCatalog(context.Background(), testOS)
			must(t, err)
			for _, h := range []patch.Hash{meta.List, meta.Signatures} {
				if got, err := os.ReadFile(filepath.Join(s.files.catalog(), string(h))); err != nil || hashOf(got) != h {
					t.Errorf("the file %s is there with other bytes: %v", h, err)
				}
			}
			if want := map[bool]int{true: 2}[c.whole]; wholes != want || c.lose != (asked == 0) {
				t.Errorf("%d files were fetched in whole, %d deltas asked for", wholes, asked)
			}
		})
	}
}
