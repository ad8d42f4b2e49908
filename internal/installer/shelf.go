// Package installer brings the agent onto machines: it keeps the agent's programs and packages for each system, and writes the scripts and
// lines that fetch, check and install them.
//
// They come onto the shelf from the appliance's own disk only: whoever controls the console, or its network, must not choose what new
// machines run as root. A script pins the agent listener's CA and the agents' hashes, and is itself pinned by the hash in the one-liner
// that the console and the CLI show. It refuses what is neither a build nor a package of
// the agent.
package installer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Agent is the agent for one system, packed in one way.
type Agent struct {
	OS     string     `json:"os"`   // "linux", "windows", "darwin"
	Arch   string     `json:"arch"` // "amd64", "arm64"
	Format Format     `json:"format"`
	Size   int64      `json:"size"`
	Hash   patch.Hash `json:"hash"`
	// Version is a package's; a program has none but its revision.
	Version string `json:"version,omitempty"`
	// Revision is the source's, as the build recorded it; empty where it did not.
	Revision string `json:"revision,omitempty"`
}

const (
	maxAgent  = 256 << 20
	agentMain = "/cmd/fettle-agent" // how the path of the agent's main package ends
)

// Shelf keeps the agents in a directory. Its methods may be called from many goroutines.
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

// Add puts a copy of a file on the shelf, as Take does.
func (s *Shelf) Add(path string) (Agent, error) {
	f, err := os.Open(path)
	if err != nil {
		return Agent{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot take {1}", path), Err: err}
	}
	defer f.Close()
	return s.Take(f)
}

// Take checks that an open file is a build or a package of the agent and puts a copy on the shelf, in the place of the one of the same system
// and format. The file may be one that only who opened it could read.
func (s *Shelf) Take(f *os.File) (Agent, error) {
	path := f.Name()
	refuse := func(why string, err error) error {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot take {1}", path), Why: phrase.Verbatim(why), Err: err, Do: "Build the agents with make agents, make msi or make packages."}
	}
	if st, err := f.Stat(); err == nil && st.Size() > maxAgent {
		return Agent{}, refuse("it is larger than any agent", nil)
	}
	a, err := identify(f)
	if err != nil {
		return a, refuse("", err)
	}
	if !a.possible() {
		return a, refuse("it is for "+a.OS+"/"+a.Arch+", and there are no such agents", nil)
	}
	if err := s.copy(f, a.fileName()); err != nil {
		return a, patch.Errorf(patch.Unavailable, "cannot keep %s: %w", path, err)
	}
	return s.find(a)
}

// copy is all or nothing: a machine that fetches meanwhile gets the old file or the new one.
func (s *Shelf) copy(from io.ReaderAt, name string) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	to, err := os.CreateTemp(s.Dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = io.Copy(to, io.NewSectionReader(from, 0, maxAgent))
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), filepath.Join(s.Dir, name))
}

// List gives what is on the shelf, by system and format.
func (s *Shelf) List() ([]Agent, error) {
	out := []Agent{}
	for _, kind := range offers() {
		a, err := s.find(kind)
		if patch.KindOf(err) == patch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Agent) int { return cmp.Or(cmp.Compare(a.OS, b.OS), cmp.Compare(a.Arch, b.Arch)) })
	return out, nil
}

func (s *Shelf) find(kind Agent) (Agent, error) {
	f, a, err := s.Open(kind.OS, kind.Arch, kind.Format)
	if err != nil {
		return a, err
	}
	return a, f.Close()
}

// Open gives an agent's open file, positioned at its beginning. The caller closes it.
func (s *Shelf) Open(system, arch string, format Format) (*os.File, Agent, error) {
	kind := Agent{OS: system, Arch: arch, Format: format}
	if !kind.possible() {
		return nil, Agent{}, patch.Errorf(patch.NotFound, "there is no agent for this system")
	}
	f, err := os.Open(filepath.Join(s.Dir, kind.fileName()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Agent{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("the appliance has no agent for {1}/{2}", system, arch), Do: "Add it there: make agents, then fettle agents add bin/agents/*"}
	}
	if err != nil {
		return nil, Agent{}, patch.Errorf(patch.Unavailable, "cannot open the agent for %s/%s: %w", system, arch, err)
	}
	a, err := s.measure(f, kind)
	if err != nil {
		f.Close()
		return nil, a, patch.Errorf(patch.Unavailable, "cannot read the agent for %s/%s: %w", system, arch, err)
	}
	return f, a, nil
}

// measure hashes a file that has changed since it was hashed last.
func (s *Shelf) measure(f *os.File, kind Agent) (Agent, error) {
	st, err := f.Stat()
	if err != nil {
		return Agent{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[kind.fileName()]; ok && k.size == st.Size() && k.at.Equal(st.ModTime()) {
		return k.agent, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Agent{}, err
	}
	a := kind
	a.Size, a.Hash = n, patch.Hash(hex.EncodeToString(h.Sum(nil)))
	if is, err := identify(f); err == nil && is.fileName() == kind.fileName() {
		a.Version, a.Revision = is.Version, is.Revision
	}
	if s.known == nil {
		s.known = map[string]known{}
	}
	s.known[kind.fileName()] = known{a, st.Size(), st.ModTime()}
	_, err = f.Seek(0, io.SeekStart)
	return a, err
}
