// Package payload fetches and keeps the files of approved patches on the appliance.
//
// It owns which files are needed now, and that a file counts as ready only when every byte of it was verified against the vendor's
// signed index. It fetches exactly what approved patches need on machines that have their packages, and nothing else; it never
// serves bytes that did not verify, and it deploys nothing.
package payload

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/mirror"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Payloads is the storage of payload rows.
type Payloads interface {
	PutPayloads(ctx context.Context, payloads []patch.StoredPayload) error
	SetPayload(ctx context.Context, hash patch.Hash, state patch.PayloadState, text phrase.Phrase, tries int, next time.Time) error
	ListPayloads(ctx context.Context, f patch.PayloadFilter) ([]patch.StoredPayload, error)
	SetPatchFacts(ctx context.Context, id patch.ID, cves []string, severity patch.Severity, released time.Time) error
}

// Fleet is what the depot must know of decisions and machines.
type Fleet interface {
	ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error)
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	FindFacts(ctx context.Context, hash patch.Hash) ([]byte, error)
	ListAttempts(ctx context.Context, f patch.AttemptFilter) ([]patch.Attempt, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
}

// Store is what a Depot reads and keeps.
type Store interface {
	Payloads
	Fleet
	Alarms
}

// Catalog tells the files of a patch on an OS's newest list, and where a package is in exactly one version.
type Catalog interface {
	Previous(ctx context.Context, os patch.HostOS, p patch.InstalledPackage) (f patch.PayloadFile, o patch.Origin, offered bool, err error)
	Payloads(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error)
}

// Labels tells who carries a label now.
type Labels interface {
	Members(ctx context.Context, name string) ([]patch.MachineID, error)
}

// Depot keeps the appliance's payloads.
type Depot struct {
	Store   Store
	Catalog Catalog
	Labels  Labels
	Dir     *content.Dir
	HTTP    *http.Client // nil: one with sensible timeouts
	Now     func() time.Time
	Log     *slog.Logger
	// Progress is told how far a download is; nil: nobody is. It is called from several goroutines.
	Progress func(file patch.PayloadFile, done int64)
}

// Want works out which files the approved patches need now and records them as wanted. It gives how many are not ready yet.
func (d *Depot) Want(ctx context.Context) (int, error) {
	open, err := d.open(ctx)
	return len(open), err
}

// Run fetches every wanted file whose time has come, a few at once, and returns when nothing is due any more. A file that fails is
// recorded with its reason and tried again later; Run fails only where the storage does or ctx ends. It gives the patches of which a file is
// ready now that was not.
func (d *Depot) Run(ctx context.Context) ([]patch.ID, error) {
	open, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{Depot: d, client: mirror.Client(d.HTTP)}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, p := range open {
		if p.State == patch.PayloadFailed && d.Now().Before(p.NextTry) {
			continue
		}
		g.Go(func() error { return r.bring(gctx, p) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(r.brought)
	brought := slices.Compact(r.brought)
	if r.full.Load() {
		return brought, nil
	}
	return brought, d.Store.ClearAlarm(ctx, diskAlarm, d.Now())
}

// open records what is needed and gives what of it is not ready. A file that is marked ready and gone from the directory is wanted again.
func (d *Depot) open(ctx context.Context) ([]patch.StoredPayload, error) {
	needed, err := d.needed(ctx)
	if err != nil {
		return nil, err
	}
	back, err := d.goingBack(ctx)
	if needed = append(needed, back...); err != nil || len(needed) == 0 {
		return nil, err
	}
	if err := d.Store.PutPayloads(ctx, needed); err != nil {
		return nil, err
	}
	stored, err := d.Store.ListPayloads(ctx, patch.PayloadFilter{})
	if err != nil {
		return nil, err
	}
	states := make(map[patch.Hash]patch.StoredPayload, len(stored))
	for _, p := range stored {
		states[p.SHA256] = p
	}
	var open []patch.StoredPayload
	done := map[patch.Hash]bool{}
	for _, p := range needed {
		was := states[p.SHA256]
		_, here := d.Dir.Has(p.SHA256)
		if done[p.SHA256] || was.State == patch.PayloadReady && here {
			continue
		}
		done[p.SHA256] = true
		p.State, p.Tries, p.NextTry, p.Error = was.State, was.Tries, was.NextTry, was.Error
		if p.State == patch.PayloadReady {
			if err := d.Store.SetPayload(ctx, p.SHA256, patch.PayloadWanted, "", 0, time.Time{}); err != nil {
				return nil, err
			}
			p.State, p.Tries = patch.PayloadWanted, 0
		}
		open = append(open, p)
	}
	return open, nil
}

// Open opens a ready file; NotFound where it is not (yet) on the appliance.
func (d *Depot) Open(hash patch.Hash) (*os.File, error) { return d.Dir.Open(hash) }
