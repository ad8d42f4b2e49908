package main

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

const bell = patch.ID("bookworm-security/bell/1.0-2")

// checkin asks what the appliance wants.
func (r *robot) checkin(revision patch.RevisionID, snapshot uint64) wire.CheckinReply {
	r.t.Helper()
	r.counter++
	var reply wire.CheckinReply
	facts, _ := pack(r.t, r.facts)
	in := wire.Checkin{Counter: r.counter, Boot: "boot-1", OS: testOS, Agent: "test", Hostname: "host", Facts: facts, Snapshot: snapshot, Revision: revision}
	if status := r.call(wire.PathCheckin, "", in, &reply); status != http.StatusOK {
		r.t.Fatalf("check-in was answered with %d", status)
	}
	return reply
}

// detect fetches the signed list, judges the facts and uploads the snapshot, as the agent does.
func (r *robot) detect(seq uint64, order string) patch.Snapshot {
	r.t.Helper()
	var e wire.Envelope
	var meta patch.RevisionMeta
	r.call(wire.PathRevision, string(testOS), nil, &e)
	if err := e.Open(ed25519.PublicKey(r.reply.CatalogKey), wire.TypeRevision, &meta); err != nil {
		r.t.Fatal(err)
	}
	status, body := r.send(wire.PathBlob, string(meta.Signatures), nil)
	if status != http.StatusOK || hashOf(body) != meta.Signatures {
		r.t.Fatalf("signatures were answered with %d", status)
	}
	sigs, err := detect.Open(body)
	if err != nil {
		r.t.Fatal(err)
	}
	result, err := sigs.Evaluate(&r.facts)
	if err != nil {
		r.t.Fatal(err)
	}
	hash, packed := pack(r.t, r.facts)
	if status, b := r.send(wire.PathFacts, string(hash), packed); status != http.StatusNoContent {
		r.t.Fatalf("facts were answered with %d %s", status, b)
	}
	now := time.Now().UTC()
	snap := patch.Snapshot{Verdicts: result.Verdicts, Receipt: patch.Receipt{Seq: seq, OS: testOS, Revision: meta.ID, Boot: "boot-1", Started: now, Ended: now,
		Expected: sigs.Len(), Evaluated: sigs.Len(), Errors: result.Errors, Facts: hash, Agent: "test", Order: order}}
	if status, b := r.upload(snap); status != http.StatusOK && status != http.StatusNoContent {
		r.t.Fatalf("the snapshot was answered with %d %s", status, b)
	}
	return snap
}

func (r *robot) upload(snap patch.Snapshot) (int, []byte) {
	r.t.Helper()
	b, err := wire.EncodeSnapshot(snap)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send(wire.PathSnapshot, "", b)
}

// archive serves one file under every name.
func archive(t *testing.T, file []byte) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file) }))
	t.Cleanup(s.Close)
	return s.URL
}

var bellFile = []byte("not really a package, but these are its bytes")

// ordered brings a robot to the point where it holds a signed order for the bell.
func (h *house) ordered(r *robot) wire.Order {
	h.t.Helper()
	tellAdmin[api.List[patch.Decision]](h, http.MethodPost, api.Path("decisions"), approval.Request{Patches: []patch.ID{bell}, Label: "all", Verb: patch.Approve})
	h.waitPayload(bell)
	p := tellAdmin[patch.Plan](h, http.MethodPost, api.Path("plans"), api.PlanRequest{Label: "all"})
	tellAdmin[patch.Deployment](h, http.MethodPost, api.Path("deployments"), p)
	return r.fetchOrder()
}

func (r *robot) fetchOrder() wire.Order {
	r.t.Helper()
	var e wire.Envelope
	var o wire.Order
	if status := r.call(wire.PathOrder, "", nil, &e); status != http.StatusOK {
		r.t.Fatalf("the order was answered with %d", status)
	}
	if err := e.Open(ed25519.PublicKey(r.reply.ApproverKey), wire.TypeOrder, &o); err != nil {
		r.t.Fatal(err)
	}
	return o
}

