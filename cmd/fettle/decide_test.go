package main

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

// signedIn makes a person who has signed in, and the commands that they type: exit code, a text that must be said, arguments.
func (h *house) signedIn(name, password string) func(code int, want string, args ...string) {
	h.t.Helper()
	p := &person{home: h.t.TempDir()}
	if code := p.does(h.t, password+"\n", "login", "--server", "https://"+h.at.Console, "-u", name, "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		h.t.Fatal(p.err.String())
	}
	return func(code int, want string, args ...string) {
		h.t.Helper()
		if got := p.does(h.t, "", args...); got != code || !strings.Contains(p.out.String()+p.err.String(), want) {
			h.t.Fatalf("fettle %v: exit %d, not %d, or no %q in:\n%s%s", args, got, code, want, p.out.String(), p.err.String())
		}
	}
}

// reporting enrols a robot that has detected once.
func (h *house) reporting(name string) *robot {
	h.t.Helper()
	r := h.newRobot()
	r.enrol(h.enrolToken(true, 1), name)
	r.checkin("", 0)
	r.detect(1, "")
	return r
}

func TestLabelsAreTriedOutBeforeTheyAreMade(t *testing.T) {
	h := open(t)
	h.publish(archive(t, bellFile), bellFile)
	r := h.reporting("web-14")
	does := h.signedIn("admin", testPassword)

	does(exitOK, `yes  machine.os == "debian-12-amd64"`, "labels", "test", `machine.os == "debian-12-amd64" && machine.name != ""`)
	does(exitNo, `no   machine.name == "db-1"    (machine.name is "host")`, "labels", "test", `machine.os == "debian-12-amd64" && machine.name == "db-1"`, "--machine", "host")
	does(exitNo, "its inventory has not arrived yet", "labels", "test", `inventory.cores > 1`)
	does(exitCannot, "machine.nmae == \"\"\n         ^", "labels", "test", `machine.nmae == ""`)
	does(exitOK, `patch.source is "bell"`, "labels", "test", "--patches", `patch.source == "bell"`)
	does(exitNo, "It holds for 0 of 1 patch", "labels", "test", `patch.exploited`, "--patch", "bell")

	does(exitOK, "No patch on a list is like that", "patches", "CVE-1999-1")
	does(exitCannot, "debian-12-amd64 has only one revision yet", "catalog", "diff", "--os", "debian-12-amd64")
	does(exitOK, "approves", "rules", "put", "none", "--source", "nothing", "--label", "all")
	does(exitOK, "is removed; no decision of it still counted", "rules", "remove", "none", "--take-back")
	does(exitOK, "1 patch carries it now", "labels", "put", "loud", "--patches", "--expr", `patch.source == "bell"`)
	does(exitUsage, "has no machines", "labels", "put", "x", "--patches", "--machine", "host")
	does(exitOK, "1 machine carries it now", "labels", "put", "web", "--machine", "host")
	does(exitOK, "web,", "report", "--csv") // of labels of machines alone, also where there is one of patches
	if err := h.keepCompliance(t.Context()); err != nil {
		t.Errorf("compliance is not kept beside a label of patches: %v", err)
	}
	does(exitCannot, "the label loud is one of patches", "report", "--label", "loud")
	does(exitOK, "1 patch on 1 machine would become deployable once their files are here", "what-if", "approve", "label:loud", "--label", "web")
	does(exitOK, "No decisions.", "approvals")
	does(exitOK, "approve", "approve", "label:loud", "--label", "web", "--why", "it rings")
	does(exitOK, "1 machine carried the label", "approvals", "show", "bell", "--label", "web")
	does(exitOK, "then and now    host\n", "decisions", "show", "bell", "--label", "web")
	does(exitOK, `"names":{"m-`, "decisions", "show", "bell", "--label", "web", "--json")
	does(exitUsage, `a hold needs a reason, for whoever comes upon it and decides when it ends: add --why`, "hold", "lamp", "--label", "web", "--until", "2d")
	does(exitOK, "lamp/2.0-1", "hold", "lamp", "--label", "web", "--until", "2d", "--preview")
	if status, body := h.raw("POST", api.Path("decisions"), map[string]any{"patches": []string{"lamp"}, "label": "web", "verb": "hold", "until": "2099-01-01T00:00:00Z"}); status != 400 || !strings.Contains(string(body), "a hold needs a reason") {
		t.Errorf("a hold without a reason: %d %s", status, body)
	}
	does(exitOK, "label:loud", "approvals", "show", "bell")
	h.waitPayload(bell)
	does(exitOK, `"web" would have 0 machines instead of 1: 0 in, 1 out; 1 patch on 1 machine would stop being deployable`, "labels", "put", "web", "--expr", `machine.name == "x"`, "--preview")
	does(exitOK, "would stop being deployable", "what-if", "decline", "bell", "--label", "all")
	does(exitOK, "would be installed by another schedule or at another time", "schedules", "put", "nightly", "--label", "all", "--window", "every day 22:00-04:00", "--preview")
	does(exitOK, "Nothing happens by itself", "schedules")
	does(exitCannot, "no catalog of debian-12-amd64 waits for a person", "what-if", "catalog", string(testOS))
	does(exitCannot, "nothing", "what-if", "remove", "--schedule", "nothing")
	does(exitOK, "Nothing would be deployed differently", "what-if", "rule", "r", "--label", "all", "--patches", "loud", "--json")
	does(exitOK, "would have 1 machine instead of 1", "what-if", "label", "web", "--machine", string(r.reply.Machine), "--json")
	if m := tellAdmin[patch.Label](h, "GET", api.Path("labels", "web"), nil); m.Expr != "" {
		t.Errorf("the label was changed: %+v", m)
	}
	does(exitOK, "0 in, 1 out", "what-if", "remove", "--label", "web")
}

