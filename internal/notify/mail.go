package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/fettle-project/fettle/internal/patch"
)

// mail sends one try over SMTP. A message that arrives twice has the same Message-ID.
func (d *Desk) mail(ctx context.Context, c patch.Channel, x secrets, m patch.Delivery) error {
	ctx, stop := context.WithTimeout(ctx, postTime)
	defer stop()
	letter, err := d.letter(c, m)
	if err != nil {
		return err
	}
	var conn net.Conn
	client, err := mailer(c, x, d.Roots, func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		conn, err = d.connect(ctx, network, address, c)
		return conn, err
	})
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, letter)
	if conn != nil {
		conn.Close() // the client leaves it open where it is turned away
	}
	return err
}

func (d *Desk) letter(c patch.Channel, m patch.Delivery) (*mail.Msg, error) {
	letter, w := mail.NewMsg(), words(d.language(c), m, d.Console)
	if err := letter.From(c.From); err != nil {
		return nil, err
	}
	if err := letter.To(c.To...); err != nil {
		return nil, err
	}
	letter.Subject(w.title)
	letter.SetDateWithValue(m.CreatedAt)
	letter.SetMessageIDWithValue(m.ID + "@fettle")
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, w.text())
	return letter, nil
}

// mailer makes a client that signs in over an encrypted connection only: without STARTTLS it goes no further.
func mailer(c patch.Channel, x secrets, roots *x509.CertPool, dial mail.DialContextFunc) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(c.Where)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	policy := mail.TLSMandatory
	switch c.Security {
	case "none":
		policy = mail.NoTLS
	case "tls":
		policy = mail.TLSOpportunistic // connect has encrypted it already
	}
	options := []mail.Option{mail.WithPort(n), mail.WithTimeout(postTime), mail.WithDialContextFunc(dial), mail.WithTLSPolicy(policy), mail.WithTLSConfig(tlsFor(host, roots))}
	if c.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.User), mail.WithPassword(string(x.key)))
	}
	return mail.NewClient(host, options...)
}

func tlsFor(host string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: roots}
}

// connect goes where the guard allows, with TLS from the first byte where the channel says so.
func (d *Desk) connect(ctx context.Context, network, address string, c patch.Channel) (net.Conn, error) {
	raw, err := d.Guard.dial(false)(ctx, network, address)
	if err != nil || c.Security != "tls" {
		return raw, err
	}
	host, _, err := net.SplitHostPort(c.Where)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	conn := tls.Client(raw, tlsFor(host, d.Roots))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}
