package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

const (
	depotEvery   = 30 * time.Second
	homeFirst    = 3 * time.Second // after the machines were counted: whoever opens the console at once has the processors for it
	depotRest    = 9               // times what it took to see what a large fleet wants, which changes with every check-in: a tenth of a core at most,
	longestRest  = 10 * time.Minute
	sweepEvery   = 15 * time.Second
	factsEvery   = 10 * time.Minute
	actEvery     = 15 * time.Second
	rulesEvery   = 10 * time.Minute
	reportEvery  = time.Hour
	proofEvery   = 20 * time.Second
	wakesASecond = 50
	tellEvery    = 10 * time.Second
	fleetEvery   = 2 * time.Minute
	forgetEvery  = 24 * time.Hour
)

// self is the appliance as a caller.
func self() patch.Caller {
	return patch.Caller{Name: "fettle", Role: patch.Admin, From: "local", Via: "appliance"}
}

// syncLoop brings the feeds up to date by itself, with jitter, so that appliances do not come to the vendors as one.
func (a *appliance) syncLoop(ctx context.Context) error {
	if a.cfg.SyncEvery == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	for wait := time.Duration(0); ; wait = a.cfg.SyncEvery + time.Duration(float64(a.cfg.SyncEvery)*0.1*a.Random()) {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		a.syncByItself()
	}
}

// depotLoop fetches what approved patches need, whenever something may have changed and every so often for what is due again.
func (a *appliance) depotLoop(ctx context.Context) error {
	next := a.Wanted.Next()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-next:
	case <-a.homeSeen:
	}
	for {
		next = a.Wanted.Next()
		took, err := a.fetchWanted(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "payloads not fetched", slog.Any("error", err))
		}
		if err := sleep(ctx, min(depotRest*took, longestRest)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		case <-time.After(depotEvery):
		}
	}
}

// fetchWanted gives how long it took to find out what is wanted.
func (a *appliance) fetchWanted(ctx context.Context) (took time.Duration, err error) {
	begun := a.Now()
	missing, err := a.Depot.Want(ctx)
	took = a.Now().Sub(begun)
	if err != nil || missing == 0 {
		return took, err
	}
	brought, err := a.Depot.Run(ctx)
	err = errors.Join(err, a.Deploy.Arrived(ctx, brought))
	a.Pulse.Beat(patch.TopicCatalog, patch.TopicDeployments)
	return took, err
}

// sweepLoop ends what nobody ends: expired orders, finished deployments, old sessions; and takes patches on through the rings.
func (a *appliance) sweepLoop(ctx context.Context) error {
	for {
		if err := a.Deploy.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "deployments not swept", slog.Any("error", err))
		}
		if err := a.Rings.Step(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "rings not carried on", slog.Any("error", err))
		}
		if err := a.Rings.Missed(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "machines that were let go to restart not looked for", slog.Any("error", err))
		}
		a.Pulse.Tell(patch.TopicRings, patch.TopicDeployments)
		if err := a.Ledger.ClearSuspects(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "suspect definitions not looked at again", slog.Any("error", err))
		}
		if err := a.Store.RemoveExpiredSessions(ctx, a.Now()); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "sessions not swept", slog.Any("error", err))
		}
		if err := sleep(ctx, sweepEvery); err != nil {
			return err
		}
	}
}

// calendarLoop has the schedules act when their windows open.
func (a *appliance) calendarLoop(ctx context.Context) error {
	for {
		if err := a.Calendar.Act(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "schedules not carried out", slog.Any("error", err))
		}
		if err := sleep(ctx, actEvery); err != nil {
			return err
		}
	}
}

// rulesLoop has the rules decide what has come due.
func (a *appliance) rulesLoop(ctx context.Context) error {
	for {
		if err := sleep(ctx, rulesEvery); err != nil {
			return err
		}
		if err := a.Rules.Run(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "rules not carried out", slog.Any("error", err))
		}
	}
}

// reportLoop keeps how labels stand, once an hour; the last look of a day stays.
func (a *appliance) reportLoop(ctx context.Context) error {
	for wait := time.Minute; ; wait = reportEvery {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if err := a.keepCompliance(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "compliance not kept", slog.Any("error", err))
		}
	}
}

