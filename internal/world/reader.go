package world

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Reader makes Views. It may be used from many goroutines.
type Reader struct {
	Store   Store
	Fleet   *fleet.Index // over Store's machines and detects
	Catalog Catalog
	Lists   Lists
	Parts   Parts // of stored facts; nil: they are decoded machine by machine
	Labels  Labels
	Limits  gate.Limits // zero: gate.DefaultLimits
	Now     func() time.Time
	Zone    *time.Location // of schedules that name none; nil: UTC
	// Suppose gives a machine as it might be, for what-if; nil: as it is.
	Suppose func(ctx context.Context, s *fleet.Seat) (*fleet.Seat, error)

	shelves shelves
	library library
}

// View is storage and catalog as one stage call sees them: what is read once stays as it was read. It belongs to one goroutine.
type View struct {
	Now    time.Time
	Limits gate.Limits

	r         *Reader
	look      *fleet.Look // made at the first machine
	published published   // of the OS of the machine that was glanced at last
	metas     map[patch.HostOS]*patch.RevisionMeta
	facing    map[patch.HostOS][]gate.FeedFact
	decisions map[patch.ID][]patch.Decision
	approved  map[string]time.Time          // by label: the newest approval of any patch
	proposed  map[patch.ID][]patch.Proposal // approvals that wait for a second person, the newest first
	feeds     []patch.FeedStatus
	schedules []*timetable
	blackouts []patch.Blackout // in the order in which they begin
	frosts    map[string]frost // by which blackouts they are
	covered   []byte           // for making those keys
	resets    map[resetKey]patch.Reset
	rings     []patch.Ring
	ringed    map[patch.ID]map[string]patch.RingProgress
	members   map[string]*roaring.Bitmap // by seat
	lists     map[listKey]*Shelf
	payloads  map[patch.ID]map[patch.Hash]patch.StoredPayload
	files     map[fileKey][]patch.PayloadFile
	facts     map[patch.Hash]*patch.Facts
	needed    map[neededKey][]patch.PlanPackage // equal facts need equal files
	read      map[readKey]*readings             // nil where facts cannot be asked
	policies  map[policyKey]patch.Policy
	rows      map[fileKey]remembered
	gathered  gathered
	loads     map[ringKey]patch.RingLoad // of all machines
	finding   func(i int) patch.Finding  // over the facts of finds; nil until it was made
	finds     findingKey
	briefs    map[deployKey]map[string]gate.Brief // by situation
	key       []byte                              // for making situations
	planned   map[string]map[patch.MachineID][]patch.PlanItem
	previous  map[previousKey]found
	needing   map[string][]patch.Need
	asks      map[fileKey][]asked
	offered   map[string][]patch.Offer // by OS and name
	lacking   map[neededKey][]lack     // equal facts lack the same
	heads     map[string]patch.Deployment
	kinds     []*kind // nil until machines were sorted by kind
}

// policyKey tells apart for whom a patch's policy can differ: by which of its decisions' labels a machine carries.
type policyKey struct {
	id      patch.ID
	at      time.Time
	carried uint64
}

type resetKey struct {
	machine patch.MachineID
	id      patch.ID
}

func (v *View) readResets(ctx context.Context) error {
	all, err := v.r.Store.ListResets(ctx)
	v.resets = make(map[resetKey]patch.Reset, len(all))
	for _, r := range all {
		v.resets[resetKey{r.Machine, r.Patch}] = r
	}
	return err
}

type listKey struct {
	os  patch.HostOS
	rev patch.RevisionID
}

type fileKey struct {
	os patch.HostOS
	id patch.ID
}

type neededKey struct {
	facts patch.Hash
	id    patch.ID
}

// keptFacts bounds how many machines' facts a View keeps decoded at a time.
const keptFacts = 64

