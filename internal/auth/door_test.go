package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// desk is Door's storage in memory.
type desk struct {
	mu       sync.Mutex
	users    map[string]patch.User
	sessions map[patch.Hash]patch.Session
	audit    []string
	touches  int
}

func (d *desk) FindUser(_ context.Context, name string) (patch.User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.users[name]
	if !ok {
		return u, patch.Errorf(patch.NotFound, "no %q", name)
	}
	return u, nil
}

func (d *desk) PutUser(_ context.Context, _ patch.Caller, u patch.User) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[u.Name] = u
	return nil
}

func (d *desk) PutAudit(_ context.Context, c patch.Caller, action, object string, _ any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.audit = append(d.audit, c.Name+" "+action+" "+object)
	return nil
}

func (d *desk) PutSession(_ context.Context, _ patch.Caller, s patch.Session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions[s.Hash] = s
	return nil
}

func (d *desk) FindSession(_ context.Context, h patch.Hash) (patch.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.sessions[h]
	if !ok {
		return s, patch.Errorf(patch.NotFound, "none")
	}
	return s, nil
}

func (d *desk) TouchSession(_ context.Context, h patch.Hash, until time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[h]
	s.IdleUntil = until
	d.sessions[h], d.touches = s, d.touches+1
	return nil
}

func (d *desk) RemoveSession(_ context.Context, _ patch.Caller, h patch.Hash) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, h)
	return nil
}

const alicesPassword = "correct horse battery"

type fixture struct {
	*Door
	desk *desk
	at   time.Time
}

func newFixture() *fixture {
	f := &fixture{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), desk: &desk{users: map[string]patch.User{
		"alice": {Name: "alice", Role: patch.Admin, PasswordHash: HashPassword(alicesPassword, cheap)},
		"carol": {Name: "carol", Role: patch.Admin, PasswordHash: HashPassword(alicesPassword, cheap), Disabled: true},
	}, sessions: map[patch.Hash]patch.Session{}}}
	f.Door = NewDoor(f.desk, cheap, func() time.Time { return f.at })
	return f
}

var ctx = context.Background()

func wantKind(t *testing.T, err error, kind patch.Kind) {
	t.Helper()
	if err == nil || patch.KindOf(err) != kind {
		t.Fatalf("error is %v, want one of kind %s", err, kind)
	}
}

func TestSignIn(t *testing.T) {
	f := newFixture()
	secret, s, u, err := f.SignIn(ctx, "alice", alicesPassword, "console", "192.0.2.1")
	if err != nil || u.Name != "alice" || s.Kind != "console" || len(secret) < 43 {
		t.Fatalf("got %q %+v %+v %v", secret, s, u, err)
	}
	for _, kept := range f.desk.sessions {
		if strings.Contains(fmt.Sprintf("%+v", kept), secret) || kept.Hash != hashOf(secret) {
			t.Error("the secret itself is stored")
		}
	}
	c, err := f.Caller(ctx, secret, "192.0.2.1", "console")
	if want := (patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "console"}); err != nil || c != want {
		t.Fatalf("caller is %+v, %v", c, err)
	}
	_, err = f.Caller(ctx, secret, "192.0.2.1", "api")
	wantKind(t, err, patch.Unauthenticated)
	for _, wrong := range []string{"", "x", string(s.Hash), secret + "x"} {
		_, err := f.Caller(ctx, wrong, "192.0.2.1", "console")
		wantKind(t, err, patch.Unauthenticated)
	}
	if err := f.SignOut(ctx, c, secret); err != nil {
		t.Fatal(err)
	}
	_, err = f.Caller(ctx, secret, "192.0.2.1", "console")
	wantKind(t, err, patch.Unauthenticated)
}

func TestSignInRefusalsAreAlike(t *testing.T) {
	var texts []string
	for _, try := range []struct{ name, password string }{{"alice", "wrong"}, {"nobody", alicesPassword}, {"carol", alicesPassword}, {"carol", "wrong"}, {"", ""}} {
		_, _, _, err := newFixture().SignIn(ctx, try.name, try.password, "cli", "192.0.2.1")
		wantKind(t, err, patch.Unauthenticated)
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("%q differs from %q", text, texts[0])
		}
	}
}

