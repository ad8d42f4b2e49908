package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
)

// Bad input and bad moments: each has a clear answer, and nothing is lost.
func TestBadInput(t *testing.T) {
	needRoot(t)
	a := newShop(t, slices.Concat(newWares, pair("1.0-2")))
	s := newSite(t, lab.WithCheckin(10*time.Second))
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	t.Run("tokens", func(t *testing.T) { badTokens(t, s.on(t)) })
	t.Run("a catalog for another OS", func(t *testing.T) { otherOS(t, s.on(t), a) })
	b := s.box("web-1")
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, slices.Concat(oldWares, pair("1.0-1")))
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	for _, c := range []struct {
		name string
		test func(*testing.T, *box)
	}{
		{"the appliance is away", serverAway},
		{"a garbled package database", garbledStatus},
		{"declined beats approved", declined},
		{"an unapproved dependency is foretold", foretold},
		{"an unapproved dependency that only the machine can tell", unapproved},
		{"a package of a new name", renamed},
		{"a hold set after the plan", heldAfterPlan},
		{"changed by hand after the plan", changedByHand},
	} {
		t.Run(c.name, func(t *testing.T) {
			on := *b
			on.s = s.on(t)
			c.test(t, &on)
		})
	}
	s.cli("audit", "verify")
}

// A token that is wrong in any way enrols nothing, and says what is wrong.
func badTokens(t *testing.T, s *site) {
	b := s.box("stranger")
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	good, err := s.NewToken(t.Context(), "good")
	if err != nil {
		t.Fatal(err)
	}
	expired := s.expiredToken()
	parts := strings.Split(good, ".")
	wrong := "fettle1." + strings.Repeat("A", len(parts[1])) + "." + parts[2]
	foreign := parts[0] + "." + parts[1] + "." + strings.Repeat("0", 64)
	enrol := func(token string) *exec.Cmd {
		return b.Command(t.Context(), b.spec.Program(), "enrol", "--server", lab.Server, "--token", token)
	}
	for _, c := range []struct{ name, token, why string }{
		{"not a token", "hello", "this is not an enrolment token"},
		{"cut off", good[:len(good)-7], "cut or mistyped in its last part"},
		{"one that nobody made", wrong, "does not know this token"},
		{"expired", expired, "the token late has expired"},
		{"another CA's fingerprint", foreign, "this is not the appliance that made the token"},
	} {
		t.Run(c.name, func(t *testing.T) { says(t, refused(t, enrol(c.token)), c.why) })
	}
	if out, err := enrol(good).CombinedOutput(); err != nil {
		t.Fatalf("the good token after all the bad ones: %v: %s", err, out)
	}
	t.Run("used up", func(t *testing.T) {
		b.sh("mv /var/lib/fettle-agent /root/first")
		says(t, refused(t, enrol(good)), "the token good is used up")
	})
	var l struct{ Items []struct{ Name string } }
	s.json(&l, "machines")
	if len(l.Items) != 1 {
		t.Errorf("enrolled are %+v", l.Items)
	}
	b.Stop()
}

