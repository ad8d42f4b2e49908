// Command bench prints Fettle's figures beside those of its peers, measured in one run on one machine. Ratios travel; absolute
// times belong to the machine they were taken on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const release = "bookworm"

func main() {
	if len(os.Args) > 2 && os.Args[1] == weigh {
		weighOne(os.Args[2:])
	}
	o := options{}
	flag.IntVar(&o.fleet, "fleet", 10_000, "how many machines the simulated fleet has")
	flag.StringVar(&o.only, "only", "", "measure only this part: fleet, console or windows")
	flag.StringVar(&o.keep, "keep", "", "with -only console or fleet: keep the filled appliance in this folder, and take it from there the next time")
	flag.StringVar(&o.page, "page", "", "with -only console: only pages whose address has this in it")
	flag.IntVar(&o.patches, "patches", 0, "simulate so many patches instead of taking the release's own lists")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// report collects lines of a table and whether every goal was met.
type report struct {
	rows   [][]string
	missed int
}

func (r *report) add(what, ours, peer, ratio, goal string, met bool) {
	mark := "met"
	if !met {
		mark = "MISSED"
		r.missed++
	}
	r.rows = append(r.rows, []string{what, ours, peer, ratio, goal, mark})
}

func (r *report) print() {
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "what\tFettle\tpeer\tratio\tgoal\t")
	for _, row := range r.rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// options are what is measured.
type options struct {
	fleet, patches int
	only, keep     string
	page           string
}

func run(ctx context.Context, o options) error {
	var r report
	if o.only == "windows" {
		dir, err := os.MkdirTemp("/var/tmp", "fettle-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := benchWindows(ctx, &r, dir); err != nil {
			return err
		}
		return r.conclude()
	}
	archive, err := lab.ReadArchive(ctx)
	if err != nil {
		return err
	}
	if o.only == "fleet" {
		if err := benchFleet(ctx, &r, o, archive); err != nil {
			return err
		}
		return r.conclude()
	}
	if o.only == "console" {
		if err := benchConsole(ctx, &r, o, archive); err != nil {
			return err
		}
		return r.conclude()
	}
	fmt.Println("making the root …")
	base, err := lab.MakeRoot(ctx, lab.CacheDir(), archive, lab.Big(release))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/var/tmp", "fettle-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	root := filepath.Join(dir, "root")
	if err := lab.CopyWithApt(ctx, base, root, archive, release); err != nil {
		return err
	}
	bundle := filepath.Join(dir, "bundle")
	for _, part := range []func() error{
		func() error { return benchCatalog(ctx, &r, root, bundle) },
		func() error { return benchDetect(ctx, &r, root, bundle, dir) },
		func() error { return benchFlaws(ctx, &r, root, dir) },
		func() error { return benchPrediction(ctx, &r) },
		func() error { return benchWindows(ctx, &r, dir) },
		func() error { return benchIdle(ctx, &r, archive, base, dir) },
		func() error { return benchFleet(ctx, &r, o, archive) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return r.conclude()
}

// conclude prints the table; missed goals are an error.
func (r *report) conclude() error {
	r.print()
	if r.missed > 0 {
		return fmt.Errorf("%d goals missed", r.missed)
	}
	return nil
}

func benchCatalog(ctx context.Context, r *report, root, bundle string) error {
	lists := filepath.Join(root, "var/lib/apt/lists")
	fmt.Println("building the catalog from fetched indexes …")
	c, err := measure(ctx, 3, "bin/fettle", "catalog", "build", "-o", bundle, "--apt-lists", lists)
	if err != nil {
		return err
	}
	r.add("catalog build, three suites", seconds(c.wall), "", "", "≤ 5 s", c.wall <= 5*time.Second)
	var packages int64
	indexes, err := filepath.Glob(filepath.Join(lists, "*_Packages"))
	if err != nil || len(indexes) == 0 {
		return fmt.Errorf("no package indexes in %s: %v", lists, err)
	}
	for _, f := range indexes {
		st, err := os.Stat(f)
		if err != nil {
			return err
		}
		packages += st.Size()
	}
	list, signatures, err := bundleSizes(bundle)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name  string
		bytes int64
		goal  float64
	}{{"signatures of Debian 12", signatures, 1}, {"list of Debian 12", list, 6}} {
		share := 100 * float64(part.bytes) / float64(packages)
		r.add(part.name, fmt.Sprintf("%d kB", part.bytes/1000), fmt.Sprintf("Packages: %d kB", packages/1000), fmt.Sprintf("%.2f %%", share),
			fmt.Sprintf("≤ %.0f %%", part.goal), share <= part.goal)
	}
	return nil
}

func benchDetect(ctx context.Context, r *report, root, bundle, dir string) error {
	fmt.Println("detect beside apt-get -s dist-upgrade …")
	apt, err := measure(ctx, 5, "chroot", root, "apt-get", "-s", "dist-upgrade")
	if err != nil {
		return err
	}
	ours, err := measure(ctx, 21, "bin/fettle", "detect", "--catalog", bundle, "--root", root, "--snapshot", filepath.Join(dir, "snapshot"))
	if err != nil {
		return err
	}
	speed := float64(apt.wall) / float64(ours.wall)
	r.add("detect, whole process", seconds(ours.wall), "apt-get -s: "+seconds(apt.wall), fmt.Sprintf("%.0f×", speed), "≥ 50×", speed >= 50)
	memory := float64(apt.kib) / float64(ours.kib)
	r.add("detect, peak memory", mib(ours.kib), "apt-get -s: "+mib(apt.kib), fmt.Sprintf("1/%.1f", memory), "≤ 1/4", memory >= 4)
	return nil
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func mib(kib int64) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }
