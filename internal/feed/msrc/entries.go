package msrc

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Entries gives the patches of one host OS, called msrc/KB5034122. Each supersedes what its documents say it replaces, and of updates that
// bring builds the one with the next lower build: they are cumulative.
func (s *Set) Entries(os patch.HostOS) []detect.Entry {
	var out []detect.Entry
	var before *update
	for _, u := range s.of(os) {
		e := s.entry(u)
		for _, kb := range u.replaces {
			e.Patch.Supersedes = append(e.Patch.Supersedes, patchID(kb))
		}
		if before != nil && u.revision > before.revision && !slices.Contains(u.replaces, before.kb) {
			e.Patch.Supersedes = append(e.Patch.Supersedes, patchID(before.kb))
		}
		if u.cumulative() {
			before = u
		}
		out = append(out, e)
	}
	return out
}

func patchID(kb string) patch.ID { return patch.ID("msrc/" + kb) }

// cumulative updates bring a build, and all that was before it.
func (u *update) cumulative() bool {
	return u.revision >= 0 && !strings.Contains(strings.ToLower(u.kind), "security only")
}

func (s *Set) entry(u *update) detect.Entry {
	about := detect.And(is("windows", nil, whole("build", item.Equals, u.build)), is("windows", nil, item.Entity{Name: "version", Operation: item.GreaterThanOrEqual, Datatype: item.Version, Value: u.number}))
	installed := s.installed(u)
	e := detect.Entry{Definition: detect.Definition{ID: patchID(u.kb), Prerequisite: &about, Installed: &installed}}
	title := u.kb + ": " + u.kind
	if u.kind == "" {
		title = u.kb + ": update"
	}
	title += " for " + u.title
	if u.revision >= 0 {
		title += " (" + u.number + "." + u.build + "." + strconv.FormatInt(u.revision, 10) + ")"
	}
	e.Patch = patch.Patch{ID: patchID(u.kb), Title: title, Source: "Windows", Suite: "msrc", Advisory: u.kb, Category: patch.Update, Severity: u.severity, CVSS: u.cvss, CVEs: slices.Sorted(maps.Keys(u.cves)), Released: u.released}
	if u.revision >= 0 {
		e.Patch.Version = u.number + "." + u.build + "." + strconv.FormatInt(u.revision, 10)
	}
	if len(u.cves) > 0 {
		e.Patch.Category = patch.Security
	}
	return e
}

// installed is whether a machine has an update: its build revision is at least what the update, or one that replaces it, brings. Before
// Windows 10, whose "security only" updates raise no revision, a hotfix in the machine's list is proof as well. That none of this holds
// proves that the update is missing only where it brings a build itself.
func (s *Set) installed(u *update) detect.Expr {
	any := detect.Or()
	listed := func(kb string) {
		any.Of = append(any.Of, is("hotfix", []item.Entity{{Name: "id", Operation: item.CaseInsensitiveEquals, Value: kb}}))
	}
	old := !strings.HasPrefix(u.number, "10.")
	lowest := u.revision
	replacers := s.replacers(u.os, u.kb)
	for _, kb := range replacers {
		if r := s.updates[key{u.os, kb}]; r != nil && r.revision >= 0 && (lowest < 0 || r.revision < lowest) && u.revision < 0 {
			lowest = r.revision
		}
	}
	if lowest >= 0 {
		any.Of = append(any.Of, is("windows", nil, whole("ubr", item.GreaterThanOrEqual, strconv.FormatInt(lowest, 10))))
	}
	if old || u.revision < 0 {
		listed(u.kb)
		for _, kb := range replacers[:min(len(replacers), 50)] {
			listed(kb)
		}
	}
	if u.revision < 0 {
		any.Of = append(any.Of, detect.Expr{Op: detect.OpUnclear, Text: "Microsoft's documents name no build that " + u.kb + " brings, and nothing that replaces it is there"})
	}
	return any
}

func is(class string, of []item.Entity, want ...item.Entity) detect.Expr {
	t := item.Test{Class: class, Check: item.AtLeastOne, Object: &item.Object{Class: class, Entities: of}}
	if len(want) > 0 {
		t.States = []*item.State{{Class: class, Entities: want}}
	}
	return detect.Is(detect.Test{Kind: detect.TestItems, Items: &t})
}

func whole(name string, op item.Operation, value string) item.Entity {
	return item.Entity{Name: name, Operation: op, Datatype: item.Int, Value: value}
}
