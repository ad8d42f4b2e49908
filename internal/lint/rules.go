package lint

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// reaches looks for rules whose conditions no patch could ever meet, and for words in them that no patch has.
func (x *look) reaches(ctx context.Context) error {
	for _, r := range x.ruleList {
		if r.Paused {
			continue
		}
		reach, err := x.Reach(ctx, r)
		if err != nil && patch.KindOf(err) == patch.NotFound {
			continue // a label of patches is gone, which is said about the label
		}
		if err != nil {
			return err
		}
		switch {
		case reach.Looked == 0: // nothing is listed yet, or no patch carries its label, which is said about these
		case !reach.Meets:
			level := Notice // what it is for may come one day, unless its words are none
			if slices.ContainsFunc(reach.Unknown, func(u criterion.Unknown) bool { return !known(u) }) {
				level = Problem
			}
			x.find(level, MeetsNothing, r.Name, nothingMeets(r, reach), command("fettle rules put "+r.Name+" --label "+r.Label+" … --preview"))
		default:
			for _, u := range reach.Unknown {
				if !known(u) {
					x.find(Problem, WordUnknown, r.Name, phrase.Of("the rule {1} names what no patch is: {2}", r.Name, unknown(u)), command("fettle rules put "+r.Name+" --label "+r.Label+" … --preview"))
				}
			}
		}
	}
	return nil
}

// nothingMeets says that a rule decides about none, with what was looked at and which of its words are the matter.
func nothingMeets(r patch.Rule, reach criterion.Reach) phrase.Phrase {
	text := phrase.Count(reach.Looked, "the rule {1} decides about nothing: the {n} patch that there is for it can never meet its conditions",
		"the rule {1} decides about nothing: none of the {n} patches that there are for it can ever meet its conditions", r.Name)
	for _, u := range reach.Unknown {
		text = phrase.Of("{1}; {2}", text, unknown(u))
	}
	return text
}

func unknown(u criterion.Unknown) phrase.Phrase {
	text := phrase.Of(`no patch has the {1} "{2}"`, u.Field, u.Word)
	if len(u.Given) > 0 {
		text = phrase.Of("{1} (there are {2})", text, strings.Join(u.Given, ", "))
	}
	return text
}

// known reports whether a word may well be right though no patch has it now: only severities and categories are a closed choice.
func known(u criterion.Unknown) bool {
	switch u.Field {
	case "severity":
		return slices.Contains([]patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}, patch.Severity(u.Word))
	case "category":
		return slices.Contains([]patch.Category{patch.Security, patch.Update}, patch.Category(u.Word))
	}
	return true
}
