package web

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/whatif"
)

// Ledger reads the account of every machine and every patch.
type Ledger interface {
	Rows(ctx context.Context, id patch.MachineID, f ledger.RowFilter) ([]ledger.Row, ledger.Summary, error)
	PatchRows(ctx context.Context, id patch.ID, f ledger.RowFilter) ([]ledger.Row, ledger.Summary, error)
	PatchCounts(ctx context.Context, os patch.HostOS, f ledger.RowFilter) ([]ledger.PatchCount, int, error)
	PatchTotals(ctx context.Context, os patch.HostOS, filters []ledger.RowFilter) ([]int, error)
}

// Explainer answers why, and finds what people type.
type Explainer interface {
	Explain(ctx context.Context, id patch.MachineID, p patch.ID) (ledger.Explanation, error)
	ExplainMachine(ctx context.Context, id patch.MachineID) (ledger.MachineExplanation, error)
	ExplainLabel(ctx context.Context, label string, p patch.ID) (ledger.LabelExplanation, error)
	ExplainGroup(ctx context.Context, label string, p patch.ID, of ledger.GroupRef, offset, limit int) (ledger.LabelExplanation, error)
	Resolve(ctx context.Context, text string) (patch.Machine, error)
	ResolvePatch(ctx context.Context, text string, os patch.HostOS) (patch.PatchRow, error)
}

// Approvals takes decisions and shows what they would do.
type Approvals interface {
	Preview(ctx context.Context, r approval.Request) (approval.Preview, error)
	Pairs(ctx context.Context, r approval.Request, g approval.Group, offset, limit int) ([]approval.Pair, int, error)
	Submit(ctx context.Context, caller patch.Caller, r approval.Request) (approval.Outcome, error)
	Draft(ctx context.Context, by string, r approval.Request) ([]patch.Decision, error)
}

// Seconds has a second person answer what one has proposed.
type Seconds interface {
	Confirm(ctx context.Context, caller patch.Caller, id, why string) ([]patch.Decision, error)
	Reject(ctx context.Context, caller patch.Caller, id, why string) (patch.Proposal, error)
}

// Supposer says what a change would do, without making it.
type Supposer interface {
	Ask(ctx context.Context, c whatif.Change) (whatif.Answer, error)
}

// Planner makes plans.
type Planner interface {
	Make(ctx context.Context, caller patch.Caller, r plan.Request) (patch.Plan, error)
}

// Deployments carries plans out.
type Deployments interface {
	Apply(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Deployment, error)
	Halt(ctx context.Context, caller patch.Caller, id string) (patch.Deployment, error)
	ResetAttempts(ctx context.Context, caller patch.Caller, r deploy.ResetRequest) ([]patch.Reset, error)
	WatchPart(ctx context.Context, id string, want deploy.Part) (p deploy.Progress, machines int, err error)
	List(ctx context.Context, limit int) ([]deploy.Progress, error)
}

// Calendar keeps what deploys by itself.
type Calendar interface {
	List(ctx context.Context) ([]calendar.Coming, error)
	Between(ctx context.Context, from, to time.Time) ([]calendar.Event, error)
	Who(ctx context.Context, name, key string) ([]patch.MachineID, error)
	Put(ctx context.Context, caller patch.Caller, s patch.Schedule) (patch.Schedule, error)
	Remove(ctx context.Context, caller patch.Caller, name string) error
}

// Rules decide for people.
type Rules interface {
	List(ctx context.Context) ([]patch.Rule, error)
	Look(ctx context.Context, r patch.Rule) (approval.Outlook, error)
	Put(ctx context.Context, caller patch.Caller, r patch.Rule) (patch.Rule, error)
	Remove(ctx context.Context, caller patch.Caller, name string, takeBack bool) (int, error)
}