func TestTwoPersonsApproveOverTheAPI(t *testing.T) {
	cfg := testData(t)
	cfg.TwoPerson.On = true
	h := openAt(t, cfg)
	h.publish(archive(t, bellFile), bellFile)
	h.reporting("web-14")
	tellAdmin[patch.User](h, "PUT", api.Path("users", "second"), api.UserRequest{Role: patch.Operator, Password: "another battery staple"})
	first, second := h.signedIn("admin", testPassword), h.signedIn("second", "another battery staple")
	first(exitOK, "it waits for a second person", "approve", "bell", "--label", "all", "--why", "it rings")
	first(exitOK, "proposed by admin", "explain", "host", "bell")
	all := tellAdmin[api.List[patch.Proposal]](h, "GET", "/api/v1/proposals", nil)
	if len(all.Items) != 1 {
		t.Fatalf("%+v", all)
	}
	id := all.Items[0].ID
	first(exitOK, "approve bookworm-security/bell/1.0-2", "proposals")
	first(exitCannot, "you cannot confirm this", "proposals", "confirm", id)
	second(exitOK, "it rings", "proposals", "show", id)
	second(exitOK, "by admin and second", "proposals", "confirm", id)
	second(exitOK, "Nothing waits for a second person", "proposals")
	first(exitOK, "confirmed by second", "proposals", "--all")
	first(exitOK, "by admin and second", "approvals", "show", "bell")
	first(exitOK, "declined", "decline", "bell", "--label", "all")
	first(exitOK, "waits for a second person", "clear", "bell", "--label", "all")
	id = tellAdmin[api.List[patch.Proposal]](h, "GET", "/api/v1/proposals", nil).Items[0].ID
	first(exitOK, "withdrawn by admin", "proposals", "reject", id)
	second(exitCannot, "is withdrawn already, by admin", "proposals", "confirm", id)

	// What is decided between, and who carries the label then.
	open := func() string {
		return tellAdmin[api.List[patch.Proposal]](h, "GET", "/api/v1/proposals", nil).Items[0].ID
	}
	first(exitOK, "1 machine carries it now", "labels", "put", "web", "--machine", "host")
	first(exitOK, "waits for a second person", "approve", "lamp", "--label", "web")
	id = open()
	first(exitOK, "declined", "decline", "lamp", "--label", "web", "--why", "it flickers")
	second(exitCannot, "what was proposed is overtaken: bookworm-security/lamp/2.0-1 for web", "proposals", "confirm", id)
	second(exitCannot, "reject the proposal, and propose what is still meant", "proposals", "confirm", id)
	second(exitOK, "rejected by second", "proposals", "reject", id)
	first(exitOK, "waits for a second person", "approve", "moat", "--label", "web")
	id = open()
	first(exitOK, "0 machines carry it now", "labels", "put", "web", "--expr", `machine.name == "x"`)
	second(exitOK, "by admin and second", "proposals", "confirm", id)
	first(exitOK, "0 machines carried the label", "decisions", "show", "moat", "--label", "web")
	first(exitOK, "waits for a second person", "approve", "bell", "--label", "web")
	id = open()
	first(exitOK, "is removed", "labels", "remove", "web")
	second(exitCannot, "web", "proposals", "confirm", id)
	second(exitOK, "rejected by second", "proposals", "reject", id)
}
