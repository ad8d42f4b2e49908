package api

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/payload"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/updater"
	"github.com/fettle-project/fettle/internal/whatif"
)

// Appliance is everything that the handlers call. cmd/fettle joins it; nothing in it changes while it serves.
type Appliance struct {
	Store    *store.Store
	Catalog  *catalog.Catalog
	Labels   *label.Book
	Ledger   *ledger.Ledger
	Approval *approval.Desk
	Rules    *approval.Rules
	Planner  *plan.Planner
	Deploy   *deploy.Desk
	Rings    *ring.Desk
	Calendar *calendar.Desk
	Linter   *lint.Linter
	WhatIf   *whatif.Supposer
	Updaters *updater.Desk // other patch services
	Depot    *payload.Depot
	Notify   *notify.Desk       // what people are told, and where
	Facts    *prediction.Filler // the index of stored facts that predictions are made over
	Door     *auth.Door

	Issuer      *auth.CA // of the agent listener: signs machines' certificates
	CatalogKey  ed25519.PublicKey
	ApproverKey ed25519.PublicKey
	Installer   *installer.Installer
	Enrolment   string // the agent listener as machines reach it: "https://patches.example.org:8461"

	// KEV gives the CVEs that are known to be exploited; nil where no source says so.
	KEV func(ctx context.Context) (patch.Exploits, error)

	Allowance patch.Allowance // how long security patches may be missing

	Hub     *Hub
	Changes *Changes
	Pulse   *Pulse // beats when a machine reported or a deployment changed
	Wanted  *Pulse // beats when the depot may have something new to fetch
	// CheckFeed says why a feed cannot be subscribed to, and fills what was left out.
	CheckFeed func(*patch.Feed) error
	// Sync brings all feeds up to date and publishes, in the background, and audits who asked; one that already runs is joined. The
	// generations of the feeds named in accept, which are in quarantine, are taken over once; Conflict where there is none or a sync runs.
	Sync func(ctx context.Context, caller patch.Caller, accept []string) (Change, error)

	Now    func() time.Time
	Random func() float64 // in [0,1)
	NewID  func() string
	Log    *slog.Logger
}

func (a *Appliance) surface() surface {
	return surface{log: a.Log, random: a.Random, newID: a.NewID}
}
