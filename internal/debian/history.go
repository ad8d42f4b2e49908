package debian

import (
	"bufio"
	"bytes"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxLogLine bounds one line of a log. Longer ones (apt's lists of thousands of packages) are skipped, not cut into wrong ones.
const maxLogLine = 4 << 20

// ParseDpkgLog reads dpkg's own log: one change per "install", "upgrade", "remove" and "purge" line, oldest first. Times are in zone,
// as dpkg writes local time. Lines that are none of these are skipped: the log is a witness, not a database.
func ParseDpkgLog(r io.Reader, zone *time.Location) ([]patch.PkgChange, error) {
	var out []patch.PkgChange
	err := lines(r, func(line []byte) {
		words := strings.Fields(clean(line, 1024))
		if len(words) != 6 || !knownAction(words[2]) {
			return
		}
		at, err := time.ParseInLocation(time.DateTime, words[0]+" "+words[1], zone)
		if err != nil {
			return
		}
		name, arch, _ := strings.Cut(words[3], ":")
		out = append(out, patch.PkgChange{At: at.UTC(), Action: words[2], Name: name, Arch: arch, From: given(words[4]), To: given(words[5])})
	})
	return out, err
}

func knownAction(s string) bool {
	return s == "upgrade" || s == "install" || s == "remove" || s == "purge"
}

func given(version string) string {
	if version == "<none>" {
		return ""
	}
	return version
}

// AptRun is one run of apt as its history tells it.
type AptRun struct {
	Start, End  time.Time // End is zero where apt never wrote it: it was killed
	Commandline string
	RequestedBy string
	Packages    []string // names of what it set out to change
}

// ParseAptHistory reads apt's history.log, oldest first. Times are in zone, as apt writes local time.
func ParseAptHistory(r io.Reader, zone *time.Location) ([]AptRun, error) {
	var out []AptRun
	var run AptRun
	flush := func() {
		if !run.Start.IsZero() {
			out = append(out, run)
		}
		run = AptRun{}
	}
	err := lines(r, func(line []byte) {
		name, value, ok := bytes.Cut(line, []byte(": "))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			flush()
		case !ok:
		case string(name) == "Start-Date":
			run.Start = aptTime(value, zone)
		case string(name) == "End-Date":
			run.End = aptTime(value, zone)
		case string(name) == "Commandline":
			run.Commandline = clean(value, 4096)
		case string(name) == "Requested-By":
			run.RequestedBy = clean(value, 100)
		case slices.Contains([]string{"Install", "Upgrade", "Downgrade", "Reinstall", "Remove", "Purge"}, string(name)):
			run.Packages = append(run.Packages, namesIn(value)...)
		}
	})
	flush()
	return out, err
}

// namesIn reads a list of apt's history: "perl:amd64 (5.36.0-7, 5.36.0-8), libc6:amd64 (2.36-9, automatic)".
func namesIn(list []byte) (names []string) {
	for item := range bytes.SplitSeq(list, []byte("), ")) {
		name, _, _ := bytes.Cut(bytes.TrimSpace(item), []byte(" "))
		name, _, _ = bytes.Cut(name, []byte(":"))
		if len(name) > 0 {
			names = append(names, clean(name, 200))
		}
	}
	return names
}

func aptTime(b []byte, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateTime, strings.Join(strings.Fields(string(b)), " "), zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Run gives what a run of apt says about who did it. mark is what our own command lines contain, file where the run is written.
func (r AptRun) Run(mark, file string) Run {
	out := Run{Start: r.Start, End: r.End, Listed: r.Packages, Evidence: file + ": Commandline: " + clean([]byte(r.Commandline), 160)}
	if r.Commandline == "" {
		out.Evidence = file + ": a run without a command line"
	}
	if r.RequestedBy != "" {
		out.Evidence += "; Requested-By: " + r.RequestedBy
	}
	out.By, out.Who = r.by(mark)
	return out
}

// by names who ran apt, in the words of an administrator.
func (r AptRun) by(mark string) (string, patch.Doer) {
	if mark != "" && strings.Contains(r.Commandline, mark) {
		return "fettle", patch.DoerFettle
	}
	command := path.Base(firstWord(r.Commandline))
	for _, s := range services {
		if strings.HasPrefix(command, s.prefix) {
			return s.name, patch.DoerService
		}
	}
	by := clean([]byte(r.Commandline), 120)
	switch {
	case r.RequestedBy != "":
		return strings.TrimSpace(by + " by " + r.RequestedBy), patch.DoerPerson
	case command == "apt" || command == "aptitude" || command == "synaptic":
		return by + " by somebody as root", patch.DoerPerson // these are not for scripts
	}
	return by, patch.DoerUnknown
}

// services are the beginnings of what patch services write as their command line. PackageKit and aptdaemon write their role.
var services = [...]struct{ prefix, name string }{
	{"unattended-upgrade", patch.UnattendedUpgrades}, {"packagekit", patch.PackageKit}, {"landscape", patch.Landscape}, {"aptdaemon", "aptdaemon"},
	{"cron-apt", patch.CronApt},
}

func firstWord(s string) string {
	for word := range strings.FieldsSeq(s) {
		if !strings.Contains(word, "python") { // "/usr/bin/python3 /usr/bin/unattended-upgrade"
			return word
		}
	}
	return ""
}

// lines calls each with every line; lines beyond maxLogLine are skipped.
func lines(r io.Reader, each func([]byte)) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for {
		chunk, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			if len(long) <= maxLogLine {
				long = append(long, chunk...)
			}
			continue
		}
		line := chunk
		if len(long) > 0 {
			line = append(long, chunk...)
		}
		if len(line) <= maxLogLine && (err == nil || len(line) > 0) {
			each(bytes.TrimRight(line, "\r\n"))
		}
		long = long[:0]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
