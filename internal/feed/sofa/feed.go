package sofa

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// Kind is the patch.Feed.Kind of SOFA's feed.
const Kind = "sofa"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// maxFeed bounds the feed, which takes some 2 MiB. In memory it is a few times as large.
const maxFeed = 8 << 20

// Set is the releases of one feed.
type Set struct {
	Notes   []string
	systems []system
	checked time.Time
}

// system is one macOS: "Sequoia 15".
type system struct {
	name     string
	major    string
	models   []string // "Mac14,7"
	releases []release
}

type release struct {
	ProductName string                     `json:"ProductName"`
	Version     string                     `json:"ProductVersion"`
	Build       string                     `json:"Build"`
	Builds      []string                   `json:"AllBuilds"`
	Name        string                     `json:"UpdateName"`
	Released    string                     `json:"ReleaseDate"`
	Info        string                     `json:"SecurityInfo"`
	CVEs        map[string]json.RawMessage `json:"CVEs"`
	Exploited   []string                   `json:"ActivelyExploitedCVEs"`
	Scope       string                     `json:"DeviceScope"`
	Devices     []string                   `json:"SupportedDevices"`
	Summary     struct{ Priority string }  `json:"UpdateSummary"`
	fault       string
}

type document struct {
	LastCheck  string `json:"LastCheck"`
	OSVersions []struct {
		OSVersion string    `json:"OSVersion"`
		Releases  []release `json:"SecurityReleases"`
		Models    []struct {
			Identifiers map[string]json.RawMessage `json:"Identifiers"`
		} `json:"SupportedModels"`
	} `json:"OSVersions"`
}

var (
	majorPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z ]*?\s*((?:10\.)?[0-9]{1,3})$`) })
	cvePattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{1,10}$`) })
)

// Read reads the feed.
func Read(name string, in io.Reader) (*Set, error) {
	bad := func(err error) (*Set, error) {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the macOS releases in {1}", name), Err: err, Do: "Get the feed again from where it came from."}
	}
	b, err := io.ReadAll(io.LimitReader(in, maxFeed+1))
	if err != nil {
		return bad(err)
	}
	if len(b) > maxFeed {
		return bad(errors.New("it is longer than this program reads"))
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return bad(err)
	}
	s := &Set{}
	s.checked, _ = time.Parse(time.RFC3339, d.LastCheck)
	for _, o := range d.OSVersions {
		m := majorPattern().FindStringSubmatch(strings.TrimSpace(o.OSVersion))
		if m == nil {
			s.Notes = append(s.Notes, "the macOS "+strconv.QuoteToASCII(o.OSVersion[:min(len(o.OSVersion), 40)])+" is not known")
			continue
		}
		sys := system{name: o.OSVersion, major: m[1], releases: o.Releases}
		for _, model := range o.Models {
			sys.models = slices.AppendSeq(sys.models, maps.Keys(model.Identifiers))
		}
		slices.Sort(sys.models)
		sys.models = slices.Compact(sys.models)
		for i := range sys.releases {
			sys.releases[i].check(sys.major)
		}
		s.systems = append(s.systems, sys)
	}
	if len(s.systems) == 0 {
		return bad(errors.New("it names no macOS"))
	}
	slices.SortStableFunc(s.systems, func(a, b system) int { return order(a.major, b.major) })
	return s, nil
}

func order(a, b string) int {
	c, _ := version.Compare(version.MacOS, a, b)
	return c
}

func (r *release) check(major string) {
	product, _, _ := strings.Cut(r.Version, " ")
	if _, err := version.Compare(version.MacOS, r.Version, r.Version); err != nil || product != major && !strings.HasPrefix(product, major+".") {
		r.fault = "the release is called " + strconv.QuoteToASCII(r.Version[:min(len(r.Version), 40)])
	}
	if r.Build != "" && !slices.Contains(r.Builds, r.Build) {
		r.Builds = append(r.Builds, r.Build)
	}
	for _, b := range r.Builds {
		if _, err := version.Compare(version.MacOS, b, b); err != nil {
			r.fault = "the release " + r.Version + " has the build " + strconv.QuoteToASCII(b[:min(len(b), 40)])
		}
	}
	slices.SortFunc(r.Builds, order)
}

// Unclear counts the releases that are not understood; Count those of a host OS.
func (s *Set) Unclear() (n int) {
	for i := range s.systems {
		for _, r := range s.systems[i].releases {
			if r.fault != "" {
				n++
			}
		}
	}
	return n
}

// OSes are the host OSes that there are releases of.
func (s *Set) OSes() (out []patch.HostOS) {
	for i := range s.systems {
		for _, arch := range []string{"amd64", "arm64"} {
			out = append(out, patch.MacHostOS(s.systems[i].major, arch))
		}
	}
	return out
}

// Dated is when the feed was made.
func (s *Set) Dated() time.Time { return s.checked.UTC().Truncate(time.Second) }

