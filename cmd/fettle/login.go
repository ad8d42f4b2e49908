package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type loginCmd struct {
	Server        string `help:"The appliance, e.g. https://patches.example.org:8460. Default: the one of the last login." placeholder:"URL"`
	CAFingerprint string `name:"ca-fingerprint" help:"SHA-256 of the appliance's console CA, as fettle init printed it." placeholder:"HEX"`
	User          string `short:"u" help:"Your name on the appliance. Asked for if not given." placeholder:"NAME"`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input."`
}

func (loginCmd) Help() string {
	return `Signs in and keeps a session token in your configuration directory, readable by you alone. The CA that the appliance shows is
pinned: give its fingerprint, or compare it when you are asked.

Examples:
  fettle login --server https://patches.example.org:8460
  fettle login --server https://localhost:8460 --ca-fingerprint 3f6c… -u admin --password-stdin < password

FETTLE_SERVER, FETTLE_TOKEN and FETTLE_CA (a PEM file or a fingerprint) stand in for a saved login.`
}

func (c loginCmd) Run(ctx context.Context, s *screen) error {
	path, err := s.profilePath()
	if err != nil {
		return err
	}
	old, err := s.readProfile()
	if err != nil {
		return err
	}
	if c.Server == "" {
		c.Server = old.Server
	}
	if c.Server == "" {
		return usagef("name the appliance with --server https://HOST:8460")
	}
	ca, err := c.chooseCA(ctx, s, old)
	if err != nil {
		return err
	}
	name, password, err := c.credentials(s)
	if err != nil {
		return err
	}
	client, err := api.NewClient(c.Server, "", ca)
	if err != nil {
		return err
	}
	defer client.Close()
	reply, err := api.Do[api.LoginReply](ctx, client, http.MethodPost, api.Path("login"), nil, api.LoginRequest{Name: name, Password: password})
	if err != nil {
		return err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	if err := (profile{Server: client.Server(), CA: string(block), Token: reply.Token, User: reply.User}).save(path); err != nil {
		return err
	}
	out := struct {
		Server  string `json:"server"`
		User    string `json:"user"`
		Role    string `json:"role"`
		Expires string `json:"expires_at"`
		CA      string `json:"ca_fingerprint"`
	}{client.Server(), reply.User, string(reply.Role), reply.ExpiresAt.Format("2006-01-02T15:04:05Z07:00"), api.Fingerprint(ca)}
	return s.show(out, func(w io.Writer) {
		fmt.Fprintf(w, "Signed in to %s as %s (%s), until %s.\n", out.Server, clean(out.User), out.Role, when(reply.ExpiresAt))
	})
}

// chooseCA trusts, in this order: the fingerprint given, the CA pinned earlier for the same server, a person's yes.
func (c loginCmd) chooseCA(ctx context.Context, s *screen, old profile) (*x509.Certificate, error) {
	if c.CAFingerprint != "" {
		if !isFingerprint(c.CAFingerprint) {
			return nil, usagef("--ca-fingerprint takes the 64 hexadecimal digits that fettle init printed")
		}
		return fetchPinned(ctx, c.Server, c.CAFingerprint)
	}
	if s.env(envCA) != "" || (old.CA != "" && old.Server == strings.TrimRight(c.Server, "/")) {
		old.Server = c.Server
		return s.trusted(ctx, old)
	}
	ca, err := api.FetchCA(ctx, c.Server)
	if err != nil {
		return nil, err
	}
	if c.PasswordStdin || !isTerminal(s.in) {
		return nil, &patch.Error{
			Kind: patch.Untrusted, What: phrase.Of("cannot trust {1} unseen", c.Server), Why: phrase.Of("it shows a CA with the fingerprint {1}", api.Fingerprint(ca)),
			Do: "Compare that with what `fettle init` printed and repeat it with --ca-fingerprint.",
		}
	}
	s.say("%s shows a CA with the fingerprint\n  %s\nCompare it with what `fettle init` printed on the appliance.", c.Server, api.Fingerprint(ca))
	fmt.Fprint(s.err, "Is it the same? [y/N] ")
	answer, err := readLine(s.in)
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil, &patch.Error{Kind: patch.Untrusted, What: "not signed in", Why: "the CA was not confirmed"}
	}
	return ca, nil
}

func (c loginCmd) credentials(s *screen) (name, password string, err error) {
	name = c.User
	if name == "" {
		if c.PasswordStdin || !isTerminal(s.in) {
			return "", "", usagef("name the user with --user")
		}
		fmt.Fprint(s.err, "User: ")
		if name, err = readLine(s.in); err != nil {
			return "", "", err
		}
		name = strings.TrimSpace(name)
	}
	password, err = s.password(c.PasswordStdin, "Password: ")
	return name, password, err
}

// password reads one from standard input, or from the terminal without echo.
func (s *screen) password(stdin bool, prompt string) (string, error) {
	if !stdin && !isTerminal(s.in) {
		return "", usagef("there is no terminal to ask on: give the password with --password-stdin")
	}
	if stdin {
		line, err := readLine(s.in)
		if err != nil {
			return "", err
		}
		if line == "" {
			return "", usagef("standard input holds no password")
		}
		return line, nil
	}
	fmt.Fprint(s.err, prompt)
	b, err := term.ReadPassword(int(s.in.(*os.File).Fd()))
	fmt.Fprintln(s.err)
	if err != nil {
		return "", &patch.Error{Kind: patch.Unavailable, What: "cannot read the password", Err: err}
	}
	return string(b), nil
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", &patch.Error{Kind: patch.Unavailable, What: "cannot read standard input", Err: err}
	}
	return strings.TrimRight(line, "\r\n"), nil
}
