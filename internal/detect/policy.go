package detect

import (
	"hash/crc32"
	"slices"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// rival is what some definition offers of a package.
type rival struct {
	name, arch, module string
	offer              candidate.Offer
}

// rivalsOf lists what all definitions offer of the packages that rules name.
func (s *Signatures) rivalsOf(rules []PackageRule) []rival {
	if len(s.policies.archives) == 0 {
		return nil
	}
	named := make(map[string]bool, len(rules))
	var definitions []int
	for _, r := range rules {
		if !named[r.Name] {
			named[r.Name] = true
			definitions = append(definitions, s.naming(r.Name)...)
		}
	}
	slices.Sort(definitions)
	var all []rival
	r := rulings{policies: &s.policies}
	for _, i := range slices.Compact(definitions) {
		for w := s.seek(i); w.rule(); {
			if !named[string(w.name())] {
				continue
			}
			if o, ok := r.offer(w, w.at.ops-1, w.fixed("")); ok {
				all = append(all, rival{name: string(w.name()), arch: w.arch, module: w.module, offer: o})
			}
		}
	}
	return all
}

// naming gives definitions whose rules may name a package, in order: all that do, and rarely another.
func (s *Signatures) naming(name string) (definitions []int) {
	from := nameHash([]byte(name))
	all := s.named()
	at, _ := slices.BinarySearch(all, from)
	for ; at < len(all) && all[at]>>32 == from>>32; at++ {
		definitions = append(definitions, int(uint32(all[at])))
	}
	return definitions
}

// nameRules notes which definitions name which packages: the hash of a name above the number of a definition, sorted.
func (s *Signatures) nameRules() []uint64 {
	all := make([]uint64, 0, s.Packages())
	for w := s.columns.walk(); w.step(); {
		for w.rule() {
			all = append(all, nameHash(w.name())|uint64(w.at.definition-1))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func nameHash(name []byte) uint64 { return uint64(crc32.ChecksumIEEE(name)) << 32 }

// rulings are what one machine's own policy says about the versions that the signatures offer of its packages.
type rulings struct {
	policies *policies
	policy   *candidate.Policy
	offers   map[*patch.Package][]candidate.Offer
	choices  map[*patch.Package]*candidate.Choice
}

// rulings joins signatures and machine; nil where the machine takes every newest version anyway, as nearly all do.
func (s *Signatures) rulings(x *index, f *patch.Facts) *rulings {
	draws := s.policies.phased && f.Apt != nil && f.Apt.Phasing != "always" && (f.Apt.Phasing == "never" || f.Apt.MachineID != "")
	if s.scheme != schemeDpkg || len(s.policies.archives) == 0 || candidate.Idle(f.Apt, s.policies.archives) && !draws {
		return nil
	}
	r := &rulings{policies: &s.policies, policy: candidate.New(f.Apt, x.native, s.policies.archives),
		offers: map[*patch.Package][]candidate.Offer{}, choices: map[*patch.Package]*candidate.Choice{}}
	var found []*unit
	if s.rivals != nil {
		for i := range s.rivals {
			v := &s.rivals[i]
			found = x.find([]byte(v.name), v.arch, v.module, found[:0])
			for _, u := range found {
				r.offers[u.pkg] = append(r.offers[u.pkg], v.offer)
			}
		}
		return r
	}
	for w := s.columns.walk(); w.step(); {
		for w.rule() {
			if !x.mayKnow(w.glance()) {
				continue
			}
			found = x.find(w.name(), w.arch, w.module, found[:0])
			for _, u := range found {
				if o, ok := r.offer(w, w.at.ops-1, w.fixed(u.pkg.Version)); ok && u.pkg.State != patch.Removed {
					r.offers[u.pkg] = append(r.offers[u.pkg], o)
				}
			}
		}
	}
	return r
}

// offer is the version that a rule of the definition which the walker is at brings.
func (r *rulings) offer(w *walker, rule int, fixed string) (candidate.Offer, bool) {
	archive, phased := r.policies.of(rule)
	return candidate.Offer{Version: fixed, Source: string(w.source()), SourceVersion: string(w.tail), Archive: archive, Phased: phased}, archive >= 0
}

// on rules on an older package that a patch would change.
func (r *rulings) on(w *walker, h *hit) candidate.Ruling {
	o, ok := r.offer(w, h.rule, h.fixed)
	if !ok {
		return candidate.Ruling{}
	}
	c := r.choices[h.pkg]
	if c == nil {
		c = r.policy.Choose(h.pkg, r.offers[h.pkg])
		r.choices[h.pkg] = c
	}
	return c.Judge(o)
}

// brought gives the packages of new names that the older ones among the hits lead to and that are not there yet.
func (j *judge) brought(p *policies) []patch.NewPackage {
	var out []patch.NewPackage
	for i := range j.hits {
		if !concerns(patch.ReasonOlder, &j.hits[i]) {
			continue
		}
		for _, n := range p.brings[j.hits[i].rule] {
			there := slices.ContainsFunc(j.x.named([]byte(n.Name)), func(u unit) bool { return u.pkg.State != patch.Removed && (n.Arch == "all" || u.pkg.Arch == n.Arch) })
			if !there && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// bringing names one new package and counts the others.
func bringing(brings []patch.NewPackage) phrase.Phrase {
	if n := len(brings) - 1; n > 0 {
		return phrase.Of("the new package {1} and {2} more", brings[0].Name, n)
	}
	return phrase.Of("the new package {1}", brings[0].Name)
}

// ruledOut words a verdict that the machine's own policy decided. Every package that it keeps from the patch has its clause.
func (j *judge) ruledOut(r *patch.Reason) {
	var first *hit
	for i := range j.hits {
		h := &j.hits[i]
		if h.compared != older || h.ruling.Code != r.Code {
			continue
		}
		if first == nil {
			first = h
		}
		r.Clauses = append(r.Clauses, patch.Clause{Subject: j.subject(h), Expected: h.ruling.Expected, Seen: h.ruling.Seen, From: h.ruling.From})
	}
	switch c := r.Clauses[0]; r.Code {
	case patch.ReasonPinned:
		r.Text = phrase.Of("this machine's apt preferences keep {1} from {2}: {3}, by {4}", first.pkg.Name, first.fixed, c.Seen, c.From)
	case patch.ReasonPhased:
		r.Text = phrase.Of("the update of {1} to {2} is phased, and not for this machine yet: {3}", first.pkg.Name, first.fixed, c.Seen)
	case patch.ReasonUnreadable:
		r.Text = phrase.Of("which version of {1} this machine's apt would choose is not known, because apt refuses its configuration: {2}", first.pkg.Name, c.Seen)
	case patch.ReasonNotEntitled:
		r.Text = phrase.Of("{1} {2} is for subscribers, and this machine has not enabled their archive", first.pkg.Name, first.fixed)
	default:
		r.Text = phrase.Of("{1} {2} is from a suite that serves only who asks for it: {3}", first.pkg.Name, first.fixed, c.Seen)
	}
}
