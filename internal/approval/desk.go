// Package approval takes people's decisions about patches, and shows what a decision would do before it is made.
//
// It owns what a valid decision is, and the preview. It refuses decisions about unknown patches or labels and holds that end in the past.
// Where a patch stands for a machine is worked out by gate.PolicyOf, for everybody.
package approval

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Request is a decision as a person asks for it.
type Request struct {
	Patches []patch.ID `json:"patches"` // "label:browsers" stands for all patches that carry a label of patches now
	Label   string     `json:"label"`
	Verb    patch.Verb `json:"verb"`
	Until   time.Time  `json:"until,omitzero"`  // for a hold
	Owner   string     `json:"owner,omitempty"` // of a hold: whom to ask about it; empty: whoever decides
	Why     string     `json:"why,omitempty"`   // a hold has to have one
}

// Store is the storage of decisions.
type Store interface {
	PutDecisions(ctx context.Context, caller patch.Caller, d []patch.Decision) error
	FindPatch(ctx context.Context, id patch.ID) (patch.PatchRow, error)
	// PutScope keeps who carried a label when something was decided for it.
	PutScope(ctx context.Context, members []patch.MachineID) (patch.Hash, error)
	FindScope(ctx context.Context, h patch.Hash) ([]patch.MachineID, error)
}

// PatchLabels tells which patches carry a label of patches now; package label implements it.
type PatchLabels interface {
	Patches(ctx context.Context, name string) ([]patch.ID, error)
}

// Desk takes decisions. Its methods may be called from many goroutines.
type Desk struct {
	World *world.Reader // its Labels tell which labels exist
	Store Store
	// PatchLabels are the labels of patches that requests and rules may name.
	PatchLabels PatchLabels
	// KEV gives the CVEs that are known to be exploited, for rules; nil where there is none to ask.
	KEV func(ctx context.Context) (patch.Exploits, error)
	// TwoPerson says which decisions need a second person; Proposals keeps them until then.
	TwoPerson TwoPerson
	Proposals Proposals
	// Rollbacks plans rollbacks that were proposed once more, and carries them out; nil: none is confirmed here.
	Rollbacks Rollbacks
	Now       func() time.Time
	// Decided is called after decisions are durable, so that payloads are fetched and machines woken; may be nil.
	Decided func([]patch.Decision)
}

// Decide makes and stores one decision per patch; all or none. Where a second person is needed it refuses: see Submit.
func (d *Desk) Decide(ctx context.Context, caller patch.Caller, r Request) ([]patch.Decision, error) {
	out, err := d.request(ctx, caller.Name, r)
	if err != nil {
		return nil, err
	}
	if _, second, err := d.parted(ctx, out); err != nil || len(second) > 0 {
		if err == nil {
			err = &patch.Error{Kind: patch.Forbidden, What: "one person alone cannot decide this", Why: phrase.Of("decisions for {1} need a second person", r.Label), Do: "Propose it."}
		}
		return nil, err
	}
	return out, d.store(ctx, caller, out)
}

// request drafts what is about to be decided or proposed, and no preview: a hold has to say what it waits for.
func (d *Desk) request(ctx context.Context, by string, r Request) ([]patch.Decision, error) {
	if r.Verb == patch.Hold && strings.TrimSpace(r.Why) == "" {
		return nil, &patch.Error{Kind: patch.Invalid, What: "a hold needs a reason", Why: "whoever comes upon it, and decides when it ends, has to know what it waits for", Do: `Say it: --why "…", or "because" in the console.`}
	}
	return d.Draft(ctx, by, r)
}

// Draft checks a request and gives the decisions that it would make, without storing anything.
func (d *Desk) Draft(ctx context.Context, by string, r Request) ([]patch.Decision, error) {
	now := d.Now()
	chosen, err := d.chosen(ctx, r, now)
	if err != nil {
		return nil, err
	}
	owner := strings.TrimSpace(r.Owner)
	if r.Verb == patch.Hold && owner == "" {
		owner = by
	}
	out := make([]patch.Decision, 0, len(chosen))
	for _, c := range chosen {
		out = append(out, patch.Decision{ID: ulid.Make().String(), Patch: c.id, Label: r.Label, Verb: r.Verb, Until: r.Until, Owner: owner, By: by, At: now,
			Why: strings.TrimSpace(r.Why), Via: c.via})
	}
	return out, nil
}

