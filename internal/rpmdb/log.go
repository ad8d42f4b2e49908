package rpmdb

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"time"
)

// maxLogLine bounds a line of dnf's log; longer ones are skipped.
const maxLogLine = 4096

// Logged is one line of dnf.rpm.log: what rpm did, without a word about who asked.
type Logged struct {
	At time.Time
	Item
}

// ParseLog reads dnf.rpm.log, oldest first: "2026-11-26T09:33:36+0000 SUBDEBUG Upgrade: bash-5.2-1.el9.x86_64". Other lines are skipped. Only
// the newest 20,000 are given.
func ParseLog(r io.Reader) ([]Logged, error) {
	var out []Logged
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, maxLogLine), maxLogLine)
	in.Split(shortLines)
	for in.Scan() {
		words := strings.Fields(strings.ToValidUTF8(in.Text(), "\uFFFD"))
		if len(words) != 4 || words[1] != "SUBDEBUG" {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05-0700", words[0])
		p, ok := splitNEVRA(words[3])
		if err != nil || !ok {
			continue
		}
		out = logged(out, at.UTC(), strings.TrimSuffix(words[2], ":"), p)
		if len(out) >= 2*maxItems {
			out = slices.Delete(out, 0, maxItems)
		}
	}
	return out[max(0, len(out)-maxItems):], in.Err()
}

// logged adds a line. dnf writes the old package of an upgrade on a line of its own, after the new one.
func logged(out []Logged, at time.Time, what string, p pkg) []Logged {
	actions := map[string]string{"Installed": "install", "Upgrade": "upgrade", "Downgrade": "downgrade", "Erase": "remove", "Reinstall": "reinstall",
		"Upgraded": replaced, "Downgraded": replaced}
	action := actions[what]
	if action == "" {
		return out
	}
	if action == replaced {
		for i := len(out) - 1; i >= max(0, len(out)-maxTransactions); i-- {
			if x := &out[i]; x.Name == p.name && x.Arch == p.arch && x.From == "" && (x.Action == "upgrade" || x.Action == "downgrade") {
				x.From = p.version
				break
			}
		}
		return out
	}
	x := Logged{At: at, Item: Item{Action: action, Name: p.name, Arch: p.arch, To: p.version}}
	if action == "remove" {
		x.From, x.To = p.version, ""
	}
	return append(out, x)
}

// splitNEVRA parts "bash-0:5.2-1.el9.x86_64" into its name, architecture and version.
func splitNEVRA(s string) (p pkg, ok bool) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return p, false
	}
	rest, arch := s[:dot], s[dot+1:]
	release := strings.LastIndexByte(rest, '-')
	if release < 0 {
		return p, false
	}
	version := strings.LastIndexByte(rest[:release], '-')
	if version <= 0 || arch == "" || version+1 == release || release+1 == len(rest) {
		return p, false
	}
	return pkg{name: rest[:version], arch: arch, version: strings.TrimPrefix(rest[version+1:], "0:")}, true
}

// shortLines splits at line ends; a line that does not fit comes in pieces, none of which looks like a line of the log.
func shortLines(b []byte, end bool) (int, []byte, error) {
	n, line, err := bufio.ScanLines(b, end)
	if n == 0 && len(b) >= maxLogLine-1 {
		return len(b), []byte{}, nil
	}
	return n, line, err
}
