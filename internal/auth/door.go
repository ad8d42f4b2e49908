package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// CookieName is the console's session cookie: the prefix makes browsers insist on Secure, Path=/ and no Domain.
const CookieName = "__Host-fettle"

// People is what Door needs of users' storage.
type People interface {
	FindUser(ctx context.Context, name string) (patch.User, error)
	PutUser(ctx context.Context, c patch.Caller, u patch.User) error
	PutAudit(ctx context.Context, c patch.Caller, action, object string, detail any) error
}

// Sessions is what Door needs of sessions' storage.
type Sessions interface {
	PutSession(ctx context.Context, c patch.Caller, s patch.Session) error
	FindSession(ctx context.Context, h patch.Hash) (patch.Session, error)
	TouchSession(ctx context.Context, h patch.Hash, idleUntil time.Time) error
	RemoveSession(ctx context.Context, c patch.Caller, h patch.Hash) error
}

// Door lets people in. It is safe for concurrent use.
type Door struct {
	people   People
	sessions Sessions
	now      func() time.Time
	cost     Cost
	nobody   string        // a hash that no password fits: unknown names cost what known ones cost
	hashing  chan struct{} // bounds how many hashes are computed at once, each of which takes Cost.MemoryKiB
	backoff  backoff
}

// Records is the storage that Door works on.
type Records interface {
	People
	Sessions
}

// NewDoor makes the only way in for people.
func NewDoor(r Records, cost Cost, now func() time.Time) *Door {
	return &Door{people: r, sessions: r, now: now, cost: cost, nobody: nobodysHash(cost), hashing: make(chan struct{}, 4)}
}

// lifetimes of a session by kind: unused, and at all.
func lifetimes(kind string) (idle, most time.Duration, ok bool) {
	switch kind {
	case "console":
		return time.Hour, 12 * time.Hour, true
	case "cli":
		return 24 * time.Hour, 7 * 24 * time.Hour, true
	}
	return 0, 0, false
}

// SignIn checks a password and starts a session of a kind, "console" or "cli". It gives the session's secret, which is stored
// nowhere. Unknown names, wrong passwords and disabled people are one and the same Unauthenticated; too many guesses are Exhausted.
func (d *Door) SignIn(ctx context.Context, name, password, kind, from string) (string, patch.Session, patch.User, error) {
	var none patch.Session
	if _, _, ok := lifetimes(kind); !ok {
		return "", none, patch.User{}, patch.Errorf(patch.Internal, "there is no kind of session %q", kind)
	}
	u, err := d.check(ctx, name, password, from)
	if err != nil {
		return "", none, patch.User{}, err
	}
	secret, s := d.newSession(u.Name, kind, from)
	caller := patch.Caller{Name: u.Name, Role: u.Role, From: from, Via: kind}
	if err := d.sessions.PutSession(ctx, caller, s); err != nil {
		return "", none, patch.User{}, err
	}
	return secret, s, u, nil
}

func (d *Door) check(ctx context.Context, name, password, from string) (patch.User, error) {
	g := guesser{name: strings.ToLower(clip(name, 64)), from: from}
	if err := d.patience(g); err != nil {
		return patch.User{}, err
	}
	select {
	case d.hashing <- struct{}{}:
		defer func() { <-d.hashing }()
	case <-ctx.Done():
		return patch.User{}, patch.Errorf(patch.Unavailable, "cannot sign in: %w", ctx.Err())
	}
	// Asked again: guesses that were sent all at once have waited here for each other.
	if err := d.patience(g); err != nil {
		return patch.User{}, err
	}
	u, err := d.people.FindUser(ctx, name)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return patch.User{}, err
	}
	hash := u.PasswordHash
	if err != nil || u.Disabled {
		hash = d.nobody
	}
	if !VerifyPassword(password, hash) {
		return patch.User{}, d.refuse(ctx, g)
	}
	d.backoff.succeeded(g)
	return u, nil
}

func (d *Door) patience(g guesser) error {
	wait := d.backoff.wait(g, d.now())
	if wait <= 0 {
		return nil
	}
	return &patch.Error{Kind: patch.Exhausted, What: "cannot sign in now", Why: "too many wrong passwords were given",
		Do: phrase.Format("Try again in %s.", wait.Round(time.Second)+time.Second)}
}

func (d *Door) refuse(ctx context.Context, g guesser) error {
	d.backoff.failed(g, d.now())
	stranger := patch.Caller{Name: "anonymous", From: g.from, Via: "sign-in"}
	if err := d.people.PutAudit(ctx, stranger, "session.refused", g.name, nil); err != nil {
		return err
	}
	return &patch.Error{Kind: patch.Unauthenticated, What: "cannot sign in", Why: "the name or the password is wrong"}
}

