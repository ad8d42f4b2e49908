package msrc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits on foreign bytes.
const (
	maxDocument = 512 << 20 // bytes of one document
	maxValue    = 8 << 20   // bytes of one vulnerability, or of a whole CSAF advisory
	maxKept     = 40 << 20  // bytes of everything that is kept of a set, roughly
	maxFiles    = 100_000
)

var errTooMuch = errors.New("there is more in it than this program keeps")

// Set is the updates that any number of documents tell of.
type Set struct {
	Notes []string
	// Others counts updates of products that are no Windows.
	Others int

	updates map[key]*update
	parents map[patch.HostOS]map[string][]string // by KB: those that say to replace it
	kept    int
}

// key names an update of one host OS.
type key struct {
	os patch.HostOS
	kb string
}

// update is one KB of one host OS.
type update struct {
	key
	title    string // of the product: "Windows 11 Version 23H2"
	number   string // "10.0"
	build    string // "22631"
	revision int64  // the UBR that it brings; -1 where no document says so
	replaces []string
	cves     map[string]bool
	severity patch.Severity
	cvss     float64
	released time.Time
	kind     string // "Security Update"
}

// fix is what a document says of one product and one update.
type fix struct {
	product, kb, build, kind string
	replaces                 []string
	cve                      string
	severity                 patch.Severity
	cvss                     float64
	released                 time.Time
}

var (
	kbPattern    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:KB)?([0-9]{6,8})\b`) })
	buildPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]{1,2}\.[0-9])\.([0-9]{4,6})\.([0-9]{1,6})$`) })
	servicePack  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)service pack ([0-9])`) })
	windowsName  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(microsoft )?windows (xp|vista|7|8|8\.1|10|11|rt|server)\b`)
	})
)

// hostOS tells which host OS a product is, with the build that an update brings; empty where it is no Windows, or where neither its name
// nor a build says which.
func hostOS(product, build string) (os patch.HostOS, number, base string, revision int64) {
	m := buildPattern().FindStringSubmatch(build)
	if !windowsName().MatchString(product) {
		return "", "", "", -1
	}
	if m == nil {
		number, base = knownBuild(product)
		revision = -1
	} else {
		number, base = m[1], m[2]
		revision, _ = strconv.ParseInt(m[3], 10, 64)
	}
	arch, server := "amd64", strings.Contains(product, "Server")
	lower := strings.ToLower(product)
	switch {
	case strings.Contains(lower, "32-bit"):
		arch = "x86"
	case strings.Contains(lower, "arm64"):
		arch = "arm64"
	case strings.Contains(lower, "itanium") || strings.Contains(lower, " rt "):
		return "", "", "", -1
	}
	pack := ""
	if p := servicePack().FindStringSubmatch(product); p != nil {
		pack = p[1]
	}
	if number == "" {
		return "", "", "", -1
	}
	return patch.WindowsHostOS(number, base, pack, server, arch), number, base, revision
}

// add takes one fix in. What is said twice, as documents of several months and vulnerabilities do, is joined.
func (s *Set) add(f fix) error {
	kb := kbPattern().FindStringSubmatch(f.kb)
	if kb == nil {
		return nil
	}
	os, number, base, revision := hostOS(f.product, f.build)
	if os == "" {
		s.Others++
		return nil
	}
	k := key{os, "KB" + kb[1]}
	if s.updates == nil {
		s.updates, s.parents = map[key]*update{}, map[patch.HostOS]map[string][]string{}
	}
	u := s.updates[k]
	if u == nil {
		u = &update{key: k, title: f.product, number: number, build: base, revision: revision, cves: map[string]bool{}, kind: clip(f.kind, 60), released: f.released}
		s.updates[k] = u
		s.kept += 800 + len(f.product)
	}
	if revision >= 0 && (u.revision < 0 || revision < u.revision) { // documents are corrected; the lowest build that has the fix counts
		u.revision = revision
	}
	if f.cve != "" && !u.cves[f.cve] {
		u.cves[f.cve] = true
		s.kept += 80
	}
	u.cvss = max(u.cvss, f.cvss)
	if rank(f.severity) > rank(u.severity) {
		u.severity = f.severity
	}
	if u.released.IsZero() || !f.released.IsZero() && f.released.Before(u.released) {
		u.released = f.released
	}
	for _, text := range f.replaces {
		for _, r := range kbPattern().FindAllStringSubmatch(text, 20) {
			s.replace(u, "KB"+r[1])
		}
	}
	if s.kept > maxKept {
		return errTooMuch
	}
	return nil
}

func (s *Set) replace(u *update, old string) {
	if old == u.kb || slices.Contains(u.replaces, old) {
		return
	}
	u.replaces = append(u.replaces, old)
	if s.parents[u.os] == nil {
		s.parents[u.os] = map[string][]string{}
	}
	s.parents[u.os][old] = append(s.parents[u.os][old], u.kb)
	s.kept += 120
}

func rank(s patch.Severity) int {
	return slices.Index([]patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}, s)
}

func severity(s string) patch.Severity {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "critical":
		return patch.Critical
	case "important", "high":
		return patch.High
	case "moderate", "medium":
		return patch.Medium
	case "low":
		return patch.Low
	}
	return patch.NotGiven
}

// OSes are the host OSes that there are updates of.
func (s *Set) OSes() []patch.HostOS {
	all := map[patch.HostOS]bool{}
	for k := range s.updates {
		all[k.os] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// of lists the updates of a host OS by what they bring, then by number.
func (s *Set) of(os patch.HostOS) []*update {
	var out []*update
	for k, u := range s.updates {
		if k.os == os {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *update) int { return cmp.Or(cmp.Compare(a.revision, b.revision), cmp.Compare(a.kb, b.kb)) })
	return out
}

// Count is how many updates a host OS has.
func (s *Set) Count(os patch.HostOS) int { return len(s.of(os)) }

// replacers are the updates that replace one, and those that replace these, to the end. A circle ends where it began.
func (s *Set) replacers(os patch.HostOS, kb string) []string {
	seen := map[string]bool{kb: true}
	var out []string
	for queue := []string{kb}; len(queue) > 0; queue = queue[1:] {
		for _, p := range s.parents[os][queue[0]] {
			if !seen[p] {
				seen[p] = true
				queue, out = append(queue, p), append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Dated is when the newest update was released.
func (s *Set) Dated() (newest time.Time) {
	for _, u := range s.updates {
		if u.released.After(newest) {
			newest = u.released
		}
	}
	return newest
}

func (s *Set) note(format string, args ...any) {
	if len(s.Notes) < 100 {
		s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
