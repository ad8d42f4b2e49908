package host

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// classifyRPM turns the output of an rpm that failed into a Failure. Lines that name another cause than the patch are known.
func classifyRPM(out []byte, err error) *Failure {
	if f := timedOut(err, out); f != nil {
		return f
	}
	f := &Failure{Cause: patch.FailPatch, Text: "rpm failed: " + err.Error(), Log: lastPart(out)}
	var said []string
	words := "" // the line before, where it is a script's own
	for raw := range strings.Lines(string(out)) {
		line := strings.TrimSpace(raw)
		switch {
		case strings.Contains(line, "transaction lock"):
			f.Cause, f.Text = patch.FailLock, "busy: "+strings.TrimPrefix(line, "error: ")
			return f
		case strings.HasPrefix(line, "installing package ") && strings.Contains(line, " needs "), strings.Contains(line, "No space left on device"):
			f.Cause, f.Text = patch.FailDisk, "no room: "+line
			return f
		case strings.Contains(line, "does not verify:"):
			f.Cause, f.Text = patch.FailUntrusted, line
			return f
		case strings.HasPrefix(line, "error: "), strings.Contains(line, fileConflict), strings.Contains(line, " scriptlet failed"):
			if len(said) < 3 {
				said = append(said, strings.TrimPrefix(line, "error: "))
				if words != "" && strings.Contains(line, " scriptlet failed") {
					said[len(said)-1] += ", and said: " + tidy(words, 200)
				}
			}
		}
		if words = line; rpmsOwn(line) {
			words = ""
		}
	}
	if len(said) > 0 {
		f.Text += "; " + strings.Join(said, "; ")
	}
	return f
}