// Reporter says how the fleet stands, over time, and what is set up and cannot work.
type Reporter interface {
	Compliance(ctx context.Context) ([]patch.Compliance, error)
	// ComplianceKnown is false after a start, as long as Compliance would have to read all that labels may ask of machines.
	ComplianceKnown() bool
	// Exposed gives what Compliance counts of a label's exposure of one severity.
	Exposed(ctx context.Context, label string, s patch.Severity) ([]ledger.Exposed, error)
	History(ctx context.Context, label string, since time.Time) ([]patch.Compliance, error)
	Lint(ctx context.Context) ([]lint.Finding, error)
	// Exploited gives the CVEs that are known to be exploited; nil where no source says so.
	Exploited(ctx context.Context) (patch.Exploits, error)
}

// Labels knows who carries which label.
type Labels interface {
	Sizes(ctx context.Context) ([]label.Size, error)
	LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error)
	Membership(ctx context.Context, name string) (label.Membership, error)
	Test(ctx context.Context, p label.Probe) (label.Trial, error)
	Put(ctx context.Context, caller patch.Caller, l patch.Label) error
	Remove(ctx context.Context, caller patch.Caller, name string) error
}

// MachineRecords is the storage of machines and what they say about themselves.
type MachineRecords interface {
	FindMachine(ctx context.Context, id patch.MachineID) (patch.Machine, error)
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	SetMachineState(ctx context.Context, caller patch.Caller, id patch.MachineID, s patch.MachineState) error
	FindInventory(ctx context.Context, h patch.Hash) ([]byte, error)
}

// History is the storage of what was.
type History interface {
	ListReceipts(ctx context.Context, id patch.MachineID, limit int) ([]patch.Receipt, error)
	ListTransitions(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error)
	ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error)
	ListProposals(ctx context.Context, open bool) ([]patch.Proposal, error)
	DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error)
	FindDecision(ctx context.Context, id string) (patch.Decision, error)
	InstalledPatches(ctx context.Context, from, until time.Time) ([]patch.InstalledPatch, error)
	Installations(ctx context.Context, from, until time.Time) ([]patch.Installation, error)
	InstalledOn(ctx context.Context, f patch.InstalledFilter, offset, limit int) (page []patch.Installation, total int, err error)
	SearchAudit(ctx context.Context, f patch.AuditFilter) ([]patch.AuditEntry, error)
}

// CatalogRecords is the storage of feeds, patches and their payloads.
type CatalogRecords interface {
	ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)
	ListRevisions(ctx context.Context, os patch.HostOS) ([]patch.RevisionMeta, error)
	FindPatch(ctx context.Context, id patch.ID) (patch.PatchRow, error)
	SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error)
	ListPayloads(ctx context.Context, f patch.PayloadFilter) ([]patch.StoredPayload, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	ListAlarms(ctx context.Context, open bool) ([]patch.Alarm, error)
}

// TokenRecords is the storage of enrolment tokens.
type TokenRecords interface {
	ListTokens(ctx context.Context) ([]patch.Token, error)
	PutToken(ctx context.Context, caller patch.Caller, t patch.Token) error
	RemoveToken(ctx context.Context, caller patch.Caller, name string) error
}

// ViewRecords is the storage of what people keep of pages.
type ViewRecords interface {
	ListViews(ctx context.Context, page, owner string) ([]patch.View, error)
	PutView(ctx context.Context, caller patch.Caller, v patch.View) error
	RemoveView(ctx context.Context, caller patch.Caller, owner, page, name string) error
}

// RingRecords is the storage of rings: which there are, without how patches stand in them.
type RingRecords interface {
	ListRings(ctx context.Context) ([]patch.Ring, error)
}

// Records is all the storage that the console reads directly.
type Records interface {
	MachineRecords
	History
	CatalogRecords
	Alarms
	TokenRecords
	ViewRecords
	RingRecords
}

