package agent

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*Server).Serve"))
}

// The whole protocol once: enrol, detect, order, results, closing snapshot; then nothing changes and nothing is sent.
func TestWholeStory(t *testing.T) {
	a, b := newAppliance(t), newBox("curl", "perl")
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	a.publish(t, time.Now(), curl, perl)
	cfg := a.joined(t, b)
	running(t, cfg)
	a.until(t, "a first snapshot", func() bool { return len(a.snapshots) == 1 })
	if n := a.snapshots[0].Verdicts.Counts()[patch.NotPatched]; n != 2 {
		t.Fatalf("%d missing", n)
	}
	a.mu.Lock()
	e := a.seal(t, newOrder(1, curl))
	a.order, a.wake = &e, true
	a.mu.Unlock()
	a.until(t, "a closing snapshot", func() bool { return a.snapshots[len(a.snapshots)-1].Order == "O1" })
	last := a.results[len(a.results)-1]
	if last.State != patch.ExecDone || last.Attempt != "A1-0" {
		t.Fatalf("%+v", last)
	}
	var states []patch.Execution
	for _, r := range a.results {
		if len(states) == 0 || states[len(states)-1] != r.State {
			states = append(states, r.State)
		}
	}
	if fmt.Sprint(states) != "[downloading installing done]" {
		t.Fatalf("progress %v", states)
	}
	a.until(t, "a check-in after it", func() bool { c := a.checkins[len(a.checkins)-1]; return c.Snapshot == 2 && c.Busy == "" })
	a.until(t, "the documents after it", func() bool {
		c := a.checkins[len(a.checkins)-1]
		return a.facts[c.Facts] && a.facts[c.Inventory]
	})
	a.mu.Lock()
	puts, snaps, from := a.puts, len(a.snapshots), len(a.checkins)
	a.mu.Unlock()
	a.until(t, "two idle check-ins", func() bool { return len(a.checkins) >= from+2 })
	if a.puts != puts || len(a.snapshots) != snaps {
		t.Fatalf("nothing changed, and %d documents and %d snapshots were sent", a.puts-puts, len(a.snapshots)-snaps)
	}
	for i, c := range a.checkins {
		if c.Counter != uint64(i+1) {
			t.Fatalf("check-in %d has counter %d", i+1, c.Counter)
		}
	}
}

func TestPendingMachineWaits(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-2"))
	a.state = patch.Pending
	cfg := a.joined(t, b)
	running(t, cfg)
	a.until(t, "a check-in", func() bool { return len(a.checkins) == 1 })
	time.Sleep(100 * time.Millisecond)
	st, err := ReadStatus(cfg)
	if err != nil || st.State != patch.Pending || len(a.snapshots) != 0 {
		t.Fatalf("%+v %v", st, err)
	}
	a.mu.Lock()
	a.state = patch.Admitted
	a.mu.Unlock()
	a.until(t, "a snapshot after it was admitted", func() bool { return len(a.snapshots) == 1 })
}

func TestEnrolRefusals(t *testing.T) {
	a := newAppliance(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	other := newAppliance(t)
	for name, c := range map[string]struct{ server, token, want string }{
		"wrong secret":  {a.srv.URL, "fettle1." + strings.Repeat("A", 43) + "." + string(hashOf(a.ca.Raw)), "not known"},
		"wrong CA":      {a.srv.URL, "fettle1." + a.secret + "." + string(hashOf([]byte("x"))), "not the appliance that made the token"},
		"other host":    {other.srv.URL, a.token(), "not the appliance that made the token"},
		"http":          {plain.URL, a.token(), "must look like https"},
		"https to http": {strings.Replace(plain.URL, "http:", "https:", 1), a.token(), "cannot reach"},
		"cut token":     {a.srv.URL, a.token()[:60], "cut or mistyped"},
		"no token":      {a.srv.URL, "hello", "not an enrolment token"},
		"away":          {nowhere, a.token(), "cannot reach the appliance"},
		"with a path":   {a.srv.URL + "/x/../y", a.token(), "must look like"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{StateDir: ram(t), Host: newBox()}
			_, err := Enrol(context.Background(), cfg, c.server, c.token)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v", err)
			}
			if _, err := loadIdentity(layout{dir: cfg.StateDir}); patch.KindOf(err) != patch.NotFound {
				t.Fatalf("an identity was kept: %v", err)
			}
		})
	}
}

