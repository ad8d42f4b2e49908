package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/whatif"
)

const sampleOS patch.HostOS = "debian-12-amd64"

// fleet is a world of many machines in every state.
func fleet() *world {
	w := newWorld()
	w.samplePatches()
	w.sampleMachines()
	w.sampleRows()
	w.sampleDecisions()
	w.sampleRecords()
	w.sampleCounts()
	w.sampleOthers()
	w.sampleOffice()
	w.sampleDeployments()
	w.sampleExplanation()
	w.samplePreview()
	w.sampleStanding()
	w.sampleBeyond()
	w.sampleFreezes()
	return w
}

// single is a world of one machine that has just detected.
func single() *world {
	w := fleet()
	w.machines, w.rows, w.patches = w.machines[:1], w.rows[:1], w.patches[:1]
	w.fleet.Machines, w.fleet.Pending, w.fleet.Stale, w.fleet.Failed, w.fleet.Never = 1, 0, 0, 0, 0
	w.alarms, w.progress, w.decisions, w.moves, w.payloads, w.tokens = nil, w.progress[:1], nil, nil, nil, nil
	w.receipts, w.labels, w.feeds = w.receipts[:1], w.labels[:1], w.feeds[:1]
	w.explained.Attempts, w.explained.Transitions, w.explained.Decisions = nil, nil, nil
	return w
}

func (w *world) ago(d time.Duration) time.Time { return w.now.Add(-d) }

func (w *world) samplePatches() {
	names := []struct {
		source, version, about string
		security               bool
		decided                patch.Verb
	}{
		{"openssl", "3.0.18-1~deb12u2", "Secure Sockets Layer toolkit - cryptographic utility", true, patch.Approve},
		{"perl", "5.36.0-7+deb12u4", "Larry Wall's Practical Extraction and Report Language", true, ""},
		{"linux", "6.1.158-1", "Linux 6.1 for 64-bit PCs (signed)", true, ""},
		{"glibc", "2.36-9+deb12u14", "GNU C Library: Shared libraries", true, patch.Approve},
		{"systemd", "252.39-1~deb12u1", "system and service manager", false, ""},
		{"nginx", "1.22.1-9+deb12u4", "small, powerful, scalable web/proxy server", true, ""},
		{"curl", "7.88.1-10+deb12u15", "command line tool for transferring data with URL syntax", true, patch.Approve},
		{"postgresql-15", "15.15-0+deb12u1", "The World's Most Advanced Open Source Relational Database", true, ""},
		{"tzdata", "2026c-0+deb12u1", "time zone and daylight-saving time data", false, patch.Approve},
		{"bash", "5.2.15-2+b9", "GNU Bourne Again SHell", false, ""},
		{"vim", "2:9.0.1378-2+deb12u3", "Vi IMproved - enhanced vi editor", true, ""},
		{"apache2", "2.4.66-1~deb12u1", "Apache HTTP Server", true, patch.Approve},
	}
	for i, n := range names {
		suite, cat := "bookworm", patch.Update
		var cves []string
		if n.security {
			suite, cat = "bookworm-security", patch.Security
			for k := range i%4 + 1 {
				cves = append(cves, fmt.Sprintf("CVE-2026-%d", 21044+i*37+k))
			}
		}
		p := patch.Patch{ID: patch.ID(suite + "/" + n.source + "/" + n.version), Title: n.source + " " + n.version + ": " + n.about, Source: n.source, Version: n.version, Suite: suite, Category: cat, CVSS: float64(i) / 1.5, CVEs: cves, Released: w.ago(time.Duration(3+i*5) * 24 * time.Hour)}
		if i%3 == 0 && n.security {
			p.Severity = patch.High
		}
		if n.source == "nginx" || n.source == "vim" {
			p.Severity = patch.Critical
		}
		c := ledger.PatchCount{Patch: p, OS: sampleOS}
		if n.decided != "" {
			c.Decisions = []patch.Decision{{ID: "d1", Patch: p.ID, Label: patch.LabelAll, Verb: n.decided, By: "m.keller", At: w.ago(50 * time.Hour)}}
		}
		w.patches = append(w.patches, c)
	}
	w.patches[1].Decisions = []patch.Decision{{ID: "d4", Patch: w.patches[1].Patch.ID, Label: "canary", Verb: patch.Approve, By: "m.keller", At: w.ago(46 * time.Hour)}}
	w.patches[7].Decisions = []patch.Decision{{ID: "d2", Patch: w.patches[7].Patch.ID, Label: "db", Verb: patch.Hold, Until: w.now.AddDate(0, 0, 9), By: "j.ortiz", At: w.ago(20 * time.Hour), Why: "vendor certification"}}
	w.patches[11].Decisions = []patch.Decision{{ID: "d3", Patch: w.patches[11].Patch.ID, Label: "all", Verb: patch.Decline, By: "m.keller", At: w.ago(90 * time.Hour), Why: "we remove Apache instead"}}
}

