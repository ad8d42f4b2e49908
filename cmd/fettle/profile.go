package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// profile is one person's login on this machine: where the appliance is, the CA it pinned, and the session's token.
type profile struct {
	Server string `json:"server"`
	CA     string `json:"ca"` // PEM
	Token  string `json:"token"`
	User   string `json:"user,omitempty"`
}

// Environment variables that stand in for a saved login.
const (
	envServer = "FETTLE_SERVER"
	envToken  = "FETTLE_TOKEN"
	envCA     = "FETTLE_CA" // a PEM file, or a fingerprint
)

func (s *screen) profilePath() (string, error) {
	dir := s.env("XDG_CONFIG_HOME")
	if dir == "" {
		home := s.env("HOME")
		if home == "" {
			return "", &patch.Error{Kind: patch.Invalid, What: "cannot find where logins are kept", Why: "neither XDG_CONFIG_HOME nor HOME is set", Do: "Set FETTLE_SERVER, FETTLE_TOKEN and FETTLE_CA instead."}
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "fettle", "login.json"), nil
}

func (s *screen) readProfile() (profile, error) {
	var p profile
	path, err := s.profilePath()
	if err == nil {
		p, err = decodeProfile(path)
	}
	if err != nil && s.env(envServer) == "" {
		return profile{}, err
	}
	if v := s.env(envServer); v != "" && v != p.Server {
		p = profile{Server: v} // a saved token and CA belong to the saved server only
	}
	if v := s.env(envToken); v != "" {
		p.Token = v
	}
	return p, nil
}

func decodeProfile(path string) (profile, error) {
	var p profile
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, &patch.Error{Kind: patch.Unavailable, What: "cannot read the saved login", Err: err}
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot understand the saved login in {1}", path), Err: err, Do: "Run `fettle login` again."}
	}
	return p, nil
}

// save writes the login where only this person can read it, all or nothing.
func (p profile) save(path string) error {
	fail := func(err error) error {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot save the login in {1}", path), Err: err}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fail(err)
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".login-*") // 0600
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(append(b, '\n')); err != nil {
		f.Close()
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fail(err)
	}
	return nil
}

// client connects with the saved login or the environment's.
func (s *screen) client(ctx context.Context) (*api.Client, error) {
	p, err := s.readProfile()
	if err != nil {
		return nil, err
	}
	if p.Server == "" || p.Token == "" {
		return nil, &patch.Error{Kind: patch.Unauthenticated, What: "you are not logged in to an appliance", Do: "Run `fettle login --server https://HOST:8460`."}
	}
	ca, err := s.trusted(ctx, p)
	if err != nil {
		return nil, err
	}
	return api.NewClient(p.Server, p.Token, ca)
}

// trusted gives the CA to trust: the environment's (file or fingerprint), else the pinned one.
func (s *screen) trusted(ctx context.Context, p profile) (*x509.Certificate, error) {
	given := s.env(envCA)
	switch {
	case given != "" && isFingerprint(given):
		return fetchPinned(ctx, p.Server, given)
	case given != "":
		b, err := os.ReadFile(given)
		if err != nil {
			return nil, &patch.Error{Kind: patch.Invalid, What: "cannot read the CA that " + envCA + " names", Err: err}
		}
		return parseCA(b)
	case p.CA != "":
		return parseCA([]byte(p.CA))
	}
	return nil, &patch.Error{Kind: patch.Unauthenticated, What: phrase.Of("no CA is known for {1}", p.Server), Do: "Run `fettle login`, or set " + envCA + " to the CA's file or fingerprint."}
}

func parseCA(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot use the CA", Why: "it is not a PEM certificate"}
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot use the CA", Err: err}
	}
	return ca, nil
}

func isFingerprint(s string) bool { return patch.Hash(plainFingerprint(s)).Valid() }

// plainFingerprint takes a fingerprint as people copy it: upper case, colons or a leading "sha256:".
func plainFingerprint(s string) string {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "sha256:")
	return strings.ReplaceAll(s, ":", "")
}

func fetchPinned(ctx context.Context, server, fingerprint string) (*x509.Certificate, error) {
	ca, err := api.FetchCA(ctx, server)
	if err != nil {
		return nil, err
	}
	if got := api.Fingerprint(ca); got != plainFingerprint(fingerprint) {
		return nil, &patch.Error{
			Kind: patch.Untrusted, What: "this is not the appliance you expect", Why: phrase.Of("its CA has the fingerprint {1} and not {2}", got, plainFingerprint(fingerprint)),
			Do: "Do not enter your password. Compare with what `fettle init` printed on the appliance.",
		}
	}
	return ca, nil
}