// A token's secret is never sent to somebody who cannot show the pinned CA, and never over an older TLS.
func TestSecretIsSentOnlyToThePinnedCA(t *testing.T) {
	a, thief := newAppliance(t), newAppliance(t)
	got := false
	thief.tricks = func(http.ResponseWriter, *http.Request) bool { got = true; return false }
	Enrol(context.Background(), Config{StateDir: ram(t), Host: newBox()}, thief.srv.URL, a.token())
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got = true }))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: a.srv.TLS.Certificates}
	old.Config.ErrorLog = a.srv.Config.ErrorLog
	old.StartTLS()
	defer old.Close()
	_, err := Enrol(context.Background(), Config{StateDir: ram(t), Host: newBox()}, old.URL, a.token())
	if got || err == nil {
		t.Fatalf("the secret left the machine (%v)", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	cfg := a.joined(t, b)
	hit := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit = true }))
	defer elsewhere.Close()
	a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		return true
	}
	s := open(t, cfg)
	if _, err := s.checkin(context.Background(), glance{}); patch.KindOf(err) != patch.Untrusted || hit {
		t.Fatalf("%v, followed: %v", err, hit)
	}
}

func TestOlderCatalogIsRefused(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	cfg := a.joined(t, b)
	s := open(t, cfg)
	now := time.Now()
	a.publish(t, now, newDeb("curl", "1.0-1", "1.0-3"))
	_, err := s.refreshCatalog(context.Background(), testOS)
	must(t, err)
	a.publish(t, now.Add(-time.Second), newDeb("curl", "1.0-1", "1.0-2"))
	if _, err := s.refreshCatalog(context.Background(), testOS); patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), "older catalog") {
		t.Fatalf("%v", err)
	}
	a.publish(t, now.Add(time.Second), newDeb("curl", "1.0-1", "1.0-4"))
	if _, err := s.refreshCatalog(context.Background(), "debian-13-amd64"); patch.KindOf(err) != patch.Untrusted {
		t.Fatalf("the catalog of another OS: %v", err)
	}
	a.revision, _ = wire.Seal(a.approver, wire.TypeRevision, a.meta)
	if _, err := s.refreshCatalog(context.Background(), testOS); patch.KindOf(err) != patch.Untrusted {
		t.Fatalf("a catalog signed with another key: %v", err)
	}
}

// Payloads that are cut, longer, changed or missing never reach the installer; a cut one is resumed.
func TestPayloads(t *testing.T) {
	big := strings.Repeat("payload ", 200_000)
	d := newDeb("curl", "1.0-1", "1.0-2")
	d.bytes = []byte(big)
	d.Size, d.SHA256 = int64(len(big)), hashOf(d.bytes)
	for name, c := range map[string]struct {
		trick func(n int, w http.ResponseWriter, r *http.Request) bool
		cause patch.FailCause // empty: it arrives
	}{
		"whole": {},
		"cut and resumed": {trick: func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 4 {
				return false
			}
			from := rangeStart(r)
			if from > 0 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(big)-1, len(big)))
				w.WriteHeader(206)
			}
			w.Write(d.bytes[from : from+100_000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		"changed": {trick: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte(big[:len(big)-1] + "X"))
			return true
		}, cause: patch.FailUntrusted},
		"longer": {trick: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte(big + "more"))
			return true
		}, cause: patch.FailUntrusted},
		"endless": {trick: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			sent := 0
			for r.Context().Err() == nil && sent < 64<<20 {
				n, err := w.Write(d.bytes)
				if sent += n; err != nil {
					break
				}
			}
			if sent > 16<<20 {
				t.Errorf("the agent took %d bytes of a file of %d", sent, len(big))
			}
			return true
		}, cause: patch.FailUntrusted},
		"another part": {trick: func(n int, w http.ResponseWriter, r *http.Request) bool {
			if rangeStart(r) == 0 {
				w.Write(d.bytes[:1000])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(big)-1, len(big)))
			w.WriteHeader(206)
			w.Write(d.bytes)
			return true
		}, cause: patch.FailUntrusted},
		"missing": {trick: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, 404, patch.NotFound, "gone")
			return true
		}, cause: patch.FailNetwork},
		"always cut": {trick: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			panic(http.ErrAbortHandler)
		}, cause: patch.FailNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newAppliance(t), newBox("curl")
			a.publish(t, time.Now(), d)
			cfg := a.joined(t, b)
			n := 0
			if c.trick != nil {
				a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.URL.Path, string(d.SHA256)) {
						return false
					}
					n++
					return c.trick(n, w, r)
				}
			}
			r := carry(t, a.keys, cfg, newOrder(1, d))["A1-0"]
			if r.Cause != c.cause || (c.cause == "") != (b.runs["A1-0"] == 1) {
				t.Fatalf("%s %s %q, installed %d times", r.State, r.Cause, r.Text, b.runs["A1-0"])
			}
			if left, _ := filepath.Glob(filepath.Join(cfg.StateDir, "payloads", "*")); len(left) != 0 {
				t.Fatalf("left behind: %v", left)
			}
		})
	}
}

