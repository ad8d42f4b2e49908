package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Signatures are those of Standard Webhooks, version 1 (standardwebhooks.com): HMAC-SHA256 over "id.timestamp.body", in base64.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp" // seconds since 1970
	headerSignature = "Webhook-Signature" // "v1,BASE64"
	keyPrefix       = "whsec_"            // before a key that is base64; any other key counts as the bytes that it is
)

// Sign gives the signature of one try. Receivers compute it again, compare in constant time, and refuse timestamps that are minutes old.
func Sign(key Secret, id string, at time.Time, body []byte) string {
	raw := []byte(key)
	if b, found := strings.CutPrefix(string(key), keyPrefix); found {
		if decoded, err := base64.StdEncoding.DecodeString(b); err == nil {
			raw = decoded
		}
	}
	h := hmac.New(sha256.New, raw)
	fmt.Fprintf(h, "%s.%d.", id, at.Unix())
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// event is a webhook's body.
type event struct {
	ID      string        `json:"id"`
	Type    string        `json:"type"` // "fettle." and the subject
	Title   string        `json:"title"`
	Link    string        `json:"link"`
	At      time.Time     `json:"timestamp"` // when the message was made
	Notices []eventNotice `json:"notices"`
	More    int           `json:"more"` // notices that are only counted
}

type eventNotice struct {
	Key    string    `json:"key"`
	Text   string    `json:"text"`
	Reason string    `json:"reason"`
	Link   string    `json:"link"`
	At     time.Time `json:"at"`
}

// body gives what is posted to a channel.
func body(l *phrase.Language, kind patch.ChannelKind, d patch.Delivery, console string) ([]byte, error) {
	m := words(l, d, console)
	var v any
	switch kind {
	case patch.BySlack:
		v = slackBody(m)
	case patch.ByTeams:
		v = teamsBody(m)
	default:
		e := event{ID: d.ID, Type: "fettle." + string(d.Subject), Title: m.title, Link: m.link, At: d.CreatedAt.UTC(), Notices: []eventNotice{}, More: d.More}
		for i, n := range d.Notices {
			e.Notices = append(e.Notices, eventNotice{plain(n.Key), m.lines[i].text, m.lines[i].reason, m.lines[i].link, n.At.UTC()})
		}
		v = e
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot write a message: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// slackBody is Slack's "incoming webhook" message. Only three characters mean something to Slack's markup; escaped, no text can name
// people, channels or links.
func slackBody(m message) any {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	var b strings.Builder
	fmt.Fprintf(&b, "*%s*", escape(m.title))
	for _, l := range m.lines {
		fmt.Fprintf(&b, "\n• <%s|%s>", escape(l.link), strings.ReplaceAll(escape(l.text), "|", "¦"))
		if l.reason != "" {
			fmt.Fprintf(&b, "\n   %s", escape(l.reason))
		}
	}
	if rest := m.rest(); rest != "" {
		fmt.Fprintf(&b, "\n<%s|%s>", escape(m.link), escape(rest))
	}
	return map[string]any{"text": b.String(), "unfurl_links": false}
}

// teamsBody is an adaptive card, as Teams' "when a webhook request is received" takes it. Texts are plain: RichTextBlock knows no markup.
func teamsBody(m message) any {
	text := func(s string, more map[string]any) map[string]any {
		run := map[string]any{"type": "TextRun", "text": s}
		for k, v := range more {
			run[k] = v
		}
		return run
	}
	block := func(runs ...map[string]any) map[string]any {
		return map[string]any{"type": "RichTextBlock", "inlines": runs}
	}
	open := func(link string) map[string]any {
		return map[string]any{"selectAction": map[string]any{"type": "Action.OpenUrl", "url": link}}
	}
	blocks := []map[string]any{block(text(m.title, map[string]any{"weight": "Bolder", "size": "Medium"}))}
	for _, l := range m.lines {
		blocks = append(blocks, block(text(l.text, open(l.link)), text(" "+l.reason, map[string]any{"isSubtle": true})))
	}
	if rest := m.rest(); rest != "" {
		blocks = append(blocks, block(text(rest, open(m.link))))
	}
	card := map[string]any{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks,
		"actions": []map[string]any{{"type": "Action.OpenUrl", "title": m.lang.Say("Open Fettle"), "url": m.link}}}
	return map[string]any{"type": "message", "attachments": []map[string]any{{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}}}
}

const (
	postTime  = 20 * time.Second
	maxAnswer = 4 << 10
	maxHeader = 16 << 10
)

// refusal is a receiver's answer that is no yes. retry is how long it asked for patience.
type refusal struct {
	status int
	retry  time.Duration
}

func (r refusal) Error() string {
	if r.status/100 == 3 {
		return fmt.Sprintf("it answered %d: it sends elsewhere, and no redirect is followed", r.status)
	}
	return fmt.Sprintf("it answered %d %s", r.status, http.StatusText(r.status))
}

// post sends one try. The answer counts by its status alone: what a server inside somebody's network says is shown to nobody.
func (d *Desk) post(ctx context.Context, c patch.Channel, x secrets, m patch.Delivery) error {
	b, err := body(d.language(c), c.Kind, m, d.Console)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, postTime)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(x.url), bytes.NewReader(b))
	if err != nil {
		return errors.New("its address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Fettle")
	if c.Kind == patch.ByWebhook {
		at := d.Now()
		req.Header.Set(headerID, m.ID)
		req.Header.Set(headerTimestamp, strconv.FormatInt(at.Unix(), 10))
		req.Header.Set(headerSignature, Sign(x.key, m.ID, at, b))
	}
	client := poster(d.Guard, d.Roots, req.URL.Scheme == "http")
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // the outer one writes the whole address, which is secret
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	if res.StatusCode/100 != 2 {
		return refusal{res.StatusCode, patience(res.Header.Get("Retry-After"))}
	}
	return nil
}

// poster makes a client that connects where the guard allows, directly, and follows nothing.
func poster(g Guard, roots *x509.CertPool, plain bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{DialContext: g.dial(plain), TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: postTime, MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// patience reads Retry-After in seconds; a date or nonsense is 0.
func patience(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestPause)
}
