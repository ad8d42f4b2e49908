package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func machineID(r *robot) (patch.MachineID, error) { return auth.MachineIDOf(&r.key.PublicKey) }

// One enrolled machine uses all that it could know of another one, on every route: the other's data stays as it is.
func TestMachineCannotTouchAnother(t *testing.T) {
	h := open(t)
	h.publish(archive(t, bellFile), bellFile)
	good, bad := h.newRobot().enrol(h.enrolToken(true, 1), "good"), h.newRobot().enrol(h.enrolToken(true, 1), "bad")
	good.checkin("", 0)
	snap := good.detect(1, "")
	bad.facts.Packages = bad.facts.Packages[:1]
	bad.facts.Packages[0].Version = "1.0-2"
	bad.checkin("", 0)
	bad.detect(1, "")
	o := h.ordered(good)
	before := h.digest(string(good.reply.Machine))
	payload, attempt := o.Items[0].Packages[0].SHA256, o.Items[0].Attempt

	if status, body := bad.send(wire.PathBlob, string(payload), nil); status != http.StatusNotFound {
		t.Errorf("another machine's payload was answered with %d %s", status, body)
	}
	for _, path := range []string{"../keys/agent-ca.key", "..%2fkeys%2fagent-ca.key", strings.Repeat("0", 64), "fettle.db"} {
		if status, _ := bad.send(wire.PathBlob, path, nil); status == http.StatusOK {
			t.Errorf("the blob %q exists", path)
		}
	}
	if status, _ := bad.send(wire.PathOrder, "", nil); status != http.StatusNoContent {
		t.Errorf("a machine without an order got %d", status)
	}
	snap.Machine, snap.Seq = good.reply.Machine, 9
	if status, _ := bad.upload(snap); status != http.StatusForbidden {
		t.Errorf("another machine's snapshot was answered with %d", status)
	}
	for _, in := range []wire.Result{
		{Seq: 1, Order: o.ID, Attempt: attempt, At: time.Now(), State: patch.ExecDone},
		{Seq: 1, Order: o.ID, Attempt: attempt, At: time.Now(), State: patch.ExecFailed, Cause: patch.FailPatch},
	} {
		if status := bad.call(wire.PathResults, "", wire.Results{Results: []wire.Result{in}}, nil); status < 400 || status >= 500 {
			t.Errorf("a result of another machine's attempt was answered with %d", status)
		}
	}
	if status := bad.call(wire.PathRenew, "", wire.RenewRequest{CSR: good.csr()}, nil); status != http.StatusForbidden {
		t.Errorf("a renewal for another machine's key was answered with %d", status)
	}
	_, packed := pack(t, good.facts)
	if status, _ := bad.send(wire.PathFacts, string(hashOf(bellFile)), packed); status != http.StatusUnprocessableEntity {
		t.Errorf("facts under a wrong address were answered with %d", status)
	}
	bad.call(wire.PathFailed, "", wire.DetectFailed{OS: testOS, At: time.Now(), Text: string(good.reply.Machine) + strings.Repeat("x", 9000)}, nil)
	bad.call(wire.PathCheckin, "", wire.Checkin{Counter: 99, OS: testOS, Hostname: "good"}, nil)
	after := h.digest(string(good.reply.Machine))
	after = dropRows(after, string(bad.reply.Machine)) // its own row may say what it likes
	if diff := cmp.Diff(dropRows(before, string(bad.reply.Machine)), after); diff != "" {
		t.Errorf("another machine's data changed:\n%s", diff)
	}
	if status, body := good.send(wire.PathBlob, string(payload), nil); status != http.StatusOK || string(body) != string(bellFile) {
		t.Errorf("the machine's own payload was answered with %d", status)
	}
}

func dropRows(rows []string, needle string) []string {
	var out []string
	for _, r := range rows {
		if !strings.Contains(r, needle) {
			out = append(out, r)
		}
	}
	return out
}

