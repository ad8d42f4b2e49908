package debian

import (
	"bufio"
	"bytes"
	"io"
	"path"
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
		}
	})
	flush()
	return out, err
}

func aptTime(b []byte, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateTime, strings.Join(strings.Fields(string(b)), " "), zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// By names who ran apt, in the words of an administrator. mark is what our own command lines contain.
func (r AptRun) By(mark string) string {
	command := path.Base(firstWord(r.Commandline))
	switch {
	case mark != "" && strings.Contains(r.Commandline, mark):
		return "fettle"
	case strings.HasPrefix(command, "unattended-upgrade"):
		return "unattended-upgrades"
	case strings.HasPrefix(r.Commandline, "packagekit"):
		return "packagekit"
	case strings.HasPrefix(command, "landscape"):
		return "landscape"
	}
	by := clean([]byte(r.Commandline), 120)
	if r.RequestedBy != "" {
		by = strings.TrimSpace(by + " by " + r.RequestedBy)
	}
	return by
}

func firstWord(s string) string {
	for word := range strings.FieldsSeq(s) {
		if !strings.Contains(word, "python") { // "/usr/bin/python3 /usr/bin/unattended-upgrade"
			return word
		}
	}
	return ""
}

// Attribute fills By of changes (oldest first) from the apt run (oldest first) in which each happened.
func Attribute(changes []patch.PkgChange, runs []AptRun, mark string) {
	at := 0
	for i := range changes {
		for at+1 < len(runs) && !runs[at+1].Start.After(changes[i].At) {
			at++
		}
		if at < len(runs) && runs[at].covers(changes[i].At) {
			changes[i].By = runs[at].By(mark)
		}
	}
}

func (r AptRun) covers(t time.Time) bool {
	end := r.End
	if end.IsZero() {
		end = r.Start.Add(time.Hour)
	}
	return !t.Before(r.Start) && !t.After(end)
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
