// Command demo tells Fettle's whole story in a terminal, with the real programs on a real Debian machine: from the vendor's signed
// archive to an explanation of every patch.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, newTerminal(os.Stdout), os.Getenv("DEMO") != "exit"); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// run tells the story in a folder of its own, which is gone afterwards; with stay the console is left up until ctx ends.
func run(ctx context.Context, t *terminal, stay bool) error {
	dir, clean, err := workFolder()
	if err != nil {
		return err
	}
	defer clean()
	s := story{t: t, dir: dir, fettle: "bin/fettle", agent: "bin/fettle-agent"}
	defer s.end()
	if err := s.tell(ctx); err != nil {
		return err
	}
	if stay {
		t.say("Press Ctrl-C to end it; the machine, the appliance and their folder %s go with it.", dir)
		<-ctx.Done()
	}
	return nil
}

const folderPrefix = "fettle-demo-"

// workFolder makes the demo's folder where the user nobody can reach it, and removes what a killed demo left.
func workFolder() (dir string, clean func(), err error) {
	const parent = "/var/tmp"
	old, err := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, d := range old {
		removeAbandoned(d)
	}
	if dir, err = os.MkdirTemp(parent, folderPrefix); err != nil {
		return "", nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, err
	}
	if err := errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX), os.Chmod(dir, 0o755)); err != nil {
		return "", nil, err
	}
	return dir, func() {
		_ = lock.Close()
		for range 20 { // a machine's overlay goes a moment after its last process
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		fmt.Fprintf(os.Stderr, "demo: cannot remove %s: %v; the next demo will\n", dir, err)
	}, nil
}

// removeAbandoned removes a folder whose demo no longer runs: one that still runs holds its lock.
func removeAbandoned(dir string) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(dir) // only if it is empty: another demo may just be making it
		}
		return
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		_ = os.RemoveAll(dir)
	}
}
