package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Watch keeps an eye on the scripts that packages bring: it tells which one runs, and ends one that does not end by itself.
type Watch struct {
	// Limit is how long one script may run; 0: as long as it likes.
	Limit time.Duration
	// Tell is called now and then while a script runs; nil: nobody is told.
	Tell func(script string, since time.Duration)
}

// Times of a watch.
const (
	watchEvery  = time.Second
	scriptGrace = 5 * time.Second // between asking a script to end and ending it
)

// watcher is a watch over one execution.
type watcher struct {
	Watch
	session string
	done    chan struct{}
	over    sync.WaitGroup
	ended   string // the first script that was ended; to be read after close
}

// begin watches the session of a package manager, by its leader's process ID, until close.
func (w Watch) begin(leader int) *watcher {
	x := &watcher{Watch: w, session: strconv.Itoa(leader), done: make(chan struct{})}
	x.over.Go(x.loop)
	return x
}

// close ends the watch and gives the Failure if a script had to be ended.
func (x *watcher) close() error {
	close(x.done)
	x.over.Wait()
	if x.ended == "" {
		return nil
	}
	return &Failure{Cause: patch.FailTimeout, Text: fmt.Sprintf("%s ran for more than %s and was ended", x.ended, x.Limit)}
}

func (x *watcher) loop() {
	every := watchEvery
	if x.Limit > 0 {
		every = min(every, x.Limit/4+time.Millisecond)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	seen := map[int]time.Time{}
	for {
		select {
		case <-x.done:
			return
		case <-tick.C:
		}
		for _, s := range scriptsOf(x.session) {
			if seen[s.pid].IsZero() {
				seen[s.pid] = time.Now()
			}
			since := time.Since(seen[s.pid])
			if x.Tell != nil {
				x.Tell(s.name, since)
			}
			if x.Limit > 0 && since > x.Limit {
				if x.ended == "" {
					x.ended = s.name
				}
				x.end()
			}
		}
	}
}

// end asks all that is not the package manager itself to end, and ends what does not; a script's children may outlive it. The package
// manager is left alone: it sees its script fail, and puts things in order as it does after any script that fails.
func (x *watcher) end() { endAll(strangersIn(x.session)) }

// endAll asks processes to end, and ends those that do not.
func endAll(family []int) {
	for _, p := range family {
		askToEnd(p, false)
	}
	deadline := time.Now().Add(scriptGrace)
	for time.Now().Before(deadline) && slices.ContainsFunc(family, alive) {
		time.Sleep(50 * time.Millisecond)
	}
	for _, p := range family {
		if alive(p) {
			askToEnd(p, true)
		}
	}
}

func alive(pid int) bool {
	st, ok := statOf(filepath.Join("/proc", strconv.Itoa(pid)))
	return ok && st.state != "Z"
}

// script is a process that a package manager has started.
type script struct {
	pid  int
	name string
}

// managing lists programs that are the package manager itself and not a package's.
func managing(comm string) bool {
	switch comm {
	case "apt-get", "apt-mark", "dpkg", "dpkg-deb", "dpkg-split", "rpm", "rpmkeys":
		return true
	}
	return false
}

// scriptsOf lists the outermost scripts that run in a session.
func scriptsOf(session string) (out []script) {
	all := sessionProcs(session)
	for pid, st := range all {
		parent, _ := strconv.Atoi(st.parent)
		above, known := all[parent]
		forked := strconv.Itoa(pid) == session // before it has become the package manager
		if !managing(st.comm) && !forked && (!known || managing(above.comm)) {
			out = append(out, script{pid, scriptName(pid, st.comm)})
		}
	}
	slices.SortFunc(out, func(a, b script) int { return a.pid - b.pid })
	return out
}

// strangersIn lists everything in a session that is not the package manager itself.
func strangersIn(session string) (out []int) {
	for pid, st := range sessionProcs(session) {
		if !managing(st.comm) && strconv.Itoa(pid) != session {
			out = append(out, pid)
		}
	}
	return out
}

// procsIn lists everything in the session of a leader.
func procsIn(leader int) (out []int) {
	for pid := range sessionProcs(strconv.Itoa(leader)) {
		out = append(out, pid)
	}
	return out
}

func sessionProcs(session string) map[int]procStat {
	all := map[int]procStat{}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if st, ok := statOf(p); ok && st.session == session && st.state != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(p))
			all[pid] = st
		}
	}
	return all
}

// scriptName is how people know a script: "foo.postinst configure" for a maintainer script of dpkg, else its command line.
func scriptName(pid int, comm string) string {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	words := strings.Split(strings.Trim(string(b), "\x00"), "\x00")
	if err != nil || words[0] == "" {
		return tidy(comm, 60)
	}
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "/var/lib/dpkg/info/"); ok {
			return "the script " + tidy(rest, 100)
		}
		if rest, ok := strings.CutPrefix(w, "/var/lib/dpkg/tmp.ci/"); ok {
			return "the package's script " + tidy(rest, 100)
		}
		if strings.HasPrefix(w, "/var/tmp/rpm-tmp.") {
			return "a script of the package"
		}
	}
	return tidy(strings.Join(words, " "), 100)
}
