package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const release = "bookworm"

// site is a real appliance with the real archive's catalog, and the root that its machines start from.
type site struct {
	*lab.Appliance
	t       *testing.T
	dir     string
	base    string
	agent   string
	archive lab.Archive
}

func newSite(t *testing.T, options ...lab.Option) *site {
	t.Helper()
	fettle, agent := programs(t)
	s := &site{t: t, agent: agent}
	var err error
	if s.archive, err = lab.ReadArchive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.base, err = lab.MakeRoot(t.Context(), lab.CacheDir(), s.archive, lab.Small(release)); err != nil {
		t.Fatal(err)
	}
	s.dir = openDir(t)
	s.start(fettle, options...)
	if err := s.AddFeeds(t.Context(), s.archive, release); err != nil {
		t.Fatal(err)
	}
	return s
}

// start makes and starts the appliance, which ends with the test.
func (s *site) start(fettle string, options ...lab.Option) {
	s.t.Helper()
	var err error
	if s.Appliance, err = lab.NewAppliance(s.t.Context(), fettle, filepath.Join(s.dir, "appliance"), options...); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the appliance's log:\n%s", s.troubles())
		}
		if err := s.Stop(); err != nil {
			s.t.Error(err)
		}
	})
}

// openDir is a temporary directory that the user nobody can reach. It goes a moment after the last process of a machine in it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "fettle-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 20 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error(err)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// troubles are the lines of the appliance's log that are no mere information.
func (s *site) troubles() string {
	b, _ := os.ReadFile(s.Log())
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, `"level":"INFO"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// on gives the site to a subtest.
func (s *site) on(t *testing.T) *site {
	c := *s
	c.t = t
	return &c
}

// cli runs a command that must succeed; the answer "no" is one.
func (s *site) cli(args ...string) string {
	s.t.Helper()
	out, err := s.CLI(s.t.Context(), args...)
	var no lab.NoError
	if err != nil && !errors.As(err, &no) {
		s.t.Fatal(err)
	}
	return out
}

func (s *site) json(v any, args ...string) {
	s.t.Helper()
	if err := s.JSON(s.t.Context(), v, append(args, "--json")...); err != nil {
		s.t.Fatal(err)
	}
}

// refused runs a program that must end with status 3 and gives what it said.
func refused(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("%s: it ended with %v, not with status 3: %s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return errs.String()
}

// says fails the test where a text lacks one of the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

// until asks again until it is so, for at most a minute and a half.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("it did not come to this: %s", what)
}

// box is a machine with its agent.
type box struct {
	*lab.Machine
	s    *site
	spec lab.AgentSpec
	log  *output
}

// output is an agent's log.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (s *site) box(name string) *box {
	b := &box{s: s, log: &output{}}
	b.spec = lab.AgentSpec{Base: s.base, Dir: filepath.Join(s.dir, name), Hostname: name, Agent: s.agent, Output: b.log}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the agent of %s said:\n%s", name, b.log)
		}
		if b.Machine != nil {
			b.Stop()
		}
	})
	return b
}

// join enrols and admits a new machine and waits for its first snapshot.
func (s *site) join(name string) *box {
	s.t.Helper()
	b := s.box(name)
	var err error
	if b.Machine, err = s.Join(s.t.Context(), b.spec); err != nil {
		s.t.Fatal(err)
	}
	b.snapshot(1)
	return b
}

func (b *box) snapshot(seq uint64) lab.Snapshot {
	b.s.t.Helper()
	snap, err := b.s.WaitSnapshot(b.s.t.Context(), b.spec.Hostname, seq)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return snap
}

func (b *box) boot() {
	b.s.t.Helper()
	var err error
	if b.Machine, err = b.s.Boot(b.s.t.Context(), b.spec); err != nil {
		b.s.t.Fatal(err)
	}
}

// sh runs a shell command in the machine that must succeed.
func (b *box) sh(format string, args ...any) string {
	b.s.t.Helper()
	out, err := b.Exec(b.s.t.Context(), "sh", "-c", fmt.Sprintf(format, args...))
	if err != nil {
		b.s.t.Fatal(err)
	}
	return string(out)
}

func (b *box) version(name string) string { return b.sh("dpkg-query -W -f '${Version}' %s", name) }

// row is a ledger row.
type row struct {
	Patch struct {
		ID     string `json:"id"`
		Source string `json:"source"`
	} `json:"patch"`
	Verdict   string `json:"verdict"`
	Execution string `json:"execution"`
	Cause     string `json:"cause"`
	Effect    string `json:"effect"`
	Code      string `json:"code"`
	Text      string `json:"text"`
}

func (b *box) rows(filter ...string) []row {
	b.s.t.Helper()
	var r struct {
		Items []row `json:"items"`
	}
	b.s.json(&r, append([]string{"machines", "rows", b.spec.Hostname, "--limit", "0"}, filter...)...)
	return r.Items
}

func (b *box) row(id string) row {
	b.s.t.Helper()
	for _, r := range b.rows("--text", id) {
		if r.Patch.ID == id {
			return r
		}
	}
	b.s.t.Fatalf("%s has no row for %s", b.spec.Hostname, id)
	return row{}
}

// needs gives the patch of each source that the machine needs now, newest version first come.
func (b *box) needs(sources ...string) []string {
	b.s.t.Helper()
	var ids []string
	for _, r := range b.rows("--verdict", "not-patched") {
		if slices.Contains(sources, r.Patch.Source) {
			ids = append(ids, r.Patch.ID)
		}
	}
	if len(ids) < len(sources) {
		b.s.t.Fatalf("the archive has patches %v for the root, and the test needs one of each of %v", ids, sources)
	}
	return ids
}

// approve approves and waits until the appliance has the files.
func (s *site) approve(ids ...string) {
	s.t.Helper()
	s.cli(append(append([]string{"approve"}, ids...), "--label", "all", "--why", "end-to-end test")...)
	until(s.t, "the files of "+strings.Join(ids, ", ")+" are ready", func() bool {
		ready := map[string]bool{}
		for _, p := range s.payloads() {
			before, known := ready[p.Patch]
			ready[p.Patch] = p.State == "ready" && (before || !known)
			if p.State == "failed" {
				s.t.Fatalf("a file of %s: %s", p.Patch, p.Error)
			}
		}
		return !slices.ContainsFunc(ids, func(id string) bool { return !ready[id] })
	})
}

type payload struct {
	Patch, Name, Version, State, Error string
	SHA256                             string `json:"sha256"`
}

func (s *site) payloads() []payload {
	s.t.Helper()
	var l struct {
		Items []payload `json:"items"`
	}
	s.json(&l, "payloads")
	return l.Items
}

// plan makes a plan of what is deployable, "--patch" narrows that, and gives its file and the patches that it installs.
func (s *site) plan(b *box, args ...string) (file string, patches []string) {
	s.t.Helper()
	f, err := os.CreateTemp(s.dir, "plan-")
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	s.cli(append([]string{"deploy", "plan", "--machine", b.spec.Hostname, "--out", f.Name()}, args...)...)
	var p struct {
		Machines []struct{ Items []struct{ Patch string } }
	}
	if err := json.NewDecoder(f).Decode(&p); err != nil {
		s.t.Fatal(err)
	}
	for _, m := range p.Machines {
		for _, i := range m.Items {
			patches = append(patches, i.Patch)
		}
	}
	slices.Sort(patches)
	return f.Name(), patches
}

func (s *site) apply(plan string) (deployment string) {
	s.t.Helper()
	var d struct{ ID string }
	s.json(&d, "deploy", "apply", plan)
	return d.ID
}

// progress is how far a deployment is.
type progress struct {
	Sentence string
	Ended    bool
	Counts   struct{ Total, Waiting, Downloading, Installing, Done, Failed, Withdrawn, Verified, Unproven int }
	Machines []struct {
		Items []struct {
			Attempt attempt
			Text    string
		}
	}
}

type attempt struct{ ID, Patch, State, Cause, Text, Effect string }

func (s *site) progress(deployment string) (p progress, err error) {
	err = s.JSON(s.t.Context(), &p, "deploy", "show", deployment, "--json")
	return p, err
}

// ended waits until a deployment has ended and what it did is proven.
func (s *site) ended(deployment string) (p progress) {
	s.t.Helper()
	until(s.t, "deployment "+deployment+" has ended", func() bool {
		var err error
		if p, err = s.progress(deployment); err != nil {
			s.t.Fatal(err)
		}
		return p.Ended && p.Counts.Unproven == 0
	})
	return p
}

func (p progress) attempts() (out []attempt) {
	for _, m := range p.Machines {
		for _, i := range m.Items {
			out = append(out, i.Attempt)
		}
	}
	return out
}

// verified fails the test unless all of a deployment is done and verified.
func (p progress) verified(t *testing.T) {
	t.Helper()
	if c := p.Counts; c.Total == 0 || c.Verified != c.Total {
		t.Errorf("%s: %+v", p.Sentence, p.attempts())
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
