package program

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Name is the key of a program's name in the letters that it has: "Editor 2.1 (x64 en-US)" is Editor. A whole number that is part of
// the name stays: "Compare 4" and "Compare 5" are sold apart. Key is what keys are compared by.
func Name(name string) string {
	s := strings.TrimSpace(name)
	for _, r := range rewrites() {
		for {
			shorter := strings.TrimSpace(r.pattern.ReplaceAllString(s, r.by))
			if shorter == s || shorter == "" {
				break
			}
			s = shorter
		}
	}
	if key := letters(s); key != "" {
		return key
	}
	return letters(name)
}

// Key makes keys comparable: upper and lower case do not matter.
func Key(s string) string { return strings.ToLower(s) }

const (
	number = `[0-9]+(?:[._][0-9]+)+`                                            // two numbers at least
	suffix = `(?:[-+.~ ]?(?:alpha|beta|rc|pre|preview|dev|nightly)[-.]?[0-9]+)` // of a version; a word alone stays in the name
)

// rewrites are done one after another, each until nothing changes.
var rewrites = sync.OnceValue(func() []rewrite {
	return []rewrite{
		// a number of the knowledge base is the name of an update
		{regexp.MustCompile(`\((KB[0-9]{5,8})\)`), "$1"},
		// architectures and languages, wherever they stand
		{regexp.MustCompile(`(?i)(^|[^\pL\pN])(?:x86[-_]?64|x64|x86|amd64|arm64|ia32|i[3-6]86|win64|win32|(?:32|64)[- ]?bits?|(?:64|32)[- ]bit edition|x64 edition)($|[^\pL\pN])`), "$1$2"},
		{regexp.MustCompile(`(^|[^\pL\pN])(?:[a-z]{2}[-_](?:[A-Z]{2}|[a-z]{2}|[A-Z][a-z]{3}(?:-[A-Z]{2})?))($|[^\pL\pN-])`), "$1$2"},
		// what stands in brackets is about the installation
		{regexp.MustCompile(`\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}`), " "},
		// versions, with the word for them
		{regexp.MustCompile(`(?i)(^|[^\pL\pN])(?:version|ver\.?)\s*[:#]?\s*[vr]?[0-9]+(?:[._-][0-9\pL]+)*($|[^\pL\pN])`), "$1$2"},
		{regexp.MustCompile(`(?i)(^|[^\pL\pN.])[vr]?` + number + `(?:[-+~][0-9\pL.]+|` + suffix + `|[a-z][0-9]*)*($|[^\pL\pN])`), "$1$2"},
		{regexp.MustCompile(`(?i)(^|[^\pL\pN])[vr][0-9]{2,}($|[^\pL\pN.])`), "$1$2"},
		// a version that is stuck to a word: go1.14.6
		{regexp.MustCompile(`(?i)(\pL)` + number + `(?:` + suffix + `|(?:beta|rc)[0-9]+)?($|[^\pL\pN])`), "$1$2"},
		// what is left of the punctuation at the end
		{regexp.MustCompile(`[\s\-–_:.,+/]+$`), ""},
	}
})

type rewrite struct {
	pattern *regexp.Regexp
	by      string
}

// letters keeps letters and digits.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, s)
}

// Publisher is the key of a publisher in the letters that it has: what stands before its legal form. "Maker Systems, Inc." is MakerSystems.
func Publisher(name string) string {
	words := strings.FieldsFunc(strings.NewReplacer("http://", "", "https://", "").Replace(name), func(r rune) bool {
		return unicode.IsSpace(r) || r == ',' || r == '(' || r == ')'
	})
	var kept []string
	for i, w := range words {
		bare := strings.ToLower(strings.NewReplacer(".", "", "/", "").Replace(w))
		if i > 0 && legalForms[bare] {
			break
		}
		if front, back, ok := strings.Cut(w, "-"); ok && legalForms[strings.ToLower(back)] { // "FZ-LLC"
			w = front
		}
		kept = append(kept, w)
	}
	if key := letters(strings.Join(kept, "")); key != "" {
		return key
	}
	return letters(name)
}

// legalForms end the name of a company.
var legalForms = map[string]bool{"inc": true, "incorporated": true, "corp": true, "corporation": true, "co": true, "company": true, "llc": true, "llp": true, "lp": true, "ltd": true, "limited": true, "plc": true,
	"gmbh": true, "ag": true, "kg": true, "ug": true, "ev": true, "ohg": true, "gbr": true, "mbh": true, "se": true, "sa": true, "sas": true, "sarl": true, "srl": true, "spa": true, "sl": true, "slu": true, "bv": true, "nv": true, "ab": true, "as": true,
	"oy": true, "aps": true, "kft": true, "sro": true, "doo": true, "spzoo": true, "pty": true, "pvt": true, "kk": true, "oü": true, "ltda": true, "ooo": true, "zrt": true, "bvba": true, "jsc": true, "sp": true}
