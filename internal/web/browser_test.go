package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// site is one console for the browser to visit.
type site struct {
	Base      string   `json:"base"`
	Addresses []string `json:"addresses"`
}

// TestBrowser visits every page in a real Chromium: with hostile text in every field, with axe-core, and as a person who signs in, approves
// and asks why. FETTLE_BROWSER=1 asks for it (make browser); FETTLE_SHOTS=DIR also keeps the pictures, in the language
// that FETTLE_LANGUAGE names.
func TestBrowser(t *testing.T) {
	if os.Getenv("FETTLE_BROWSER") == "" {
		t.Skip("the console was NOT tested in a browser: run make browser")
	}
	chromium := chromium()
	if chromium == "" {
		t.Skip("the console was NOT tested in a browser: chromium is missing; install it with apt-get install chromium")
	}
	for _, need := range []string{"node_modules/playwright-core", "node_modules/axe-core"} {
		if _, err := os.Stat(need); err != nil {
			t.Fatalf("%s is missing: run npm ci in internal/web", need)
		}
	}
	if _, err := os.Stat("assets/htmx.min.js"); err != nil {
		t.Fatal("assets/htmx.min.js is missing: run make build")
	}
	visit := func(w *world) site {
		s := httptest.NewUnstartedServer(w.open(t))
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers try the certificate once before they are told to trust it
		s.StartTLS()
		t.Cleanup(s.Close)
		return site{Base: s.URL, Addresses: w.addresses()}
	}
	good, show := fleet(), fleet()
	good.heard = [][]patch.Topic{{patch.TopicDeployments}}
	in, err := json.Marshal(map[string]any{
		"chromium": chromium, "profile": filepath.Join(t.TempDir(), "profile"), "shots": shots(t), "pictures": keptPictures(t, show, visit(show)),
		"secret": goodSecret, "other": otherSecret, "password": goodPassword,
		"good": visit(good), "shared": visit(fleet()), "empty": visit(newWorld()), "hostile": visit(hostile(fleet(), 0)),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "browser_test.mjs")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the browser found faults: %v", err)
	}
}

// shots is where pictures of every page go: the folder that FETTLE_SHOTS names, or the test's own, which goes with it.
func shots(t *testing.T) string {
	if dir := os.Getenv("FETTLE_SHOTS"); dir != "" {
		return dir
	}
	return filepath.Join(t.ArtifactDir(), "shots")
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}