func (a *appliance) keepCompliance(ctx context.Context) error {
	all, err := a.Compliances(ctx, nil)
	if err != nil {
		return err
	}
	kept := make([]patch.Compliance, 0, len(all))
	for _, c := range all {
		kept = append(kept, c.Compliance)
	}
	return a.Store.PutCompliance(ctx, kept)
}

// proofLoop goes round the fleet and judges each machine's stored facts once more: where that differs from what its agent said, an alarm is raised.
func (a *appliance) proofLoop(ctx context.Context) error {
	for {
		if err := sleep(ctx, proofEvery); err != nil {
			return err
		}
		machines, err := a.Labels.Members(ctx, patch.LabelAll)
		if err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "machines not listed", slog.Any("error", err))
		}
		for _, id := range machines {
			if _, _, err := a.Ledger.Prove(ctx, id); err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "verdicts not proven", slog.String("machine", string(id)), slog.Any("error", err))
			}
			if err := sleep(ctx, proofEvery); err != nil {
				return err
			}
		}
	}
}

// forgetLoop removes, once a day, what is kept and of no use any more.
func (a *appliance) forgetLoop(ctx context.Context) error {
	for wait := time.Hour; ; wait = forgetEvery {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		n, err := a.Store.ForgetInventories(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "old inventories not forgotten", slog.Any("error", err))
		}
		a.Log.InfoContext(ctx, "old inventories forgotten", slog.Int64("inventories", n))
		k, err := a.Store.KeepFacts(ctx, a.Now(), a.cfg.KeepFactsDays)
		if err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "stored facts not looked after", slog.Any("error", err))
		}
		a.Log.InfoContext(ctx, "stored facts looked after", slog.Int64("kept", k.Documents), slog.Int64("bytes", k.Bytes), slog.Int64("unneeded", k.Unneeded), slog.Int64("let_go", k.LetGo))
	}
}

// notifyLoop looks for what there is to tell, and tells it.
func (a *appliance) notifyLoop(ctx context.Context) error {
	var looked, forgot time.Time
	for {
		if err := sleep(ctx, tellEvery); err != nil {
			return err
		}
		steps := []func(context.Context) error{func(ctx context.Context) error { return a.Notify.Watch(ctx, a.urgentSource()) }}
		if now := a.Now(); now.Sub(looked) >= fleetEvery {
			looked = now
			steps = append(steps, func(ctx context.Context) error { return a.Notify.Watch(ctx, a.fleetSource()) })
		}
		if now := a.Now(); now.Sub(forgot) >= forgetEvery {
			forgot = now
			steps = append(steps, a.Notify.Forget)
		}
		for _, step := range append(steps, a.Notify.Step) {
			if err := step(ctx); err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "notifications not carried on", slog.Any("error", err))
			}
		}
	}
}

// factsLoop reads stored facts into the index that predictions are made over: all at the start, and again for what other appliances took.
func (a *appliance) factsLoop(ctx context.Context) error {
	for {
		switch unreadable, err := a.Facts.Refresh(ctx); {
		case ctx.Err() != nil:
		case err != nil:
			a.Log.ErrorContext(ctx, "stored facts not read", slog.Any("error", err))
		case unreadable > 0:
			a.Log.WarnContext(ctx, "some stored facts cannot be read", slog.Int("machines", unreadable))
		}
		if err := sleep(ctx, factsEvery); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// registerLoop keeps what is asked about all machines at hand for whoever looks. After a start that is what Home shows; the rest comes later, or when
// it is asked for.
func (a *appliance) registerLoop(ctx context.Context) error {
	failed := func(err error) { a.Log.ErrorContext(ctx, "machines not counted", slog.Any("error", err)) }
	turn := make(chan struct{}, 1)
	var g sync.WaitGroup
	g.Go(func() { a.kept.roll.Keep(ctx, turn, failed) })
	_, _ = a.kept.roll.Newest(ctx) // Keep says why there is none
	if sleep(ctx, homeFirst) == nil {
		close(a.homeSeen)
		g.Go(func() { a.kept.compliance.Keep(ctx, turn, failed) })
		g.Go(func() { a.kept.lint.Keep(ctx, turn, failed) })
		g.Go(func() { a.kept.chain.Keep(ctx, turn, failed) })
	}
	g.Wait()
	return ctx.Err()
}
