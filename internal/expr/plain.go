package expr

import (
	"regexp"
	"strings"

	"github.com/fettle-project/fettle/internal/phrase"
)

// plainly says in plain words what CEL says of an expression, or of what became of it. What is not known here stands as CEL says it.
func plainly(message string) phrase.Phrase {
	message = strings.TrimPrefix(message, "Syntax error: ")
	var found []string
	says := func(pattern string) bool {
		found = regexp.MustCompile(`(?s)^` + pattern + `$`).FindStringSubmatch(message)
		return found != nil
	}
	switch {
	case says(`(?:mismatched|extraneous) input '<EOF>' expecting .*`):
		return "the expression ends too early"
	case says(`(?:mismatched|extraneous) input '(and|or|not)' expecting .*`):
		return phrase.Of(`"{1}" is not a word here: write && for and, || for or, ! for not`, found[1])
	case says(`(?:mismatched|extraneous) input '(.*?)' expecting .*`), says(`no viable alternative at input '(.*)'`):
		return phrase.Of(`"{1}" does not belong here`, found[1])
	case says(`missing '?(.*?)'? at '<EOF>'`):
		return phrase.Of(`"{1}" is missing at the end`, found[1])
	case says(`missing '?(.*?)'? at '(.*)'`):
		return phrase.Of(`"{1}" is missing before "{2}"`, found[1], found[2])
	case says(`token recognition error at: '=\s*'`):
		return `"=" compares nothing: write ==`
	case says(`token recognition error at: '([&|])\s*'`):
		return phrase.Of(`"{1}" joins nothing: write {2}`, found[1], found[1]+found[1])
	case says(`token recognition error at: '(["'].*)'`):
		return phrase.Of("the text {1} has no closing quotation mark, or has a backslash that means nothing", found[1])
	case says(`token recognition error at: '(.*)'`):
		return phrase.Of(`"{1}" means nothing here`, found[1])
	case says(`undeclared reference to '(.*?)' \(did you mean '(.*)'\?\)`):
		return phrase.Of(`"{1}" is not known; did you mean "{2}"?`, found[1], found[2])
	case says(`undeclared reference to '(.*?)'.*`):
		return phrase.Of(`"{1}" is not known`, found[1])
	case says(`undefined field '(.*?)'.*`):
		return phrase.Of(`there is no field "{1}"`, found[1])
	case says(`type '(.*)' does not support field selection`):
		return phrase.Of("nothing can be read from it with a dot, for it is: {1}", kind(found[1]))
	case says(`found no matching overload for '(.*)' applied to '(.*)'`):
		return phrase.Of(`"{1}" cannot be used with: {2}`, strings.Trim(found[1], "_@"), kinds(found[2]))
	case says(`expected type '(.*)' but found '(.*)'`):
		return phrase.Of("expected: {1}; found: {2}", kind(found[1]), kind(found[2]))
	case says(`expression of type '(.*)' cannot be range of a comprehension.*`):
		return phrase.Of("only a list can be gone through, and this is: {1}", kind(found[1]))
	case says(`invalid matches argument`):
		return "this is not a regular expression"
	case says(`invalid (\w+) argument`):
		return phrase.Of(`"{1}" cannot read this`, found[1])
	case says(`invalid (?:int|uint|double) literal`):
		return "this number is too large"
	case says(`(?:expression recursion limit exceeded|max recursion depth exceeded).*`):
		return phrase.Of("it is nested deeper than {1} levels", maxNodes)
	case says(`index out of bounds: (.*)`):
		return phrase.Of("the list has no entry number {1}", found[1])
	case says(`no such key: (.*)`):
		return phrase.Of(`there is no entry "{1}"`, found[1])
	case says(`no such overload.*`):
		return "its values do not go together"
	case says(`(?:division|divide|modulus) by zero`):
		return "it divides by zero"
	case says(`.*cost limit exceeded.*`):
		return "it takes too many steps to work out"
	}
	return phrase.Verbatim(message)
}

// kinds says the types that something was applied to: "(string, int)", or "string.(int)" where it is asked of a value.
func kinds(types string) phrase.Phrase {
	var all []phrase.Phrase
	for one := range strings.SplitSeq(strings.NewReplacer(".(", ", ", "(", "", ")", "").Replace(types), ", ") {
		if one != "" {
			all = append(all, kind(one))
		}
	}
	return phrase.Join(all, ", ")
}

// kind says a type of CEL in words.
func kind(name string) phrase.Phrase {
	switch {
	case name == "string":
		return "text"
	case name == "int", name == "uint":
		return "whole number"
	case name == "double":
		return "number with a decimal point"
	case name == "bool":
		return "yes or no"
	case name == "null":
		return "nothing at all"
	case strings.HasPrefix(name, "list"):
		return "list"
	}
	return phrase.Verbatim(name[strings.LastIndex(name, ".")+1:])
}
