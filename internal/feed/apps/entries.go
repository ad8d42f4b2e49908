package apps

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/program"
	"github.com/fettle-project/fettle/internal/version"
)

// Entries gives a patch for each app, called by source, ID and version: apps/example.scribbler/2.1.0. A newer version supersedes the next
// older one.
//
// It is not applicable where the program is not there (unless it is offered to new machines too), or the machine is not one that it
// runs on; it is patched where every instance of the program has this version or a newer one. An instance that does not say its version
// makes it an error.
func (s *Set) Entries() []detect.Entry {
	var out []detect.Entry
	byID := map[string][]int{}
	for _, a := range s.Apps {
		byID[a.source+"/"+a.ID] = append(byID[a.source+"/"+a.ID], len(out))
		out = append(out, a.entry())
	}
	for _, all := range byID {
		slices.SortStableFunc(all, func(i, j int) int {
			c, _ := version.Compare(version.Winget, out[i].Patch.Version, out[j].Patch.Version)
			return c
		})
		for n := 1; n < len(all); n++ {
			out[all[n]].Patch.Supersedes = []patch.ID{out[all[n-1]].Patch.ID}
		}
	}
	return out
}

func (a *App) patchID() patch.ID {
	word := strings.NewReplacer(" ", "_", "/", "_", `\`, "_", "%", "_", `"`, "_")
	return patch.ID(a.source + "/" + strings.ToLower(word.Replace(a.ID)) + "/" + word.Replace(a.Version))
}

func (a *App) entry() detect.Entry {
	e := detect.Entry{Definition: detect.Definition{ID: a.patchID(), Unclear: a.fault}}
	e.Patch = patch.Patch{ID: a.patchID(), Title: strings.TrimSpace(a.Name + " " + a.Version), Source: strings.ToLower(a.ID), Version: a.Version, Suite: a.source, Category: patch.Update,
		Severity: severities[a.Severity], CVEs: a.CVEs}
	e.Patch.Released, _ = a.released()
	if len(a.CVEs) > 0 {
		e.Patch.Category = patch.Security
	}
	if a.fault != "" {
		return e
	}
	prerequisite, installed := a.rules()
	e.Definition.Prerequisite, e.Definition.Installed = &prerequisite, &installed
	e.Files = a.files()
	return e
}

// rules are what must hold for the app to be for a machine, and what says that it is up to date.
func (a *App) rules() (prerequisite, installed detect.Expr) {
	all := []detect.Expr{is(item.Test{Class: "windows", Object: &item.Object{Class: "windows"}})}
	if a.Requires.Windows != "" {
		all = append(all, windows(item.GreaterThanOrEqual, a.Requires.Windows))
	}
	if a.Requires.Below != "" {
		all = append(all, windows(item.LessThan, a.Requires.Below))
	}
	if x, limited := a.architectures(); limited {
		all = append(all, x)
	}
	for i := range a.Requires.Program {
		m := &a.Requires.Program[i]
		all = append(all, m.there())
		if m.Version != "" {
			all = append(all, m.current(m.Version))
		}
	}
	there, current := detect.Or(), detect.And()
	for i := range a.Match {
		m := &a.Match[i]
		v := a.Version
		if m.Version != "" {
			v = m.Version
		}
		there.Of = append(there.Of, m.there())
		current.Of = append(current.Of, detect.Or(detect.Not(m.there()), m.current(v)))
	}
	if a.NewToo {
		current = detect.And(there, current)
	} else {
		all = append(all, there)
	}
	return detect.And(all...), current
}

func is(t item.Test) detect.Expr { return detect.Is(detect.Test{Kind: detect.TestItems, Items: &t}) }

func windows(op item.Operation, v string) detect.Expr {
	return is(item.Test{Class: "windows", Object: &item.Object{Class: "windows"}, States: []*item.State{{Class: "windows",
		Entities: []item.Entity{{Name: "version", Operation: op, Datatype: item.Version, Value: v}}}}})
}

// runs are the numbers of processors (wProcessorArchitecture) on which an installer for an architecture runs.
var runs = map[string][]string{"amd64": {"9", "12"}, "x86": {"0", "9", "12"}, "arm64": {"12"}}

func (a *App) architectures() (x detect.Expr, limited bool) {
	s := &item.State{Class: "windows", Operator: item.Or}
	for i := range a.Packages {
		if a.Packages[i].Architecture == "any" {
			return x, false
		}
		for _, n := range runs[a.Packages[i].Architecture] {
			e := item.Entity{Name: "processor_architecture", Datatype: item.Int, Value: n}
			if !slices.ContainsFunc(s.Entities, func(o item.Entity) bool { return o.Value == n }) {
				s.Entities = append(s.Entities, e)
			}
		}
	}
	return is(item.Test{Class: "windows", Object: &item.Object{Class: "windows"}, States: []*item.State{s}}), len(s.Entities) > 0
}

// object are the installed programs that a match recognises.
func (m *Match) object() *item.Object {
	o := &item.Object{Class: "program"}
	add := func(name string, op item.Operation, value string) {
		if value != "" {
			o.Entities = append(o.Entities, item.Entity{Name: name, Operation: op, Value: value})
		}
	}
	add("id", item.CaseInsensitiveEquals, m.ID)
	add("name_key", item.Equals, program.Key(program.Name(m.Name)))
	add("name", item.Like, strings.ReplaceAll(item.EscapeLike(m.Like), "*", "%"))
	add("publisher_key", item.Equals, program.Key(program.Publisher(m.Publisher)))
	add("scope", item.Equals, m.Scope)
	return o
}

func (m *Match) there() detect.Expr { return is(item.Test{Class: "program", Object: m.object()}) }

// current is whether every instance has a version or a newer one. One that does not say its version is an error.
func (m *Match) current(v string) detect.Expr {
	test := func(check item.Check, e item.Entity) detect.Expr {
		return is(item.Test{Class: "program", Check: check, Object: m.object(), States: []*item.State{{Class: "program", Entities: []item.Entity{e}}}})
	}
	silent := test(item.AtLeastOne, item.Entity{Name: "version", Existence: item.NoneExist})
	newer := test(item.All, item.Entity{Name: "version", Operation: item.GreaterThanOrEqual, Datatype: item.ProgramVersion, Value: v})
	return detect.Or(detect.And(newer, detect.Not(silent)), detect.And(silent, detect.Expr{Op: detect.OpUnclear, Text: "Windows' list of programs has no version of it"}))
}

// files are the installers whose address, hash, size and way of running are known, where all of them are.
func (a *App) files() (out []patch.PayloadFile) {
	for i := range a.Packages {
		p := &a.Packages[i]
		u, err := url.Parse(p.URL)
		setup := p.setup()
		if err != nil || setup == nil || p.SHA256 == "" || p.Size == 0 || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
			return nil
		}
		u.Fragment = ""
		out = append(out, patch.PayloadFile{Payload: patch.Payload{Name: path.Base(u.Path), Arch: p.Architecture, Version: a.Version, Size: p.Size}, URL: u.String(), SHA256: patch.Hash(p.SHA256), Setup: setup})
	}
	return out
}
