package agent

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// bySetup says whether an item is installed by installers of its own, and not by a package manager. What such an item has done to the
// machine no package database says; the patch's own definition does.
func bySetup(item wire.OrderItem) bool {
	return slices.ContainsFunc(item.Packages, func(p patch.PlanPackage) bool { return p.Setup != nil })
}

// stillNeeded judges an item's definition once more, right before it is installed.
func (r *run) stillNeeded(ctx context.Context, facts patch.Facts, id patch.ID) error {
	f, err := r.finding(ctx, facts, id)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &host.Failure{Cause: patch.FailDrift, Text: "whether it is still needed cannot be told: " + err.Error()}
	case f.Verdict != patch.NotPatched:
		return &host.Failure{Cause: patch.FailDrift, Text: "it is not needed any more: " + f.Reason.Text.String()}
	}
	return nil
}

// finding is what the newest catalog's definition of a patch says of the machine as it is now.
func (r *run) finding(ctx context.Context, facts patch.Facts, id patch.ID) (patch.Finding, error) {
	st := r.get()
	b, err := readFile(r.files.on(), blob{Hash: st.Newest.Signatures, Dir: r.files.catalog()}.path())
	if err != nil {
		return patch.Finding{}, err
	}
	all, err := detect.Open(b)
	if err != nil {
		return patch.Finding{}, err
	}
	list, err := localList(r.cfg, r.files, st, all)
	if err != nil {
		return patch.Finding{}, err
	}
	i := slices.IndexFunc(list, func(p patch.Patch) bool { return p.ID == id })
	if i < 0 {
		return patch.Finding{}, patch.Errorf(patch.NotFound, "it is not on the newest list")
	}
	one, err := all.Only(i)
	if err != nil {
		return patch.Finding{}, err
	}
	if err := r.cfg.Host.Collect(ctx, one, &facts); err != nil {
		return patch.Finding{}, err
	}
	return one.Find(&facts, 0), nil
}

// afterSetup says how a patch stands after its installer has run: what is left undone, and what a person should know. An installer that
// reported success is believed until the detect that follows: it may owe a restart, or have lied.
func (r *run) afterSetup(ctx context.Context, facts patch.Facts, id patch.ID, runErr error) (undone, note string) {
	f, err := r.finding(context.WithoutCancel(ctx), facts, id)
	switch {
	case err == nil && f.Verdict == patch.Patched:
		return "", ""
	case runErr != nil && err != nil:
		return "whether it is installed cannot be told: " + err.Error(), ""
	case runErr != nil:
		return f.Reason.Text.String(), ""
	case err != nil:
		return "", "the installer ended with success; whether it is installed cannot be told yet: " + err.Error()
	}
	return "", "the installer ended with success, and this is still seen: " + f.Reason.Text.String()
}