// View starts a reading as of now: decisions and feeds at once, everything else when it is asked for.
func (r *Reader) View(ctx context.Context) (*View, error) {
	v := r.Records()
	all, err := r.Store.ListDecisions(ctx, patch.DecisionFilter{})
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		v.decisions[d.Patch] = append(v.decisions[d.Patch], d)
		if d.Verb == patch.Approve && d.At.After(v.approved[d.Label]) {
			v.approved[d.Label] = d.At
		}
	}
	if err := v.readProposals(ctx); err != nil {
		return nil, err
	}
	if v.feeds, err = r.Store.ListFeeds(ctx); err != nil {
		return v, err
	}
	if err = v.readResets(ctx); err != nil {
		return v, err
	}
	if v.rings, err = r.Store.ListRings(ctx); err != nil {
		return v, err
	}
	if err := v.readBlackouts(ctx); err != nil {
		return v, err
	}
	return v, v.readSchedules(ctx)
}

func (v *View) readProposals(ctx context.Context) error {
	open, err := v.r.Store.ListProposals(ctx, true)
	v.proposed = map[patch.ID][]patch.Proposal{}
	for _, p := range open {
		for _, id := range p.Patches {
			if p.Verb == patch.Approve {
				v.proposed[id] = append(v.proposed[id], p)
			}
		}
	}
	return err
}

// Proposed is the newest approval of a patch for a machine that waits for a second person; nil where none does.
func (v *View) Proposed(ctx context.Context, id patch.ID, m patch.MachineID) (*patch.Proposal, error) {
	for i := range v.proposed[id] {
		p := &v.proposed[id][i]
		if in, err := v.Member(ctx, p.Label, m); err != nil || in {
			return p, err
		}
	}
	return nil, nil
}

// Records is a View without decisions and feeds: for what only concerns verdicts and attempts. Gates must not be walked on it.
func (r *Reader) Records() *View {
	v := &View{Now: r.Now(), Limits: r.Limits, r: r, metas: map[patch.HostOS]*patch.RevisionMeta{}, facing: map[patch.HostOS][]gate.FeedFact{},
		ringed:    map[patch.ID]map[string]patch.RingProgress{},
		loads:     map[ringKey]patch.RingLoad{},
		decisions: map[patch.ID][]patch.Decision{}, approved: map[string]time.Time{}, members: map[string]*roaring.Bitmap{}, policies: map[policyKey]patch.Policy{}, briefs: map[deployKey]map[string]gate.Brief{},
		lists: map[listKey]*Shelf{}, rows: map[fileKey]remembered{}, payloads: map[patch.ID]map[patch.Hash]patch.StoredPayload{}, files: map[fileKey][]patch.PayloadFile{},
		facts: map[patch.Hash]*patch.Facts{}, needed: map[neededKey][]patch.PlanPackage{}, read: map[readKey]*readings{}, frosts: map[string]frost{}}
	if v.Limits == (gate.Limits{}) {
		v.Limits = gate.DefaultLimits()
	}
	return v
}

// Decided lists the patches with a decision that counts now, in no order.
func (v *View) Decided() []patch.ID {
	ids := make([]patch.ID, 0, len(v.decisions))
	for id := range v.decisions {
		ids = append(ids, id)
	}
	return ids
}

// Decisions are those about a patch that count now, the newest per label.
func (v *View) Decisions(id patch.ID) []patch.Decision { return v.decisions[id] }

// Member reports whether a machine carries a label now. A label that is gone has no members.
func (v *View) Member(ctx context.Context, name string, id patch.MachineID) (bool, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return false, err
	}
	seat := look.Find(id)
	if seat == nil {
		return false, nil
	}
	return v.carries(ctx, name, seat.Number)
}

func (v *View) carries(ctx context.Context, name string, seat uint32) (bool, error) {
	set, err := v.carriers(ctx, name)
	return err == nil && set.Contains(seat), err
}