// Entries gives the patches of a host OS: its releases, and an upgrade to each newer macOS. A patch is called macos/14.5.
func (s *Set) Entries(os patch.HostOS) []detect.Entry {
	var out []detect.Entry
	for i := range s.systems {
		sys := &s.systems[i]
		own := os == patch.MacHostOS(sys.major, archOf(os))
		if own {
			releases := slices.SortedStableFunc(slices.Values(sys.releases), func(a, b release) int { return order(a.Version, b.Version) })
			for k := range releases {
				e := releases[k].entry()
				if k > 0 && releases[k-1].Version != releases[k].Version {
					e.Patch.Supersedes = []patch.ID{patchID(releases[k-1].Version)}
				}
				out = append(out, e)
			}
			for _, newer := range s.systems[i+1:] {
				if e, ok := newer.upgrade(); ok {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

func archOf(os patch.HostOS) string { return string(os[strings.LastIndexByte(string(os), '-')+1:]) }

func patchID(v string) patch.ID {
	return patch.ID("macos/" + strings.NewReplacer(" ", "", "(", "", ")", "").Replace(v))
}

func (r *release) describe() patch.Patch {
	p := patch.Patch{ID: patchID(r.Version), Title: cmp.Or(r.Name, "macOS "+r.Version), Source: "macOS", Version: r.Version, Suite: "sofa", Advisory: r.Info, Category: patch.Update}
	p.Released, _ = time.Parse(time.RFC3339, r.Released)
	for cve := range r.CVEs {
		if cvePattern().MatchString(cve) {
			p.CVEs = append(p.CVEs, cve)
		}
	}
	slices.Sort(p.CVEs)
	if len(p.CVEs) > 0 {
		p.Category = patch.Security
	}
	p.Severity = map[string]patch.Severity{"critical": patch.Critical, "high": patch.High, "medium": patch.Medium, "low": patch.Low}[strings.ToLower(r.Summary.Priority)]
	if len(r.Exploited) > 0 { // what is being exploited is urgent, however it is rated
		p.Severity = patch.Critical
		p.Title += " (fixes " + strconv.Itoa(len(r.Exploited)) + " that are being exploited)"
	}
	return p
}

// entry is a release of a machine's own macOS: it is there where the product version is newer, or the same with one of its builds or a newer
// one. A release for some models only is not for the others.
func (r *release) entry() detect.Entry {
	e := detect.Entry{Patch: r.describe(), Definition: detect.Definition{ID: patchID(r.Version), Unclear: r.fault}}
	if r.fault != "" {
		return e
	}
	installed := mac(at(item.GreaterThanOrEqual, r.Version))
	if len(r.Builds) > 0 {
		installed = detect.Or(mac(at(item.GreaterThan, r.Version)),
			detect.And(mac(at(item.Equals, r.Version)), mac(item.Entity{Name: "build", Operation: item.GreaterThanOrEqual, Datatype: item.MacOSVersion, Value: r.Builds[0]})))
	}
	prerequisite := mac()
	if len(r.Devices) > 0 && r.Scope != "" && r.Scope != "universal" {
		prerequisite = mac(among(r.Devices))
	}
	e.Definition.Prerequisite, e.Definition.Installed = &prerequisite, &installed
	return e
}

// upgrade is the newest release of a macOS for machines with an older one. It is never installed there: a machine that has it has another
// host OS.
func (sys *system) upgrade() (detect.Entry, bool) {
	var newest *release
	for i := range sys.releases {
		if r := &sys.releases[i]; r.fault == "" && (newest == nil || order(r.Version, newest.Version) > 0) {
			newest = r
		}
	}
	if newest == nil || len(sys.models) == 0 {
		return detect.Entry{}, false
	}
	e := detect.Entry{Patch: newest.describe()}
	e.Patch.ID = "macos/upgrade-" + patch.ID(sys.major)
	e.Patch.Title, e.Patch.Category, e.Patch.Severity, e.Patch.CVEs = "Upgrade to macOS "+sys.name+" ("+newest.Version+")", patch.Update, patch.NotGiven, nil
	prerequisite, installed := mac(among(sys.models)), mac(at(item.GreaterThanOrEqual, newest.Version))
	e.Definition = detect.Definition{ID: e.Patch.ID, Prerequisite: &prerequisite, Installed: &installed}
	return e, true
}

func at(op item.Operation, v string) item.Entity {
	return item.Entity{Name: "release", Operation: op, Datatype: item.MacOSVersion, Value: v}
}

func among(models []string) item.Entity {
	return item.Entity{Name: "model", Operation: item.CaseInsensitiveEquals, VarCheck: item.AtLeastOne, Variable: &item.Variable{Kind: item.Constant, Values: models}}
}

func mac(of ...item.Entity) detect.Expr {
	t := item.Test{Class: "macos", Object: &item.Object{Class: "macos"}}
	if len(of) > 0 {
		t.States = []*item.State{{Class: "macos", Entities: of}}
	}
	return detect.Is(detect.Test{Kind: detect.TestItems, Items: &t})
}

// ReadPath reads a feed's file.
func ReadPath(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", path), Err: err}
	}
	defer f.Close()
	return Read(path, f)
}

// NewFetcher fetches the feed.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxFeed, Survey: func(_ context.Context, sub patch.Feed, raw feed.Raw) (feed.Contents, error) {
		s, err := Read(raw.Name, raw.Reader())
		if err != nil {
			return feed.Contents{}, err
		}
		return feed.Contents{Definitions: len(s.Entries(sub.OS)), Dated: s.Dated()}, nil
	}}
}

// Generation gives the patches of a generation for a host OS.
func Generation(os patch.HostOS, state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) (entries []detect.Entry, err error) {
	err = feed.WithFile(state.Origins[0], open, func(name string, in io.ReaderAt, size int64) error {
		s, err := Read(name, io.NewSectionReader(in, 0, size))
		if err == nil {
			entries = s.Entries(os)
		}
		return err
	})
	return entries, err
}
