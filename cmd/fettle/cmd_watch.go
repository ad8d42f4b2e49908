package main

import (
	"context"
	"io"
	"net/url"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
)

type deployWatchCmd struct {
	Deployment string `arg:"" help:"The deployment's id."`
}

func (deployWatchCmd) Help() string {
	return `Shows a bar for each machine until nothing will happen any more. Exits with 1 if a patch failed, was withdrawn, or had no effect.

Example:
  fettle deploy watch 01J…`
}

func (c deployWatchCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.follow(ctx, s, client)
}

// proofTime is how long a watch waits after the last install for the detect that proves it.
const proofTime = 2 * time.Minute

// follow waits for one state after the other until the deployment has ended.
func (c deployWatchCmd) follow(ctx context.Context, s *screen, client *api.Client) error {
	bars := newBars(s)
	version, ended := "", time.Time{} // ended: when the last install was seen to be over
	for {
		w, err := api.Get[api.Watched](ctx, client, api.Path("deployments", c.Deployment), url.Values{"after": {version}, "wait": {"25"}})
		if err != nil {
			bars.stop()
			return err
		}
		version = w.Version
		if w.Ended && ended.IsZero() {
			ended = time.Now()
		}
		for _, m := range w.Machines {
			showMachine(bars, m, s.live)
		}
		if w.Ended && (w.Counts.Unproven == 0 || time.Since(ended) > proofTime) {
			bars.stop()
			return c.conclude(s, w)
		}
	}
}

// showMachine moves a machine's bar by its patches. Where every new text becomes a line of its own, the bytes fetched so far are left out.
func showMachine(b *bars, m deploy.MachineProgress, moving bool) {
	total := int64(m.Counts.Total)
	ended := int64(m.Counts.Done + m.Counts.Failed + m.Counts.Withdrawn)
	text := m.Text.String()
	if text == "" {
		text = string(m.State)
	}
	if moving && m.State == patch.ExecDownloading && m.TotalBytes > 0 {
		text += ", " + size(m.Bytes) + " of " + size(m.TotalBytes)
	}
	b.set(m.Name, ended, max(total, 1), text)
}

func (c deployWatchCmd) conclude(s *screen, w api.Watched) error {
	if err := s.show(w, func(out io.Writer) { printProgress(out, s.width, w) }); err != nil {
		return err
	}
	if k := w.Counts; k.Failed > 0 || k.Withdrawn > 0 || k.NotEffective > 0 {
		return errNo
	}
	return nil
}
