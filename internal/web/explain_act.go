package web

import (
	"net/url"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// act is a button under an explanation: a link, or a form with one field that is sent to an address.
type act struct {
	Word        phrase.Phrase
	URL         string
	Post        bool
	Name, Value string // of the form's field
	Main        bool
	Key         string
}

// Acts are what the person may do about it now, what opens the first closed gate first.
func (p explainPage) Acts() []act {
	var acts []act
	if p.Answer.Deployable && p.may.Deploy {
		acts = append(acts, act{Word: "Plan its deployment", URL: "/deployments/new?machine=" + url.QueryEscape(string(p.Machine.ID)) + "&patch=" + url.QueryEscape(string(p.Row.Patch.ID))})
	}
	acts = append(acts, p.opening()...)
	acts = append(acts, p.deciding()...)
	if p.Row.Execution == patch.ExecDone && p.may.Deploy && p.Row.Effect != patch.EffectRolledBack {
		acts = append(acts, act{Word: "Roll it back here …", URL: rollbackURL(p.Row.Patch.ID) + "&machine=" + url.QueryEscape(string(p.Machine.ID))})
	}
	if len(acts) > 0 {
		acts[0].Main = p.Answer.Deployable || p.Answer.Closed != nil && p.Answer.Actor != gate.Nobody
	}
	return acts
}

// opening is what opens the first closed gate, other than deciding.
func (p explainPage) opening() []act {
	g := p.Answer.Closed
	if g == nil {
		return nil
	}
	switch {
	case g.Code == gate.CodePending && p.may.Machines:
		return []act{{Word: phrase.Of("Admit {1}", p.Machine.Name), URL: machineURL(p.Machine.ID) + "/state", Post: true, Name: "state", Value: string(patch.Admitted)}}
	case g.Name == gate.Snapshot && p.may.Machines:
		return []act{{Word: "Detect now", URL: machineURL(p.Machine.ID) + "/detect", Post: true}}
	case g.Name == gate.Label && p.may.Labels:
		return p.joining()
	case g.Code == gate.CodeProposed:
		return []act{{Word: "See what waits for a second person", URL: "/proposals"}}
	case g.Name == gate.Window:
		return []act{{Word: "Look at the calendar", URL: "/calendar"}}
	case g.Name == gate.Payload:
		return []act{{Word: "Look at its files", URL: patchURL(p.Row.Patch.ID) + "#payloads"}}
	case g.Code == gate.CodeOutOf && p.may.Deploy:
		return []act{{Word: "Give it new attempts", URL: "/attempts/reset", Post: true, Name: "of", Value: string(p.Machine.ID) + " " + string(p.Row.Patch.ID)},
			{Word: "Look at the deployment", URL: deploymentURL(p.Attempts[0].Deployment)}}
	case g.Name == gate.Attempts && len(p.Attempts) > 0:
		return []act{{Word: "Look at the deployment", URL: deploymentURL(p.Attempts[0].Deployment)}}
	}
	return nil
}

// joining offers to put the machine into the labels that the patch is approved for.
func (p explainPage) joining() []act {
	var acts []act
	for _, d := range p.Decisions {
		if d.Verb == patch.Approve && d.Label != patch.LabelAll && p.byHand[d.Label] {
			acts = append(acts, act{Word: phrase.Of("Add {1} to {2}", p.Machine.Name, d.Label), URL: labelURL(d.Label) + "/add", Post: true, Name: "machine", Value: string(p.Machine.ID)})
		} else if d.Verb == patch.Approve && d.Label != patch.LabelAll {
			acts = append(acts, act{Word: phrase.Of("See who is in {1}", d.Label), URL: labelURL(d.Label)})
		}
	}
	return head(2, acts)
}

// deciding offers what can be decided about the patch.
func (p explainPage) deciding() []act {
	if !p.may.Decide {
		return nil
	}
	ask := func(verb patch.Verb, label string) string {
		q := url.Values{"verb": {string(verb)}, "patch": {string(p.Row.Patch.ID)}}
		if label != "" {
			q.Set("label", label)
		}
		return "/decide?" + q.Encode()
	}
	policy, standing := p.Row.Policy, ""
	if len(policy.Decisions) > 0 {
		standing = policy.Decisions[0].Label
	}
	var acts []act
	switch policy.Stand {
	case patch.Approved:
		acts = append(acts, act{Word: "Take the approval back …", URL: ask(patch.Clear, standing)})
	case patch.HeldBack:
		acts = append(acts, act{Word: "Take the hold back …", URL: ask(patch.Clear, standing)})
	case patch.Declined:
		acts = append(acts, act{Word: "Take the refusal back …", URL: ask(patch.Clear, standing)})
	default:
		acts = append(acts, act{Word: "Approve …", URL: ask(patch.Approve, ""), Key: "a"})
	}
	if p.may.Labels && policy.Stand != patch.Approved {
		acts = append(acts, act{Word: phrase.Of("Approve for {1} only …", p.Machine.Name), URL: machineURL(p.Machine.ID) + "/alone", Post: true, Name: "patch", Value: string(p.Row.Patch.ID)})
	}
	if policy.Stand != patch.Declined {
		acts = append(acts, act{Word: "Decline …", URL: ask(patch.Decline, "")})
	}
	return acts
}
