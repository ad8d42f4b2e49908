package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/store"
)

var admin = patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "api"}

// office is a desk over a real store with a clock that stands still until it is told to move.
type office struct {
	*notify.Desk
	t     *testing.T
	store *store.Store
	now   time.Time
	log   bytes.Buffer
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "f.db"), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sealer, err := notify.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, store: s, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	ids := 0
	o.Desk = &notify.Desk{Store: s, Sealer: sealer, Guard: notify.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		Console: "https://patches.example.org:8460", Zone: time.UTC, Now: func() time.Time { return o.now },
		NewID: func() string { ids++; return fmt.Sprintf("m%04d", ids) }, Random: func() float64 { return 0.5 }, Log: slog.New(slog.NewTextHandler(&o.log, nil))}
	return o
}

func (o *office) put(r notify.Request) notify.Put {
	o.t.Helper()
	p, err := o.Desk.Put(o.t.Context(), admin, r)
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// holds makes exactly these notices of the subjects hold.
func (o *office) holds(subjects []patch.Subject, now ...patch.Notice) {
	o.t.Helper()
	err := o.Watch(o.t.Context(), notify.Source{Subjects: subjects, Look: func(context.Context) ([]patch.Notice, error) { return now, nil }})
	if err != nil {
		o.t.Fatal(err)
	}
}

// step lets time pass, and the desk do what is due.
func (o *office) step(after time.Duration) {
	o.t.Helper()
	o.now = o.now.Add(after)
	if err := o.Step(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

func of(subject patch.Subject, names ...string) []patch.Notice {
	var out []patch.Notice
	for _, n := range names {
		out = append(out, patch.Notice{Key: string(subject) + "/" + n, Subject: subject, Text: phrase.Of("{1} is so", n), Reason: phrase.Of("because of {1}", n), Path: "/patches/" + n})
	}
	return out
}

// hook is somebody's server that takes webhooks.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status []int // of the next answers; then 200
	got    []*http.Request
	bodies []string
}

func newHook(t *testing.T) (*hook, *x509.CertPool) {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got, h.bodies = append(h.got, r), append(h.bodies, string(b))
		status := http.StatusOK
		if len(h.status) > 0 {
			status, h.status = h.status[0], h.status[1:]
		}
		w.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		fmt.Fprint(w, "what only this network may read")
	}))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	t.Cleanup(h.Close)
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	return h, pool
}

func (h *hook) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

func both() []patch.Subject { return []patch.Subject{patch.AboutHalt, patch.AboutMachine} }

// A receiver can prove that a message is this appliance's, and when it was sent.
func TestWebhooksAreSigned(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots = pool
	p := o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.ByWebhook}, URL: h.URL + "/in?token=abc"})
	if !strings.HasPrefix(p.Key, "whsec_") || p.Where != h.URL {
		t.Fatalf("put gives %+v", p)
	}
	o.holds(both(), of(patch.AboutHalt, "perl")...)
	o.step(0)
	if len(h.all()) != 1 {
		t.Fatalf("%d messages came", len(h.all()))
	}
	r, body := h.got[0], h.bodies[0]
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Key, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
		t.Errorf("the signature is %s, want %s", r.Header.Get("Webhook-Signature"), want)
	}
	if r.Header.Get("Webhook-Timestamp") != fmt.Sprint(o.now.Unix()) {
		t.Errorf("the timestamp is %s", r.Header.Get("Webhook-Timestamp"))
	}
	var e struct {
		ID, Type, Title string
		Notices         []struct{ Text, Reason, Link string }
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	if e.ID != r.Header.Get("Webhook-Id") || e.Type != "fettle.halt" || e.Title != "Fettle: a patch is halted" || len(e.Notices) != 1 ||
		e.Notices[0].Reason != "because of perl" || e.Notices[0].Link != "https://patches.example.org:8460/patches/perl" {
		t.Errorf("the message is %s", body)
	}
}

// Until it has arrived a message is tried again, later each time and with the same id.
func TestMessagesAreTriedUntilTheyArrive(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots, h.status = pool, []int{500, 302, 429}
	o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.ByWebhook}, URL: h.URL})
	o.holds(both(), of(patch.AboutHalt, "perl")...)
	for _, wait := range []time.Duration{0, 29 * time.Second, time.Second, 59 * time.Second, time.Second, 2 * time.Minute} {
		o.step(wait)
	}
	if n := len(h.all()); n != 4 {
		t.Fatalf("%d tries, want 4", n)
	}
	for _, r := range h.got {
		if r.Header.Get("Webhook-Id") != h.got[0].Header.Get("Webhook-Id") {
			t.Error("the same message came with another id")
		}
	}
	sent, err := o.Deliveries(t.Context(), "ops", 0)
	if err != nil || len(sent) != 1 || sent[0].State != patch.DeliverySent || sent[0].Tries != 4 {
		t.Errorf("the log is %+v, %v", sent, err)
	}
	if a, _ := o.store.ListAlarms(t.Context(), false); len(a) != 1 || a[0].ClearedAt.IsZero() || !strings.Contains(a[0].Text.String(), "429") {
		t.Errorf("alarms are %+v", a)
	}
}

