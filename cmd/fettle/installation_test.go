package main

import (
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crypto/tls"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/auth"
)

// Scripts are for everybody; the agent's program is for whoever holds a token that still works, and does not use it up.
func TestTheAgentIsForThoseWhoMayEnrol(t *testing.T) {
	cfg := testData(t)
	shelf := layout{cfg.Data}.agents()
	if err := os.MkdirAll(shelf, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shelf, "fettle-agent-linux-amd64"), []byte("the agent"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openAt(t, cfg)
	made := tellAdmin[api.TokenReply](h, http.MethodPost, api.Path("tokens"), api.TokenRequest{Name: "one", Uses: 1, Hours: 1})
	if !strings.Contains(made.Install.Linux, made.Token) || made.Install.Windows != "" {
		t.Errorf("the lines are %+v", made.Install)
	}
	secret, _, err := auth.ParseToken(made.Token)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(h.keys.Agents.Certificate)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, DisableKeepAlives: true}}
	get := func(path, bearer string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+h.at.Agents+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	if code, text := get("/install.sh", ""); code != http.StatusOK || strings.Contains(text, secret) || !strings.Contains(text, "linux-amd64) want=") {
		t.Errorf("the script is %d %s", code, text)
	}
	const program = "/v1/agents/linux/amd64"
	unknown := strings.Repeat("A", 43)
	for bearer, want := range map[string]int{"": http.StatusBadRequest, "x": http.StatusBadRequest, unknown: http.StatusUnauthorized, secret: http.StatusOK} {
		if code, text := get(program, bearer); code != want || code == http.StatusOK && text != "the agent" {
			t.Errorf("with %q the program is %d %s", bearer, code, text)
		}
	}
	if code, _ := get("/v1/agents/linux/arm64", secret); code != http.StatusNotFound {
		t.Errorf("a program that is not there is %d", code)
	}
	if code, _ := get("/v1/agents/linux/..%2f..%2fkeys", secret); code == http.StatusOK {
		t.Error("another file is given out")
	}
	h.newRobot().enrol(made.Token, "web-14") // the downloads used nothing up
	if code, _ := get(program, secret); code != http.StatusTooManyRequests {
		t.Errorf("with a token that is used up the program is %d", code)
	}
}
