package debian

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of an apt configuration.
const (
	MaxAptConf    = 1 << 20
	maxAptOptions = 20_000
	maxAptDepth   = 30
)

// AptConf is apt's configuration: options by their full names in lower case ("apt::default-release"), as apt.conf(5) has them.
// Anonymous list members are left out.
type AptConf map[string]string

// ParseAptConf reads one file of apt's configuration over what was read before; the later one wins. What it cannot make sense of it
// skips, as far as the next semicolon: unlike a package database, a configuration is not all or nothing.
func ParseAptConf(text []byte, before AptConf) AptConf {
	conf := maps.Clone(before)
	if conf == nil {
		conf = AptConf{}
	}
	if len(text) > MaxAptConf {
		return conf
	}
	var scopes, words []string
	for _, t := range confTokens(string(text)) {
		switch t {
		case "{":
			if name := strings.Join(words, ""); len(scopes) < maxAptDepth {
				scopes = append(scopes, name)
			}
			words = nil
		case "}":
			scopes, words = scopes[:max(0, len(scopes)-1)], nil
		case ";":
			conf.take(scopes, words)
			words = nil
		default:
			words = append(words, t)
		}
	}
	return conf
}

// take stores one option, or clears a tree of them.
func (c AptConf) take(scopes, words []string) {
	if len(words) == 2 && words[0] == "#clear" {
		name := strings.ToLower(words[1])
		maps.DeleteFunc(c, func(k, _ string) bool { return k == name || strings.HasPrefix(k, name+"::") })
		return
	}
	if len(words) != 2 || strings.HasSuffix(words[0], "::") || len(c) >= maxAptOptions {
		return
	}
	name := strings.ToLower(strings.Join(append(slices.Clone(scopes), words[0]), "::"))
	c[name] = strings.Trim(words[1], `"`)
}

// confTokens cuts a configuration into words, quoted values, braces and semicolons, without comments.
func confTokens(s string) []string {
	var tokens []string
	for s != "" {
		switch {
		case s[0] <= ' ':
			s = s[1:]
		case strings.HasPrefix(s, "//"), s[0] == '#' && !strings.HasPrefix(s, "#clear") && !strings.HasPrefix(s, "#include"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			_, s, _ = strings.Cut(s, "*/")
		case strings.IndexByte("{};", s[0]) >= 0:
			tokens, s = append(tokens, s[:1]), s[1:]
		case s[0] == '"':
			value, rest, _ := strings.Cut(s[1:], `"`)
			tokens, s = append(tokens, `"`+value+`"`), rest
		default:
			end := strings.IndexAny(s, " \t\r\n{};\"")
			if end < 0 {
				end = len(s)
			}
			tokens, s = append(tokens, s[:end]), s[end:]
		}
	}
	return tokens
}

// Bool gives an option that is a yes or no; the first of several names that is set decides.
func (c AptConf) Bool(names ...string) bool {
	for _, name := range names {
		if v, set := c[strings.ToLower(name)]; set {
			v = strings.ToLower(strings.TrimSpace(v))
			n, err := strconv.Atoi(v)
			return slices.Contains([]string{"yes", "true", "with", "on", "enable"}, v) || err == nil && n != 0
		}
	}
	return false
}

// Get gives an option; empty where it is not set.
func (c AptConf) Get(name string) string { return c[strings.ToLower(name)] }
