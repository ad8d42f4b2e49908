package main

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/web"
)

// people joins the two places that know who may sign in.
type people struct {
	*store.Store
	door *auth.Door
}

func (p people) PutUser(ctx context.Context, caller patch.Caller, name string, role patch.Role, password string, disabled bool) (patch.User, error) {
	return p.door.PutUser(ctx, caller, name, role, password, disabled)
}

// offers are the releases that this machine's own apt is configured with, each with its security and updates archives.
func offers(context.Context) ([]web.Offer, error) {
	lines, err := apt.MachineSources("/")
	if err != nil {
		return nil, err
	}
	var out []web.Offer
	for _, l := range lines {
		f, err := apt.ParseSource(l, "all") // the architecture does not matter here
		if err != nil {
			continue
		}
		release := strings.TrimSuffix(strings.TrimSuffix(f.Suite, "-security"), "-updates")
		if strings.ContainsAny(release, "/- ") { // backports, flat archives: whoever wants them writes them
			continue
		}
		i := slices.IndexFunc(out, func(o web.Offer) bool { return o.Release == release })
		if i < 0 {
			out = append(out, web.Offer{Release: release})
			i = len(out) - 1
		}
		out[i].Lines = append(out[i].Lines, l)
	}
	return out, nil
}

// subscribe adds archives for machines of this one's architecture.
func (a *appliance) subscribe(ctx context.Context, caller patch.Caller, lines []string) error {
	var all []patch.Feed
	for _, l := range lines {
		feeds, err := feedsFromLine(l, runtime.GOARCH, "", false)
		if err != nil {
			return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot subscribe to {1}", l), Err: err}
		}
		for _, f := range feeds {
			if err := a.CheckFeed(&f); err != nil {
				return err
			}
			all = append(all, f)
		}
	}
	for _, f := range all { // all are good, or none is kept
		if err := a.Store.PutFeed(ctx, caller, f); err != nil {
			return err
		}
	}
	return nil
}