// carriers gives the seats that carry a label; none where the label is gone.
func (v *View) carriers(ctx context.Context, name string) (*roaring.Bitmap, error) {
	if set, ok := v.members[name]; ok {
		return set, nil
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	set, err := v.r.Labels.Carriers(ctx, name, look)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	if set == nil {
		set = roaring.New()
	}
	v.members[name] = set
	return set, nil
}

// Carrying gives the seats that carry a label now; NotFound where the label is gone. The caller must not change it.
func (v *View) Carrying(ctx context.Context, label string) (*roaring.Bitmap, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	return v.r.Labels.Carriers(ctx, label, look)
}

// ByName gives some machines of a set, by name: so many at most, without the first few. 0 is no limit.
func (v *View) ByName(ctx context.Context, set *roaring.Bitmap, offset, limit int) ([]*fleet.Seat, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	return look.ByName(set, offset, limit), nil
}

// Carriers lists the machines that carry a label now, by ID; NotFound where the label is gone.
func (v *View) Carriers(ctx context.Context, label string) ([]*fleet.Seat, error) {
	set, err := v.Carrying(ctx, label)
	if err != nil {
		return nil, err
	}
	out := make([]*fleet.Seat, 0, set.GetCardinality())
	for _, n := range v.look.ByID() {
		if set.Contains(n) {
			out = append(out, v.look.At(n))
		}
	}
	return out, nil
}

// Needing gives the admitted machines of an OS whose newest complete detect says that they lack a patch.
func (v *View) Needing(ctx context.Context, os patch.HostOS, id patch.ID) (*roaring.Bitmap, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	set, err := v.r.Fleet.Having(ctx, os, id, patch.NotPatched)
	if err == nil {
		set.RemoveRange(uint64(look.Len()), 1<<32)
	}
	return set, err
}

// Approved is when any patch was last approved for a machine; zero where none is.
func (v *View) Approved(ctx context.Context, m patch.MachineID) (newest time.Time, err error) {
	for label, at := range v.approved {
		in, err := v.Member(ctx, label, m)
		if err != nil {
			return newest, err
		}
		if in && at.After(newest) {
			newest = at
		}
	}
	return newest, nil
}

// Policy is where a patch stands for a machine at a moment, with further decisions assumed to have been made.
func (v *View) Policy(ctx context.Context, id patch.ID, m patch.MachineID, at time.Time, assume ...patch.Decision) (patch.Policy, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return patch.Policy{}, err
	}
	seat := look.Find(m)
	if seat == nil {
		return patch.Policy{}, patch.Errorf(patch.NotFound, "no machine has the ID %q", m)
	}
	return v.policy(ctx, id, seat.Number, at, assume)
}

func (v *View) policy(ctx context.Context, id patch.ID, seat uint32, at time.Time, assume []patch.Decision) (patch.Policy, error) {
	decisions := v.decisions[id]
	if len(assume) > 0 {
		decisions = append(decisions[:len(decisions):len(decisions)], assume...)
	}
	if len(decisions) == 0 {
		return patch.Policy{Stand: patch.Undecided}, nil
	}
	k := policyKey{id: id, at: at}
	var labels []string
	for i, d := range decisions {
		in, err := v.carries(ctx, d.Label, seat)
		if err != nil {
			return patch.Policy{}, err
		}
		if in {
			labels = append(labels, d.Label)
			k.carried |= 1 << (i % 64)
		}
	}
	if len(assume) > 0 || len(decisions) > 64 {
		return gate.PolicyOf(labels, decisions, at), nil
	}
	p, known := v.policies[k]
	if !known {
		p = gate.PolicyOf(labels, decisions, at)
		v.policies[k] = p
	}
	return p, nil
}

// row finds a patch as storage remembers it, on this OS if it ever was there; ok is false where nothing remembers it.
func (v *View) row(ctx context.Context, os patch.HostOS, id patch.ID) (row patch.PatchRow, ok bool, err error) {
	k := fileKey{os, id}
	if r, known := v.rows[k]; known {
		return r.row, r.ok, nil
	}
	if row, ok, err = v.findRow(ctx, os, id); err == nil {
		v.rows[k] = remembered{row, ok}
	}
	return row, ok, err
}

type remembered struct {
	row patch.PatchRow
	ok  bool
}

func (v *View) findRow(ctx context.Context, os patch.HostOS, id patch.ID) (row patch.PatchRow, ok bool, err error) {
	row, err = v.r.Store.FindPatchOn(ctx, os, id)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		row, err = v.r.Store.FindPatch(ctx, id)
	}
	if err != nil && patch.KindOf(err) == patch.NotFound {
		return row, false, nil
	}
	return row, err == nil, err
}