func (w *world) sampleMachines() {
	roles := []string{"web", "db", "mail", "build", "cache", "edge"}
	for i := range 24 {
		m := ledger.MachineRow{Freshness: ledger.Fresh, Text: "complete and recent"}
		m.Machine = patch.Machine{ID: patch.MachineID(fmt.Sprintf("%02x%s", i*9+16, strings.Repeat("c4e1", 8))[:32]), Name: fmt.Sprintf("%s-%02d", roles[i%len(roles)], i+1), State: patch.Admitted, OS: sampleOS,
			EnrolledAt: w.ago(400 * time.Hour), EnrolledBy: "rack-4", SeenAt: w.ago(time.Duration(i*37+20) * time.Second), Address: fmt.Sprintf("10.20.4.%d", i+10), AgentVersion: "0.1.0", Inventory: "x", RebootOwed: i%7 == 2}
		m.Receipt = &patch.Receipt{Machine: m.ID, Seq: uint64(310 + i), OS: sampleOS, Revision: "4f1c09d2aa7e31b6", Ended: w.ago(time.Duration(i*11+140) * time.Minute), Expected: 36120, Evaluated: 36120}
		w.machines = append(w.machines, m)
	}
	w.machines[5].Freshness, w.machines[5].Text, w.machines[5].Receipt.Ended, w.machines[5].SeenAt = ledger.Stale, phrase.Of("the newest complete detect is {1} old; more than {2} is too old to act on", 193*time.Hour, 72*time.Hour), w.ago(193*time.Hour), w.ago(190*time.Hour)
	w.machines[9].Freshness, w.machines[9].Text, w.machines[9].DetectFailed, w.machines[9].DetectFailedAt = ledger.Failed, "detect failed today 05:58: dpkg's status file is cut at line 20,113", "dpkg's status file is cut at line 20,113", w.ago(162*time.Minute)
	w.machines[13].Freshness, w.machines[13].Text, w.machines[13].Receipt = ledger.Never, "it has never completed a detect", nil
	w.machines[0].Text = "1 patch could not be judged: vim-common is half-installed"
	w.machines[erring].Unjudged = 1
	w.machines[erring].Text = "2 patches could not be judged: dbus is half-installed"
	w.machines[17].Busy = "installing 3 of 7"
	for i := 22; i < 24; i++ {
		w.machines[i].State, w.machines[i].Freshness, w.machines[i].Receipt, w.machines[i].OS = patch.Pending, ledger.Shut, nil, ""
	}
}

func (w *world) sampleRows() {
	for i, v := range sampleVerdicts {
		r := ledger.Row{Machine: w.machines[i].ID, MachineName: w.machines[i].Name, OS: sampleOS, Patch: w.patches[i].Patch, Verdict: v, Policy: patch.Policy{Stand: patch.Undecided}, Execution: patch.ExecNone, Standing: phrase.Phrase(v.String()), Receipt: ledger.ReceiptRef{Seq: 310, Ended: w.ago(148 * time.Minute), Stale: i == 5}}
		w.rows = append(w.rows, r)
	}
	set := func(i int, p patch.Stand, e patch.Execution, f patch.Effect, text phrase.Phrase) {
		r := &w.rows[i]
		r.Policy.Stand, r.Execution, r.Effect, r.Text = p, e, f, text
	}
	set(0, patch.Approved, patch.ExecNone, "", "")
	w.rows[0].Deployable = true
	set(1, patch.Undecided, patch.ExecNone, "", "nobody has decided about it")
	set(2, patch.Approved, patch.ExecDownloading, "", "an attempt is under way")
	set(3, patch.Approved, patch.ExecDone, patch.EffectVerified, "")
	set(4, patch.HeldBack, patch.ExecNone, "", "held until 2 Dec 08:00 by j.ortiz")
	set(5, patch.Approved, patch.ExecNone, "", "none of its packages is installed")
	set(6, patch.Approved, patch.ExecDone, patch.EffectNeedsReboot, "a reboot is owed for it")
	set(7, patch.Declined, patch.ExecNone, "", "none of its packages is installed")
	set(8, patch.Approved, patch.ExecFailed, patch.EffectNotEffective, "installed without error, and the next detect still says not patched")
	w.rows[8].Cause = patch.FailPatch
	set(9, patch.Approved, patch.ExecWithdrawn, patch.EffectUndone, "unattended-upgrades put an older version back")
	set(10, patch.Undecided, patch.ExecWaiting, "", "vim-common is half-installed, so it could not be judged")
	set(11, patch.Declined, patch.ExecInstalling, "", "no complete detect covers this list yet")
	w.rows[11].Closed = &ledger.Closing{At: w.ago(30 * time.Hour), Note: "satisfied by upgrade: debian-11-amd64 → debian-12-amd64"}
	for i := range w.rows {
		if w.rows[i].Text == "" {
			w.rows[i].Reason.Text = "every installed package of it is at its version or newer"
		}
	}
}

