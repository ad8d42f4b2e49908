package web

import (
	"net/url"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// setNames are the questions of the list of machines that narrow it to what a number of another page counts.
func setNames() []string {
	return []string{"ring", "count", "patch", "exposed", "schedule", "window", "ineligible", "gate"}
}

// machineSet is the machines that a number of another page counts.
type machineSet struct {
	Title   phrase.Phrase // what they have in common
	Without string        // the list's address without it
	Fields  []field       // the questions that name it
	Notes   map[patch.MachineID]phrase.Phrase

	members map[patch.MachineID]bool // nil: the list is not narrowed to a set
}

func (s *machineSet) has(id patch.MachineID) bool { return s.members == nil || s.members[id] }

func (s *machineSet) put(ids []patch.MachineID) {
	for _, id := range ids {
		s.members[id] = true
	}
}

// machineSet finds the set that the page's address names, if it names one.
func (c *console) machineSet(v *visit) (s machineSet, err error) {
	var without []string
	for _, name := range setNames() {
		without = append(without, name, "")
		if value := v.get(name); value != "" {
			s.Fields = append(s.Fields, field{name, value})
		}
	}
	if len(s.Fields) == 0 {
		return s, nil
	}
	s.Without, s.members = v.with(without...), map[patch.MachineID]bool{}
	switch {
	case v.get("ring") != "":
		return s, c.ringSet(v, &s)
	case v.get("schedule") != "":
		s.Title = phrase.Of("belong to that window of the schedule {1}", v.get("schedule"))
		if v.get("window") == calendar.Zoneless {
			s.Title = phrase.Of("belong to the schedule {1} and have no known time zone of their own", v.get("schedule"))
		}
		ids, err := c.Calendar.Who(v.ctx, v.get("schedule"), v.get("window"))
		s.put(ids)
		return s, err
	case v.get("exposed") != "":
		return s, c.exposedSet(v, &s)
	case v.get("ineligible") != "":
		return s, c.ineligibleSet(v, &s)
	}
	return s, patch.Errorf(patch.Invalid, "this address names no machines")
}

// ringSet is the machines that one number of a patch's progress in a ring counts.
func (c *console) ringSet(v *visit, s *machineSet) (err error) {
	ring, id := v.get("ring"), v.get("patch")
	switch v.get("count") {
	case "members":
		s.Title = phrase.Of("belong to the ring {1}", ring)
	case "proven":
		s.Title = phrase.Of("proved {1} in the ring {2}", id, ring)
	case "failed":
		s.Title = phrase.Of("failed with {1} in the ring {2}", id, ring)
	case "silent":
		s.Title = phrase.Of("fell silent after {1} in the ring {2}", id, ring)
	case "unproven":
		s.Title = phrase.Of("were given {1} in the ring {2} and have not proven it yet", id, ring)
	case "away":
		s.Title = phrase.Of("are to get {1} in the ring {2} and are away", id, ring)
	default:
		s.Title = phrase.Of("wait for {1} in the ring {2}", id, ring)
	}
	if s.Notes, err = c.Rings.Who(v.ctx, ring, patch.ID(id), v.get("count")); err != nil {
		return err
	}
	for m := range s.Notes {
		s.members[m] = true
	}
	return nil
}

// ungraded stands in addresses for the severity of which the vendor says nothing.
const ungraded = "none"

func severityOf(s string) patch.Severity {
	if s == ungraded {
		return patch.NotGiven
	}
	return patch.Severity(s)
}

// exposedSet is the machines of a label that an exposure counts, or those of one of its patches.
func (c *console) exposedSet(v *visit, s *machineSet) error {
	label, only := v.get("label"), patch.ID(v.get("patch"))
	if label == "" {
		label = patch.LabelAll
	}
	all, err := c.Reporter.Exposed(v.ctx, label, severityOf(v.get("exposed")))
	if err != nil {
		return err
	}
	for _, e := range all {
		if only == "" || e.Patch.ID == only {
			s.put(e.Machines)
		}
	}
	switch {
	case only != "":
		s.Title = phrase.Of("lack {1}", string(only))
	case v.get("exposed") == ungraded:
		s.Title = "lack security patches of no given severity"
	default:
		s.Title = phrase.Of("lack security patches: {1}", word(v.get("exposed")))
	}
	return nil
}

// ineligibleSet is the machines that are not eligible, all for one reason, for something that is approved for them.
func (c *console) ineligibleSet(v *visit, s *machineSet) error {
	f := v.ineligibleOf().IneligibleFilter
	f.Code = v.get("ineligible")
	g, ids, err := c.Beyond.IneligibleMachines(v.ctx, f)
	if err != nil {
		return err
	}
	s.put(ids)
	switch {
	case g.Title == "":
		s.Title = "are not eligible for something that is approved for them, for a reason that no machine has any more"
	case f.Patch != "":
		s.Title = phrase.Of("are not eligible for {1}, which is approved for them: {2}", string(f.Patch), g.Title)
	default:
		s.Title = phrase.Of("are not eligible for something that is approved for them: {1}", g.Title)
	}
	return nil
}

// exposedURL is the list of what an exposure of a label counts.
func exposedURL(label string, s patch.Severity, show string) string {
	return "/reports/exposure?" + exposedQuery(label, s, "show", show)
}

// exposedMachinesURL is the list of machines that an exposure counts; with a patch those that lack it.
func exposedMachinesURL(label string, s patch.Severity, id patch.ID) string {
	return "/machines?" + exposedQuery(label, s, "patch", string(id))
}

func exposedQuery(label string, s patch.Severity, name, value string) string {
	q := url.Values{"label": {label}, "exposed": {string(s)}}
	if s == patch.NotGiven {
		q.Set("exposed", ungraded)
	}
	if value != "" {
		q.Set(name, value)
	}
	return q.Encode()
}

// ringURL is the list of machines that one number of a patch's progress in a ring counts.
func ringURL(p patch.RingProgress, count string) string {
	return "/machines?" + url.Values{"ring": {p.Ring}, "patch": {string(p.Patch)}, "count": {count}}.Encode()
}

// eventURL is the list of machines that a window or a blackout is about.
func eventURL(e calendar.Event) string {
	if e.Blackout != "" {
		return "/machines?" + url.Values{"label": {e.Label}}.Encode()
	}
	return "/machines?" + url.Values{"schedule": {e.Schedule}, "window": {e.Key()}}.Encode()
}