// Door signs people in and out and says what they may do.
type Door interface {
	// SignIn gives the secret of a new session. A wrong name and a wrong password fail alike with patch.Unauthenticated, a back-off with
	// patch.Exhausted; its text says how long to wait.
	SignIn(ctx context.Context, name, password, kind, from string) (secret string, s patch.Session, u patch.User, err error)
	// Caller says who holds a session; patch.Unauthenticated where nobody does.
	Caller(ctx context.Context, secret, from, via string) (patch.Caller, error)
	// Onlooker is Caller for what a page asks by itself: it keeps nobody signed in.
	Onlooker(ctx context.Context, secret, from, via string) (patch.Caller, error)
	SignOut(ctx context.Context, caller patch.Caller, secret string) error
}

// Chain says whether the audit log's chain held at a moment.
type Chain struct {
	At     time.Time
	Broken string // why it does not verify
}

// Config is everything that the console stands on, read once.
type Config struct {
	// Roll gives every machine with its numbers; what people did is in it.
	Roll func(context.Context) (*ledger.Roll, error)
	// Diff compares two revisions of a host OS's list, by the beginnings of their ids; without them the newest and the one before it. It names the
	// first catalog.HeadPatches of each kind, and counts all.
	Diff func(ctx context.Context, os patch.HostOS, from, to patch.RevisionID) (catalog.Diff, error)
	// DiffWhole is Diff with every patch named.
	DiffWhole func(ctx context.Context, os patch.HostOS, from, to patch.RevisionID) (catalog.Diff, error)
	// Chain verifies the audit log's chain; what people did is covered.
	Chain       func(context.Context) (Chain, error)
	Ledger      Ledger
	Explainer   Explainer
	Approvals   Approvals
	Seconds     Seconds
	WhatIf      Supposer
	Planner     Planner
	Deployments Deployments
	Labels      Labels
	Calendar    Calendar
	Freezes     Freezes
	Rules       Rules
	Updaters    Updaters
	Beside      Beside
	Beyond      Beyond
	Stuck       Stuck
	Rings       Rings
	Reporter    Reporter
	Records     Records
	Door        Door
	People      People
	Channels    Channels
	// DeliveryLog gives the newest messages first, of one channel or all.
	DeliveryLog  func(ctx context.Context, channel string, limit int) ([]patch.Delivery, error)
	Installation Installation
	// Offers are the releases that this machine's own apt is configured with.
	Offers func(ctx context.Context) ([]Offer, error)
	// Subscribe adds archives, written as apt writes them.
	Subscribe func(ctx context.Context, caller patch.Caller, lines []string) error
	// NewToken makes an enrolment token's text and its hash.
	NewToken func() (text string, hash patch.Hash, err error)
	// Enrolment is the agent listener's address as machines reach it: "https://patches.example.org:8461".
	Enrolment string
	// AskDetect asks a machine to detect now, and says whether it is listening.
	AskDetect func(ctx context.Context, caller patch.Caller, id patch.MachineID) (online bool, err error)
	// AskDetects is AskDetect for many machines; it says how many of them are listening.
	AskDetects func(ctx context.Context, caller patch.Caller, ids []patch.MachineID) (online int, err error)
	// Sync starts to bring all feeds up to date in the background.
	Sync func(ctx context.Context, caller patch.Caller) error
	// KeepList keeps a list that an address is too short for and gives its hash; List gives it back, as long as it is among the newest.
	KeepList func(ctx context.Context, list []byte) (patch.Hash, error)
	List     func(h patch.Hash) ([]byte, error)
	// Changed tells the appliance that something which it acts on has changed: a decision, a label, a machine, a deployment.
	Changed func()
	// Listen yields those of the topics that something happened to, and an empty list whenever nothing did for as long as quiet.
	Listen func(ctx context.Context, topics []patch.Topic, quiet time.Duration) iter.Seq[[]patch.Topic]
	Now    func() time.Time
	Zone   *time.Location // in which times are written
	Log    *slog.Logger
}
