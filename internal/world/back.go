package world

import (
	"context"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// previousKey is a package in one version, on a host OS.
type previousKey struct {
	os patch.HostOS
	p  patch.InstalledPackage
}

// found is where a version can be had.
type found struct {
	file   patch.PayloadFile
	origin patch.Origin
	offer  gate.Offer
	stored patch.StoredPayload
}

// BackPackages gives the packages with which a machine would take a patch back, those that can be had: exact versions, bytes, and who vouches for
// them. Whether it may is for the gates.
func (s *Sight) BackPackages(ctx context.Context, a Ask) ([]patch.PlanPackage, error) {
	attempts, err := s.Attempts(ctx, a.Patch)
	if err != nil {
		return nil, err
	}
	_, packages, err := s.back(ctx, a, attempts)
	return packages, err
}

// back works out what taking a patch back means: from what the patch brought, as its deployment's plan has it, to what was there before.
func (s *Sight) back(ctx context.Context, a Ask, attempts []patch.Attempt) (b gate.BackFact, packages []patch.PlanPackage, err error) {
	b.Install = installed(attempts)
	brought := a.Planned
	if brought == nil && b.Install != nil {
		if brought, err = s.brought(ctx, *b.Install); err != nil {
			return b, nil, err
		}
	}
	facts, err := s.Facts(ctx)
	if err != nil {
		return b, nil, err
	}
	b.FactsKnown = facts != nil
	for _, p := range brought {
		step, q, err := s.step(ctx, a, p, facts)
		if err != nil {
			return b, nil, err
		}
		b.Steps = append(b.Steps, step)
		if step.Offer != gate.OfferNone {
			packages = append(packages, q)
		}
	}
	if a.Own != "" {
		return b, packages, nil // the machine's own package manager has the last word by then
	}
	return b, packages, s.needed(ctx, a, facts, b.Steps)
}

// installed is the newest attempt of ours that brought the patch and was not taken back since.
func installed(attempts []patch.Attempt) *patch.Attempt {
	for i := len(attempts) - 1; i >= 0; i-- {
		a := &attempts[i]
		switch {
		case a.State != patch.ExecDone:
		case a.Effect == patch.EffectUndone:
			return nil // what is there now, somebody else brought
		case a.TakesBack():
			if a.Effect != patch.EffectNotEffective {
				return nil
			}
		default:
			return a
		}
	}
	return nil
}

// brought are the packages that an attempt replaced, as what takes them back again.
func (s *Sight) brought(ctx context.Context, a patch.Attempt) ([]patch.PlanPackage, error) {
	by, known := s.v.planned[a.Deployment]
	if !known {
		dep, err := s.v.r.Store.FindDeployment(ctx, a.Deployment)
		if err != nil {
			return nil, err
		}
		by = make(map[patch.MachineID][]patch.PlanItem, len(dep.Plan.Machines))
		for _, m := range dep.Plan.Machines {
			by[m.Machine] = m.Items
		}
		if s.v.planned == nil {
			s.v.planned = map[string]map[patch.MachineID][]patch.PlanItem{}
		}
		s.v.planned[a.Deployment] = by
	}
	var out []patch.PlanPackage
	for _, item := range by[s.Machine.ID] {
		if item.Patch != a.Patch {
			continue
		}
		for _, p := range item.Packages {
			if p.From != "" || len(p.Replaces) > 0 || p.Setup != nil || p.Beside {
				p.From, p.Version, p.Back = p.Version, p.From, true
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// step is one package on its way back; p names what is there and what was before.
func (s *Sight) step(ctx context.Context, a Ask, p patch.PlanPackage, facts *patch.Facts) (gate.BackStep, patch.PlanPackage, error) {
	step := gate.BackStep{Step: patch.Step{Name: p.Name, Arch: p.Arch, From: p.From, To: p.Version}, NoWay: gate.GoesBack(s.OS, p)}
	if facts != nil {
		step.Now = versionNow(facts, p)
	}
	if step.NoWay != "" {
		return step, p, nil
	}
	f, err := s.v.before(ctx, s.OS, a.Patch, patch.InstalledPackage{Name: p.Name, Arch: p.Arch, Version: p.Version})
	if err != nil {
		return step, p, err
	}
	step.Offer, step.Size = f.offer, f.file.Size
	if f.stored.State == patch.PayloadFailed {
		step.Error = f.stored.Error
	}
	back := patch.PlanPackage{Name: p.Name, Arch: f.file.Arch, From: p.From, Version: p.Version, SHA256: f.file.SHA256, Size: f.file.Size, Origin: f.origin, Back: true}
	return step, back, nil
}

// versionNow is the version of a package that facts have, installed and whole; empty where there is none.
func versionNow(facts *patch.Facts, p patch.PlanPackage) string {
	free := func(arch string) bool { return arch == "all" || arch == "noarch" }
	for _, q := range facts.Packages {
		if q.Name == p.Name && q.State == patch.Installed && (q.Arch == p.Arch || free(q.Arch) || free(p.Arch)) {
			return q.Version
		}
	}
	return ""
}

// before finds where a package in exactly one version can be had: on the appliance, or at the vendor whose index still offers it.
func (v *View) before(ctx context.Context, os patch.HostOS, id patch.ID, p patch.InstalledPackage) (found, error) {
	k := previousKey{os, p}
	if f, known := v.previous[k]; known {
		return f, nil
	}
	f := found{}
	file, origin, offered, err := v.r.Catalog.Previous(ctx, os, p)
	switch {
	case err != nil && patch.KindOf(err) != patch.NotFound:
		return f, err
	case err == nil:
		f.file, f.origin = file, origin
		if f.stored, err = v.Stored(ctx, id, file.SHA256); err != nil {
			return f, err
		}
		if f.stored.State == patch.PayloadReady {
			f.offer = gate.OfferKept
		} else if offered {
			f.offer = gate.OfferVendor
		}
	}
	if v.previous == nil {
		v.previous = map[previousKey]found{}
	}
	v.previous[k] = f
	return f, nil
}
