package api

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/patch"
)

// script gives an installation script. It says nothing that a connection to this listener does not say anyway.
func (s *agents) script(name installer.Script) func(*call) (any, error) {
	return func(c *call) (any, error) {
		text, err := s.Installer.Text(name)
		if err != nil {
			return nil, err
		}
		c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(c.w, text) // whoever has gone needs no answer
		return written{}, nil
	}
}

// agentProgram gives the agent, as a program or a package, to whoever holds a token that could still enrol a machine; the token keeps its use. Without one this route
// would send megabytes to strangers.
func (s *agents) agentProgram(c *call) (any, error) {
	hash, err := auth.TokenHash(strings.TrimSpace(strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ")))
	if err != nil {
		return nil, err
	}
	if err := s.Store.CheckToken(c.Context(), hash, s.Now()); err != nil {
		return nil, err
	}
	f, a, err := s.Installer.Shelf.Open(c.PathValue("os"), c.PathValue("arch"), installer.Format(cmp.Or(c.PathValue("format"), string(installer.Program))))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s.enrols.giveBack(addressOf(c.Request))
	c.w.Header().Set("Content-Type", "application/octet-stream")
	c.w.Header().Set("Content-Length", strconv.FormatInt(a.Size, 10))
	c.w.WriteHeader(http.StatusOK)
	_, _ = io.Copy(c.w, f) // a copy that was cut has the wrong hash
	return written{}, nil
}

// Installation is what the appliance can install by itself.
type Installation struct {
	Server string            `json:"server"`
	Agents []installer.Agent `json:"agents"`
}

func (s *people) installation(*call) (any, error) {
	agents, err := s.Installer.Shelf.List()
	if err != nil {
		return nil, err
	}
	return Installation{Server: s.Enrolment, Agents: agents}, nil
}

// lines gives the one-liners for a token; what the appliance has no agent for is left out.
func (a *Appliance) lines(token string) (installer.Lines, error) {
	if a.Installer == nil {
		return installer.Lines{}, &patch.Error{Kind: patch.Unavailable, What: "this appliance installs no agents"}
	}
	return a.Installer.Lines(token)
}
