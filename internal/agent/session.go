package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// session is one run of an enrolled agent: its files, its identity and its connection.
type session struct {
	cfg     Config
	files   layout
	log     *slog.Logger
	id      *identity
	journal *journal
	damage  error // why there is no journal; then nothing is installed

	settleWait time.Duration // how long an order's end waits for its results to be acknowledged

	tending   sync.Mutex    // of the file that says what to keep off
	free      bool          // that file is known not to be there
	rebootDue chan struct{} // something about a restart has changed

	mu   sync.Mutex
	st   state
	disk []byte // st as it is there
	conn *client
	busy string
	said said

	lacked string          // of room, by the newest look; empty where there is enough
	snap   *kept           // the newest snapshot; nil: it was not read yet
	told   *patch.Snapshot // the newest one that the appliance has acknowledged; likewise
	facts  patch.Hash      // of what this run wrote into the file of facts; empty: nobody knows

	number  uint64    // of the newest check-in
	seq     uint64    // of the newest detect
	renewAt time.Time // a new certificate is asked for then

	answer   answered          // about the order that is held
	fetching map[string]func() // by attempt: ends its download
}

// said is the newest revision that the appliance named, when that was built, and when it said so.
type said struct {
	id    patch.RevisionID
	built time.Time
	at    time.Time
}

// start takes the state directory for this process alone and reads everything in it.
func start(cfg Config) (*session, func(), error) {
	s := &session{cfg: cfg, files: cfg.layout(), log: cfg.Log, settleWait: 20 * time.Second, rebootDue: make(chan struct{}, 1)}
	if err := s.files.make(); err != nil {
		return nil, nil, err
	}
	lock, err := lockDir(s.files.on(), s.files.path("lock"))
	if err != nil {
		return nil, nil, err
	}
	stop := func() {
		if s.journal != nil {
			s.journal.Close()
		}
		if s.conn != nil {
			s.conn.close()
		}
		lock.Close()
	}
	if err := s.load(); err != nil {
		stop()
		return nil, nil, err
	}
	if w, ok := cfg.Installer.(interface{ WithWatch(host.Watch) }); ok {
		w.WithWatch(host.Watch{Limit: cfg.ScriptLimit, Tell: s.scriptRuns})
	}
	return s, stop, nil
}

func lockDir(d Disk, path string) (File, error) {
	f, err := d.Open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot open the agent's lock: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, &patch.Error{Kind: patch.Conflict, What: "another fettle-agent runs on this machine already", Do: "Stop it first."}
	}
	return f, nil
}

func (s *session) load() error {
	s.files.sweep()
	var err error
	if s.id, err = loadIdentity(s.files); err != nil {
		return err
	}
	if _, err := s.files.readJSON(s.files.state(), &s.st); err != nil {
		return err
	}
	s.number = s.st.Counter
	s.seq = s.st.SnapshotSeq
	if err := s.noteBoot(host.Uptime()); err != nil {
		return err
	}
	if s.journal, err = openJournalOn(s.files.on(), s.files.journal(), s.cfg.Now); err != nil {
		if patch.KindOf(err) != patch.Internal {
			return err
		}
		s.damage = err
		s.log.Error("the journal is damaged; nothing will be installed", "err", err)
	} else if s.journal, err = compact(s.files.journal(), s.journal); err != nil {
		return err
	}
	return s.connect()
}

// connect makes a client from the identity; after a renewal it is made anew.
func (s *session) connect() error {
	tls, err := s.who().tlsConfig(s.cfg.Now, func() time.Time { return s.get().Trusted })
	if err != nil {
		return err
	}
	c, err := s.cfg.client(s.who().Server, tls)
	if err != nil {
		return err
	}
	leaf, _, err := s.who().check()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.close()
	}
	s.conn, s.renewAt = c, renewAt(leaf)
	return nil
}

func (s *session) client() *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

func (s *session) get() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st
}

// set changes the state durably.
func (s *session) set(change func(*state)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.st
	change(&next)
	b, err := marshalFile(next)
	if err == nil && !bytes.Equal(b, s.disk) {
		err = s.keepFile(s.files.state(), b)
	}
	if err != nil {
		s.disk = nil // nobody knows what is there now
		return patch.Errorf(patch.Unavailable, "cannot keep the agent's state: %w", err)
	}
	s.st, s.disk = next, b
	if next.Reboot != nil {
		poke(s.rebootDue)
	}
	return nil
}

// remark changes the state in memory: it is durable with the next change that has to be, and may be lost before that.
func (s *session) remark(change func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.st)
}

// keepFile replaces a file of the session durably.
func (s *session) keepFile(path string, b []byte) error { return replaceFile(s.files.on(), path, b) }

func (s *session) keepJSON(path string, v any) error {
	b, err := marshalFile(v)
	if err != nil {
		return err
	}
	return s.keepFile(path, b)
}

// doing says what the agent does now; check-ins and status show it.
func (s *session) doing(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = what
}

// tellAfter is how long a package's script runs before anybody is told.
const tellAfter = 15 * time.Second

// scriptRuns adds to what the agent does the script that keeps it waiting.
func (s *session) scriptRuns(script string, since time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what, _, _ := strings.Cut(s.busy, "; ")
	if since >= min(tellAfter, s.cfg.ScriptLimit/2) && what != "" {
		s.busy = fmt.Sprintf("%s; %s runs for %s", what, script, since.Round(time.Second))
	}
}

func (s *session) activity() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == "" && s.damage != nil {
		return "installs nothing: the journal is damaged"
	}
	return s.busy
}

// note keeps the text of what went wrong last, for status. It does not fail: the error itself is handled elsewhere.
func (s *session) note(ctx context.Context, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if s.get().LastError == text || ctx.Err() != nil {
		return
	}
	if err := s.set(func(st *state) { st.LastError = text }); err != nil {
		s.log.Warn("cannot keep the newest error", "err", err)
	}
}

// who gives the identity; a renewal replaces it as a whole.
func (s *session) who() *identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}
