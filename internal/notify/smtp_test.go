package notify_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// letterbox is a mail server: SMTP with STARTTLS or TLS, AUTH PLAIN, as much of RFC 5321 as a client needs.
type letterbox struct {
	t        *testing.T
	at       string
	tls      *tls.Config
	implicit bool // TLS from the first byte
	noTLS    bool // it does not offer STARTTLS
	refusals int  // so many messages are refused for now

	mu      sync.Mutex
	signed  []string // "user:password", as they were given
	plain   []string // what was given before the connection was encrypted
	letters []string
}

func newLetterbox(t *testing.T, set func(*letterbox)) (*letterbox, *x509.CertPool) {
	t.Helper()
	cert, pool := selfSigned(t)
	b := &letterbox{t: t, tls: &tls.Config{Certificates: []tls.Certificate{cert}}}
	set(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.at = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return b, pool
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func (b *letterbox) talk(c net.Conn) {
	encrypted := false
	if b.implicit {
		c, encrypted = tls.Server(c, b.tls), true
	}
	defer func() { c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
	say("220 letterbox ESMTP")
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			return
		}
		text = strings.TrimSpace(text)
		verb, rest, _ := strings.Cut(text, " ")
		if !encrypted {
			b.note(&b.plain, text)
		}
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-letterbox")
			if !encrypted && !b.noTLS {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go ahead")
			c, encrypted = tls.Server(c, b.tls), true
			r = bufio.NewReader(c)
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			b.note(&b.signed, strings.ReplaceAll(strings.Trim(string(raw), "\x00"), "\x00", ":"))
			say("235 welcome")
		case "DATA":
			say("354 write")
			letter, err := readLetter(r)
			if err != nil {
				return
			}
			if b.refuse() {
				say("451 not now")
				continue
			}
			b.note(&b.letters, letter)
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func readLetter(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		text, err := r.ReadString('\n')
		if err != nil || text == ".\r\n" {
			return b.String(), err
		}
		b.WriteString(text)
	}
}

func (b *letterbox) note(to *[]string, s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*to = append(*to, s)
}

func (b *letterbox) refuse() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals--
	return b.refusals >= 0
}

func (b *letterbox) all(of *[]string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, *of...)
}
