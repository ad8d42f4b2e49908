// Package installer brings the agent onto machines: it keeps the agent's programs for each system, and writes the scripts that fetch, check
// and install them.
//
// Programs come onto the shelf from the appliance's own disk only: whoever controls the console, or its network, must not choose what new
// machines run as root. A script pins the agent listener's CA and the programs' hashes, and is itself pinned by the hash in the one-liner
// that the console and the CLI show. It refuses what is no build of the agent.
package installer

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Agent is the agent's program for one system.
type Agent struct {
	OS   string     `json:"os"`   // "linux", "windows", "darwin"
	Arch string     `json:"arch"` // "amd64", "arm64"
	Size int64      `json:"size"`
	Hash patch.Hash `json:"hash"`
	// Revision is the source's, as the build recorded it; empty where it did not.
	Revision string `json:"revision,omitempty"`
}

// systems are those that the agent is built for.
func systems() []string {
	return []string{"linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64", "darwin/amd64", "darwin/arm64"}
}

const (
	maxAgent  = 256 << 20
	agentMain = "/cmd/fettle-agent" // how the path of the agent's main package ends
)

// Shelf keeps the programs in a directory. Its methods may be called from many goroutines.
type Shelf struct {
	Dir string

	mu    sync.Mutex
	known map[string]known
}

// known is a file that was hashed; another size or time means another file.
type known struct {
	agent Agent
	size  int64
	at    time.Time
}

func fileName(system, arch string) string {
	if system == "windows" {
		return "fettle-agent-" + system + "-" + arch + ".exe"
	}
	return "fettle-agent-" + system + "-" + arch
}

// Add checks that a file is a build of the agent and puts a copy on the shelf, in the place of the one for the same system.
func (s *Shelf) Add(path string) (Agent, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return Agent{}, &patch.Error{Kind: patch.Invalid, What: "cannot take " + path, Why: "it is no program that Go built", Err: err, Do: "Build the agents with make agents."}
	}
	a := Agent{}
	for _, v := range info.Settings {
		switch v.Key {
		case "GOOS":
			a.OS = v.Value
		case "GOARCH":
			a.Arch = v.Value
		case "vcs.revision":
			a.Revision = v.Value
		}
	}
	if !strings.HasSuffix(info.Path, agentMain) || !slices.Contains(systems(), a.OS+"/"+a.Arch) {
		return a, &patch.Error{Kind: patch.Invalid, What: "cannot take " + path, Why: "it is " + info.Path + " for " + a.OS + "/" + a.Arch + ", and no agent that scripts install", Do: "Build the agents with make agents."}
	}
	if err := s.copy(path, fileName(a.OS, a.Arch)); err != nil {
		return a, patch.Errorf(patch.Unavailable, "cannot keep %s: %w", path, err)
	}
	return s.find(a.OS, a.Arch)
}

// copy is all or nothing: a machine that fetches meanwhile gets the old file or the new one.
func (s *Shelf) copy(path, name string) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(s.Dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = io.Copy(to, io.LimitReader(from, maxAgent))
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), filepath.Join(s.Dir, name))
}

// List gives what is on the shelf, by system.
func (s *Shelf) List() ([]Agent, error) {
	out := []Agent{}
	for _, both := range systems() {
		system, arch, _ := strings.Cut(both, "/")
		a, err := s.find(system, arch)
		if patch.KindOf(err) == patch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Agent) int { return cmp.Or(cmp.Compare(a.OS, b.OS), cmp.Compare(a.Arch, b.Arch)) })
	return out, nil
}

func (s *Shelf) find(system, arch string) (Agent, error) {
	f, a, err := s.Open(system, arch)
	if err != nil {
		return a, err
	}
	return a, f.Close()
}

// Open gives a program's open file, positioned at its beginning. The caller closes it.
func (s *Shelf) Open(system, arch string) (*os.File, Agent, error) {
	if !slices.Contains(systems(), system+"/"+arch) {
		return nil, Agent{}, patch.Errorf(patch.NotFound, "there is no agent for this system")
	}
	f, err := os.Open(filepath.Join(s.Dir, fileName(system, arch)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Agent{}, &patch.Error{Kind: patch.NotFound, What: "the appliance has no agent for " + system + "/" + arch, Do: "Add it there: make agents, then fettle agents add bin/agents/*"}
	}
	if err != nil {
		return nil, Agent{}, patch.Errorf(patch.Unavailable, "cannot open the agent for %s/%s: %w", system, arch, err)
	}
	a, err := s.measure(f, system, arch)
	if err != nil {
		f.Close()
		return nil, a, patch.Errorf(patch.Unavailable, "cannot read the agent for %s/%s: %w", system, arch, err)
	}
	return f, a, nil
}

// measure hashes a file that has changed since it was hashed last.
func (s *Shelf) measure(f *os.File, system, arch string) (Agent, error) {
	st, err := f.Stat()
	if err != nil {
		return Agent{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[system+"/"+arch]; ok && k.size == st.Size() && k.at.Equal(st.ModTime()) {
		return k.agent, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Agent{}, err
	}
	a := Agent{OS: system, Arch: arch, Size: n, Hash: patch.Hash(hex.EncodeToString(h.Sum(nil)))}
	if info, err := buildinfo.Read(f); err == nil {
		for _, v := range info.Settings {
			if v.Key == "vcs.revision" {
				a.Revision = v.Value
			}
		}
	}
	if s.known == nil {
		s.known = map[string]known{}
	}
	s.known[system+"/"+arch] = known{a, st.Size(), st.ModTime()}
	_, err = f.Seek(0, io.SeekStart)
	return a, err
}