// An answer that sends elsewhere is a failure: whoever runs a receiver does not choose where the appliance connects to.
func TestRedirectsAreNotFollowed(t *testing.T) {
	o := newOffice(t)
	elsewhere, pool := newHook(t)
	here := httptest.NewUnstartedServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	here.Config.ErrorLog = log.New(io.Discard, "", 0)
	here.StartTLS()
	defer here.Close()
	pool.AddCert(here.Certificate())
	o.Roots = pool
	o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.ByWebhook}, URL: here.URL})
	m, err := o.Test(t.Context(), admin, "ops")
	if err != nil || m.State != patch.DeliveryFailed || !strings.Contains(m.Text, "no redirect is followed") || len(elsewhere.all()) != 0 {
		t.Errorf("the test ended with %+v, %v; elsewhere came %q", m, err, elsewhere.all())
	}
}

func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots, h.status = pool, slices.Repeat([]int{503}, 1000)
	o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.ByWebhook}, URL: h.URL})
	o.holds(both(), of(patch.AboutHalt, "perl")...)
	for range 60 {
		o.step(time.Hour)
	}
	sent, err := o.Deliveries(t.Context(), "ops", 0)
	if err != nil || len(sent) != 1 || sent[0].State != patch.DeliveryFailed || !strings.Contains(sent[0].Text, "given up after a day: it answered 503") {
		t.Errorf("the log is %+v, %v", sent, err)
	}
	if n := len(h.all()); n < 20 || n > 40 {
		t.Errorf("it was tried %d times", n)
	}
}

// What is no halt and no alarm comes as one message a window.
func TestDigests(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots = pool
	o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.BySlack, Window: 60}, URL: h.URL})
	var silent []patch.Notice
	for i := range 100 {
		silent = append(silent, of(patch.AboutMachine, fmt.Sprintf("web-%03d", i))...)
		o.holds(both(), silent...)
		o.step(time.Minute)
	}
	if n := len(h.all()); n != 2 {
		t.Fatalf("%d messages in 100 minutes, want 2", n)
	}
	if got := h.all()[1]; !strings.Contains(got, "60 machines need a look") || !strings.Contains(got, "web-001") || strings.Contains(got, "web-000") || !strings.Contains(got, "and 35 more") {
		t.Errorf("the second digest is %s", got)
	}
	o.holds(both(), append(silent, of(patch.AboutHalt, "perl", "curl")...)...)
	o.step(0)
	o.holds(both(), append(silent, of(patch.AboutHalt, "perl", "curl", "git", "vim")...)...)
	o.step(10 * time.Second)
	if n := len(h.all()); n != 3 {
		t.Errorf("%d messages, want the halt at once and nothing more yet", n)
	}
	o.step(time.Minute)
	if got := h.all(); !strings.Contains(got[len(got)-1], "2 patches are halted") && !strings.Contains(got[len(got)-2], "2 patches are halted") {
		t.Errorf("the later halts are %q", got)
	}
}

func TestQuietHours(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots = pool
	o.put(notify.Request{Channel: patch.Channel{Name: "ops", Kind: patch.ByTeams, Quiet: "22:00-7:00", Zone: "Europe/Berlin"}, URL: h.URL})
	o.now = time.Date(2026, 11, 25, 21, 30, 0, 0, time.UTC) // 22:30 in Berlin
	o.holds(both(), append(of(patch.AboutMachine, "web-1"), of(patch.AboutHalt, "perl")...)...)
	o.step(5 * time.Minute)
	if got := h.all(); len(got) != 1 || !strings.Contains(got[0], "a patch is halted") {
		t.Fatalf("at night came %q", got)
	}
	o.step(8*time.Hour + 20*time.Minute) // 06:55
	if n := len(h.all()); n != 1 {
		t.Fatal("a digest came in quiet hours")
	}
	o.step(5 * time.Minute)
	if got := h.all(); len(got) != 2 || !strings.Contains(got[1], "a machine needs a look") {
		t.Errorf("in the morning came %q", got)
	}
}

