package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// kernelState compares what runs with what is installed.
type kernelState struct {
	running        string // release, as uname -r says
	runningPackage string // version of the package it was built as, where the kernel says so
	newest         string // newest installed release of the same flavour, or of any where none of the same is installed
	newestPackage  string // its package's version; empty for a kernel without a package
	sameFlavour    bool
}

// readKernel finds the installed kernels: packages linux-image-<release>, else files /boot/vmlinuz-<release>.
func readKernel(root string, packages []patch.Package) kernelState {
	k := kernelState{running: line(root, "proc/sys/kernel/osrelease")}
	words := strings.Fields(line(root, "proc/sys/kernel/version")) // "#1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)"
	if at := slices.Index(words, "Debian"); at >= 0 && at+1 < len(words) && version.DpkgValid(words[at+1]) == nil {
		k.runningPackage = words[at+1]
	}
	for _, p := range packages {
		release, ok := strings.CutPrefix(p.Name, "linux-image-")
		release = strings.TrimPrefix(release, "unsigned-")
		if newer, of := rpmKernel(p, k.running); of {
			k.consider(newer, "")
		}
		if ok && !strings.HasSuffix(release, "-dbg") && p.State == patch.Installed && release != "" && release[0] >= '0' && release[0] <= '9' {
			k.consider(release, p.Version)
		}
	}
	if k.newest == "" {
		for _, name := range namesIn(root, "boot") {
			if release, ok := strings.CutPrefix(name, "vmlinuz-"); ok && release != "" {
				k.consider(tidy(release, 100), "")
			}
		}
	}
	return k
}

// rpmKernel gives the release of the kernel that an rpm package brings, if it is of the running kernel's flavour: kernel-core for
// "5.14.0-503.el9.x86_64", kernel-rt-core for "5.14.0-503.el9.x86_64+rt". Of kernels alone, and not of their modules or headers.
func rpmKernel(p patch.Package, running string) (release string, ok bool) {
	flavour := "kernel"
	if _, f, marked := strings.Cut(running, "+"); marked {
		flavour += "-" + f
	}
	switch {
	case p.Name == flavour, p.Name == flavour+"-core":
	case strings.Contains(running, "uek.") && strings.HasPrefix(p.Name, "kernel-uek"), strings.HasSuffix(running, "-default") && p.Name == "kernel-default":
	default:
		return "", false
	}
	_, evr, found := strings.Cut(p.Version, ":")
	if !found {
		evr = p.Version
	}
	if strings.HasSuffix(running, "-default") {
		return evr + "-default", version.InstallOnly(p.Name)
	}
	release = evr + "." + p.Arch
	if _, f, marked := strings.Cut(running, "+"); marked {
		release += "+" + f
	}
	return release, version.InstallOnly(p.Name)
}

// consider takes a kernel as the newest if it is: one of the running kernel's flavour comes before any other.
func (k *kernelState) consider(release, pkg string) {
	number, name := splitRelease(release)
	_, running := splitRelease(k.running)
	same := name == running
	best, _ := splitRelease(k.newest)
	switch {
	case k.newest == "" || same && !k.sameFlavour:
	case same != k.sameFlavour || compareReleases(number, best) <= 0:
		return
	}
	k.newest, k.newestPackage, k.sameFlavour = release, pkg, same
}

// splitRelease parts "6.1.0-40-cloud-amd64" into "6.1.0-40" and its flavour "cloud-amd64".
func splitRelease(release string) (number, flavour string) {
	parts := strings.Split(release, "-")
	n := 1
	for n < len(parts) && n < 2 && parts[n] != "" && parts[n][0] >= '0' && parts[n][0] <= '9' {
		n++
	}
	n = min(n, len(parts))
	return strings.Join(parts[:n], "-"), strings.Join(parts[n:], "-")
}

// compareReleases orders kernel releases by dpkg's rules, so that 6.12.101+deb13 comes after 6.12.96+deb13.
func compareReleases(a, b string) int {
	if version.DpkgValid(a) != nil || version.DpkgValid(b) != nil {
		if n, err := version.Compare(version.RPM, a, b); err == nil {
			return n
		}
		return strings.Compare(a, b)
	}
	return version.DpkgCompare(a, b)
}

// rebootSignal tells from the present state alone whether a reboot is owed.
func rebootSignal(root string, k kernelState) patch.RebootSignal {
	var r patch.RebootSignal
	if reason := rebootRequested(root); reason != "" {
		r.Reasons = append(r.Reasons, reason)
	}
	if k.running != "" && k.newest != "" && k.sameFlavour {
		running, _ := splitRelease(k.running)
		newest, _ := splitRelease(k.newest)
		switch c := compareReleases(newest, running); {
		case c > 0:
			r.Reasons = append(r.Reasons, "the kernel "+k.running+" runs and "+k.newest+" is installed")
		case c == 0 && k.runningPackage != "" && k.newestPackage != "" && compareReleases(k.newestPackage, k.runningPackage) > 0:
			r.Reasons = append(r.Reasons, "the kernel runs as built in "+k.runningPackage+" and "+k.newestPackage+" is installed")
		}
	}
	r.Owed = len(r.Reasons) > 0
	return r
}

// rebootRequested reads what packages ask for in /run. A request from before this boot, which a /run that is kept on disk would still
// hold, is answered.
func rebootRequested(root string) string {
	st, err := os.Lstat(filepath.Join(root, "run/reboot-required"))
	if err != nil || st.ModTime().Before(bootTime(root)) {
		return ""
	}
	b, _ := readLimited(root, "run/reboot-required.pkgs", maxSmall)
	names := strings.Fields(tidy(strings.ReplaceAll(string(b), "\n", " "), 400))
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return "a package asks for it"
	}
	return "asked for by " + strings.Join(names, ", ")
}

func bootTime(root string) time.Time {
	b, err := readLimited(root, "proc/stat", 4<<20)
	if err != nil {
		return time.Time{}
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, "btime "); ok {
			if s, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err == nil {
				return time.Unix(s, 0)
			}
		}
	}
	return time.Time{}
}