func (h *house) waitPayload(id patch.ID) {
	h.t.Helper()
	for range 100 {
		l := tellAdmin[api.List[patch.StoredPayload]](h, http.MethodGet, "/api/v1/payloads?patch="+string(id), nil)
		if len(l.Items) == 1 && l.Items[0].State == patch.PayloadReady {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Fatal("the payload did not arrive")
}

func TestStory(t *testing.T) {
	h := open(t)
	meta := h.publish(archive(t, bellFile), bellFile)
	var tapes []tape
	r := h.newRobot()
	r.tape = &tapes
	r.enrol(h.enrolToken(false, 1), "web-14")
	if got := r.checkin("", 0); got.State != patch.Pending || got.WantDetect || got.Revision != "" {
		t.Errorf("a pending machine learned %+v", got)
	}
	tellAdmin[patch.Machine](h, http.MethodPost, api.Path("machines", string(r.reply.Machine), "admit"), nil)
	if got := r.checkin("", 0); !got.WantDetect || !got.WantFacts || got.Revision != meta.ID {
		t.Errorf("an admitted machine learned %+v", got)
	}
	r.detect(1, "")
	if got := r.checkin(meta.ID, 1); got.WantDetect || got.WantFacts || got.WantSnapshot || got.Order {
		t.Errorf("after its detect the machine learned %+v", got)
	}
	o := h.ordered(r)
	r.install(o)
	r.facts = testFacts("1.0-2")
	r.detect(2, o.ID)
	e := tellAdmin[ledger.Explanation](h, http.MethodGet, "/api/v1/explain?machine=host&patch=bell", nil)
	if e.Row.Effect != patch.EffectVerified || e.Row.Verdict != patch.Patched {
		t.Errorf("the ledger says %v %v", e.Row.Verdict, e.Row.Effect)
	}
	d := tellAdmin[api.List[deploy.Progress]](h, http.MethodGet, api.Path("deployments"), nil)
	w := tellAdmin[api.Watched](h, http.MethodGet, api.Path("deployments", d.Items[0].Deployment.ID)+"?wait=20", nil)
	if w.Counts.Verified != 1 {
		t.Errorf("the deployment counts %+v", w.Counts)
	}
	whatWasInstalled(t, h)
	if n := h.everyReading(map[string]string{"machine": "host", "patch": string(bell), "label": "all", "deployment": d.Items[0].Deployment.ID, "os": string(testOS)}, map[string]string{
		"explain": "?machine=host&patch=bell", "machineAsOf": "?at=2026-01-01T00:00:00Z", "patchCounts": "?os=" + string(testOS)}); n < 40 {
		t.Errorf("only %d paths gave an answer that could be held against their description", n)
	}
	replay(t, h, r, tapes)
}

// whatWasInstalled holds the list of what was installed against the one installation that there was.
func whatWasInstalled(t *testing.T, h *house) {
	t.Helper()
	if l := tellAdmin[api.List[api.Installed]](h, http.MethodGet, api.Path("installed"), nil); len(l.Items) != 1 || l.Items[0].Patch != bell || l.Items[0].Machines != 1 || l.Items[0].Verified != 1 || l.Items[0].Approval == nil {
		t.Errorf("%+v", l)
	}
	if l := tellAdmin[api.List[api.Installed]](h, http.MethodGet, api.Path("installed")+"?until=2026-01-01T00:00:00Z", nil); len(l.Items) != 0 {
		t.Errorf("of another time: %+v", l)
	}
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	for want, args := range map[string][]string{
		"1 shown of 1 patch and approval.": nil,
		"1 shown of 1 installation.":       {"--each", "--machine", "host", "--patch", "bell", "--label", "all"},
		"host,":                            {"--csv"},
		"Fettle installed nothing":         {"--from", "2026-01-01", "--until", "2026-01-02"},
		"Fettle installed nothing of that": {"--each", "--from", "2026-01-01", "--until", "2026-01-02"},
	} {
		if code := p.does(t, "", append([]string{"installed"}, args...)...); code != exitOK || !strings.Contains(p.out.String(), want) {
			t.Errorf("%q: %s%s", args, p.out.String(), p.err.String())
		}
	}
	if code := p.does(t, "", "labels", "put", "none", "--expr", `machine.name == "another"`); code != exitOK {
		t.Fatal(p.err.String())
	}
	if code := p.does(t, "", "installed", "--each", "--label", "none"); code != exitOK || !strings.Contains(p.out.String(), "Fettle installed nothing of that") {
		t.Errorf("of a label that no machine carries: %s%s", p.out.String(), p.err.String())
	}
	if code := p.does(t, "", "installed", "--machine", "host"); code != exitUsage {
		t.Errorf("a machine without --each: %d %s", code, p.err.String())
	}
}

// install fetches the payload and reports what an installer would.
func (r *robot) install(o wire.Order) {
	r.t.Helper()
	item := o.Items[0]
	status, file := r.send(wire.PathBlob, string(item.Packages[0].SHA256), nil)
	if status != http.StatusOK || string(file) != string(bellFile) {
		r.t.Fatalf("the payload was answered with %d %q", status, file)
	}
	now := time.Now().UTC()
	var reply wire.ResultsReply
	r.call(wire.PathResults, "", wire.Results{Results: []wire.Result{
		{Seq: 1, Order: o.ID, Attempt: item.Attempt, At: now, Boot: "boot-1", State: patch.ExecInstalling},
		{Seq: 2, Order: o.ID, Attempt: item.Attempt, At: now, Boot: "boot-1", State: patch.ExecDone},
	}}, &reply)
	if reply.Ack != 2 {
		r.t.Fatalf("acknowledged up to %d", reply.Ack)
	}
}

// replay plays everything a machine ever sent again, in any order: nothing in the database may change by it.
func replay(t *testing.T, h *house, r *robot, tapes []tape) {
	before := h.digest("")
	for range 4 {
		rand.Shuffle(len(tapes), func(i, j int) { tapes[i], tapes[j] = tapes[j], tapes[i] })
		for _, p := range tapes {
			if status, body := r.play(p); status >= 500 {
				t.Errorf("%s %s again was answered with %d %s", p.method, p.path, status, body)
			}
		}
	}
	if diff := cmp.Diff(before, h.digest("")); diff != "" {
		t.Errorf("replayed traffic changed the database:\n%s", diff)
	}
}

// digest is every row of the database as text, or those that hold needle. What the appliance itself writes as time goes by, and the
// log of who asked, are left out.
func (h *house) digest(needle string) []string {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(h.cfg.Store, "sqlite://")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	var rows []string
	for _, table := range texts(h.t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		if slices.Contains([]string{"sessions", "audit", "audit_head", "alarms", "goose_db_version"}, table) {
			continue
		}
		for _, row := range texts(h.t, db, `SELECT * FROM "`+table+`"`) {
			if needle == "" || strings.Contains(row, needle) {
				rows = append(rows, table+": "+row)
			}
		}
	}
	slices.Sort(rows)
	return rows
}

func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		cells := make([]any, len(columns))
		for i := range cells {
			cells[i] = new(any)
		}
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i, c := range cells {
			if i > 0 {
				b.WriteString(" | ")
			}
			fmt.Fprintf(&b, "%v", *c.(*any))
		}
		out = append(out, b.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