func TestRangesOfABlob(t *testing.T) {
	h := open(t)
	meta := h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	_, whole := r.send(wire.PathBlob, string(meta.List), nil)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+h.at.Agents+"/v1/blob/"+string(meta.List), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=10-19")
	res, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	part := make([]byte, 10)
	if _, err := res.Body.Read(part); res.StatusCode != http.StatusPartialContent || string(part) != string(whole[10:20]) {
		t.Errorf("a range was answered with %d %q (%v)", res.StatusCode, part, err)
	}
}

// What a machine has of the catalog becomes the newest by a small delta; files of other kinds and payloads have none.
func TestDeltasOfTheCatalog(t *testing.T) {
	h := open(t)
	var many [][2]string
	for i := range 300 {
		many = append(many, [2]string{fmt.Sprintf("rose%03d", i), fmt.Sprintf("%d-1", i)})
	}
	old := h.publish("http://127.0.0.1:1", bellFile, many...)
	next := h.publish("http://127.0.0.1:1", bellFile, append(many, [2]string{"tulip", "1-1"})...)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	for name, f := range map[string][2]patch.Hash{"list": {old.List, next.List}, "signatures": {old.Signatures, next.Signatures}, "back": {next.List, old.List}} {
		_, before := r.send(wire.PathBlob, string(f[0]), nil)
		_, after := r.send(wire.PathBlob, string(f[1]), nil)
		status, delta := r.send(wire.PathDelta, string(f[0])+"-"+string(f[1]), nil)
		got, err := catalog.Apply(before, delta)
		if status != http.StatusOK || err != nil || string(got) != string(after) || len(delta) > 300 {
			t.Errorf("%s: %d, a delta of %d bytes instead of %d: %v", name, status, len(delta), len(after), err)
		}
	}
	for name, pair := range map[string]string{
		"a list to signatures": string(old.List + "-" + next.Signatures), "to itself": string(old.List + "-" + old.List), "a payload index": string(old.Payloads + "-" + next.Payloads),
		"a vendor's index": string(old.Origins[0].Index + "-" + next.Origins[0].Index), "nothing": "-", "a path": "..-..", "half": string(old.List),
	} {
		if status, body := r.send(wire.PathDelta, pair, nil); status != http.StatusNotFound {
			t.Errorf("%s was answered with %d %.60s", name, status, body)
		}
	}
}

func TestSnapshotsAreWholeAndNewer(t *testing.T) {
	h := open(t)
	h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	snap := r.detect(5, "")
	before := h.digest("")
	older, partial, unknown := snap, snap, snap
	older.Seq = 4
	partial.Seq, partial.Evaluated = 6, 1
	unknown.Seq, unknown.Revision = 6, "0123456789abcdef"
	for name, s := range map[string]patch.Snapshot{"older": older, "partial": partial, "of an unknown list": unknown} {
		if status, body := r.upload(s); status < 400 || status >= 500 {
			t.Errorf("a snapshot that is %s was answered with %d %s", name, status, body)
		}
	}
	b, err := wire.EncodeSnapshot(snap)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 11, len(b) / 2, len(b) - 1} {
		if status, _ := r.send(wire.PathSnapshot, "", b[:n]); status < 400 || status >= 500 {
			t.Errorf("a snapshot cut to %d bytes was answered with %d", n, status)
		}
	}
	if diff := cmp.Diff(before, h.digest("")); diff != "" {
		t.Errorf("a refused snapshot changed something:\n%s", diff)
	}
}

