package debian

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Run is a time in which one hand changed packages, by some log of the machine.
type Run struct {
	Start, End time.Time // End is zero where it was never written: the run was killed, or goes on
	By         string
	Who        patch.Doer
	Evidence   string
	Names      []string // the packages that it was about; none: the log does not tell
	Listed     []string // packages that it was about, and maybe others: a log does not tell all
	Like       string   // what a command line that another log wrote must contain to be of this run; empty: none is
}

// openRun is how long a run without an end is taken to have lasted.
const openRun = 75 * time.Minute

func (r Run) covers(c patch.PkgChange) bool {
	end := r.End
	if end.IsZero() {
		end = r.Start.Add(openRun)
	}
	return !c.At.Before(r.Start) && !c.At.After(end) && (len(r.Names) == 0 || slices.Contains(r.Names, c.Name))
}

// improves reports whether the run says more about a change that it covers than is known.
func (r Run) improves(c patch.PkgChange) bool {
	if c.Evidence == "" || c.By == "" {
		return true
	}
	return r.Like != "" && c.Who == patch.DoerUnknown && strings.Contains(c.By, r.Like)
}

// Attribute fills in who did changes (oldest first) of which that is not known yet, from the runs (oldest first) in which they happened. Of
// runs that overlap one that lists the package counts, and else the one that began last: logs tell whole seconds, and two runs may share one.
func Attribute(changes []patch.PkgChange, runs []Run) {
	at := 0
	for i := range changes {
		c := &changes[i]
		for at < len(runs) && !runs[at].Start.After(c.At) {
			at++
		}
		if r := whose(*c, runs[max(0, at-overlapping):at]); r != nil {
			evidence := r.Evidence
			if c.Evidence != "" {
				evidence = c.Evidence + "; " + evidence
			}
			c.By, c.Who, c.Evidence = r.By, r.Who, evidence
		}
	}
}

// whose finds the run that a change belongs to among those that had begun by then; nil where none says more than is known.
func whose(c patch.PkgChange, runs []Run) (found *Run) {
	for i := range slices.Backward(runs) {
		r := &runs[i]
		switch {
		case !r.covers(c) || !r.improves(c):
		case slices.Contains(r.Listed, c.Name):
			return r
		case found == nil:
			found = r
		}
	}
	return found
}

// overlapping is how many runs back an overlap is looked for: package managers lock each other out.
const overlapping = 8

// maxRuns bounds what one log may claim.
const maxRuns = 20_000

// stamped is the time at the beginning of a line of Python's logging: "2026-11-21 06:25:01,123 INFO ".
var stamped = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{1,6} [A-Z]+ (.*)$`)
})

// ParseUnattended reads unattended-upgrades' own log, oldest first: a run for each time that it began to install. Times are in zone. file
// names the log in the evidence.
func ParseUnattended(r io.Reader, zone *time.Location, file string) ([]Run, error) {
	var out []Run
	open := false
	err := lines(r, func(line []byte) {
		m := stamped().FindSubmatch(line)
		if m == nil {
			return
		}
		at := aptTime(m[1], zone)
		if at.IsZero() {
			return
		}
		if names, ok := strings.CutPrefix(string(m[2]), "Packages that will be upgraded: "); ok && len(out) < maxRuns {
			out = append(out, Run{Start: at, By: patch.UnattendedUpgrades, Who: patch.DoerService, Names: strings.Fields(clean([]byte(names), 1<<16)),
				Evidence: file + ": " + clean(line, 160)})
			open = true
		} else if open && (string(m[2]) == "All upgrades installed" || strings.HasPrefix(string(m[2]), "Starting unattended upgrades")) {
			out[len(out)-1].End = at
			open = false
		}
	})
	return out, err
}

// ParseTermLog reads apt's term.log, oldest first: that apt ran, where history.log was lost. Times are in zone.
func ParseTermLog(r io.Reader, zone *time.Location, file string) ([]Run, error) {
	var out []Run
	err := lines(r, func(line []byte) {
		if at, ok := strings.CutPrefix(string(line[:min(len(line), 64)]), "Log started: "); ok {
			if t := aptTime([]byte(at), zone); !t.IsZero() && len(out) < maxRuns {
				out = append(out, Run{Start: t, By: "apt", Evidence: file + ": " + clean(line, 64)})
			}
		} else if at, ok := strings.CutPrefix(string(line[:min(len(line), 64)]), "Log ended: "); ok && len(out) > 0 && out[len(out)-1].End.IsZero() {
			out[len(out)-1].End = aptTime([]byte(at), zone)
		}
	})
	return out, err
}

// ParseCronApt reads cron-apt's log, oldest first: "CRON-APT RUN [/etc/cron-apt/config]: Sat Nov 21 04:00:01 CET 2026". It then sleeps for up
// to an hour, and calls apt-get with its option quiet=1.
func ParseCronApt(r io.Reader, zone *time.Location, file string) ([]Run, error) {
	var out []Run
	err := lines(r, func(line []byte) {
		text := clean(line, 200)
		_, at, ok := strings.Cut(text, "]: ")
		if !ok || !strings.HasPrefix(text, "CRON-APT RUN [") || len(out) == maxRuns {
			return
		}
		words := strings.Fields(at)
		if len(words) != 6 {
			return
		}
		words = slices.Delete(words, 4, 5) // the zone's abbreviation means nothing certain
		t, err := time.ParseInLocation("Mon Jan 2 15:04:05 2006", strings.Join(words, " "), zone)
		if err == nil {
			out = append(out, Run{Start: t.UTC(), By: patch.CronApt, Who: patch.DoerService, Like: "quiet=1", Evidence: file + ": " + text})
		}
	})
	return out, err
}
