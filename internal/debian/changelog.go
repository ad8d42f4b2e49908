package debian

import (
	"bufio"
	"io"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Change is one entry of a Debian changelog (deb-changelog(5)).
type Change struct {
	Source, Version string
	Suites          []string
	Urgency         string
	Date            time.Time // zero where its trailer is malformed, as in old entries
	CVEs            []string  // sorted
	Text            string    // the lines between header and trailer, capped
}

const (
	maxChanges    = 200
	maxChangeText = 32 << 10
)

type changelogGrammar struct{ header, cve *regexp.Regexp }

func grammar() changelogGrammar {
	return changelogGrammar{
		header: regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*) \(([^()\s]+)\)((?: +[A-Za-z0-9+.~_-]+)*) *;(.*)$`),
		cve:    regexp.MustCompile(`\bCVE-[0-9]{4}-[0-9]{4,8}\b`),
	}
}

// ParseChangelog reads the newest entries of a changelog, 200 at most. Lines that belong to no entry are skipped, because old
// changelogs are full of them; a changelog in another format gives no entries.
func ParseChangelog(r io.Reader) ([]Change, error) {
	g := grammar()
	var all []Change
	var text strings.Builder
	open := false
	finish := func() {
		if !open {
			return
		}
		c := &all[len(all)-1]
		c.Text = strings.Trim(text.String(), "\n")
		c.CVEs = g.cve.FindAllString(c.Text, -1)
		slices.Sort(c.CVEs)
		c.CVEs = slices.Compact(c.CVEs)
		open = false
	}
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 0, 64<<10), 1<<20)
	for scan.Scan() {
		line := strings.ToValidUTF8(scan.Text(), "�")
		if m := g.header.FindStringSubmatch(line); m != nil {
			finish()
			if len(all) == maxChanges {
				return all, nil
			}
			all = append(all, Change{Source: m[1], Version: m[2], Suites: strings.Fields(m[3]), Urgency: urgency(m[4])})
			text.Reset()
			open = true
			continue
		}
		if trailer, ok := strings.CutPrefix(line, " -- "); ok && open {
			all[len(all)-1].Date = trailerDate(trailer)
			finish()
			continue
		}
		if open && text.Len()+len(line) < maxChangeText {
			text.WriteString(line)
			text.WriteByte('\n')
		}
	}
	finish()
	if err := scan.Err(); err != nil {
		return nil, fault("cannot read the changelog: %w", err)
	}
	return all, nil
}

func urgency(fields string) string {
	for f := range strings.SplitSeq(fields, ",") {
		k, v, _ := strings.Cut(f, "=")
		if strings.EqualFold(strings.TrimSpace(k), "urgency") {
			v, _, _ = strings.Cut(strings.TrimSpace(v), " ")
			return strings.ToLower(v)
		}
	}
	return ""
}

// trailerDate reads what follows the two blanks after the maintainer's address.
func trailerDate(s string) time.Time {
	i := strings.LastIndex(s, ">")
	if i < 0 {
		return time.Time{}
	}
	t, err := mail.ParseDate(strings.TrimSpace(s[i+1:]))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
