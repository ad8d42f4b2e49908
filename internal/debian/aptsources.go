package debian

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// MaxSources bounds one file of apt sources in bytes.
const MaxSources = 1 << 20

// AptEntry is one suite that a machine's apt fetches binary packages of.
type AptEntry struct {
	URI, Suite string
	Components []string
}

// ParseAptSources reads one file of sources.list(5), in the one-line or (its name ends in .sources) the deb822 form. What is disabled
// or for source packages is left out; lines that cannot be read are too.
func ParseAptSources(text []byte, name string) []AptEntry {
	if len(text) > MaxSources {
		return nil
	}
	if strings.HasSuffix(name, ".sources") {
		return stanzaEntries(text)
	}
	var entries []AptEntry
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "deb" {
			continue
		}
		words = words[1:]
		if len(words) > 0 && strings.HasPrefix(words[0], "[") {
			end := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			words = words[end+1:]
		}
		if len(words) >= 2 {
			entries = append(entries, AptEntry{URI: words[0], Suite: words[1], Components: words[2:]})
		}
	}
	return entries
}

func stanzaEntries(text []byte) []AptEntry {
	var entries []AptEntry
	for p, err := range Paragraphs(bytes.NewReader(text)) {
		if err != nil {
			return entries
		}
		enabled := strings.ToLower(strings.TrimSpace(p.Get("Enabled")))
		if !slices.Contains(strings.Fields(p.Get("Types")), "deb") || slices.Contains([]string{"no", "false", "without", "off", "disable", "0"}, enabled) {
			continue
		}
		for _, uri := range strings.Fields(p.Get("URIs")) {
			for _, suite := range strings.Fields(p.Get("Suites")) {
				entries = append(entries, AptEntry{URI: uri, Suite: suite, Components: strings.Fields(p.Get("Components"))})
			}
		}
	}
	return entries
}

// Site is the host that apt's pins call origin; empty for local files.
func (e AptEntry) Site() string {
	u, err := url.Parse(e.URI)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// ListName is the beginning of the names under which apt keeps the suite's files in its lists directory; empty for a flat archive.
func (e AptEntry) ListName() string {
	_, rest, ok := strings.Cut(e.URI, ":")
	if !ok || strings.HasSuffix(e.Suite, "/") {
		return ""
	}
	rest = strings.Trim(rest, "/")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return strings.ReplaceAll(rest+"/dists/"+e.Suite+"/", "/", "_")
}
