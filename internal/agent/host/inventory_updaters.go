package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// readUpdaters lists the other patch services that are installed and enabled, sorted by name.
func readUpdaters(root string, packages []patch.Package) []string {
	installed := func(name string) bool {
		return slices.ContainsFunc(packages, func(p patch.Package) bool { return p.Name == name && p.State == patch.Installed })
	}
	var out []string
	if installed("cron-apt") {
		out = append(out, "cron-apt")
	}
	if installed("landscape-client") && line(root, "etc/landscape/client.conf") != "" {
		out = append(out, "landscape")
	}
	if installed("packagekit") && !masked(root, "packagekit.service") {
		out = append(out, "packagekit")
	}
	if installed("unattended-upgrades") && !masked(root, "apt-daily-upgrade.timer") && !masked(root, "apt-daily-upgrade.service") {
		conf := readAptConf(root)
		if on(conf["apt::periodic::unattended-upgrade"]) && conf["apt::periodic::enable"] != "0" {
			out = append(out, "unattended-upgrades")
		}
	}
	return out
}

// on reads apt's way of saying how often: "0" and nothing are never, "1" is daily, "always" and "12h" are periods.
func on(value string) bool { return value != "" && strings.Trim(value, "0") != "" }

// masked reports whether an administrator took a systemd unit out of service.
func masked(root, unit string) bool {
	to, err := os.Readlink(filepath.Join(root, "etc/systemd/system", unit))
	return err == nil && to == "/dev/null"
}

// readAptConf reads apt.conf.d and apt.conf in apt's order; later settings win. Names are in lower case, as apt compares them.
func readAptConf(root string) map[string]string {
	out := map[string]string{}
	for _, name := range namesIn(root, "etc/apt/apt.conf.d") {
		if ext := filepath.Ext(name); ext != "" && ext != ".conf" {
			continue
		}
		if b, err := readLimited(root, "etc/apt/apt.conf.d/"+name, maxSmall*16); err == nil {
			parseAptConf(string(b), out)
		}
	}
	if b, err := readLimited(root, "etc/apt/apt.conf", maxSmall*16); err == nil {
		parseAptConf(string(b), out)
	}
	return out
}

// parseAptConf understands both ways of writing apt.conf(5): A::B "v"; and A { B "v"; };
func parseAptConf(text string, out map[string]string) {
	var scope []string
	var words []string
	for _, token := range aptTokens(text) {
		switch token {
		case "{":
			scope = append(scope, strings.Join(words, " "))
			words = nil
		case "}":
			scope = scope[:max(0, len(scope)-1)]
			words = nil
		case ";":
			if len(words) >= 2 {
				out[strings.ToLower(strings.Join(append(slices.Clone(scope), words[0]), "::"))] = words[1]
			}
			words = nil
		default:
			words = append(words, token)
		}
	}
}

func aptTokens(s string) []string {
	var out []string
	for len(s) > 0 {
		switch c := s[0]; {
		case strings.HasPrefix(s, "//") || c == '#':
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			_, s, _ = strings.Cut(s, "*/")
		case strings.IndexByte("{};", c) >= 0:
			out, s = append(out, s[:1]), s[1:]
		case c == '"':
			value, rest, _ := strings.Cut(s[1:], `"`)
			out, s = append(out, value), rest
		case c <= ' ':
			s = s[1:]
		default:
			n := strings.IndexAny(s, " \t\r\n{};\"")
			if n < 0 {
				n = len(s)
			}
			out, s = append(out, s[:n]), s[n:]
		}
	}
	return out
}
