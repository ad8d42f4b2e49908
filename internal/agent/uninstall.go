package agent

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Removed is what Uninstall took back.
type Removed struct {
	GivenBack []string `json:"given_back,omitempty"` // patch services that Fettle had turned off
	State     string   `json:"state,omitempty"`      // the directory that is gone
}

// Uninstall gives the machine back: patch services that Fettle turned off are turned on again, exactly as far as it turned them off, and
// the state directory, with the machine's key, goes unless it is to be kept for an agent that comes back. The agent must have been stopped.
// While an order is half carried out it is Conflict: what was begun would stay as it is for ever.
func Uninstall(ctx context.Context, cfg Config, keepState bool) (Removed, error) {
	cfg = cfg.withDefaults()
	l := layout{dir: cfg.StateDir}
	if st, err := ReadStatus(cfg); err == nil && st.Order != nil && !st.Order.Closed {
		return Removed{}, &patch.Error{Kind: patch.Conflict, What: phrase.Of("the agent is in the middle of the order {1}", st.Order.ID),
			Do: "Start it and let it end, or halt the deployment; then uninstall it."}
	}
	var c charge
	if _, err := readJSON(l.takeover(), &c); err != nil {
		return Removed{}, err
	}
	var out Removed
	for _, name := range slices.Sorted(maps.Keys(c.Taken)) {
		if err := cfg.Steward.GiveBack(ctx, name, c.Taken[name].Made); err != nil {
			return out, err
		}
		out.GivenBack = append(out.GivenBack, name)
	}
	if _, err := os.Stat(l.dir); errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if keepState {
		if len(c.Taken) == 0 {
			return out, nil
		}
		c.Taken = nil
		return out, writeJSON(l.takeover(), c)
	}
	if err := removeAll(ctx, l.dir); err != nil {
		return out, patch.Errorf(patch.Unavailable, "cannot remove %s: %w", l.dir, err)
	}
	out.State = l.dir
	return out, nil
}

// removeAll waits a while for a service that says that it has stopped and still has its log open.
func removeAll(ctx context.Context, dir string) (err error) {
	for range 40 {
		if err = os.RemoveAll(dir); err != nil {
			err = removeEach(dir)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
	return err
}

// removeEach removes a directory file by file, for file systems of Windows that do not know the way by which os.RemoveAll does.
func removeEach(dir string) error {
	all, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range all {
		at, remove := filepath.Join(dir, e.Name()), os.Remove
		if e.IsDir() {
			remove = removeEach
		}
		if err := remove(at); err != nil {
			return err
		}
	}
	return os.Remove(dir)
}