// choice is a patch that a request is about, and the label of patches that it was named by, if it was.
type choice struct {
	id  patch.ID
	via string
}

// chosen checks a request and lists the patches that it is about, each once, by ID.
func (d *Desk) chosen(ctx context.Context, r Request, now time.Time) ([]choice, error) {
	if err := d.check(ctx, r, now); err != nil {
		return nil, err
	}
	if _, err := d.World.Labels.Members(ctx, r.Label); err != nil {
		return nil, err
	}
	via := make(map[patch.ID]string, len(r.Patches))
	for _, id := range r.Patches {
		name, isLabel := strings.CutPrefix(string(id), patch.LabelPrefix)
		if !isLabel {
			via[id] = ""
			continue
		}
		ids, err := d.PatchLabels.Patches(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if _, named := via[id]; !named {
				via[id] = name
			}
		}
	}
	switch {
	case len(via) == 0:
		return nil, &patch.Error{Kind: patch.Invalid, What: "no patch carries what was named now", Do: "See who would: fettle labels show LABEL. What carries it later is decided by a rule: fettle rules put --help"}
	case len(via) > maxPatches:
		return nil, patch.Errorf(patch.Invalid, "%d patches are more than the %d that one decision takes", len(via), maxPatches)
	}
	out := make([]choice, 0, len(via))
	for _, id := range slices.Sorted(maps.Keys(via)) {
		out = append(out, choice{id, via[id]})
	}
	return out, nil
}

// Limits of one request.
const (
	maxPatches = 50_000
	maxWhy     = 2000
	maxOwner   = 200
)

// check says why a request cannot become decisions.
func (d *Desk) check(ctx context.Context, r Request, now time.Time) error {
	switch {
	case len(r.Patches) == 0:
		return patch.Errorf(patch.Invalid, "no patch is named")
	case len(r.Patches) > maxPatches:
		return patch.Errorf(patch.Invalid, "%d patches are more than the %d that one decision takes", len(r.Patches), maxPatches)
	case len(r.Why) > maxWhy:
		return patch.Errorf(patch.Invalid, "the reason is longer than %d bytes", maxWhy)
	case len(r.Owner) > maxOwner:
		return patch.Errorf(patch.Invalid, "the owner's name is longer than %d bytes", maxOwner)
	case r.Owner != "" && r.Verb != patch.Hold:
		return &patch.Error{Kind: patch.Invalid, What: "only a hold has an owner", Why: "anything else stands until somebody decides anew", Do: "Say in the reason whom to ask."}
	case r.Label == "":
		return &patch.Error{Kind: patch.Invalid, What: "no label is named", Do: phrase.Format("Name the machines by a label; %q is every admitted machine.", patch.LabelAll)}
	}
	if err := checkVerb(r, now); err != nil {
		return err
	}
	for _, id := range r.Patches {
		if strings.HasPrefix(string(id), patch.LabelPrefix) {
			continue
		}
		if _, err := d.Store.FindPatch(ctx, id); err != nil {
			if patch.KindOf(err) == patch.NotFound {
				return &patch.Error{Kind: patch.NotFound, What: phrase.Format("no patch is called %q", id), Do: "Search for it: fettle patches TEXT"}
			}
			return err
		}
	}
	return nil
}

func checkVerb(r Request, now time.Time) error {
	switch r.Verb {
	case patch.Approve, patch.Decline, patch.Clear:
		if !r.Until.IsZero() {
			return patch.Errorf(patch.Invalid, "only a hold has an end")
		}
	case patch.Hold:
		if !r.Until.After(now) {
			return &patch.Error{Kind: patch.Invalid, What: "the hold ends in the past", Why: "it would hold nothing back", Do: "Name a moment in the future."}
		}
	default:
		return patch.Errorf(patch.Invalid, "%q is not a decision: approve, decline, hold or clear", r.Verb)
	}
	return nil
}