// An unknown name must cost a hash as a known one does, or names can be told apart by time.
func TestUnknownNameCostsAHash(t *testing.T) {
	f := newFixture()
	slow := Cost{MemoryKiB: 16 << 10, Passes: 2, Lanes: 1}
	f.desk.users["alice"] = patch.User{Name: "alice", PasswordHash: HashPassword(alicesPassword, slow)}
	f.Door = NewDoor(f.desk, slow, func() time.Time { return f.at })
	took := func(name string) time.Duration {
		best := time.Hour
		for i := range 5 {
			start := time.Now()
			f.SignIn(ctx, name, "wrong password", "cli", fmt.Sprint("address ", i))
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := took("alice"), took("nobody")
	if unknown < known/3 {
		t.Errorf("an unknown name takes %s, a known one %s", unknown, known)
	}
}

func TestBackoff(t *testing.T) {
	f := newFixture()
	guess := func(from, password string) error {
		_, _, _, err := f.SignIn(ctx, "alice", password, "cli", from)
		return err
	}
	for range freeFailures {
		wantKind(t, guess("192.0.2.1", "wrong"), patch.Unauthenticated)
	}
	wantKind(t, guess("192.0.2.1", alicesPassword), patch.Exhausted)
	if err := guess("192.0.2.2", alicesPassword); err != nil {
		t.Errorf("guesses from one address lock the person out from another: %v", err)
	}
	var waits []time.Duration
	for range 14 {
		w := f.backoff.wait(guesser{"alice", "192.0.2.1"}, f.at)
		waits = append(waits, w)
		f.at = f.at.Add(w)
		wantKind(t, guess("192.0.2.1", "wrong"), patch.Unauthenticated)
	}
	if waits[0] != time.Second || waits[1] != 2*time.Second || waits[2] != 4*time.Second || waits[13] != longestWait {
		t.Errorf("waits are %v", waits)
	}
	f.at = f.at.Add(longestWait)
	if err := guess("192.0.2.1", alicesPassword); err != nil {
		t.Error(err)
	}
	wantKind(t, guess("192.0.2.1", "wrong"), patch.Unauthenticated)
	if err := guess("192.0.2.1", alicesPassword); err != nil {
		t.Errorf("a success did not forget the failures: %v", err)
	}
	if len(f.desk.audit) == 0 || f.desk.audit[0] != "anonymous session.refused alice" {
		t.Errorf("audit is %v", f.desk.audit)
	}
}

func TestGuessesSentAtOnceAreSlowedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		f.hashing = make(chan struct{}, cap(f.hashing)) // one of this bubble
		for range cap(f.hashing) {
			f.hashing <- struct{}{}
		}
		var checked atomic.Int64
		for range 200 {
			go func() {
				_, _, _, err := f.SignIn(ctx, "alice", "wrong", "cli", "192.0.2.1")
				if patch.KindOf(err) == patch.Unauthenticated {
					checked.Add(1)
				}
			}()
		}
		synctest.Wait() // all 200 are at the door
		for range cap(f.hashing) {
			<-f.hashing
		}
		synctest.Wait()
		if most := freeFailures + cap(f.hashing); checked.Load() > int64(most) {
			t.Errorf("%d of 200 guesses at once were checked, want at most %d", checked.Load(), most)
		}
	})
}

func TestBackoffIsBounded(t *testing.T) {
	var b backoff
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 12 {
		b.failed(guesser{"alice", "192.0.2.1"}, at)
	}
	for i := range maxWaiting + 500 {
		b.failed(guesser{fmt.Sprint(i), "192.0.2.9"}, at)
	}
	if len(b.waiting) > maxWaiting {
		t.Errorf("%d guessers are remembered", len(b.waiting))
	}
	if b.wait(guesser{"alice", "192.0.2.1"}, at) == 0 {
		t.Error("many names pushed out the one with the longest wait")
	}
}

