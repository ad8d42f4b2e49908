package translation_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/phrase"
)

// agents takes the sentences that agents send as text, on any system: a Language knows them again by the catalogue. They are whatever text of
// words stands in these files, besides what goes into the agent's own log.
func (s source) agents() {
	for folder, names := range map[string]string{
		"internal/agent": `blockers client execute fetch gates hooks judge order prepare reboot resume revision services session setups standing steward window`,
		"internal/agent/host": `apt authenticode_windows blocker_unix cargo chain disk facts facts_apk facts_apt facts_dnf facts_macos facts_rpm file health hook hook_linux hook_other
			inventory_kernel inventory_windows keyring lock output power repo rpm rpm_chain rpm_output rpm_plan setup setup_windows simulate
			takeover unmet updatecode updaters watch windows winupdater`,
	} {
		for _, name := range strings.Fields(names) {
			s.agent(folder + "/" + name + ".go")
		}
	}
}

func (s source) agent(name string) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../..", name), nil, parser.SkipObjectResolution)
	if err != nil {
		s.t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Info", "Warn", "Error", "Debug"}, f.Sel.Name) {
				return false
			}
		case *ast.BasicLit, *ast.BinaryExpr:
			format, ok := written(n.(ast.Expr))
			if ok {
				s.agentText(format, name)
			}
			return !ok
		}
		return true
	})
}

// agentText takes one text, as the part of a sentence that it is.
func (s source) agentText(format, from string) {
	text, _ := phrase.Places(strings.TrimRight(strings.TrimLeft(format, ",; "), " :"))
	if len(strings.Fields(text)) > 1 && !strings.ContainsAny(text, "\n\\") && !slices.Contains(unsaid(), text) && !strings.HasPrefix(text, "This machine restarts ") {
		s.add(split(text), strings.TrimSuffix(from, "/"))
	}
}

// written is a text as a format: what is added to constant words is a value.
func written(e ast.Expr) (format string, words bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.ParenExpr:
		return written(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, one := written(e.X)
			right, other := written(e.Y)
			return left + right, one || other
		}
	}
	return "%s", false
}

// What an agent sends as text is said in German by the sentence that it was made of, with the agent's values in it.
func TestAgentsSentencesAreRecognized(t *testing.T) {
	s, de := source{t, map[string]*entry{}}, german(t)
	s.agents()
	if len(s.texts) < 250 {
		t.Fatalf("only %d sentences of agents are found", len(s.texts))
	}
	for id := range s.texts {
		values := make([]any, highest(id))
		for i := range values {
			values[i] = "v" + strconv.Itoa(i+1) + ".x"
		}
		p := phrase.Of(phrase.Phrase(id), values...)
		if got, want := de.Say(phrase.Recall(p.String())), de.Say(p); got != want || got == p.String() {
			t.Errorf("%q is said as %q, and is %q", p, got, want)
		}
	}
}

// What an agent says of an order that its clock takes for expired is German with its doubt, and without.
func TestAnOrderThatExpiredIsToldInGerman(t *testing.T) {
	de := german(t)
	doubt := "; the appliance told that it is past 2027-01-01 00:00 UTC, and this machine's clock says 2026-11-27 22:00 UTC: the one that is wrong must be set, and orders are taken again when both agree"
	said := "; die Appliance nannte eine Zeit nach 2027-01-01 00:00 UTC, und die Uhr dieser Maschine zeigt 2026-11-27 22:00 UTC: Die falsche ist zu stellen; Aufträge werden wieder angenommen, wenn beide übereinstimmen"
	for text, want := range map[string]string{
		"the order expired at 2026-11-27 20:00 UTC":                   "der Auftrag ist abgelaufen, 2026-11-27 20:00 UTC",
		"the order expired at 2026-11-27 20:00 UTC" + doubt:           "der Auftrag ist abgelaufen, 2026-11-27 20:00 UTC" + said,
		"the window ended at 2026-11-27 20:00 UTC" + doubt:            "das Wartungsfenster endete 2026-11-27 20:00 UTC" + said,
		"the window begins only at 2026-11-27 20:00 UTC":              "das Wartungsfenster beginnt erst 2026-11-27 20:00 UTC",
		"order 01JD3Q4T7YB2M8Z1N6X5V0C9AK is still being carried out": "Auftrag 01JD3Q4T7YB2M8Z1N6X5V0C9AK wird noch ausgeführt",
	} {
		if got := de.Say(phrase.Recall(text)); got != want {
			t.Errorf("%q is said as %q", text, got)
		}
	}
}

// unsaid are texts of these files that never leave the machine, or that are no sentences of ours.
func unsaid() []string {
	return []string{
		"2006-01-02 15:04:05 UTC", "2006-01-02 15:04 UTC", "15:04 UTC", "Mon 2 Jan 15:04", "bytes {1}-", "{1} seconds", "{1} {2}s", "in {1} (at {2})", "to finish installing updates", "Stop it first.", // at the machine itself
		"It cannot be put off any more.", "The restart was called off.", "{1} (pid {2})", "apt-mark hold", "exclude or versionlock", "fettle-agent reboot snooze",
		// What package managers and Windows say and are told.
		"App Store", "Software Update", "macOS Installer", "InstallHistory.plist: {1}", "InstallClient: {1}", "InstallSource: {1}", "E: Sub-process /usr/bin/dpkg exited unexpectedly",
		"It is held by process", "is another process using it", "dpkg frontend lock was locked by", "dpkg: error", "No space left on device", "MS DM Server", "Service Pack", "conflicts with",
		"conflicts with file from package", "does not verify", "installing package", "is needed by", "The package {1} needs to be reinstalled", "is obsoleted by", "scriptlet failed", "transaction lock", "_pkgverify_flags 0x0",
		"_pkgverify_level all", "^[A-Za-z0-9][A-Za-z0-9 ._()+:~-]{0,100}$", "^[A-Za-z0-9][A-Za-z0-9 ._(){1}-]{0,200}$",
	}
}