// A payload that changes on this machine's own disk after it was fetched is fetched anew.
func TestKeptPayloadIsHashedAgain(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	a.publish(t, time.Now(), d)
	cfg := a.joined(t, b)
	path := filepath.Join(cfg.StateDir, "payloads", string(d.SHA256))
	must(t, os.WriteFile(path, []byte(strings.Repeat("x", len(d.bytes))), 0o600))
	s := open(t, cfg)
	_, err := s.client().fetch(context.Background(), blob{Hash: d.SHA256, Size: d.Size, Dir: filepath.Dir(path)})
	must(t, err)
	must(t, host.CheckFile(path, d.Size, d.SHA256))
}

// The appliance is away: the agent keeps its snapshot and results and sends them when it is back.
func TestApplianceAwayAndBack(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	a.publish(t, time.Now(), d)
	cfg := a.joined(t, b)
	cfg.Jitter = func(bound time.Duration) time.Duration { return min(bound, 100*time.Millisecond) - 1 }
	away := false
	a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
		if away {
			w.Header().Set("Retry-After", "1")
			refuse(w, 503, patch.Unavailable, "busy")
		}
		return away
	}
	running(t, cfg)
	a.until(t, "a snapshot", func() bool { return len(a.snapshots) == 1 })
	a.mu.Lock()
	e := a.seal(t, newOrder(1, d))
	a.order, a.wake = &e, true
	a.mu.Unlock()
	a.until(t, "the order begins", func() bool { away = len(a.results) > 0; return away })
	for end := time.Now().Add(5 * time.Second); b.version("curl") != "1.0-2" && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	a.mu.Lock()
	away = false
	a.mu.Unlock()
	a.until(t, "the closing snapshot", func() bool { return a.snapshots[len(a.snapshots)-1].Order == "O1" })
	a.until(t, "the last result", func() bool { return a.results[len(a.results)-1].State.Ended() })
}

// An order that cannot be fetched, and a snapshot that cannot be uploaded, do not wait for the next check-in.
func TestNothingWaitsForTheNextCheckin(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	a.publish(t, time.Now(), d)
	cfg := a.joined(t, b)
	cfg.Jitter = func(bound time.Duration) time.Duration { return min(bound, 100*time.Millisecond) - 1 }
	a.next = 3600
	refused := map[string]int{}
	a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
		if refused[r.URL.Path]++; refused[r.URL.Path] > 2 || r.URL.Path != "/v1/order" && r.URL.Path != "/v1/snapshot" {
			return false
		}
		refuse(w, 503, patch.Unavailable, "starts anew")
		return true
	}
	running(t, cfg)
	a.until(t, "a snapshot", func() bool { return len(a.snapshots) == 1 })
	a.mu.Lock()
	e := a.seal(t, newOrder(1, d))
	a.order, a.wake = &e, true
	a.mu.Unlock()
	a.until(t, "the order begins", func() bool { return len(a.results) > 0 })
	a.until(t, "the closing snapshot", func() bool { return a.snapshots[len(a.snapshots)-1].Order == "O1" })
}

