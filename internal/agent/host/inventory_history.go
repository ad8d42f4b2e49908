package host

import (
	"compress/gzip"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	// maxChanges caps "installed patches (via inventory)", newest first.
	maxChanges = 1000
	// maxLog bounds one log file, unpacked.
	maxLog = 64 << 20
	// maxRotated is how many rotated files of a log are looked at.
	maxRotated = 12
	// ourMark is in every command line of apt that Fettle starts.
	ourMark = "Fettle::Attempt="
)

// readChanges reads dpkg's own history with its rotated files, newest first, and who did each as far as apt's history tells.
// It never fails: what is not there is not listed.
func readChanges(ctx context.Context, root string) []patch.PkgChange {
	zone := readZone(root)
	var changes []patch.PkgChange
	for _, name := range rotated("var/log/dpkg.log") {
		if len(changes) >= maxChanges || ctx.Err() != nil {
			break
		}
		older := readLog(root, name, func(r io.Reader) ([]patch.PkgChange, error) { return debian.ParseDpkgLog(r, zone) })
		changes = append(older, changes...)
	}
	changes = slices.Clone(changes[max(0, len(changes)-maxChanges):])
	if len(changes) == 0 {
		return []patch.PkgChange{}
	}
	var runs []debian.AptRun
	for _, name := range rotated("var/log/apt/history.log") {
		if len(runs) > 0 && runs[0].Start.Before(changes[0].At) || ctx.Err() != nil {
			break
		}
		older := readLog(root, name, func(r io.Reader) ([]debian.AptRun, error) { return debian.ParseAptHistory(r, zone) })
		runs = append(older, runs...)
	}
	debian.Attribute(changes, runs, ourMark)
	slices.Reverse(changes)
	return changes
}

// rotated names a log and its rotated files as logrotate does, newest first.
func rotated(name string) []string {
	out := []string{name, name + ".1"}
	for i := range maxRotated {
		out = append(out, name+"."+strconv.Itoa(i+1)+".gz")
	}
	return out
}

// readLog gives what a log says, or as much of it as can be read.
func readLog[T any](root, name string, parse func(io.Reader) ([]T, error)) []T {
	f, err := openIn(root, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil
		}
		defer z.Close()
		r = z
	}
	out, _ := parse(io.LimitReader(r, maxLog))
	return out
}

// readZone is the zone in which the machine writes its logs; UTC where it cannot be told.
func readZone(root string) *time.Location {
	if live(root) {
		return time.Local
	}
	if b, err := readLimited(root, "etc/localtime", maxSmall); err == nil {
		if zone, err := time.LoadLocationFromTZData("machine", b); err == nil {
			return zone
		}
	}
	if name := line(root, "etc/timezone"); name != "" && !strings.Contains(name, "..") {
		if b, err := readLimited(root, "usr/share/zoneinfo/"+name, maxSmall); err == nil {
			if zone, err := time.LoadLocationFromTZData(name, b); err == nil {
				return zone
			}
		}
	}
	return time.UTC
}
