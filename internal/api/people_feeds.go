package api

import (
	"context"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// CatalogStatus is one host OS's published catalog.
type CatalogStatus struct {
	patch.RevisionMeta
	MetadataDate time.Time `json:"metadata_date,omitzero"` // how old our knowledge is
}

func (s *people) listFeeds(c *call) (any, error) {
	f, err := s.Store.ListFeeds(c.Context())
	return listOf(f), err
}

func (s *people) putFeed(c *call) (any, error) {
	in, err := decode[patch.Feed](c)
	if err != nil {
		return nil, err
	}
	in.Name = c.PathValue("feed")
	if err := s.CheckFeed(&in); err != nil {
		return nil, err
	}
	return in, s.Store.PutFeed(c.Context(), c.caller, in)
}

func (s *people) removeFeed(c *call) (any, error) {
	return nil, s.Store.RemoveFeed(c.Context(), c.caller, c.PathValue("feed"))
}

// SyncRequest asks for a sync; the body may be left out.
type SyncRequest struct {
	Accept []string `json:"accept,omitempty"` // feeds whose generation in quarantine is taken over, once
}

func (s *people) startSync(c *call) (any, error) {
	var in SyncRequest
	if c.ContentLength != 0 {
		var err error
		if in, err = decode[SyncRequest](c); err != nil {
			return nil, err
		}
	}
	change, err := s.Sync(c.Context(), c.caller, in.Accept)
	if err != nil {
		return nil, err
	}
	return outcome{http.StatusAccepted, change}, nil
}

// findChange gives a change; with ?after=VERSION&wait=SECONDS it waits until there is a newer state of it.
func (s *people) findChange(c *call) (any, error) {
	after, err := c.number("after", 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	wait, err := c.number("wait", 0, longestWait)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	return s.Changes.Find(ctx, c.PathValue("change"), after)
}

func (s *people) listCatalogs(c *call) (any, error) {
	oses, err := s.Store.ListOSes(c.Context())
	if err != nil {
		return nil, err
	}
	var out []CatalogStatus
	for _, os := range oses {
		if m, ok := s.Catalog.Meta(os); ok {
			out = append(out, CatalogStatus{m, m.MetadataDate()})
		}
	}
	return listOf(out), nil
}

func (s *people) listRevisions(c *call) (any, error) {
	r, err := s.Store.ListRevisions(c.Context(), patch.HostOS(c.PathValue("os")))
	return listOf(r), err
}

// listQuarantine gives the revisions that wait for a person, with the reasons.
func (s *people) listQuarantine(*call) (any, error) { return listOf(s.Catalog.Quarantined()), nil }

// diffRevisions compares ?from= with ?to=; left out they are the two newest, or the newest and what waits in quarantine.
func (s *people) diffRevisions(c *call) (any, error) {
	os := patch.HostOS(c.PathValue("os"))
	all, err := s.Store.ListRevisions(c.Context(), os)
	if err != nil {
		return nil, err
	}
	return s.Catalog.Diff(c.Context(), os, patch.RevisionID(c.text("from")), patch.RevisionID(c.text("to")), all)
}

func (s *people) listPayloads(c *call) (any, error) {
	f := patch.PayloadFilter{State: patch.PayloadState(c.text("state"))}
	if text := c.text("patch"); text != "" {
		row, err := s.patch(c, text)
		if err != nil {
			return nil, err
		}
		f.Patch = row.ID
	}
	p, err := s.Store.ListPayloads(c.Context(), f)
	if err != nil {
		return nil, err
	}
	return page(c, p)
}
