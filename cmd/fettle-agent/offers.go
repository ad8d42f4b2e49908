package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// offers shows what the operating system's own updater would install: its own word, beside which a detect stands on its own feet.
func offers(ctx context.Context, c *call) error {
	source := c.String("source", string(host.AsSet), "where it looks: as-set, online, wsus or offline")
	cab := c.String("cab", "", "the catalog `file` (wsusscn2.cab) of the source offline")
	if _, err := c.only(0, "no words besides its flags"); err != nil {
		return err
	}
	from := host.Source(*source)
	switch {
	case !slices.Contains([]host.Source{host.AsSet, host.Online, host.Managed, host.Offline}, from):
		return usage{fmt.Errorf("%q is not a source: say as-set, online, wsus or offline", *source)}
	case (from == host.Offline) != (*cab != ""):
		return usage{errors.New("the source offline, and no other, needs --cab")}
	}
	updater := host.OwnUpdater()
	if updater == nil {
		return &patch.Error{Kind: patch.NotFound, What: "this system has no updater that could be asked", Do: "What its packages need a detect tells: fettle-agent detect."}
	}
	o, err := updater.Offers(ctx, from, *cab)
	if err != nil {
		return err
	}
	if err := c.show(o, func(w io.Writer) { printOffers(w, o) }); err != nil {
		return err
	}
	if o.Text != "" {
		return errNo
	}
	return nil
}

func printOffers(w io.Writer, o host.Offers) {
	if o.Text != "" {
		fmt.Fprintln(w, o.Text+".")
		return
	}
	fmt.Fprintf(w, "%s (%s) would install %d updates. This is its own word, and no detect:\n", o.Provider, o.Source, len(o.Updates))
	for _, u := range o.Updates {
		more := strings.Join(u.Articles, " ")
		if u.Restart {
			more += " restart"
		}
		fmt.Fprintf(w, "  %s %s\n", orNone(u.Title, u.ID), more)
	}
}