// What changed since the newest snapshot is as good as a whole one, and against any other it is refused and changes nothing.
func TestSnapshotsAsWhatChanged(t *testing.T) {
	h := open(t)
	h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	first := r.detect(5, "")
	tell := func(base patch.Snapshot, seq uint64, v patch.Verdict) (patch.Snapshot, []byte) {
		next := base
		next.Verdicts = patch.NewVector(base.Verdicts.Len())
		copy(next.Verdicts.Bits(), base.Verdicts.Bits())
		next.Verdicts.Set(0, v)
		next.Seq, next.Started, next.Ended, next.Boot = seq, base.Ended.Add(time.Minute), base.Ended.Add(time.Hour), fmt.Sprint("boot-", seq)
		b, ok := wire.EncodeChange(base, next)
		if !ok {
			t.Fatal("a change cannot be told")
		}
		return next, b
	}
	first.Machine = r.reply.Machine
	second, told := tell(first, 6, patch.Patched)
	inAddress, _ := wire.InAddress(told)
	for range 2 { // a lost answer: the same once more
		if status, body := r.send(inAddress, "", nil); status != http.StatusNoContent {
			t.Fatalf("what changed was answered with %d %s", status, body)
		}
		if status, body := r.send(wire.PathSnapshot, "", told); status != http.StatusNoContent {
			t.Fatalf("what changed, in a body, was answered with %d %s", status, body)
		}
	}
	kept, err := h.Store.NewestSnapshot(t.Context(), r.reply.Machine)
	if err != nil || kept.Received.IsZero() {
		t.Fatal(kept.Received, err)
	}
	kept.Received = time.Time{}
	if diff := cmp.Diff(second.Receipt, kept.Receipt); diff != "" || string(kept.Verdicts.Bits()) != string(second.Verdicts.Bits()) {
		t.Errorf("another snapshot was kept: %s", diff)
	}
	before := h.digest("")
	_, old := tell(first, 7, patch.NotPatched)
	unknown := second
	unknown.Seq = 8
	_, ahead := tell(unknown, 9, patch.NotPatched)
	other := second
	other.Boot = "not what was sent"
	_, wrong := tell(other, 7, patch.NotPatched)
	wrong[len(wrong)-1] ^= 1
	for name, b := range map[string][]byte{"against an older one": old, "against one that never came": ahead, "that gives another snapshot": wrong, "cut": told[:len(told)-1]} {
		if status, body := r.send(wire.PathSnapshot, "", b); status < 400 || status >= 500 {
			t.Errorf("a change %s was answered with %d %s", name, status, body)
		}
		path, _ := wire.InAddress(b)
		for _, path := range []string{path, path + "A"} {
			if status, body := r.send(path, "", nil); status < 400 || status >= 500 {
				t.Errorf("a change %s, in the address, was answered with %d %s", name, status, body)
			}
		}
	}
	if diff := cmp.Diff(before, h.digest("")); diff != "" {
		t.Errorf("a refused change changed something:\n%s", diff)
	}
}

// A machine whose detect failed is asked for one at every check-in until a complete one has come: what was wrong may be repaired without
// any change that the agent could see.
func TestFailedDetectIsAskedAgain(t *testing.T) {
	h := open(t)
	meta := h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	r.detect(5, "")
	if reply := r.checkin(meta.ID, 5); reply.WantDetect {
		t.Error("a detect is asked for with nothing wrong")
	}
	r.call(wire.PathFailed, "", wire.DetectFailed{OS: testOS, At: time.Now(), Text: "garbled"}, nil)
	for range 2 {
		if reply := r.checkin(meta.ID, 5); !reply.WantDetect {
			t.Error("no detect is asked for after a failed one")
		}
	}
	r.detect(6, "")
	if reply := r.checkin(meta.ID, 6); reply.WantDetect {
		t.Error("a detect is still asked for after a complete one")
	}
}

