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

// readChanges reads the package manager's own history with its rotated files, newest first, and who did each change as far as any log on
// the machine tells. It never fails: what is not there is not listed.
func readChanges(ctx context.Context, root string) []patch.PkgChange {
	zone := readZone(root)
	changes := dpkgChanges(ctx, root, zone)
	byRPM, services := rpmChanges(root)
	changes = append(changes, byRPM...)
	slices.SortStableFunc(changes, func(a, b patch.PkgChange) int { return a.At.Compare(b.At) })
	changes = slices.Clone(changes[max(0, len(changes)-maxChanges):])
	if len(changes) == 0 {
		return []patch.PkgChange{}
	}
	for _, w := range witnesses(zone) {
		runs := readRuns(ctx, root, w, changes[0].At)
		debian.Attribute(changes, runs)
	}
	debian.Attribute(changes, kitRuns(root))
	debian.Attribute(changes, services)
	slices.Reverse(changes)
	return changes
}

func dpkgChanges(ctx context.Context, root string, zone *time.Location) []patch.PkgChange {
	var changes []patch.PkgChange
	for _, name := range rotated("var/log/dpkg.log") {
		if len(changes) >= maxChanges || ctx.Err() != nil {
			break
		}
		older := readLog(root, name, func(r io.Reader) ([]patch.PkgChange, error) { return debian.ParseDpkgLog(r, zone) })
		changes = append(older, changes...)
	}
	return changes
}

// witness is a log that tells who changed packages.
type witness struct {
	name  string
	parse func(r io.Reader, file string) ([]debian.Run, error)
}

// witnesses are the logs that are asked, the one that knows most first.
func witnesses(zone *time.Location) []witness {
	in := func(parse func(io.Reader, *time.Location, string) ([]debian.Run, error)) func(io.Reader, string) ([]debian.Run, error) {
		return func(r io.Reader, file string) ([]debian.Run, error) { return parse(r, zone, file) }
	}
	return []witness{
		{"var/log/apt/history.log", func(r io.Reader, file string) ([]debian.Run, error) {
			all, err := debian.ParseAptHistory(r, zone)
			out := make([]debian.Run, 0, len(all))
			for _, run := range all {
				out = append(out, run.Run(ourMark, file))
			}
			return out, err
		}},
		{"var/log/unattended-upgrades/unattended-upgrades.log", in(debian.ParseUnattended)},
		{"var/log/cron-apt/log", in(debian.ParseCronApt)},
		{"var/log/apt/term.log", in(debian.ParseTermLog)},
	}
}

// readRuns reads a log and its rotated files back to a moment, oldest first.
func readRuns(ctx context.Context, root string, w witness, since time.Time) []debian.Run {
	var runs []debian.Run
	for _, name := range rotated(w.name) {
		if len(runs) > 0 && runs[0].Start.Before(since) || ctx.Err() != nil {
			break
		}
		older := readLog(root, name, func(r io.Reader) ([]debian.Run, error) { return w.parse(r, "/"+name) })
		runs = append(older, runs...)
	}
	return runs
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
