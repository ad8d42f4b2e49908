package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

// A patch that was published a moment ago is predicted for machines that have not detected against it; once they have, it is detected,
// and never both.
func TestWhoNeedsAPatch(t *testing.T) {
	h := open(t)
	url := archive(t, bellFile)
	h.publish(url, bellFile)
	r := h.newRobot()
	r.enrol(h.enrolToken(true, 1), "web-14")
	r.checkin("", 0)
	r.detect(1, "")
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	ask := func(id patch.ID) (a who) {
		t.Helper()
		if code := p.does(t, "", "patches", "who", string(id), "--json"); code != exitOK {
			t.Fatal(p.err.String())
		}
		if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask(bell); a.Detected.Total != 1 || a.Predicted.Machines != 0 || a.Predicted.Detected != 1 {
		t.Errorf("detected: %+v", a)
	}
	for verdict, want := range map[string]string{"not-patched": "host\n", "patched": ""} {
		if code := p.does(t, "", "patches", "who", string(bell), "--names", verdict); code != exitOK || p.out.String() != want {
			t.Errorf("named as %s: %q%s", verdict, p.out.String(), p.err.String())
		}
	}
	next := patch.ID("bookworm-security/bell/1.0-3")
	meta := h.publish(url, bellFile, [2]string{"bell", "1.0-3"}, [2]string{"rose", "1-1"})
	a := ask(next)
	if a.Detected.Total != 0 || a.Predicted.Total != 1 || a.Predicted.Detected != 0 || a.Predicted.Revision != meta.ID || a.Predicted.Counts["not-patched"] != 1 {
		t.Fatalf("predicted: %+v", a)
	}
	row := a.Predicted.Rows[0]
	if row.Machine != r.reply.Machine || row.Verdict != patch.NotPatched || !strings.Contains(row.Text.String(), "1.0-3") || row.FactsAt.IsZero() || time.Duration(row.AgeSeconds)*time.Second > time.Minute {
		t.Errorf("%+v", row)
	}
	if code := p.does(t, "", "patches", "who", string(next)); code != exitOK || !strings.Contains(p.out.String(), "Detected: 0 of 0 machines") || !strings.Contains(p.out.String(), "Predicted: 1 of 1 machine that did not detect against it yet needs it.") {
		t.Errorf("%s%s", p.out.String(), p.err.String())
	}
	if a := ask("bookworm-security/rose/1-1"); a.Predicted.Total != 0 || a.Predicted.Counts["not-applicable"] != 1 {
		t.Errorf("a package that is not there: %+v", a)
	}
	r.detect(2, "")
	if a := ask(next); a.Detected.Total != 1 || a.Predicted.Machines != 0 || a.Predicted.Detected != 1 {
		t.Errorf("after its detect: %+v", a)
	}
	if code := p.does(t, "", "machines", "revoke", string(r.reply.Machine)); code != exitOK {
		t.Fatal(p.err.String())
	}
	if a := ask(next); a.Predicted.Indexed != 0 {
		t.Errorf("a revoked machine is in the index: %+v", a)
	}
}

// What the fleet lacks is one question: how many machines, what is decided, what a deployment would install.
func TestWhatTheFleetNeeds(t *testing.T) {
	h := open(t)
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	says := func(want string, args ...string) {
		t.Helper()
		if code := p.does(t, "", append([]string{"patches"}, args...)...); code != exitOK || !strings.Contains(p.out.String(), want) {
			t.Errorf("%q: %s%s", args, p.out.String(), p.err.String())
		}
	}
	says("No patches yet: subscribe")
	says("No machine has detected yet", "needed")
	h.publish(archive(t, bellFile), bellFile)
	r := h.newRobot()
	r.enrol(h.enrolToken(true, 1), "web-14")
	r.checkin("", 0)
	r.detect(1, "")
	says(string(testOS)+": 1 patch that some machine needs and nobody has decided about for it.", "needed", "--undecided")
	says(string(testOS)+": no patch of those asked for that some machine needs.", "needed", "solitaire")
	if code := p.does(t, "", "approve", string(bell), "--label", "all"); code != exitOK {
		t.Fatal(p.err.String())
	}
	says("approved for all", "needed")
	says(string(testOS)+": no patch that some machine needs and nobody has decided about for it.", "needed", "-u")
	if code := p.does(t, "", "patches", "needed", "--json"); code != exitOK {
		t.Fatal(p.err.String())
	}
	var l api.List[need]
	if err := json.Unmarshal(p.out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Items) != 1 || l.Items[0].Total != 1 || l.Items[0].Items[0].Patch.ID != bell || l.Items[0].Items[0].Verdicts[patch.NotPatched] != 1 || l.Items[0].Items[0].Undecided != 0 {
		t.Errorf("%+v", l)
	}
}
