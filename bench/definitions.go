package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/version"
)

// flaw is one definition to be: a package is vulnerable below a version, and, in mixed sets, only where a file is smaller than a size.
type flaw struct {
	number  int // of its definition, for ever
	cve     string
	pkg     string
	fixed   string // Debian version
	file    string // empty: about the package alone
	smaller int64
}

// machineFlaws makes n flaws about packages of this very machine and others that its release has, in the proportions of Debian's
// security data: some 4,200 packages, a few of them with hundreds of flaws, several flaws fixed by one upload, nearly all of them fixed
// here already. root is a Debian root whose apt knows the release's packages.
func machineFlaws(ctx context.Context, n int, root string) ([]flaw, error) {
	here, err := installed(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := packagePool(ctx, here, root, 4200)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(uint64(len(pool)), 50_000))
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	popular := rand.NewZipf(r, 1.07, 8, uint64(len(pool)-1))
	counts := make([]int, len(pool))
	for range n {
		counts[popular.Uint64()]++
	}
	var flaws []flaw
	for i, p := range pool {
		fixed := p.version
		_, there := here[p.name]
		for k := range counts[i] {
			if k%4 == 0 { // the next four flaws were fixed by an earlier upload
				fixed = earlier(fixed)
			}
			f := flaw{pkg: p.name, fixed: fixed}
			if there && r.IntN(16) == 0 {
				f.fixed = p.version + "+deb12u9" // not fixed here
			}
			flaws = append(flaws, f)
		}
	}
	for i := range flaws {
		flaws[i].number = 100_000_000 + i
		flaws[i].cve = fmt.Sprintf("CVE-%d-%d", 2004+i*22/n, 10_000+i%((n+21)/22))
	}
	return flaws, nil
}

// earlier gives a version like the upload before: a Debian revision one lower, else an upstream version one lower.
func earlier(v string) string {
	upstream, revision := v, ""
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		upstream, revision = v[:i], v[i:]
	}
	if end := strings.IndexFunc(revision, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }); end > 0 {
		revision = revision[:end]
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(revision, "-")); err == nil && n > 1 {
		return fmt.Sprintf("%s-%d", upstream, n-1)
	}
	for end := len(upstream); end > 0; {
		from := end
		for from > 0 && upstream[from-1] >= '0' && upstream[from-1] <= '9' {
			from--
		}
		if n, err := strconv.Atoi(upstream[from:end]); err == nil && n > 0 && version.DpkgValid(upstream[:from]+strconv.Itoa(n-1)+"-1") == nil {
			return upstream[:from] + strconv.Itoa(n-1) + "-1"
		}
		end = max(from, 1) - 1
	}
	return v
}

// addFiles makes the flaws depend on files of this machine as well, four of five of which are there.
func addFiles(flaws []flaw) error {
	var files []string
	for _, dir := range []string{"/usr/lib", "/usr/share", "/etc"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.IndexFunc(path, func(r rune) bool { return r <= ' ' || r > '~' }) < 0 {
				files = append(files, path)
			}
			if len(files) > 60_000 {
				return filepath.SkipAll
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(uint64(len(files)), 10_000))
	for i := range flaws {
		flaws[i].file, flaws[i].smaller = files[r.IntN(len(files))], 100+r.Int64N(200_000)
		if r.IntN(5) == 0 {
			flaws[i].file = fmt.Sprintf("/opt/vendor/%d/engine.so", i)
		}
	}
	return nil
}

type candidate struct{ name, version, source string }

// installed gives this machine's packages by name.
func installed(ctx context.Context) (map[string]candidate, error) {
	out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package}\n").Output()
	if err != nil {
		return nil, err
	}
	found := map[string]candidate{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) == 3 {
			found[words[0]] = candidate{words[0], words[1], words[2]}
		}
	}
	return found, nil
}

// packagePool gives the installed packages and, up to size, others that the root's apt knows, sorted.
func packagePool(ctx context.Context, here map[string]candidate, root string, size int) ([]candidate, error) {
	var pool, others []candidate
	for _, p := range here {
		pool = append(pool, p)
	}
	out, err := exec.CommandContext(ctx, "chroot", root, "apt-cache", "dumpavail").Output()
	if err != nil {
		return nil, err
	}
	var c candidate
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "Package: "); ok {
			c.name = strings.TrimSpace(name)
		} else if v, ok := strings.CutPrefix(line, "Version: "); ok && here[c.name].name == "" {
			c.version = strings.TrimSpace(v)
			others = append(others, c)
		}
	}
	byName := func(a, b candidate) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(pool, byName)
	slices.SortStableFunc(others, byName)
	others = slices.CompactFunc(others, func(a, b candidate) bool { return a.name == b.name })
	for i, want := 0, size-len(pool); want > 0 && i < want && len(others) > 0; i++ {
		pool = append(pool, others[i*len(others)/want])
	}
	if len(pool) < size {
		return nil, fmt.Errorf("only %d packages are known here; %d are needed", len(pool), size)
	}
	return pool, nil
}