func (w *world) sampleDecisions() {
	for i, n := range w.patches {
		for _, d := range n.Decisions {
			d.ID = fmt.Sprint("x", i)
			w.decisions = append(w.decisions, d)
		}
	}
	w.decisions = append(w.decisions, patch.Decision{ID: "x0", Patch: w.patches[0].Patch.ID, Label: "db", Verb: patch.Clear, By: "m.keller", At: w.ago(70 * time.Hour), Why: "wrong label"})
	october := time.Date(2026, 10, 8, 21, 40, 0, 0, time.UTC)
	for i, n := range []int{19, 12, 3} {
		x := patch.InstalledPatch{Patch: w.patches[i*3].Patch.ID, Decision: w.decisions[min(i, 2)].ID, Machines: n, Verified: n - i/2, First: october.AddDate(0, 0, i), Last: october.AddDate(0, 0, 2*i)}
		w.installed = append(w.installed, x)
		w.installations = append(w.installations, patch.Installation{Machine: w.machines[i].ID, Patch: x.Patch, Decision: x.Decision, Deployment: "01KDPX1111M0WJ8J5N2X4F9T1R", EndedAt: x.First, Effect: patch.EffectVerified, VerifiedSeq: 301})
	}
	w.labels = append(w.labels,
		label.Membership{Label: patch.Label{Name: "web", Note: "public web servers", Expr: `machine.name.startsWith("web-")`, CreatedAt: w.ago(900 * time.Hour), CreatedBy: "m.keller"}, Members: w.named("web-"), Unjudged: map[patch.MachineID]phrase.Phrase{w.machines[13].ID: "it has not sent an inventory yet"}},
		label.Membership{Label: patch.Label{Name: "db", Members: w.named("db-"), CreatedAt: w.ago(800 * time.Hour), CreatedBy: "j.ortiz"}, Members: w.named("db-")},
		label.Membership{Label: patch.Label{Name: "urgent", Of: patch.OfPatches, Expr: `patch.exploited`, CreatedAt: w.ago(80 * time.Hour), CreatedBy: "j.ortiz"}, Patches: []patch.ID{w.patches[0].Patch.ID}, Faulty: map[patch.ID]phrase.Phrase{w.patches[1].Patch.ID: "index out of bounds"}},
		label.Membership{Label: patch.Label{Name: "canary", Note: "those that fail first", Expr: `["mail-", "build-", "edge-"].exists(x, machine.name.startsWith(x))`, CreatedAt: w.ago(700 * time.Hour), CreatedBy: "m.keller"}, Members: w.named("mail-", "build-", "edge-")})
	w.labels[0].Members = w.named("")
}

