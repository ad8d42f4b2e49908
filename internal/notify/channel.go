package notify

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Request is a channel as a person gives it. URL and Key are taken in and never given out; left out they stay as they are.
type Request struct {
	patch.Channel
	URL    string `json:"url,omitempty"`     // of everything but mail
	Key    string `json:"secret,omitempty"`  // a webhook's signing key, or the mail server's password
	NewKey bool   `json:"new_key,omitempty"` // make the webhook a new signing key
}

// The bounds of what a channel may be.
const (
	defaultWindow = 60 // minutes
	maxWindow     = 24 * 60
	maxTo         = 50
	maxURL        = 2048
	minKey        = 16
)

const nameRule = `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`

func refuse(why, do phrase.Phrase) error {
	return &patch.Error{Kind: patch.Invalid, What: "cannot use this channel", Why: why, Do: do}
}

// settle checks a request, fills what was left out, and joins it with the secrets that are kept. made is a signing key that was made
// for it: it is shown once.
func settle(r Request, old *patch.Channel, kept secrets) (c patch.Channel, x secrets, made string, err error) {
	c = r.Channel
	c.Name = strings.TrimSpace(c.Name)
	if !regexp.MustCompile(nameRule).MatchString(c.Name) {
		return c, x, "", refuse("its name must be letters, digits, dots and dashes", "Call it ops-mail, say.")
	}
	for _, t := range c.Subjects {
		if !slices.Contains(patch.Subjects(), t) {
			return c, x, "", refuse(phrase.Of(`there is no subject "{1}"`, phrase.Quoted(string(t))), "Leave subjects out for all of them.")
		}
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.Window < 1 || c.Window > maxWindow {
		return c, x, "", refuse("a digest gathers for 1 to 1440 minutes", "")
	}
	if c.Quiet, err = quietText(c.Quiet); err != nil {
		return c, x, "", err
	}
	if c.Zone != "" {
		if _, err := time.LoadLocation(c.Zone); err != nil {
			return c, x, "", refuse(phrase.Of(`"{1}" is not a time zone`, phrase.Quoted(c.Zone)), "Write a name such as Europe/Berlin.")
		}
	}
	if old != nil && old.Kind != c.Kind {
		kept = secrets{} // they belong to something else
	}
	switch c.Kind {
	case patch.ByMail:
		c, x, err = settleMail(c, r, old, kept)
	case patch.ByWebhook, patch.BySlack, patch.ByTeams:
		c, x, made, err = settleHook(c, r, kept)
	default:
		err = refuse(phrase.Of(`there is no kind "{1}"`, phrase.Quoted(string(c.Kind))), "It is one of mail, webhook, slack and teams.")
	}
	c.HasSecret = x != secrets{}
	return c, x, made, err
}

// settleMail keeps a password for the server and the user that it was given for, and for no other: whoever may change a channel must not
// be able to have it sent elsewhere.
func settleMail(c patch.Channel, r Request, old *patch.Channel, kept secrets) (patch.Channel, secrets, error) {
	host, port, err := net.SplitHostPort(c.Where)
	if n, _ := strconv.Atoi(port); err != nil || host == "" || n < 1 || n > 65535 || strings.ContainsAny(host, "/@ \r\n\t") {
		return c, kept, refuse("its mail server must look like mail.example.org:587", "")
	}
	if c.Security == "" {
		c.Security = "starttls"
	}
	if c.Security != "starttls" && c.Security != "tls" && c.Security != "none" {
		return c, kept, refuse("security is starttls, tls or none", "")
	}
	for _, a := range append([]string{c.From}, c.To...) {
		if p, err := mail.ParseAddress(a); err != nil || len(a) > 320 || strings.ContainsAny(a, "\r\n") || strings.ContainsAny(p.Address, "\r\n\x00") {
			return c, kept, refuse(phrase.Of(`"{1}" is not a mail address`, phrase.Quoted(a)), "")
		}
	}
	if len(c.To) == 0 || len(c.To) > maxTo {
		return c, kept, refuse("mail goes to 1 to 50 addresses", "A list's address reaches more.")
	}
	x := secrets{key: Secret(r.Key)}
	same := old != nil && old.Where == c.Where && old.User == c.User && old.Security == c.Security
	switch {
	case c.User == "":
		x = secrets{}
	case c.Security == "none":
		return c, kept, refuse("a password never travels without encryption", "Use starttls or tls.")
	case r.Key == "" && same:
		x = kept
	}
	if c.User != "" && x.key == "" {
		return c, x, refuse(phrase.Of(`the password of "{1}" is missing`, phrase.Quoted(c.User)), "Give it again whenever the server, its security or the user changes.")
	}
	return c, x, nil
}

func settleHook(c patch.Channel, r Request, kept secrets) (patch.Channel, secrets, string, error) {
	c.Security, c.User, c.From, c.To = "", "", "", nil
	x := kept
	if r.URL != "" {
		x.url = Secret(strings.TrimSpace(r.URL))
	}
	u, err := url.Parse(string(x.url))
	switch {
	case x.url == "":
		return c, x, "", refuse("its address is missing", "Give the URL that messages are posted to.")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(x.url) > maxURL || u.Fragment != "":
		return c, x, "", refuse("its address is not of the form https://host/path", "")
	case u.User != nil:
		return c, x, "", refuse("its address holds a name or a password", "Use one that carries its secret in the path.")
	}
	c.Where = u.Scheme + "://" + u.Host
	made := ""
	switch {
	case c.Kind != patch.ByWebhook:
		x.key = ""
	case r.Key != "" && len(r.Key) < minKey:
		return c, x, "", refuse("the signing key is shorter than 16 characters", "Leave it out, and one is made.")
	case r.Key != "":
		x.key = Secret(r.Key)
	case x.key == "" || r.NewKey:
		made = keyPrefix + base64.StdEncoding.EncodeToString(random32())
		x.key = Secret(made)
	}
	return c, x, made, nil
}

func random32() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return b
}