func TestMail(t *testing.T) {
	for name, set := range map[string]func(*letterbox){
		"starttls": func(*letterbox) {}, "tls": func(b *letterbox) { b.implicit = true }, "later": func(b *letterbox) { b.refusals = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			box, pool := newLetterbox(t, set)
			o.Roots = pool
			security := name
			if name == "later" {
				security = "starttls"
			}
			o.put(notify.Request{Channel: patch.Channel{Name: "mail", Kind: patch.ByMail, Where: box.at, Security: security, User: "fettle", From: "Fettle <fettle@example.org>", To: []string{"ops@example.org", "second@example.org"}}, Key: "hunter22"})
			n := of(patch.AboutHalt, "perl")
			n[0].Text = "per\nl\r\nBcc: <x@example.org> is halted"
			o.holds(both(), n...)
			o.step(0)
			o.step(time.Minute)
			letters := box.all(&box.letters)
			if len(letters) != 1 {
				sent, _ := o.Deliveries(t.Context(), "", 0)
				t.Fatalf("%d letters came; the log is %+v", len(letters), sent)
			}
			for _, want := range []string{"Subject: Fettle: a patch is halted", "To: <ops@example.org>, <second@example.org>", "because of perl", "https://patches.example.org:8460/patches/perl", "Message-ID: <m0001@fettle>", "Auto-Submitted: auto-generated"} {
				if !strings.Contains(letters[0], want) {
					t.Errorf("the letter has no %q:\n%s", want, letters[0])
				}
			}
			if strings.Contains(letters[0], "\nBcc:") {
				t.Error("a machine's text became a header")
			}
			if got := box.all(&box.signed); len(got) == 0 || got[0] != "fettle:hunter22" {
				t.Errorf("it signed in as %q", got)
			}
		})
	}
}

// A server that offers no encryption, or that strips it, gets neither password nor message.
func TestNoPasswordWithoutEncryption(t *testing.T) {
	o := newOffice(t)
	box, pool := newLetterbox(t, func(b *letterbox) { b.noTLS = true })
	o.Roots = pool
	mail := patch.Channel{Name: "mail", Kind: patch.ByMail, Where: box.at, User: "fettle", From: "fettle@example.org", To: []string{"ops@example.org"}}
	for _, user := range []string{"fettle", ""} {
		mail.User = user
		o.put(notify.Request{Channel: mail, Key: "hunter22"})
		m, err := o.Test(t.Context(), admin, "mail")
		if err != nil || m.State != patch.DeliveryFailed {
			t.Errorf("the test ended with %+v, %v", m, err)
		}
	}
	if got := box.all(&box.plain); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "AUTH") || strings.Contains(s, "MAIL") }) {
		t.Errorf("it said %q in the clear", got)
	}
	mail.User, mail.Security = "fettle", "none"
	if _, err := o.Desk.Put(t.Context(), admin, notify.Request{Channel: mail, Key: "hunter22"}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a password without encryption is %v", err)
	}
}

// A channel can be changed by every administrator, so what it keeps must not go to another place than it was given for.
func TestSecretsStayWhereTheyWereGiven(t *testing.T) {
	o := newOffice(t)
	box, pool := newLetterbox(t, func(*letterbox) {})
	thief, _ := newLetterbox(t, func(*letterbox) {})
	o.Roots = pool
	mail := patch.Channel{Name: "mail", Kind: patch.ByMail, Where: box.at, User: "fettle", From: "fettle@example.org", To: []string{"ops@example.org"}}
	o.put(notify.Request{Channel: mail, Key: "hunter22"})
	mail.To = []string{"others@example.org"}
	o.put(notify.Request{Channel: mail}) // the password stays
	if m, err := o.Test(t.Context(), admin, "mail"); err != nil || m.State != patch.DeliverySent {
		t.Errorf("the test ended with %+v, %v", m, err)
	}
	for _, change := range []func(*patch.Channel){func(c *patch.Channel) { c.Where = thief.at }, func(c *patch.Channel) { c.User = "root" }, func(c *patch.Channel) { c.Security = "tls" }} {
		c := mail
		change(&c)
		if _, err := o.Desk.Put(t.Context(), admin, notify.Request{Channel: c}); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v takes the old password along: %v", c, err)
		}
	}
	hook := patch.Channel{Name: "mail", Kind: patch.ByWebhook}
	if _, err := o.Desk.Put(t.Context(), admin, notify.Request{Channel: hook}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a channel of another kind has kept %v", err)
	}
}

