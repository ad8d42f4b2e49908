package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
)

// From what happens on an appliance to what somebody else's server is posted: halts at once, what needs a decision in a digest, links that open.
func TestPeopleAreTold(t *testing.T) {
	var mu sync.Mutex
	var posted []string
	chat := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, string(b))
	}))
	chat.Config.ErrorLog = log.New(io.Discard, "", 0)
	chat.StartTLS()
	defer chat.Close()
	cfg := testData(t)
	cfg.NotifyAllow = []string{"127.0.0.1"}
	cfg.NotifyCA = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cfg.NotifyCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chat.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openAt(t, cfg)
	channel := notify.Request{Channel: patch.Channel{Kind: patch.BySlack}, URL: chat.URL + "/T/B/secret"}
	tellAdmin[notify.Put](h, http.MethodPut, api.Path("notify", "channels", "ops"), channel)
	if d := tellAdmin[patch.Delivery](h, http.MethodPost, api.Path("notify", "channels", "ops", "test"), nil); d.State != patch.DeliverySent {
		t.Fatalf("the test ended with %+v", d)
	}
	careful := &appliance{cfg: h.cfg, keys: h.keys}
	careful.cfg.NotifyAllow = nil
	desk, err := careful.notifier(h.Store, nil, h.Log)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := desk.Test(t.Context(), self(), "ops"); err != nil || d.State != patch.DeliveryFailed || !strings.Contains(d.Text, "does not connect to 127.0.0.1") {
		t.Fatalf("without notify_allow the appliance's own machine is reached: %+v, %v", d, err)
	}

	h.publish(archive(t, bellFile), bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web-14")
	r.checkin("", 0)
	r.detect(1, "")
	tellAdmin[patch.Ring](h, http.MethodPut, api.Path("rings", "first"), patch.Ring{Label: "all", Position: 1})
	tellAdmin[any](h, http.MethodPost, api.Path("rollouts", "halt"), api.RolloutRequest{Patch: "bell", Why: "the bells ring"})
	for _, s := range []notify.Source{h.urgentSource(), h.fleetSource()} {
		if err := h.Notify.Watch(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Notify.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(posted) < 2 || !strings.Contains(posted[1], "a patch is halted") || !strings.Contains(posted[1], "the bells ring") || !strings.Contains(posted[1], "https://127.0.0.1:") {
		t.Errorf("posted was %q", posted)
	}
	waiting, err := h.Store.ListWaitingNotices(t.Context())
	if err != nil || len(waiting) == 0 {
		t.Errorf("nothing waits for the digest: %v", err)
	}
	for _, n := range waiting {
		if n.Subject.AtOnce() || n.Text == "" || n.Reason == "" || !strings.HasPrefix(n.Path, "/") {
			t.Errorf("waiting is %+v", n)
		}
	}
}

// Only administrators see where notifications go, and only they change it.
func TestNotificationsAreAdministrators(t *testing.T) {
	h := open(t)
	for _, role := range []patch.Role{patch.Operator, patch.Auditor} {
		tellAdmin[patch.User](h, http.MethodPut, api.Path("users", string(role)), api.UserRequest{Role: role, Password: "another fine long phrase"})
		token := h.signIn(string(role), "another fine long phrase")
		for _, row := range api.PeopleTable() {
			if !strings.HasPrefix(row.Path, "/api/v1/notify/") {
				continue
			}
			if res, _ := h.ask(row.Method, concrete(row.Path), token, strings.NewReader("{}"), map[string]string{"Content-Type": "application/json"}); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s answers an %s with %d", row.Method, row.Path, role, res.StatusCode)
			}
		}
	}
}

func TestNotifySettings(t *testing.T) {
	for _, bad := range []string{"localhost", "127.0.0.1/40", ""} {
		c := defaultConfig(t.TempDir())
		c.NotifyAllow = []string{bad}
		if err := c.check(); patch.KindOf(err) != patch.Invalid {
			t.Errorf("notify_allow = %q gives %v", bad, err)
		}
	}
	c := defaultConfig(t.TempDir())
	c.NotifyCA = filepath.Join(c.Data, "none.pem")
	if _, err := c.notifyRoots(); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a missing notify_ca gives %v", err)
	}
}