// named are the admitted machines whose names begin in one of some ways.
func (w *world) named(begins ...string) (ids []patch.MachineID) {
	for _, m := range w.machines[:admitted] {
		if slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(m.Name, b) }) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (w *world) sampleRecords() {
	m := w.machines[0]
	for i := range 4 {
		e := w.ago(time.Duration(148+i*1440) * time.Minute)
		w.receipts = append(w.receipts, patch.Receipt{Machine: m.ID, Seq: uint64(310 - i), OS: sampleOS, Revision: "4f1c09d2aa7e31b6", Started: e.Add(-21 * time.Millisecond), Ended: e, Expected: 36120, Evaluated: 36120, Errors: 1})
	}
	w.moves = []patch.Transition{
		{Machine: m.ID, Patch: w.patches[3].Patch.ID, From: patch.NotPatched, To: patch.Patched, At: w.ago(26 * time.Hour), Seq: 309, Cause: patch.ByFettle},
		{Machine: m.ID, Patch: w.patches[9].Patch.ID, From: patch.Patched, To: patch.NotPatched, At: w.ago(50 * time.Hour), Seq: 308, Cause: patch.ByOther, Note: "unattended-upgrades, by dpkg's own log"},
		{Machine: m.ID, Patch: w.patches[1].Patch.ID, From: patch.Unknown, To: patch.NotPatched, At: w.ago(74 * time.Hour), Seq: 307, Cause: patch.CatalogChange}}
	w.inventory = &patch.Inventory{Hostname: m.Name, OS: patch.OSFacts{Key: sampleOS, Pretty: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64"}, Hardware: patch.Hardware{Vendor: "Dell Inc.", Model: "PowerEdge R650", CPU: "Intel Xeon Gold 6330", Cores: 56, MemoryMB: 257612, DiskMB: 914573},
		Network: []patch.Interface{{Name: "eno1", MAC: "b0:4f:13:aa:20:01", Addresses: []string{"10.20.4.10", "2001:db8:20::10"}}}, Kernel: patch.Kernel{Running: "6.1.0-39-amd64", Installed: "6.1.0-41-amd64"}, Reboot: patch.RebootSignal{Owed: true, Reasons: []string{"a newer kernel is installed"}}, OldCode: []patch.OldCode{{Unit: "nginx.service", Program: "nginx", PID: 812, Files: []string{"/usr/lib/x86_64-linux-gnu/libssl.so.3"}}}, Updaters: []string{"unattended-upgrades"},
		Changes: []patch.PkgChange{{At: w.ago(26 * time.Hour), Action: "upgrade", Name: "libc6", Arch: "amd64", From: "2.36-9+deb12u13", To: "2.36-9+deb12u14", By: "fettle"}, {At: w.ago(50 * time.Hour), Action: "install", Name: "bash", Arch: "amd64", To: "5.2.15-2+b7"}}}
	for i, s := range []patch.PayloadState{patch.PayloadReady, patch.PayloadFetching, patch.PayloadWanted, patch.PayloadFailed} {
		p := patch.StoredPayload{OS: sampleOS, Patch: w.patches[0].Patch.ID, State: s, UpdatedAt: w.ago(time.Hour)}
		p.Payload = patch.Payload{Name: []string{"openssl", "libssl3", "libssl-dev", "libssl-doc"}[i], Arch: "amd64", Version: "3.0.18-1~deb12u2", Size: int64(2024004 / (i + 1))}
		p.SHA256 = patch.Hash(strings.Repeat("9f31c0de", 8))
		if s == patch.PayloadFailed {
			p.Error, p.NextTry = "the archive answers 404 for pool/updates/main/o/openssl", w.now.Add(9*time.Minute)
		}
		w.payloads = append(w.payloads, p)
	}
	good := patch.FeedRun{Feed: "debian-bookworm-security", Ended: w.ago(96 * time.Minute), Outcome: "unchanged", Dated: w.ago(5 * time.Hour), Bytes: 55_000, Packages: 4811}
	bad := patch.FeedRun{Feed: "debian-bookworm-updates", Ended: w.ago(95 * time.Minute), Outcome: "quarantined", Text: "it lists 2 packages where the last good one listed 812 (−99.8 %); the last good state is kept", Bytes: 2_144}
	f := func(name, suite string) patch.Feed {
		return patch.Feed{Name: name, Kind: "apt", URI: "https://mirror.example.org/debian", Suite: suite, Components: []string{"main"}, Arch: "amd64", OS: sampleOS}
	}
	w.feeds = []patch.FeedStatus{{Feed: f("debian-bookworm", "bookworm"), Last: &good, LastGood: &good}, {Feed: f("debian-bookworm-security", "bookworm-security"), Last: &good, LastGood: &good}, {Feed: f("debian-bookworm-updates", "bookworm-updates"), Last: &bad, LastGood: &good}}
	w.alarms = []patch.Alarm{{Key: "feed/debian-bookworm-updates", Kind: "feed", Text: "debian-bookworm-updates shrank from 812 to 2 packages and is quarantined", Do: "Look at the archive. If it is meant, remove the feed and add it again.", RaisedAt: w.ago(95 * time.Minute), SeenAt: w.ago(time.Minute)},
		{Key: "detect/" + string(w.machines[9].ID), Kind: "detect", Text: "build-10 fails to detect", RaisedAt: w.ago(50 * time.Hour), ClearedAt: w.ago(40 * time.Hour)}}
	w.entries = []patch.AuditEntry{{Seq: 1044, At: w.ago(50 * time.Hour), Who: "m.keller", From: "10.20.1.4", Via: "console", Action: "decide.approve", Object: string(w.patches[0].Patch.ID), Detail: `{"label":"web"}`, Hash: patch.Hash(strings.Repeat("ab12cd34", 8))}, {Seq: 1043, At: w.ago(51 * time.Hour), Who: "j.ortiz", From: "local", Via: "cli", Action: "machine.admitted", Object: "web-01", Hash: patch.Hash(strings.Repeat("00ffcd34", 8))}}
	w.tokens = []patch.Token{{Name: "rack-4", Uses: 12, ExpiresAt: w.now.Add(20 * time.Hour), CreatedBy: "m.keller", CreatedAt: w.ago(4 * time.Hour)}, {Name: "old", Uses: 0, Admit: true, ExpiresAt: w.ago(20 * time.Hour), CreatedBy: "m.keller", CreatedAt: w.ago(40 * time.Hour)}}
}

func (w *world) sampleDeployments() {
	w.plan = patch.Plan{Hash: patch.Hash(strings.Repeat("7c1e55aa", 8)), Made: w.now, By: "m.keller", Label: "web"}
	for i := range 3 {
		m := w.machines[i]
		mp := patch.MachinePlan{Machine: m.ID, Name: m.Name, OS: sampleOS, Snapshot: 310, Revision: "4f1c09d2aa7e31b6"}
		for _, n := range w.patches[:2-i/2] {
			mp.Items = append(mp.Items, patch.PlanItem{Patch: n.Patch.ID, Title: n.Patch.Title, Packages: []patch.PlanPackage{{Name: n.Patch.Source, Arch: "amd64", From: "1.0-1", Version: n.Patch.Version, SHA256: patch.Hash(strings.Repeat("12345678", 8)), Size: 1_420_000}, {Name: "lib" + n.Patch.Source, Arch: "amd64", Version: n.Patch.Version, Size: 2_011_000}}})
		}
		mp.Left = []patch.LeftOut{{Patch: w.patches[5].Patch.ID, Gate: "prerequisites", Text: "none of its packages is installed"}, {Patch: w.patches[7].Patch.ID, Gate: "hold", Text: "held until 2 Dec 08:00"}}
		if len(mp.Items) > 0 {
			mp.Items[0].Outcome, mp.Items[0].Restart = patch.WillInstall, "linux-image-6.1.0-29-amd64"
			mp.Items[len(mp.Items)-1].Outcome, mp.Items[len(mp.Items)-1].Text = patch.WillWait, phrase.Count(3, "{1} comes first: {2} of {n} machine there have proven it, {3} are needed", "{1} comes first: {2} of {n} machines there have proven it, {3} are needed", "canary", 1, 3)
			mp.Expected = patch.Expected{Bytes: 6_862_000, Seconds: 95, Restart: len(w.plan.Machines) > 0, Why: phrase.Of("{1} needs it", "linux-image-6.1.0-29-amd64")}
		}
		w.plan.Machines = append(w.plan.Machines, mp)
	}
	states := []patch.Execution{patch.ExecDone, patch.ExecDownloading, patch.ExecInstalling, patch.ExecWaiting, patch.ExecFailed, patch.ExecDone, patch.ExecWithdrawn}
	run := deploy.Progress{Deployment: patch.Deployment{ID: "01KDQ7Z3V6M0WJ8J5N2X4F9T1R", Plan: w.plan, State: patch.Running, By: "m.keller", At: w.ago(4 * time.Minute)}, Sentence: phrase.Join([]phrase.Phrase{phrase.Of("{1} of {2} installed", 2, 7), phrase.Of("{1} downloading", 1), phrase.Of("{1} installing", 1), phrase.Of("{1} failed", 1)}, ", "), Counts: deploy.Counts{Total: 7, Done: 2, Verified: 1, Unproven: 1, Downloading: 1, Installing: 1, Waiting: 1, Failed: 1, Withdrawn: 1}, Bytes: 18_400_000, TotalBytes: 41_100_000}
	for i, s := range states {
		if i%2 == 0 {
			m := w.machines[i]
			run.Machines = append(run.Machines, deploy.MachineProgress{Machine: m.ID, Name: m.Name, State: s, Text: phrase.Of("installs, {1} of {2} done", 1, 2), SeenAt: m.SeenAt})
		}
		mp := &run.Machines[len(run.Machines)-1]
		a := patch.Attempt{ID: fmt.Sprint("a", i), Deployment: run.Deployment.ID, Machine: mp.Machine, Patch: w.patches[i].Patch.ID, Number: 1 + i%2, State: s, Bytes: 900_000, TotalBytes: 3_431_000, StartedAt: w.ago(3 * time.Minute)}
		switch s {
		case patch.ExecDone:
			a.Effect, a.VerifiedSeq, a.Bytes = patch.EffectVerified, 311, a.TotalBytes
			a.Text = "installed in 3.1 s; snapshot 311 says patched"
		case patch.ExecFailed:
			a.Cause, a.Text, a.Log = patch.FailPatch, "the package manager failed: exit status 100", "Setting up systemd (252.39-1~deb12u1) ...\nFailed to reload daemon: Connection timed out\ndpkg: error processing package systemd (--configure):\n installed systemd package post-installation script subprocess returned error exit status 1"
		}
		item := deploy.ItemProgress{Attempt: a, Title: w.patches[i].Patch.Title}
		switch s {
		case patch.ExecDone:
			item.Text = phrase.Of("installed, verified by snapshot {1}", "311")
		case patch.ExecDownloading:
			item.Text = "fetches the files"
		case patch.ExecWaiting:
			item.Text = phrase.Of("waits: {1}", phrase.Phrase("nobody has decided about it"))
		}
		mp.Items = append(mp.Items, item)
	}
	done := run
	done.Deployment.ID, done.Deployment.State, done.Deployment.At, done.Deployment.EndedAt, done.Ended = "01KDPX1111M0WJ8J5N2X4F9T1R", patch.Finished, w.ago(26*time.Hour), w.ago(25*time.Hour), true
	done.Sentence = phrase.Join([]phrase.Phrase{phrase.Of("{1} of {2} installed", 19, 19), phrase.Of("{1} verified by detect", 19)}, ", ")
	done.Counts = deploy.Counts{Total: 19, Done: 19, Verified: 19}
	w.progress = []deploy.Progress{run, done}
	ids := make([]patch.ID, 0, len(w.patches))
	for _, n := range w.patches {
		ids = append(ids, n.Patch.ID)
	}
	w.hoops = rollouts(w.now, ids...)
}

func (w *world) sampleExplanation() {
	m, p := w.machines[0].Machine, w.patches[1].Patch
	g := func(name gate.Name, title phrase.Phrase, s gate.State, text, evidence phrase.Phrase) gate.Gate {
		return gate.Gate{Name: name, Title: title, State: s, Code: string(name), Text: text, Evidence: evidence}
	}
	gates := []gate.Gate{
		g(gate.Feed, "in a subscribed feed", gate.Open, "bookworm-security is subscribed and was read well", "vendor's index of Sunday 03:12"),
		g(gate.Catalog, "in the catalog", gate.Open, "list 4f1c09d2aa7e31b6 of debian-12-amd64 is published", ""),
		g(gate.List, "on this OS's list", gate.Open, "it is patch 21,807 of 36,120", ""),
		g(gate.Snapshot, "snapshot complete", gate.Open, "36,120 of 36,120 definitions, today 06:12, in 21 ms", "snapshot 310"),
		g(gate.Prerequisites, "applies here", gate.Open, "perl-base is installed", ""),
		g(gate.InstalledTest, "not installed yet", gate.Open, "perl-base 5.36.0-7+deb12u3 is older than 5.36.0-7+deb12u4", "/var/lib/dpkg/status"),
		g(gate.Superseded, "not superseded", gate.Open, "no newer patch replaces it", ""),
		g(gate.Policy, "approved", gate.Open, "approved for canary by m.keller on Saturday 10:40", ""),
		g(gate.Label, "approval covers it", gate.Closed, "the approval is for canary, and web-01 has left that label since Tuesday", "canary: "+phrase.Phrase(w.labels[4].Label.Expr)),
		g(gate.Hold, "not held", gate.Open, "nobody holds it back", ""),
		g(gate.Window, "window open", gate.Closed, "the window opens tonight 22:00", ""),
		g(gate.Machine, "machine online", gate.Open, "seen 20 s ago", ""),
		g(gate.Payload, "payload on the appliance", gate.Unreached, "3 files, verified", ""),
		g(gate.Preflight, "preflight", gate.Unreached, "not asked yet", ""),
		g(gate.Attempts, "attempts left", gate.Unreached, "3 of 3", ""),
		g(gate.Installed, "installed", gate.Unreached, "not yet", ""), g(gate.Reboot, "no reboot owed", gate.Unreached, "not yet", ""),
		g(gate.Verified, "verified by a detect", gate.Unreached, "not yet", ""), g(gate.Undone, "not undone", gate.Unreached, "not yet", "")}
	gates[5].Clauses = []patch.Clause{{Subject: "perl-base:amd64", Expected: "≥ 5.36.0-7+deb12u4", Seen: "5.36.0-7+deb12u3", From: "/var/lib/dpkg/status"}, {Subject: "libperl5.36:amd64", Expected: "≥ 5.36.0-7+deb12u4", Seen: "5.36.0-7+deb12u3", From: "/var/lib/dpkg/status"}}
	gates[5].At, gates[8].Actor, gates[10].NextAt = w.receipts[0].Ended, gate.Person, w.now.Add(13*time.Hour)
	row := w.rows[1]
	row.MachineName, row.Policy.Stand = m.Name, patch.Undecided
	w.explained = ledger.Explanation{At: w.now, Machine: m, Row: row, Labels: []string{"all", "web"}, Receipt: &w.receipts[0], Proof: ledger.Proof{Outcome: ledger.Reproduced, Text: "the engine judged the stored facts once more with list 4f1c09d2aa7e31b6"},
		Answer:      gate.Answer{Gates: gates, Closed: &gates[8], Standing: "not deployed", Sentence: "approved for canary, but web-01 has left that label since Tuesday", Next: "nothing until the label or the approval changes", Actor: gate.Person},
		Finding:     patch.Finding{ID: p.ID, Title: p.Title, Verdict: patch.NotPatched, Packages: []patch.AffectedPackage{{Name: "perl-base", Arch: "amd64", Installed: "5.36.0-7+deb12u3", Fixed: "5.36.0-7+deb12u4"}, {Name: "libperl5.36", Arch: "amd64", Installed: "5.36.0-7+deb12u3", Fixed: "5.36.0-7+deb12u4"}}},
		Decisions:   w.patches[1].Decisions,
		Attempts:    []patch.Attempt{{ID: "a", Deployment: w.progress[1].Deployment.ID, Patch: p.ID, Number: 1, State: patch.ExecFailed, Cause: patch.FailLock, Text: "unattended-upgrades (pid 4711) held dpkg's lock for 10 minutes", StartedAt: w.ago(70 * time.Hour), Log: "E: Could not get lock /var/lib/dpkg/lock-frontend."}},
		Transitions: w.moves}
	w.byMachine = ledger.MachineExplanation{At: w.now, Machine: w.machines[0], Sentence: phrase.Count(w.machines[0].Needed, "It needs {n} patch: {1}.", "It needs {n} patches: {1}.", phrase.Of("{1} undecided", w.machines[0].Undecided)), Gates: gates[3:4], Next: phrase.Of("the schedule {1} installs it", "nightly"), NextAt: w.now.Add(13 * time.Hour), Actor: gate.Appliance,
		Groups: []ledger.PatchGroup{{Standing: "deployable", Code: "deployable", Text: phrase.Sentence(phrase.Of(`approved for "{1}", and nothing stands in its way: the next deployment installs it`, "web")), Count: w.machines[0].Deployable, Security: 2, Patches: []patch.ID{w.patches[0].Patch.ID}, Next: phrase.Of("the schedule {1} installs it", "nightly"), NextAt: w.now.Add(13 * time.Hour)},
			{Standing: "not deployed", Gate: gate.Policy, Code: gate.CodeUndecided, Text: "nobody has decided about it", Count: w.machines[0].Undecided, Security: 2, Patches: []patch.ID{w.patches[1].Patch.ID}, Next: "nothing until somebody approves or declines it", Actor: gate.Person}}}
	stands := w.patches[1].Verdicts
	named := func(v patch.Verdict) (out []ledger.Named) {
		for i := range admitted {
			if w.verdict(1, i) == v {
				out = append(out, ledger.Named{ID: w.machines[i].ID, Name: w.machines[i].Name})
			}
		}
		return out
	}
	w.byLabel = ledger.LabelExplanation{At: w.now, Label: patch.LabelAll, Patch: p, Total: admitted, Sentence: phrase.Verbatim(fmt.Sprintf("approved for canary: %d patched, %d to be decided, %d not applicable (none of its packages is installed), %d never detected", stands[patch.Patched], stands[patch.NotPatched], stands[patch.NotApplicable], stands[patch.Unknown])),
		Groups: []ledger.Group{{Standing: "patched", Gate: gate.InstalledTest, Code: "current", Text: "every installed package of it is at its version or newer", Count: stands[patch.Patched], Machines: named(patch.Patched)},
			{Standing: "not deployed", Gate: gate.Policy, Code: gate.CodeUndecided, Text: "nobody has decided about it", Count: stands[patch.NotPatched], Machines: named(patch.NotPatched), Next: "nothing until somebody approves or declines it", Actor: gate.Person},
			{Standing: "not applicable", Gate: gate.Prerequisites, Code: "not-installed", Text: "none of its packages is installed", Count: stands[patch.NotApplicable], Machines: named(patch.NotApplicable), Next: "nothing until one of them is installed"},
			{Standing: "unknown", Gate: gate.Snapshot, Code: gate.CodeNever, Text: "it has never completed a detect", Count: stands[patch.Unknown], Machines: named(patch.Unknown), Next: "its agent detects when it runs", Actor: gate.Agent}}}
}

// sampleStanding is what runs by itself, and how it stands.
func (w *world) sampleStanding() {
	window := func(hours int) schedule.Occurrence {
		return schedule.Occurrence{Start: w.now.Add(time.Duration(hours) * time.Hour), End: w.now.Add(time.Duration(hours+6) * time.Hour)}
	}
	w.coming = []calendar.Coming{{Schedule: patch.Schedule{Name: "canary", Label: "web", Window: "second tuesday 20:00-23:00", Note: "four machines that fail first", CreatedBy: "m.keller"}, Next: window(-1), Open: true, Machines: 4},
		{Schedule: patch.Schedule{Name: "rest", Label: "all", Window: "second tuesday + 3 days 22:00-04:00 Europe/Berlin"}, Next: window(85), Machines: 22}, {Schedule: patch.Schedule{Name: "lab", Label: "db", Window: "every day 12:00-13:00", Paused: true}, Machines: 4}}
	for i := range 5 {
		w.events = append(w.events, calendar.Event{Occurrence: window(13 + 24*i), Schedule: "rest", Label: "all", Machines: 22})
	}
	w.ruleList = []patch.Rule{{Name: "canary", Label: "web", Verb: patch.Approve, Expr: `patch.category == "security"`, Version: 1, ChangedAt: w.ago(90 * time.Hour), ChangedBy: "m.keller"},
		{Name: "no-mariadb", Label: "db", Verb: patch.Decline, Expr: `patch.source == "mariadb"`, SoakDays: 3, Version: 4, Note: "the shop's vendor patches it", Paused: true, ChangedAt: w.ago(9 * time.Hour), ChangedBy: "j.ortiz"}}
	w.outlook = approval.Outlook{Rule: w.ruleList[0], Sentence: "canary approves 6 patches for \"web\" now, and 2 when they have been out for 3 days; 11 are decided already.", Now: []patch.ID{w.patches[0].Patch.ID}, Settled: 11,
		Waiting: []approval.Waiting{{Patch: w.patches[1].Patch.ID, Due: w.now.Add(30 * time.Hour)}}, Preview: &w.preview}
	w.trial = label.Trial{Judged: 22, Holding: 1, Unjudged: 1, Looked: []label.Looked{
		{ID: "m1", Name: "web-01", Holds: true, Part: expr.Part{Text: `machine.name == "web-01"`, Holds: true, Seen: []expr.Seen{{Name: "machine.name", Value: `"web-01"`}}}},
		{ID: "m2", Name: "new-1", Fault: "its inventory has not arrived yet"},
		{ID: "m3", Name: "db-02", Part: expr.Part{Text: `a && b`, Join: "and", Parts: []expr.Part{{Text: `machine.name == "web-01"`, Seen: []expr.Seen{{Name: "machine.name", Value: `"db-02"`}}}, {Text: "b", Fault: "index out of bounds"}}}}}}
	w.proposed = []patch.Proposal{{ID: "p1", Patches: []patch.ID{w.patches[0].Patch.ID}, Label: "web", Verb: patch.Approve, By: "j.ortiz", Author: "j.ortiz", At: w.ago(time.Hour), Why: "the shop's week", State: patch.Proposed},
		{ID: "p2", Patches: []patch.ID{w.patches[1].Patch.ID}, Label: "all", Verb: patch.Hold, Until: w.now.Add(time.Hour), By: "rule canary v1", Author: "m.keller", At: w.ago(30 * time.Hour), State: patch.Rejected, AnsweredBy: "j.ortiz", AnsweredAt: w.ago(20 * time.Hour), Answer: "not now"}}
	w.changes = whatif.Answer{Sentence: phrase.Of("{1}; {2} {3} {4}.", phrase.Count(5, `"{1}" would have {n} machine instead of {2}: {3} in, {4} out`, `"{1}" would have {n} machines instead of {2}: {3} in, {4} out`, "web", 4, 1, 0), phrase.Count(1, "{n} patch", "{n} patches"), phrase.Count(1, "on {n} machine", "on {n} machines"), phrase.Phrase("would become deployable")), Machines: 1, Opens: whatif.Tally{Pairs: 1, Machines: 1, Patches: 1},
		Label: &whatif.LabelDiff{Name: "web", Before: 4, After: 5, Enter: whatif.Bucket{Count: 1, Names: []string{"db-02"}}},
		Moves: []whatif.Move{{Patch: w.patches[0].Patch.ID, Title: "x", Before: whatif.Standing{Gate: gate.Policy, Code: gate.CodeUndecided, Text: "nobody has decided about it"}, After: whatif.Standing{Deployable: true, Text: phrase.Of("the schedule {1} installs it", "canary"), At: w.now.Add(time.Hour)}, Bucket: whatif.Bucket{Count: 1, Names: []string{"db-02"}}}}}
	w.complying = []patch.Compliance{w.complies(patch.LabelAll), {Label: "nobody", At: w.now}, w.complies("canary"), w.complies("db"), w.complies("web")}
	w.views = []patch.View{{Page: "machines", Owner: "m.keller", Name: "stale web", Query: "label=web&show=stale"}, {Page: "machines", Owner: "j.ortiz", Name: "worst first", Query: "sort=-need", Shared: true}}
	w.revisions = []patch.RevisionMeta{{ID: "4f1c09d2aa7e31b6", OS: sampleOS, Patches: 36120, Built: w.ago(2 * time.Hour)}, {ID: "0b77a1c2aa7e31b6", OS: sampleOS, Patches: 36101, Built: w.ago(26 * time.Hour)}}
	one := func(i int, what phrase.Phrase, by ...patch.ID) catalog.DiffPatch {
		return catalog.DiffPatch{ID: w.patches[i].Patch.ID, Title: w.patches[i].Patch.Title, Severity: w.patches[i].Patch.Severity, What: keep([]phrase.Phrase{what}, func(s phrase.Phrase) bool { return s != "" }), By: by}
	}
	w.differ = catalog.Diff{OS: sampleOS, From: w.revisions[1].ID, To: w.revisions[0].ID, Counts: catalog.DiffCounts{New: 2, Changed: 1, Gone: 1, Superseded: 1},
		New: []catalog.DiffPatch{one(0, ""), one(1, "")}, Changed: []catalog.DiffPatch{one(3, phrase.Of("severity: {1} → {2}", phrase.Phrase("severity\x04medium"), phrase.Phrase("severity\x04high")))}, Superseded: []catalog.DiffPatch{one(4, "", w.patches[0].Patch.ID)}, Gone: []catalog.DiffPatch{one(5, "")}}
	w.findings = []lint.Finding{{Level: lint.Problem, Code: lint.RulesClash, Subject: "canary", Text: phrase.Count(1, "the rule {1} approves and the rule {2} declines {n} patch for the same machines; declined beats approved: {3}", "the rule {1} approves and the rule {2} declines {n} patches for the same machines; declined beats approved: {3}", "canary", "no-mariadb", "bookworm/mariadb"), Do: "Narrow one of them: fettle rules"},
		{Level: lint.Notice, Code: lint.HoldEnding, Subject: "x", Text: phrase.Of(`the hold on {1} for "{2}" ends {3}; then it is undecided unless another label approves it`, "bookworm/linux", "all", "2026-11-28"), Do: "Decide, or hold it again."}}
}

// samplePreview is about the second patch and every machine.
func (w *world) samplePreview() {
	of := func(v patch.Verdict, except int) (b approval.Bucket) {
		for i := range admitted {
			if w.verdict(1, i) == v && i != except {
				b.Names = append(b.Names, w.machines[i].Name)
			}
		}
		b.Count, b.Names = len(b.Names), head(9, b.Names)
		return b
	}
	one := func(name string) approval.Bucket { return approval.Bucket{Count: 1, Names: []string{name}} }
	need := of(patch.NotPatched, -1)
	held := need.Names[need.Count-1]
	will := approval.Bucket{Count: need.Count - 1, Names: head(3, need.Names)}
	absent := of(patch.NotApplicable, -1)
	t := approval.Tally{Total: admitted, Eligible: need, Deployable: will, Patched: of(patch.Patched, 5), Stale: one(w.machines[5].Name), Unknown: of(patch.Unknown, -1),
		NotApplicable: []approval.Reason{{Code: "not-installed", Text: "none of its packages is installed", Bucket: one(absent.Names[0])}, {Code: "held", Text: "its administrator holds the package", Bucket: one(absent.Names[1])}},
		StaysClosed:   []approval.Stays{{Gate: gate.Hold, Code: "hold", Text: "held until 2 Dec 08:00 by j.ortiz", Bucket: one(held)}},
		Needs:         []approval.Needs{{Patch: w.patches[3].Patch.ID, Stand: patch.Undecided, Text: "perl 5.36 needs libc6 (>= 2.36)", Bucket: approval.Bucket{Count: 2, Names: will.Names[:2]}}, {Patch: w.patches[4].Patch.ID, Stand: patch.Declined, Text: "perl 5.36 needs libsystemd0", Bucket: one(will.Names[2])}}}
	w.preview = approval.Preview{Members: admitted, Sentence: phrase.Verbatim(fmt.Sprintf(" — now: %d machines will get it, %d don't apply (none of its packages is installed; held by its administrator), 1 not seen for a week, 1 held.", will.Count, absent.Count)), OSes: []approval.OSPreview{{OS: sampleOS, Tally: t}}, Machines: will.Count, Bytes: 7_410_000, Adds: []patch.ID{w.patches[3].Patch.ID, w.patches[5].Patch.ID},
		Patches: []approval.PatchPreview{{Patch: w.patches[1].Patch, OS: sampleOS, Tally: t}, {Patch: w.patches[2].Patch, OS: sampleOS, Tally: t}}}
}