// Neither the store, nor what the desk gives, nor its log, nor an error has a secret in it.
func TestSecretsAreNeverShown(t *testing.T) {
	o := newOffice(t)
	h, _ := newHook(t) // whose certificate nobody trusts: every try fails
	const mark = "s3cr3t-mark-0123456789"
	o.put(notify.Request{Channel: patch.Channel{Name: "hook", Kind: patch.ByWebhook}, URL: h.URL + "/" + mark, Key: mark})
	o.put(notify.Request{Channel: patch.Channel{Name: "slack", Kind: patch.BySlack}, URL: h.URL + "/" + mark})
	o.put(notify.Request{Channel: patch.Channel{Name: "mail", Kind: patch.ByMail, Where: "127.0.0.1:1", User: "u", From: "f@example.org", To: []string{"t@example.org"}}, Key: mark})
	o.holds(both(), of(patch.AboutHalt, "perl")...)
	for range 5 {
		o.step(time.Hour)
	}
	var told []any
	for _, name := range []string{"hook", "slack", "mail"} {
		m, err := o.Test(t.Context(), admin, name)
		if m.State != patch.DeliveryFailed {
			t.Fatalf("the test of %s ended with %+v, %v", name, m, err)
		}
		sealed, err := o.store.ChannelSecret(t.Context(), name)
		if err != nil || len(sealed) < len(mark) {
			t.Fatalf("%s keeps %d bytes, %v", name, len(sealed), err)
		}
		told = append(told, m, string(sealed))
	}
	channels, _ := o.List(t.Context())
	sent, _ := o.Deliveries(t.Context(), "", 0)
	audit, _ := o.store.ListAudit(t.Context(), time.Time{}, 0)
	alarms, _ := o.store.ListAlarms(t.Context(), false)
	if len(sent) < 6 || len(alarms) != 3 {
		t.Fatalf("%d messages, %d alarms", len(sent), len(alarms))
	}
	told = append(told, channels, sent, audit, alarms, o.log.String(), notify.Secret(mark), slog.AnyValue(notify.Secret(mark)).Resolve().String())
	for _, v := range told {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(b) + fmt.Sprintf("%v %+v %#v", v, v, v); strings.Contains(text, mark) {
			t.Errorf("the secret is in %s", text)
		}
	}
}

func TestSealedSecretsBelongToTheirChannel(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots = pool
	o.put(notify.Request{Channel: patch.Channel{Name: "a", Kind: patch.BySlack}, URL: h.URL})
	sealed, err := o.store.ChannelSecret(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.store.PutChannel(t.Context(), admin, patch.Channel{Name: "b", Kind: patch.BySlack}, sealed); err != nil {
		t.Fatal(err)
	}
	m, err := o.Test(t.Context(), admin, "b")
	if err != nil || m.State != patch.DeliveryFailed || !strings.Contains(m.Text, "sealed with other keys") {
		t.Errorf("moved secrets give %+v, %v", m, err)
	}
}

func TestAnAnswerIsNotShown(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots, h.status = pool, []int{403}
	o.put(notify.Request{Channel: patch.Channel{Name: "a", Kind: patch.BySlack}, URL: h.URL})
	m, err := o.Test(t.Context(), admin, "a")
	if err != nil || m.Text != "it answered 403 Forbidden" {
		t.Errorf("the test says %q, %v", m.Text, err)
	}
}

func TestWhatIsNoChannel(t *testing.T) {
	o := newOffice(t)
	mail := patch.Channel{Name: "m", Kind: patch.ByMail, Where: "mail.example.org:587", From: "f@example.org", To: []string{"t@example.org"}}
	with := func(change func(*patch.Channel)) patch.Channel {
		c := mail
		c.To = slices.Clone(mail.To)
		change(&c)
		return c
	}
	for why, r := range map[string]notify.Request{
		"its name":            {Channel: with(func(c *patch.Channel) { c.Name = "../x" })},
		"no kind":             {Channel: patch.Channel{Name: "x"}},
		"there is no subject": {Channel: with(func(c *patch.Channel) { c.Subjects = []patch.Subject{"weather"} })},
		"1 to 1440":           {Channel: with(func(c *patch.Channel) { c.Window = 9999 })},
		"quiet hours":         {Channel: with(func(c *patch.Channel) { c.Quiet = "late" })},
		"not a time zone":     {Channel: with(func(c *patch.Channel) { c.Zone = "../etc/passwd" })},
		"mail server":         {Channel: with(func(c *patch.Channel) { c.Where = "mail.example.org" })},
		"not a mail address":  {Channel: with(func(c *patch.Channel) { c.To = []string{"a@example.org\r\nBcc: b@example.org"} })},
		"1 to 50":             {Channel: with(func(c *patch.Channel) { c.To = nil })},
		"is missing":          {Channel: patch.Channel{Name: "x", Kind: patch.BySlack}},
		"https://host/path":   {Channel: patch.Channel{Name: "x", Kind: patch.BySlack}, URL: "file:///etc/passwd"},
		"a name or a":         {Channel: patch.Channel{Name: "x", Kind: patch.BySlack}, URL: "https://a:b@example.org"},
		"shorter than":        {Channel: patch.Channel{Name: "x", Kind: patch.ByWebhook}, URL: "https://example.org", Key: "short"},
	} {
		_, err := o.Desk.Put(t.Context(), admin, r)
		if patch.KindOf(err) != patch.Invalid || !strings.Contains(fmt.Sprint(err), why) && why != "no kind" {
			t.Errorf("%s: %v", why, err)
		}
	}
	if all, err := o.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("kept are %v, %v", all, err)
	}
}
