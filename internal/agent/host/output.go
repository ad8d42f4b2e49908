package host

import (
	"bytes"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// classify turns the end of a failed program's output into a Failure. Lines of apt and dpkg that name another cause than the patch are known.
func classify(out []byte, err error) *Failure {
	if f := timedOut(err, out); f != nil {
		return f
	}
	f := &Failure{Cause: patch.FailPatch, Text: "the package manager failed: " + err.Error(), Log: lastPart(out)}
	if bySignal(err) {
		f.Cause, f.Killed = patch.FailInterrupted, true
	}
	open := false // dpkg names the package and says in the next line what is wrong with it
	words := ""   // the last line before that, which is a script's own where dpkg says that it was a script
	for raw := range bytes.Lines(out) {
		line := strings.TrimSpace(string(raw))
		switch {
		case strings.Contains(line, "It is held by process"), strings.Contains(line, "is another process using it"), strings.Contains(line, "dpkg frontend lock was locked by"):
			f.Cause, f.Text = patch.FailLock, "busy: "+strings.TrimPrefix(line, "E: ")
			f.Untouched = strings.Contains(line, "It is held by process") // apt takes the lock before anything else
			return f
		case strings.Contains(line, "No space left on device"):
			f.Cause, f.Text = patch.FailDisk, "no room: "+line
			return f
		case strings.HasPrefix(line, "E: Sub-process /usr/bin/dpkg exited unexpectedly"):
			f.Cause, f.Text = patch.FailInterrupted, f.Text+"; dpkg was killed"
		case strings.HasPrefix(line, "dpkg: error"), strings.HasPrefix(line, "E: "):
			if f.Cause == patch.FailPatch && !strings.Contains(f.Text, "; ") {
				f.Text += "; " + tidy(strings.TrimPrefix(line, "E: "), 500)
				open = strings.HasSuffix(line, ":")
			}
		case open && line != "":
			f.Text += " " + tidy(line, 200)
			if words != "" && blamesScript(line) {
				f.Text += ", and said: " + tidy(words, 200)
			}
			open = false
		case line != "" && !open:
			if words = line; dpkgsOwn(line) {
				words = ""
			}
		}
	}
	return f
}

func lastPart(out []byte) string {
	var t tail
	t.Write(out)
	return t.String()
}