// Only what changed since the newest acknowledged snapshot is sent; an appliance that does not have that one gets the whole.
func TestOnlyWhatChangedIsSent(t *testing.T) {
	a, b := newAppliance(t), newBox("curl", "perl")
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2"))
	s := open(t, a.joined(t, b))
	detect := func() patch.Snapshot {
		t.Helper()
		snap, err := s.judgeMachine(t.Context(), "")
		must(t, err)
		must(t, s.uploadSnapshot(t.Context()))
		got := a.snapshots[len(a.snapshots)-1]
		if got.Seq != snap.Seq || string(got.Verdicts.Bits()) != string(snap.Verdicts.Bits()) || got.Facts != snap.Facts {
			t.Fatalf("snapshot %+v arrived as %+v", snap.Receipt, got.Receipt)
		}
		return snap
	}
	whole := func() bool { return !wire.IsChange(a.uploads[len(a.uploads)-1]) }
	if detect(); !whole() {
		t.Error("the first snapshot was told as a change")
	}
	if detect(); whole() || len(a.uploads[1]) > 64 {
		t.Errorf("nothing changed, and %d bytes were sent", len(a.uploads[1]))
	}
	b.put("curl", func(p *patch.Package) { p.Version = "1.0-2" })
	if snap := detect(); whole() || snap.Verdicts.Counts()[patch.Patched] != 1 {
		t.Errorf("%d bytes were sent for one change", len(a.uploads[2]))
	}
	a.snapshots = a.snapshots[:1] // the appliance was restored from a backup
	if detect(); !whole() {
		t.Error("a change was taken against a snapshot that is not there")
	}
	if detect(); whole() {
		t.Error("after a whole snapshot, changes are not told again")
	}
	must(t, os.Remove(s.files.told()))
	s.told = nil // another run begins
	if detect(); !whole() {
		t.Error("a change was told against nothing")
	}
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-3"))
	if detect(); !whole() {
		t.Error("a change was told over two revisions")
	}
}

// The next run of an agent knows what this one made and sent, whichever of its files tell it.
func TestTheNextRunKnowsWhatThisOneDetected(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-2"))
	cfg := a.joined(t, b)
	var last patch.Snapshot
	for run := range 3 {
		s, stop, err := start(cfg)
		must(t, err)
		if run > 0 && (!s.uploaded(last.Seq) || s.uploaded(last.Seq+1)) {
			t.Errorf("run %d does not know that snapshot %d, and none after it, was acknowledged", run, last.Seq)
		}
		for range 3 { // with the facts of the detect before, with others, and with the same again
			snap, err := s.judgeMachine(t.Context(), "")
			must(t, err)
			if snap.Seq <= last.Seq {
				t.Errorf("the detect after %d is number %d", last.Seq, snap.Seq)
			}
			if kept, err := os.ReadFile(s.files.facts()); err != nil || hashOf(kept) != snap.Facts {
				t.Errorf("the facts that are kept are not those of snapshot %d: %v", snap.Seq, err)
			}
			must(t, s.uploadSnapshot(t.Context()))
			last = snap
			b.put("curl", func(p *patch.Package) { p.Version = "1.0-2" })
		}
		stop()
		if status, err := ReadStatus(cfg); err != nil || !status.Uploaded || status.Snapshot.Seq != last.Seq {
			t.Errorf("status says of snapshot %d: %+v, %v", last.Seq, status.Snapshot, err)
		}
		b.put("curl", func(p *patch.Package) { p.Version = "1.0-1" })
	}
}

func TestFailedDetectIsReportedAndKeepsTheOldSnapshot(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-2"))
	cfg := a.joined(t, b)
	s := open(t, cfg)
	_, err := s.judgeMachine(context.Background(), "")
	must(t, err)
	_, before, _ := readSnapshot(s.files)
	s.cfg.Host = garbled{b}
	l := &loop{session: s}
	l.detectNow(context.Background())
	_, after, _ := readSnapshot(s.files)
	if len(a.failed) != 1 || !strings.Contains(a.failed[0].Text, "garbled") || string(before) != string(after) {
		t.Fatalf("%+v", a.failed)
	}
}

// A machine that cannot be read is reported once per check-in, and not once more by the detect that the appliance asks for.
func TestUnreadableMachineIsReportedOncePerCheckin(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	a.publish(t, time.Now(), newDeb("curl", "1.0-1", "1.0-2"))
	s := open(t, a.joined(t, b))
	s.cfg.Host = garbled{b}
	l := &loop{session: s, wake: make(chan struct{}, 1), work: make(chan task, 1), admitted: make(chan struct{}, 1)}
	g := l.look(t.Context())
	reply, err := l.checkin(t.Context(), g)
	must(t, err)
	reply.WantDetect = true
	l.follow(g, reply)
	if len(a.failed) != 1 || len(l.work) != 0 {
		t.Fatalf("%d reports, and %d tasks follow", len(a.failed), len(l.work))
	}
}

type garbled struct{ *box }

func (garbled) Facts(context.Context) (patch.Facts, error) {
	return patch.Facts{}, errors.New("the status file is garbled")
}