// expiredToken leaves a token in the store that ended an hour ago; the appliance makes none that short.
func (s *site) expiredToken() string {
	s.t.Helper()
	known, err := s.NewToken(s.t.Context(), "pattern")
	if err != nil {
		s.t.Fatal(err)
	}
	parts := strings.Split(known, ".")
	secret := strings.Repeat("B", len(parts[1])-1) + "A"
	hash, err := auth.TokenHash(secret)
	if err != nil {
		s.t.Fatal(err)
	}
	st, err := store.Open(s.t.Context(), "sqlite://"+filepath.Join(s.Data(), "fettle.db"), store.Options{Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	defer st.Close()
	now := time.Now()
	err = st.PutToken(s.t.Context(), patch.Caller{Name: "test", Via: "cli"}, patch.Token{Name: "late", Hash: hash, Uses: 1, CreatedAt: now.Add(-2 * time.Hour), ExpiresAt: now.Add(-time.Hour)})
	if err != nil {
		s.t.Fatal(err)
	}
	return parts[0] + "." + secret + "." + parts[2]
}

func otherOS(t *testing.T, s *site, a *shop) {
	bundle := filepath.Join(s.dir, "trixie.bundle")
	s.cli("catalog", "build", "-o", bundle, "--apt", a.line("trixie"), "--keyring", a.keyring)
	for _, program := range []string{s.Fettle, s.agent} {
		said := refused(t, exec.Command(program, "detect", "--catalog", bundle, "--root", s.base))
		says(t, said, "debian-12-amd64", "debian-13-amd64")
	}
}

// fleet is what `fettle status --json` counts.
type fleet struct {
	Sentence                           string
	Machines, Fresh, Failed, Confirmed int
	Needing                            int
	Alarms                             []struct{ Key, Text string }
}

func (s *site) fleet() (f fleet) {
	s.t.Helper()
	s.json(&f, "status")
	return f
}

// machine is what `fettle machines show --json` knows.
type machine struct {
	Machine struct {
		Freshness    string       `json:"freshness"`
		DetectFailed string       `json:"detect_failed"`
		Seen         time.Time    `json:"seen_at"`
		Receipt      lab.Snapshot `json:"receipt"`
	} `json:"machine"`
}

func (b *box) shown() (m machine) {
	b.s.t.Helper()
	b.s.json(&m, "machines", "show", b.spec.Hostname)
	return m
}

func (b *box) status() (st struct {
	Snapshot *struct{ Seq uint64 }
	Trouble  string
}) {
	b.s.t.Helper()
	if err := json.Unmarshal([]byte(b.sh("%s status --json", b.spec.Program())), &st); err != nil {
		b.s.t.Fatal(err)
	}
	return st
}

// While the appliance is away the agent keeps its state and says what is wrong; then it comes back by itself.
func serverAway(t *testing.T, b *box) {
	s, before := b.s, b.status()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the agent notices", func() bool { return strings.Contains(b.status().Trouble, "cannot reach the appliance") })
	if now := b.status(); now.Snapshot == nil || now.Snapshot.Seq != before.Snapshot.Seq {
		t.Errorf("the agent's snapshot was %+v and is %+v", before.Snapshot, now.Snapshot)
	}
	back := time.Now()
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the agent is back", func() bool { return b.shown().Machine.Seen.After(back) && b.status().Trouble == "" })
}

// A package database that cannot be read is said to be so; the last complete snapshot stays and the machine is not counted as good.
// Once it is repaired, the machine is good again with nobody's help.
func garbledStatus(t *testing.T, b *box) {
	s, before := b.s, b.shown()
	for name, garble := range map[string]string{
		"empty": ": >/var/lib/dpkg/status", "noise": "head -c 20000 /dev/urandom >/var/lib/dpkg/status",
		"zeros after a power loss": "size=$(stat -c %s /root/status); truncate -s $((size/2)) /var/lib/dpkg/status; truncate -s $size /var/lib/dpkg/status",
		"cut":                      "truncate -s 30001 /var/lib/dpkg/status",
	} {
		b.sh("cp -a /var/lib/dpkg/status /root/status; %s", garble)
		said := refused(t, b.Command(t.Context(), b.spec.Program(), "facts"))
		b.sh("mv /root/status /var/lib/dpkg/status")
		if !strings.Contains(said, "/var/lib/dpkg/status") {
			t.Errorf("%s: %s", name, said)
		}
	}
	b.sh("cp -a /var/lib/dpkg/status /root/status; head -c 20000 /dev/urandom >/var/lib/dpkg/status")
	until(t, "the failed detect is reported", func() bool { return b.shown().Machine.Freshness == "failed" })
	m := b.shown()
	if m.Machine.Receipt.Seq != before.Machine.Receipt.Seq {
		t.Errorf("the complete snapshot was %d and is %d", before.Machine.Receipt.Seq, m.Machine.Receipt.Seq)
	}
	says(t, s.cli("machines", "show", "web-1"), "detect failed", "cannot read the package database")
	f := s.fleet()
	if f.Failed != 1 || f.Fresh != 0 || f.Confirmed != 0 || f.Machines != 1 {
		t.Errorf("%+v", f)
	}
	if !slices.ContainsFunc(f.Alarms, func(a struct{ Key, Text string }) bool { return strings.HasPrefix(a.Key, "detect/") }) {
		t.Errorf("no alarm: %+v", f.Alarms)
	}
	says(t, s.cli("status"), "1 whose detect failed", "the last complete one stays in force")
	says(t, s.cli("explain", "web-1", wareID("shop-till")), "○ snapshot complete", "the newest detect failed: cannot read the package database")
	b.sh("mv /root/status /var/lib/dpkg/status")
	repaired := time.Now()
	until(t, "the machine is good again", func() bool { return b.shown().Machine.Freshness == "fresh" })
	t.Logf("good again %.1f s after the repair", time.Since(repaired).Seconds())
	if f := s.fleet(); f.Failed != 0 || f.Fresh != 1 || len(f.Alarms) != 0 {
		t.Errorf("%+v", f)
	}
}