func TestSessionEnds(t *testing.T) {
	for kind, via := range map[string]string{"console": "console", "cli": "api"} {
		idle, most, _ := lifetimes(kind)
		f := newFixture()
		secret, _, _, err := f.SignIn(ctx, "alice", alicesPassword, kind, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		start := f.at
		for f.at.Sub(start) < most-idle/2 { // used every half idle time, it lives until its absolute end
			if _, err := f.Caller(ctx, secret, "192.0.2.1", via); err != nil {
				t.Fatalf("%s after %s: %v", kind, f.at.Sub(start), err)
			}
			f.at = f.at.Add(idle / 2)
		}
		f.at = start.Add(most)
		_, err = f.Caller(ctx, secret, "192.0.2.1", via)
		wantKind(t, err, patch.Unauthenticated)

		secret, _, _, err = f.SignIn(ctx, "alice", alicesPassword, kind, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		touches := f.desk.touches
		for range 100 {
			f.Caller(ctx, secret, "192.0.2.1", via)
		}
		if f.desk.touches != touches {
			t.Error("reading writes a row each time")
		}
		f.at = f.at.Add(idle)
		_, err = f.Caller(ctx, secret, "192.0.2.1", via)
		wantKind(t, err, patch.Unauthenticated)
	}
}

func TestAnOpenPageKeepsNobodySignedIn(t *testing.T) {
	f := newFixture()
	secret, _, _, err := f.SignIn(ctx, "alice", alicesPassword, "console", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.at = f.at.Add(25 * time.Minute)
		if _, err := f.Onlooker(ctx, secret, "192.0.2.1", "console"); err != nil {
			t.Fatal(err)
		}
	}
	f.at = f.at.Add(10 * time.Minute)
	_, err = f.Onlooker(ctx, secret, "192.0.2.1", "console")
	wantKind(t, err, patch.Unauthenticated)
}

func TestDisabledPersonIsOut(t *testing.T) {
	f := newFixture()
	secret, _, _, err := f.SignIn(ctx, "alice", alicesPassword, "cli", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	u := f.desk.users["alice"]
	u.Disabled = true
	f.desk.users["alice"] = u
	_, err = f.Caller(ctx, secret, "192.0.2.1", "api")
	wantKind(t, err, patch.Unauthenticated)
}

func TestPutUser(t *testing.T) {
	f := newFixture()
	_, err := f.PutUser(ctx, OnTheBox("root"), "bob", patch.Auditor, "", false)
	wantKind(t, err, patch.Invalid)
	_, err = f.PutUser(ctx, OnTheBox("root"), "bob", "king", "a long password", false)
	wantKind(t, err, patch.Invalid)
	u, err := f.PutUser(ctx, OnTheBox("root"), "bob", patch.Auditor, "a long password", false)
	if err != nil || !VerifyPassword("a long password", u.PasswordHash) || u.CreatedAt.IsZero() {
		t.Fatalf("%+v, %v", u, err)
	}
	again, err := f.PutUser(ctx, OnTheBox("root"), "bob", patch.Operator, "", true)
	if err != nil || again.PasswordHash != u.PasswordHash || again.Role != patch.Operator || !again.Disabled {
		t.Fatalf("%+v, %v", again, err)
	}
	for _, name := range []string{"", "Bob", "a b", "machine:m-1", "-x", ".", "fettle", "anonymous", strings.Repeat("a", 65), "ä", "a\x00"} {
		_, err := f.PutUser(ctx, OnTheBox("root"), name, patch.Auditor, "a long password", false)
		wantKind(t, err, patch.Invalid)
	}
}

func TestStorageFaultIsNoRefusal(t *testing.T) {
	f := newFixture()
	f.people = broken{f.desk}
	_, _, _, err := f.SignIn(ctx, "alice", alicesPassword, "cli", "x")
	wantKind(t, err, patch.Unavailable)
}

type broken struct{ People }

func (broken) FindUser(context.Context, string) (patch.User, error) {
	return patch.User{}, patch.Errorf(patch.Unavailable, "away: %w", errors.New("x"))
}