// A detect failed after a complete one whose acknowledgement was lost: that one, sent again, is no reason to call the alarm off. The next complete one is.
func TestAnOlderDetectSentAgainClearsNoAlarm(t *testing.T) {
	h := open(t)
	h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	snap := r.detect(5, "")
	r.call(wire.PathFailed, "", wire.DetectFailed{OS: testOS, At: time.Now(), Text: "garbled"}, nil)
	if status, body := r.upload(snap); status >= 300 {
		t.Fatalf("the same detect once more was answered with %d %s", status, body)
	}
	open := func() (n int) {
		alarms, err := h.Store.ListAlarms(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alarms {
			if a.Kind == "detect" {
				n++
			}
		}
		return n
	}
	if open() != 1 {
		t.Error("an older detect called the alarm off")
	}
	r.detect(6, "")
	if open() != 0 {
		t.Error("a newer complete detect leaves the alarm")
	}
}

// A detect that somebody asked for is asked for until it comes: one from before, sent again because its acknowledgement was lost, is not it.
func TestAnOlderDetectSentAgainIsNotTheOneAskedFor(t *testing.T) {
	h := open(t)
	meta := h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	snap := r.detect(5, "")
	h.Hub.AskDetect(r.reply.Machine)
	if status, body := r.upload(snap); status >= 300 {
		t.Fatalf("the same detect once more was answered with %d %s", status, body)
	}
	if reply := r.checkin(meta.ID, 5); !reply.WantDetect {
		t.Error("the detect that was asked for has not come and is not asked for")
	}
	r.detect(6, "")
	if reply := r.checkin(meta.ID, 6); reply.WantDetect {
		t.Error("it has come and is asked for still")
	}
}

// An appliance that was started anew remembers no wake-up; a machine with a waiting order is told at its first poll, not at its next check-in.
func TestWaitingOrderIsToldAfterARestart(t *testing.T) {
	h := open(t)
	h.publish(archive(t, bellFile), bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	r.detect(1, "")
	h.ordered(r)
	h.Hub.Forget(r.reply.Machine) // as a new process has it
	var reply wire.PollReply
	if status := r.call(wire.PathPoll, "", nil, &reply); status != http.StatusOK || !reply.Wake {
		t.Errorf("the poll was answered with %d %+v", status, reply)
	}
}

func TestTokenIsUsedOnce(t *testing.T) {
	h := open(t)
	token := h.enrolToken(true, 1)
	secret, _, err := auth.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	const tries = 25
	robots := make([]*robot, tries)
	for i := range robots {
		robots[i] = h.newRobot()
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := 0
	for _, r := range robots {
		wg.Go(func() {
			if r.call(wire.PathEnrol, "", wire.EnrolRequest{Token: secret, CSR: r.csr(), Hostname: "x"}, nil) == http.StatusOK {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d machines enrolled with a token for one", won)
	}
	guess, _, err := auth.NewToken(h.keys.Agents.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if secret, _, err = auth.ParseToken(guess); err != nil {
		t.Fatal(err)
	}
	for range 40 { // guessing ends in a wait
		r := h.newRobot()
		if r.call(wire.PathEnrol, "", wire.EnrolRequest{Token: secret, CSR: r.csr()}, nil) == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nobody stops an address that guesses tokens")
}

func TestJunkReportsEndInAWait(t *testing.T) {
	h := open(t)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	other := h.newRobot().enrol(h.enrolToken(true, 1), "other")
	for range 400 {
		if r.call(wire.PathResults, "", []byte("junk"), nil) == http.StatusTooManyRequests {
			if status := other.call(wire.PathCheckin, "", wire.Checkin{Counter: 1, OS: testOS}, nil); status != http.StatusOK {
				t.Errorf("another machine is answered with %d meanwhile", status)
			}
			return
		}
	}
	t.Error("400 junk reports were all looked at")
}

// A copy of a machine uses the same key: its counter gives it away.
func TestCloneIsFlagged(t *testing.T) {
	h := open(t)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	if status := r.call(wire.PathCheckin, "", wire.Checkin{Counter: 1, OS: testOS}, nil); status != http.StatusConflict {
		t.Errorf("the second use of a counter was answered with %d", status)
	}
	alarms, err := h.Store.ListAlarms(t.Context(), true)
	if err != nil || len(alarms) != 1 || alarms[0].Kind != "mismatch" {
		t.Errorf("alarms: %+v %v", alarms, err)
	}
}