func (d *Door) newSession(user, kind, from string) (string, patch.Session) {
	idle, most, _ := lifetimes(kind)
	raw := make([]byte, 32)
	rand.Read(raw)
	secret := base64.RawURLEncoding.EncodeToString(raw)
	now := d.now().UTC().Truncate(time.Microsecond)
	return secret, patch.Session{Hash: hashOf(secret), User: user, Kind: kind, CreatedAt: now, ExpiresAt: now.Add(most), IdleUntil: now.Add(idle), From: from}
}

// hashOf is how a secret of 256 random bits is stored; it needs no salt and no cost.
func hashOf(secret string) patch.Hash {
	sum := sha256.Sum256([]byte(secret))
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// Caller tells who holds a session's secret, with the role that they have now. via is how the secret came: "console" for the
// cookie, "api" for a bearer token; a console's secret is good for the console only. Everything that is not a live session of an
// enabled person is Unauthenticated.
func (d *Door) Caller(ctx context.Context, secret, from, via string) (patch.Caller, error) {
	caller, s, err := d.holder(ctx, secret, from, via)
	if err != nil {
		return patch.Caller{}, err
	}
	return caller, d.keepAlive(ctx, s, d.now())
}

// Onlooker is Caller for what a page asks by itself while nobody uses it: it does not put off the session's idle end.
func (d *Door) Onlooker(ctx context.Context, secret, from, via string) (patch.Caller, error) {
	caller, _, err := d.holder(ctx, secret, from, via)
	return caller, err
}

func (d *Door) holder(ctx context.Context, secret, from, via string) (patch.Caller, patch.Session, error) {
	var nobody patch.Caller
	if secret == "" {
		return nobody, patch.Session{}, signedOut("nobody is signed in")
	}
	s, err := d.sessions.FindSession(ctx, hashOf(secret))
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return nobody, s, signedOut("this sign-in has ended")
	}
	if err != nil {
		return nobody, s, err
	}
	now := d.now()
	if !now.Before(s.ExpiresAt) || !now.Before(s.IdleUntil) || (s.Kind == "console") != (via == "console") {
		return nobody, s, signedOut("this sign-in has ended")
	}
	u, err := d.people.FindUser(ctx, s.User)
	if err != nil {
		return nobody, s, err
	}
	if u.Disabled {
		return nobody, s, signedOut("this sign-in has ended")
	}
	return patch.Caller{Name: u.Name, Role: u.Role, From: from, Via: via}, s, nil
}

// keepAlive moves the idle end, at most once a minute: reading pages must not become writing rows.
func (d *Door) keepAlive(ctx context.Context, s patch.Session, now time.Time) error {
	idle, _, _ := lifetimes(s.Kind)
	until := now.Add(idle)
	if until.After(s.ExpiresAt) {
		until = s.ExpiresAt
	}
	if until.Sub(s.IdleUntil) < time.Minute {
		return nil
	}
	return d.sessions.TouchSession(ctx, s.Hash, until)
}

func signedOut(why phrase.Phrase) error {
	return &patch.Error{Kind: patch.Unauthenticated, What: "you are not signed in", Why: why, Do: "Sign in."}
}

// SignOut ends a session.
func (d *Door) SignOut(ctx context.Context, c patch.Caller, secret string) error {
	return d.sessions.RemoveSession(ctx, c, hashOf(secret))
}

// PutUser adds a person or changes one; an empty password keeps the one that is. The caller's permission is the route's business.
func (d *Door) PutUser(ctx context.Context, c patch.Caller, name string, role patch.Role, password string, disabled bool) (patch.User, error) {
	if err := checkName(name); err != nil {
		return patch.User{}, err
	}
	if Permissions(role) == nil {
		return patch.User{}, patch.Errorf(patch.Invalid, "there is no role %q", role)
	}
	u, err := d.people.FindUser(ctx, name)
	switch {
	case err == nil:
	case patch.KindOf(err) != patch.NotFound:
		return patch.User{}, err
	case password == "":
		return patch.User{}, patch.Errorf(patch.Invalid, "%s is new and needs a password", name)
	default:
		u = patch.User{Name: name, CreatedAt: d.now().UTC().Truncate(time.Microsecond)}
	}
	if password != "" {
		if err := CheckPassword(name, password); err != nil {
			return patch.User{}, err
		}
		u.PasswordHash = HashPassword(password, d.cost)
	}
	u.Role, u.Disabled = role, disabled
	return u, d.people.PutUser(ctx, c, u)
}

// checkName keeps names plain, so that no name looks like another or like the appliance itself in the audit log.
func checkName(name string) error {
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
	switch {
	case name == "" || len(name) > 64 || !plain || strings.Trim(name[:1], ".-_") == "":
		return &patch.Error{Kind: patch.Invalid, What: "cannot use this name", Why: "a name has up to 64 of a-z, 0-9, dot, hyphen and underscore, and begins with a letter or digit"}
	case name == "fettle" || name == "anonymous":
		return patch.Errorf(patch.Invalid, "the name %s is the appliance's own", name)
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
