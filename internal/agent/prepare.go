package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func ownerForbids(word string) error {
	return &host.Failure{Cause: patch.FailPolicy, Text: "the owner of this machine forbids deploys in its local policy file (" + word + ")"}
}

// prepare does everything that comes before the first installation: the owner's policy, the machine as the order assumed it, room,
// payloads, the vendor's chain. Items that fall out get their outcome; the rest is given to the installer.
func (r *run) prepare(ctx context.Context, items []wire.OrderItem) ([]wire.OrderItem, error) {
	defer r.cfg.Release()
	facts, err := r.cfg.Host.Facts(ctx)
	if err != nil {
		err = &host.Failure{Cause: patch.FailDrift, Text: "the package database cannot be read: " + err.Error()}
	}
	if err == nil {
		err = r.fits(facts)
	}
	whole := err
	steps := []func(wire.OrderItem) error{
		func(wire.OrderItem) error { return whole },
		func(item wire.OrderItem) error { return r.drifted(ctx, facts, item) },
		func(item wire.OrderItem) error { return r.download(ctx, item) },
	}
	for _, step := range steps {
		if items, err = r.filter(ctx, items, step); err != nil {
			return nil, err
		}
	}
	stanzas, failures := r.vouch(ctx, facts, items)
	items, err = r.filter(ctx, items, func(item wire.OrderItem) error { return r.admit(item, stanzas, failures) })
	if err != nil || len(items) == 0 {
		return nil, err
	}
	if err := r.cfg.Installer.Stage(ctx, r.allowed()); err != nil {
		return r.filter(ctx, items, func(wire.OrderItem) error { return err })
	}
	return items, nil
}

