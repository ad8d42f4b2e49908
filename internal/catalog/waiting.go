package catalog

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Waiting is a revision in quarantine with its files, to be looked at before a person publishes it.
type Waiting struct {
	Side
	Meta     patch.RevisionMeta
	payloads *payloadIndex
}

// Waiting reads the revision of an OS that is in quarantine; id may be empty, or the beginning of its ID. NotFound where there is none.
func (c *Catalog) Waiting(os patch.HostOS, id patch.RevisionID) (w Waiting, err error) {
	held, ok := c.heldOf(os)
	if !ok || !strings.HasPrefix(string(held.Revision.ID), string(id)) {
		return w, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no catalog of {1} waits for a person", string(os)), Do: "What waits is in `fettle catalog list`."}
	}
	w.Meta = held.Revision
	if w.Side, err = c.side(w.Meta); err != nil {
		return w, err
	}
	b, err := c.Files.Read(w.Meta.Payloads, maxPayloadFile)
	if err != nil {
		return w, unreadable(w.Meta, err)
	}
	if w.payloads, err = decodePayloads(b); err != nil {
		return w, unreadable(w.Meta, err)
	}
	return w, nil
}

// Payloads gives the files of a patch on the waiting list; NotFound where it is not on it.
func (w Waiting) Payloads(id patch.ID) ([]patch.PayloadFile, error) {
	i, ok := w.List.Index(id)
	if !ok {
		return nil, patch.Errorf(patch.NotFound, "the patch %s is not on the list of %s that waits", id, w.Meta.OS)
	}
	return w.payloads.of(i, w.List.At(i))
}
