package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
)

// person is somebody at a terminal that is none, with a home of their own.
type person struct {
	home     string
	out, err bytes.Buffer
}

func (p *person) does(t *testing.T, in string, args ...string) int {
	t.Helper()
	p.out.Reset()
	p.err.Reset()
	env := map[string]string{"HOME": p.home}
	s := &screen{in: strings.NewReader(in), out: &p.out, err: &p.err, env: func(name string) string { return env[name] }}
	return run(t.Context(), s, args)
}

func TestLoginPinsTheCA(t *testing.T) {
	h := open(t)
	p := &person{home: t.TempDir()}
	server, good := "https://"+h.at.Console, api.Fingerprint(h.ca)
	saved := filepath.Join(p.home, ".config", "fettle", "login.json")
	wrong := strings.Repeat("0", 64)
	for name, args := range map[string][]string{
		"unseen":          {"login", "--server", server, "-u", "admin", "--password-stdin"},
		"the wrong print": {"login", "--server", server, "-u", "admin", "--password-stdin", "--ca-fingerprint", wrong},
	} {
		if code := p.does(t, testPassword+"\n", args...); code != exitCannot || !strings.Contains(p.err.String(), good) {
			t.Errorf("%s: exit %d: %s", name, code, p.err.String())
		}
		if _, err := os.Stat(saved); err == nil {
			t.Fatalf("%s: a login was saved", name)
		}
	}
	if code := p.does(t, testPassword+"\n", "login", "--server", server, "-u", "admin", "--password-stdin", "--ca-fingerprint", "SHA256:"+strings.ToUpper(good)); code != exitOK {
		t.Fatalf("exit %d: %s", code, p.err.String())
	}
	st, err := os.Stat(saved)
	if err != nil || st.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("the login has mode %v, %v", st.Mode(), err)
	}
	if b, err := os.ReadFile(saved); err != nil || bytes.Contains(b, []byte(testPassword)) {
		t.Errorf("the saved login: %v %s", err, b)
	}
	if code := p.does(t, "", "machines"); code != exitOK || !strings.Contains(p.out.String(), "No machines") {
		t.Errorf("exit %d: %s%s", code, p.out.String(), p.err.String())
	}
	if code := p.does(t, "", "explain", "web-14", "perl"); code != exitCannot || p.err.Len() == 0 {
		t.Errorf("a machine that is not there: exit %d: %s", code, p.err.String())
	}
}

// The commands over a small real appliance, as text and as JSON: each answers, and none lets hostile text through to the terminal.
func TestCommandsOverAnAppliance(t *testing.T) {
	h := open(t)
	h.publish(archive(t, bellFile), bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.facts.Packages[0].Version = "1.0-1"
	r.checkin("", 0)
	r.detect(1, "")
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	plan := filepath.Join(p.home, "plan.json")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"status", 0, "1 machine"},
		{"machines list --state admitted", 0, "host"},
		{"machines list ho --show needing --sort=-need", 0, "host"},
		{"machines list ho --show confirmed", 0, "No machine is like that"},
		{"machines list --sort colour", 3, "cannot be sorted by"},
		{"machines show host", 0, "admitted"},
		{"status host", 0, "3 of 3"},
		{"machines rows host --verdict not-patched", 0, "bell"},
		{"patches bell", 0, "bookworm-security/bell/1.0-2"},
		{"patches show bell", 0, "security"},
		{"patches rows bell", 0, "host"},
		{"labels put web --machine host --note x", 0, "1 machine"},
		{"labels", 0, "web"},
		{"labels show web", 0, "member          host"},
		{"labels show nobody", 3, "See which there are: fettle labels."},
		{"approve bell moat --label web --preview", 0, "bell"},
		{"approve bell moat --label web --why because", 0, "approved for web by admin"},
		{"decline lamp --label web", 0, "declined"},
		{"hold lamp --label web --until 3d --why tests", 0, "held"},
		{"clear lamp --label web", 0, "cleared"},
		{"decisions", 0, "because"},
		{"decisions history lamp", 0, "decline"},
		{"explain host moat", 0, "first closed gate"},
		{"explain --label web bell", 0, "Approved for 1"},
		{"explain --check host moat", 1, "first closed gate"},
		{"payloads", 0, "bell"},
		{"tokens add more --uses 3", 0, "fettle1."},
		{"tokens", 0, "more"},
		{"tokens remove more", 0, "removed"},
		{"feeds", 0, "test"},
		{"feeds add --name two --apt deb+https://example.org/debian+bookworm+main", 0, "two"},
		{"feeds remove two", 0, "removed"},
		{"catalog list", 0, "debian-12-amd64"},
		{"catalog list --os debian-12-amd64", 0, "debian-12-amd64"},
		{"audit --limit 5", 0, "feed"},
		{"audit verify", 0, "hash"},
		{"users", 0, "admin"},
		{"alarms", 0, "No alarms"},
		{"machines detect host", 0, "machine"},
		{"schedules put nightly --label web --window every+day+22:00-04:00 --hook-before drain --hook-after fill --not-while backup --restart-service nginx --reboot if-needed", 0, "Hooks before it: drain"},
		{"schedules put nightly --label web --window every+day+22:00-04:00 --hook-before ../drain", 2, "not the name of a hook"},
		{"schedules put morning --label web --window every+day+22:00-04:00 --detect --not-while backup", 3, "waits for no program"},
		{"schedules put later --label web --window every+day+22:00-04:00", 0, "  window: "},
		{"schedules remove later", 0, "removed"},
		{"schedules pause nightly", 0, "is paused"},
		{"schedules resume nightly", 0, "Restarted where they run old code: nginx.service"},
		{"schedules", 0, "Nothing is installed while one of these runs: backup"},
		{"schedules", 0, "restarts if-needed"},
		{"calendar --days 3", 0, "Hooks after it: fill"},
		{"schedules remove nightly", 0, "removed"},
		{"labels remove web", 0, "removed"},
		{"approve bell --label all", 0, "approved for all"},
		{"deploy apply --label all --hash " + strings.Repeat("0", 64), 3, "the plan is another one by now"},
		{"deploy apply " + plan + " --hash " + strings.Repeat("0", 64), 2, ""},
		{"deploy apply --label all", 0, "runs on 1 machine. Follow it"},
		{"deploy list", 0, ""},
		{"machines revoke host", 0, "revoked"},
		{"deploy plan --label all --out " + plan, 1, "Nothing to install"},
		{"deploy apply " + plan, 3, "nothing to deploy"},
		{"deploy rollback --patch bell --label all --why slow --out " + plan, 1, "Nothing is changed, and nothing is held."},
		{"deploy apply " + plan, 3, "there is nothing to take back"},
		{"machines detect host", 3, "revoked"},
	} {
		args := strings.Fields(c.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "+", " ")
		}
		if c.args == "approve bell --label all" {
			h.waitPayload(bell)
		}
		if code := p.does(t, "", args...); code != c.code || !strings.Contains(p.out.String()+p.err.String(), c.want) {
			t.Errorf("fettle %s: exit %d, not %d, or no %q in:\n%s%s", c.args, code, c.code, c.want, p.out.String(), p.err.String())
		}
		if asked := p.does(t, "", append(args, "--json")...); asked == exitOK && !strings.HasPrefix(p.out.String(), "{") {
			t.Errorf("fettle %s --json printed %s", c.args, p.out.String())
		}
	}
}
