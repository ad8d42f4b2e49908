package web

import (
	"regexp"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// asked is a question about a patch on a machine.
type asked struct{ patch, machine string }

// question understands "why is perl not on web-14", "why isn't perl deployed on web-14?", "why perl on web-14" and "perl on web-14", and the same in German.
func question(s string) (asked, bool) {
	m := regexp.MustCompile(`(?i)^\s*(?:(?:why|warum|wieso)\s+)?(?:is\s+|isn['’]?t\s+|was\s+|wasn['’]?t\s+|ist\s+|fehlt\s+)?(\S+(?:\s+[0-9]\S*)?)\s+(?:is\s+|isn['’]?t\s+|ist\s+|fehlt\s+)?(?:not\s+|nicht\s+)?(?:listed\s+|deployed\s+|installed\s+|patched\s+|there\s+|verteilt\s+|installiert\s+|da\s+)?(?:on|for|to|at|auf|für)\s+(\S+?)\s*\??\s*$`).FindStringSubmatch(s)
	if m == nil || strings.EqualFold(m[1], "why") || strings.EqualFold(m[1], "warum") || strings.EqualFold(m[1], "wieso") {
		return asked{}, false
	}
	return asked{patch: m[1], machine: m[2]}, true
}

func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(strings.TrimSpace(part)))
}

// names reports whether what was typed names a machine: part of its name, its address or the start of its id.
func names(m patch.Machine, typed string) bool {
	typed = strings.TrimSpace(typed)
	return typed != "" && (contains(m.Name, typed) || strings.HasPrefix(string(m.ID), strings.ToLower(typed)) || strings.Contains(m.Address, typed))
}