// filter keeps the items that a step has nothing against; the others get their outcome. It ends with ctx, leaving items open.
func (r *run) filter(ctx context.Context, items []wire.OrderItem, step func(wire.OrderItem) error) ([]wire.OrderItem, error) {
	var kept []wire.OrderItem
	for _, item := range items {
		if r.ended(item) {
			continue
		}
		err := step(item)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if r.ended(item) {
			continue // it was taken back meanwhile
		}
		if err == nil {
			kept = append(kept, item)
			continue
		}
		if broken := r.journal.broken(); broken != nil {
			return nil, broken
		}
		if err := r.fail(item, err); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func (r *run) ended(item wire.OrderItem) bool {
	_, ended := r.journal.newest().outcome(item.Attempt)
	return ended
}

// fits checks what concerns the whole order: time, the owner's policy, the host OS, and room for everything.
func (r *run) fits(facts patch.Facts) error {
	if why := r.closedNow(r.order); why != "" {
		if lacked := r.lacking(); lacked != "" {
			return &host.Failure{Cause: patch.FailDisk, Text: lacked + "; " + why}
		}
		return &host.Failure{Cause: patch.FailWindow, Text: why}
	}
	if ok, word := r.cfg.policy().Deploys(); !ok {
		return ownerForbids(word)
	}
	if m := facts.OS.Manager; m != "" && m != "dpkg" && m != "rpm" {
		return &host.Failure{Cause: patch.FailPolicy, Text: "this agent installs through apt and rpm only, and this machine has " + m}
	}
	if facts.OS.Key != r.order.OS {
		return &host.Failure{Cause: patch.FailDrift, Text: fmt.Sprintf("this machine is %s, and the order was made for %s", facts.OS.Key, r.order.OS)}
	}
	if err := r.clockIsRight(); err != nil {
		return err
	}
	if err := r.hooksAreThere(); err != nil {
		return err
	}
	if err := r.cfg.Power(); err != nil {
		return err
	}
	return r.room(r.open())
}

// drifted names what is not as the order assumed. A package that an earlier item of the same order brought along is where it should be.
func (r *run) drifted(ctx context.Context, facts patch.Facts, item wire.OrderItem) error {
	if bySetup(item) {
		return r.stillNeeded(ctx, facts, item.Patch)
	}
	for _, p := range item.Packages {
		now, found := installedAt(facts, p.Name, p.Arch)
		say := func(text string, args ...any) error {
			return &host.Failure{Cause: patch.FailDrift, Text: fmt.Sprintf(text, append([]any{p.Name + ":" + p.Arch}, args...)...)}
		}
		switch {
		case isThere(facts, p) && now.State == patch.Installed && r.broughtAlong(p):
		case found && now.Held:
			return &host.Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf("%s is held on this machine (%s) at %s", p.Name, heldBy(facts), now.Version)}
		case !found && p.From != "":
			return say("%s is not installed, and the order assumed %s", p.From)
		case found && p.From == "":
			return say("%s is installed at %s, and the order assumed that it is not", now.Version)
		case found && now.Version != p.From:
			return say("%s is at %s, and the order assumed %s", now.Version, p.From)
		}
	}
	return nil
}

// broughtAlong says whether an execution of this order was to install exactly this package.
func (r *run) broughtAlong(p patch.PlanPackage) bool {
	for _, in := range r.journal.newest().Intents {
		for _, c := range in.Changes {
			if c.Name == p.Name && c.Arch == p.Arch && c.To == p.Version {
				return true
			}
		}
	}
	return false
}

func heldBy(facts patch.Facts) string {
	if facts.OS.Manager == "rpm" {
		return "exclude or versionlock"
	}
	return "apt-mark hold"
}

// installedAt gives a package as it is installed; of several versions, as kernels have them, the newest.
func installedAt(facts patch.Facts, name, arch string) (patch.Package, bool) {
	all := host.VersionsOf(facts, name, arch)
	if len(all) == 0 {
		return patch.Package{}, false
	}
	return all[len(all)-1], true
}

// notThere names the first package of an item that is not installed at the item's version; empty when all are.
func notThere(facts patch.Facts, item wire.OrderItem) string {
	for _, p := range item.Packages {
		if why := stateOf(facts, p); why != "" {
			return why
		}
	}
	return ""
}

// stateOf says what is not yet so about a package that was to be installed; empty when all is.
func stateOf(facts patch.Facts, p patch.PlanPackage) string {
	now, found := installedAt(facts, p.Name, p.Arch)
	switch {
	case !found:
		return fmt.Sprintf("%s:%s is not installed", p.Name, p.Arch)
	case now.State != patch.Installed:
		return fmt.Sprintf("%s:%s %s is only half-installed", p.Name, p.Arch, now.Version)
	case now.Version != p.Version && !(p.Beside && isThere(facts, p)):
		return fmt.Sprintf("%s:%s is at %s and not at %s", p.Name, p.Arch, now.Version, p.Version)
	case facts.OS.Manager == "rpm" && !p.Beside && len(host.VersionsOf(facts, p.Name, p.Arch)) > 1:
		return fmt.Sprintf("%s:%s is there in an older version too", p.Name, p.Arch)
	}
	for _, q := range p.Replaces {
		if _, left := installedAt(facts, q.Name, q.Arch); left {
			return fmt.Sprintf("%s, which %s replaces, is still installed", q.Name, p.Name)
		}
	}
	return ""
}

// download fetches an item's payloads and tells how far it is, at most once a second.
func (r *run) download(ctx context.Context, item wire.OrderItem) error {
	r.doing("downloading " + string(item.Patch))
	var told time.Time
	tell := func(n int64) {
		if now := r.cfg.Now(); now.Sub(told) >= time.Second || n == size(item) {
			told = now
			if err := r.result(item, patch.ExecDownloading, func(res *wire.Result) { res.Bytes = n }); err != nil {
				r.log.Warn("cannot journal the progress of a download", "err", err)
			}
		}
	}
	tell(0)
	if err := r.bring(ctx, item, tell); err != nil {
		return err
	}
	if r.journal.newest().Last[item.Attempt].Bytes < size(item) {
		told = time.Time{}
		tell(size(item))
	}
	return r.journal.broken()
}

// bring fetches an item's payloads for as long as it is wanted; tell may be nil.
func (r *run) bring(ctx context.Context, item wire.OrderItem, tell func(n int64)) error {
	ctx, stop := r.whileWanted(ctx, item.Attempt)
	defer stop()
	var before int64
	for _, p := range item.Packages {
		base := before
		_, err := r.client().fetch(ctx, blob{Hash: p.SHA256, Size: p.Size, Dir: r.files.payloads(), Progress: func(n int64) {
			if tell != nil {
				tell(base + n)
			}
		}})
		if err != nil {
			f := *failureOf(err)
			f.Text = fmt.Sprintf("cannot fetch %s %s: %s", p.Name, p.Version, f.Text)
			return &f
		}
		before += p.Size
	}
	return nil
}

// maxIndex bounds a vendor's index file, compressed, in bytes.
const maxIndex = 256 << 20

// vouch follows the vendor's chain once per index for all packages of all items. Failures are kept by index.
func (r *run) vouch(ctx context.Context, facts patch.Facts, items []wire.OrderItem) (map[patch.Hash][]byte, map[patch.Hash]error) {
	r.doing("verifying the vendor's signatures")
	byIndex, origins := map[patch.Hash][]patch.PlanPackage{}, map[patch.Hash]patch.Origin{}
	for _, item := range items {
		for _, p := range item.Packages {
			byIndex[p.Origin.Index] = append(byIndex[p.Origin.Index], p)
			origins[p.Origin.Index] = p.Origin
		}
	}
	stanzas, failures := map[patch.Hash][]byte{}, map[patch.Hash]error{}
	for index, want := range byIndex {
		found, err := r.chain(ctx, facts, origins[index], want)
		for h, text := range found {
			stanzas[h] = text
		}
		if err != nil {
			failures[index] = err
		}
	}
	return stanzas, failures
}

func (r *run) chain(ctx context.Context, facts patch.Facts, o patch.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	if facts.OS.Manager == "rpm" || want[0].Setup != nil {
		return r.cfg.Chain.Verify(ctx, host.Origin{Origin: o}, want)
	}
	release, err := r.client().fetch(ctx, blob{Hash: o.Release, Limit: 8 << 20, Dir: r.files.origins()})
	if err != nil {
		return nil, err
	}
	index := func(ctx context.Context) (string, error) {
		return r.client().fetch(ctx, blob{Hash: o.Index, Limit: maxIndex, Dir: r.files.origins()})
	}
	return r.cfg.Chain.Verify(ctx, host.Origin{Origin: o, ReleaseFile: release, FetchIndex: index, Codename: facts.OS.Codename}, want)
}

// admit makes an item's packages known as verified, or says why one of them is not.
func (r *run) admit(item wire.OrderItem, stanzas map[patch.Hash][]byte, failures map[patch.Hash]error) error {
	for _, p := range item.Packages {
		if stanzas[p.SHA256] != nil {
			continue
		}
		var each host.Unvouched
		if err := failures[p.Origin.Index]; errors.As(err, &each) && each[p.SHA256] != nil {
			return each[p.SHA256]
		} else if err != nil {
			return err
		}
		return patch.Errorf(patch.Untrusted, "the vendor's signed index does not vouch for %s %s", p.Name, p.Version)
	}
	for _, p := range item.Packages {
		r.ready[p.SHA256] = host.Staged{PlanPackage: p, Path: filepath.Join(r.files.payloads(), string(p.SHA256)), Stanza: stanzas[p.SHA256]}
	}
	return nil
}

// staged gives the verified packages of an item.
func (r *run) staged(item wire.OrderItem) []host.Staged {
	var out []host.Staged
	for _, p := range item.Packages {
		if s, ok := r.ready[p.SHA256]; ok {
			out = append(out, s)
		}
	}
	return out
}

// allowed gives every verified package of the order, each once.
func (r *run) allowed() []host.Staged {
	var out []host.Staged
	seen := map[patch.Hash]bool{}
	for _, item := range r.order.Items {
		if c := r.journal.newest(); c.Last[item.Attempt].State == patch.ExecWithdrawn {
			continue // taken back, or left for another window: it comes along with nothing
		}
		for _, s := range r.staged(item) {
			if !seen[s.SHA256] {
				seen[s.SHA256] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// cleanUp removes payloads when their order is closed; the vendor's indexes stay for the next one, as far as it used them.
func (r *run) cleanUp() {
	keep := map[string]bool{}
	for _, item := range r.order.Items {
		for _, p := range item.Packages {
			keep[string(p.Origin.Release)] = true
			keep["stanzas-"+string(p.Origin.Index)+".json"] = true
		}
	}
	for _, dir := range []string{r.files.payloads(), r.files.origins(), r.files.path("setups"), r.files.hooks(), r.files.path("apt/repo"), r.files.path("apt/archives"), r.files.path("rpm/repo")} {
		files, err := r.files.on().List(dir)
		if err != nil {
			continue
		}
		for _, f := range files {
			if !keep[f] {
				r.files.on().Remove(filepath.Join(dir, f))
			}
		}
	}
}