func TestCertificateIsRenewedAtHalfItsLife(t *testing.T) {
	a, b := newAppliance(t), newBox("curl")
	cfg := a.joined(t, b)
	s := open(t, cfg)
	key := s.who().key
	s.id.Certificate = a.issue(t, &key.PublicKey, x509.ExtKeyUsageClientAuth, 30*time.Second)
	must(t, s.connect())
	_, err := s.checkin(context.Background(), glance{})
	must(t, err)
	leaf, _, err := s.who().check()
	must(t, err)
	if left := time.Until(leaf.NotAfter); left < 24*time.Hour {
		t.Fatalf("the certificate ends in %s", left)
	}
	if !s.who().key.Equal(key) {
		t.Fatal("the key changed")
	}
	id, err := loadIdentity(s.files)
	must(t, err)
	if string(id.Certificate) != string(s.who().Certificate) {
		t.Fatal("the new certificate was not kept")
	}
}

func TestSecretsArePrivate(t *testing.T) {
	a := newAppliance(t)
	cfg := a.joined(t, newBox())
	for _, name := range []string{"", "identity.key", "identity.json"} {
		st, err := os.Stat(filepath.Join(cfg.StateDir, name))
		must(t, err)
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", st.Name(), st.Mode())
		}
	}
}

// Back-off is spread over its whole span, and a 503 with Retry-After is honoured.
func TestBackoff(t *testing.T) {
	l := &loop{session: &session{cfg: Config{}}}
	low, high := time.Hour, time.Duration(0)
	for range 2000 {
		d := l.backoff(8, errors.New("x"))
		low, high = min(low, d), max(high, d)
	}
	if low > 30*time.Second || high < 6*time.Minute || high > 15*time.Minute {
		t.Fatalf("from %s to %s", low, high)
	}
	if d := l.backoff(1, retryAfter{errors.New("x"), time.Minute}); d < time.Minute || d > 2*time.Minute {
		t.Fatalf("%s", d)
	}
	for _, n := range []int{0, 1, 5, 900, 1 << 40} {
		if d := l.pace(wire.CheckinReply{NextSeconds: n}); d < time.Second || d > maxInterval*11/10 {
			t.Fatalf("%d seconds became %s", n, d)
		}
	}
}

func FuzzToken(f *testing.F) {
	b := make([]byte, 32)
	rand.Read(b)
	f.Add("fettle1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA." + strings.Repeat("a", 64))
	f.Fuzz(func(t *testing.T, s string) {
		if tok, err := ParseToken(s); err == nil && (!tok.CA.Valid() || tok.Secret == "") {
			t.Fatalf("%q was accepted as %+v", s, tok)
		}
	})
}

// What an appliance sends is decoded or refused, never more.
func FuzzOrder(f *testing.F) {
	b, _ := json.Marshal(newOrder(1, newDeb("curl", "1.0-1", "1.0-2")))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var o wire.Order
		if json.Unmarshal(b, &o) != nil || checkOrder(o, "m1") != nil {
			return
		}
		for _, item := range o.Items {
			for _, p := range item.Packages {
				if strings.ContainsAny(p.Name+p.Arch+p.Version+item.Attempt, " \t\n/\\'\"`$;|&<>\x00") || p.Name[0] == '-' || !p.SHA256.Valid() {
					t.Fatalf("accepted %q %q %q", p.Name, p.Arch, p.Version)
				}
			}
		}
	})
}

// An appliance that has just named the very build which is here is not asked for it once more; any other build, and an old word, lead to a question.
func TestARevisionThatIsHereIsNotAskedForAgain(t *testing.T) {
	a := newAppliance(t)
	d := newDeb("curl", "1.0-1", "1.0-2")
	built := time.Now().Truncate(time.Second)
	a.publish(t, built, d)
	s := open(t, a.joined(t, newBox("curl")))
	for i, step := range []struct {
		before func()
		sought int
	}{
		{func() {}, 1},
		{func() {}, 1},
		{func() { a.publish(t, built.Add(time.Second), d) }, 2},
	} {
		step.before()
		_, err := s.checkin(context.Background(), glance{})
		must(t, err)
		_, err = s.judgeMachine(context.Background(), "")
		must(t, err)
		if a.sought != step.sought {
			t.Fatalf("detect %d: it has asked %d times, not %d", i, a.sought, step.sought)
		}
	}
	s.cfg.Now = func() time.Time { return time.Now().Add(2 * fresh) }
	if _, err := s.judgeMachine(context.Background(), ""); err != nil || a.sought != 3 {
		t.Fatalf("long after a check-in it relies on it: %d, %v", a.sought, err)
	}
}
