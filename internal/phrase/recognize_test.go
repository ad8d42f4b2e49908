package phrase

import (
	"strings"
	"testing"
)

func recognizer() *Language {
	return NewLanguage("de", map[string][]string{
		"{1} is held on this machine ({2}) at {3}": {"{1} ist auf dieser Maschine bei {3} festgehalten ({2})"},
		"{1} is held":                         {"{1} ist festgehalten"},
		"{1} is at {2}, and {3} is not newer": {"{1} ist bei {2}, und {3} ist nicht neuer"},
		"the repair failed: {1}":              {"die Reparatur ist fehlgeschlagen: {1}"},
		"cannot fetch {1} {2}: {3}":           {"{1} {2} lässt sich nicht holen: {3}"},
		"no room: {1}":                        {"kein Platz: {1}"},
		"locked by {1}":                       {"gesperrt durch {1}"},
		"none of {1}":                         {"nichts von {1}"}, "installing {1}": {"installiert {1}"}, "by {1}": {"von {1}"}, "{1} could not be judged": {"{1} ließ sich nicht beurteilen"},
		"{1} of {2}": {"{1} von {2}"},
		`the hook {1} failed; its last words: "{2}"`: {`der Hook {1} ist fehlgeschlagen; zuletzt sagte er: „{2}“`},
		"it is not installed":                        {"es ist nicht installiert"},
		"Nothing was judged.":                        {"Nichts wurde beurteilt."},
		"{1} and {1} again are there":                {"{1} ist zweimal da"},
		"verdict\x04the machine {1} is {2}":          {"falsch {1} {2}"},
		"{n} machine of {1} waits for it":            {"{n} Maschine von {1} wartet darauf", "{n} Maschinen von {1} warten darauf"},
		"never":                                      {"nie"},
		"the appliance restarted {1}{2}, as the owner of {3} had it done": {"{3}: {1}{2} neu gestartet"},
	}, func(int) int { return 0 })
}

// What an agent or an older version sent as text is said in the language as far as it was made of the catalogue's texts; the rest stays as it came.
func TestTextsAreRecognized(t *testing.T) {
	l := recognizer()
	for s, want := range map[string]string{
		"perl-base is held on this machine (apt-mark hold) at 5.36-7":          "perl-base ist auf dieser Maschine bei 5.36-7 festgehalten (apt-mark hold)",
		"perl-base is at 1:2, and 1:1 is not newer":                            "perl-base ist bei 1:2, und 1:1 ist nicht neuer",
		"cannot fetch perl 5.36-7: no room: write /x: no space left on device": "perl 5.36-7 lässt sich nicht holen: kein Platz: write /x: no space left on device",
		"x failed; the repair failed: it is not installed":                     "x failed; die Reparatur ist fehlgeschlagen: es ist nicht installiert",
		"cannot fetch a b: c; the repair failed: it is not installed":          "a b lässt sich nicht holen: c; die Reparatur ist fehlgeschlagen: es ist nicht installiert",
		`the hook drain failed; its last words: "it is not installed"`:         "der Hook drain ist fehlgeschlagen; zuletzt sagte er: „it is not installed“",
		"locked by apt-get (pid 7)":                                            "gesperrt durch apt-get (pid 7)",
		"locked by never":                                                      "gesperrt durch never",
		"Cannot fetch a b: c.":                                                 "A b lässt sich nicht holen: c.",
		"dpkg: it is not installed. Nothing was judged.":                       "dpkg: es ist nicht installiert. Nichts wurde beurteilt.",
		"the machine web-1 is pending":                                         "the machine web-1 is pending", // of a text with a context only who knows that can tell
		"2 machines of web wait for it":                                        "2 machines of web wait for it",
		"5 of 7":                                                               "5 of 7", // too few words to be ours for certain
		"a is held ":                                                           "a is held ",
		"locked by ":                                                           "locked by ",
		"x and x again are there":                                              "x ist zweimal da",
		"x and y again are there":                                              "x and y again are there",
		"the appliance restarted abc, as the owner of web-1 had it done":       "web-1: abc neu gestartet",
		"installing perl":                                                      "installiert perl", "by perl": "by perl",
		// A part of somebody else's sentence is no value of ours.
		"none of its packages is installed": "none of its packages is installed", "vim is half-installed, so it could not be judged": "vim is half-installed, so it could not be judged",
		"never": "nie", "": "", "x": "x", "{1} is held on this machine ({2}) at {3}": "{1} ist auf dieser Maschine bei {3} festgehalten ({2})",
		"somebody else's sentence: about " + strings.Repeat("x", longestKnown) + " no room: y": "somebody else's sentence: about " + strings.Repeat("x", longestKnown) + " no room: y",
	} {
		if got := l.Say(Recall(s)); got != want {
			t.Errorf("%q is said as %q, want %q", s, got, want)
		}
		if got := English.Say(Recall(s)); got != s {
			t.Errorf("%q is said in English as %q", s, got)
		}
	}
	if got := l.Say(Verbatim("locked by apt")); got != "locked by apt" {
		t.Errorf("what somebody else wrote is said as %q", got)
	}
	if got := l.Say(Sentence(Of("it says: {1}", Recall("locked by apt")))); got != "It says: gesperrt durch apt." {
		t.Errorf("a recalled text inside of another one is said as %q", got)
	}
}

// However a text is put together, it is looked at so many times and no more.
func TestRecognizingIsBounded(t *testing.T) {
	r := &recognizing{recognizer(), mostLooks}
	r.find(strings.Repeat("a b; c d: e f. ", 100))
	if r.looks >= 0 {
		t.Errorf("%d looks are left", r.looks)
	}
	if _, ok := r.find("locked by apt"); ok {
		t.Error("a text is recognized after all looks are taken")
	}
}

// A sentence that is made to be hard to recognize costs no more than a page can bear.
func BenchmarkRecognizing(b *testing.B) {
	l := recognizer()
	for name, s := range map[string]string{
		"usual":   "cannot fetch perl 5.36-7: no room: write /x: no space left on device",
		"unknown": "the package's own script ended with status 1 and said nothing more",
		"hostile": strings.Repeat("locked fetch: room; installed. ", longestKnown/31),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l.Say(Recall(s))
			}
		})
	}
}
