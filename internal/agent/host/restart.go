//go:build !windows

package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Restart asks the machine to restart. It returns when the machine has taken note of that, or the reason why it did not.
func Restart(ctx context.Context) error {
	out := bounded{max: 4 << 10}
	if err := run(shutdown(ctx, "-r", "now"), &out, nil); err != nil {
		return fmt.Errorf("%w: %s", err, tidy(string(out.b), 200))
	}
	return nil
}

// Terminals lists the terminals on which somebody works: all pseudo terminals, and those of systemd-logind's sessions, a screen's own among them,
// which shows nothing of a message and has somebody before it all the same.
func Terminals(root string) []string {
	all, _ := filepath.Glob(filepath.Join(root, "dev/pts/[0-9]*"))
	sessions, _ := filepath.Glob(filepath.Join(root, "run/systemd/sessions/*"))
	for _, path := range sessions {
		if at, err := os.Lstat(path); err != nil || !at.Mode().IsRegular() {
			continue // a pipe, by which logind sees that a session has ended: reading it would never end
		}
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		about := fieldsOf(string(b))
		if about["CLASS"] != "user" || about["STATE"] == "closing" {
			continue
		}
		tty := about["TTY"]
		if tty == "" || !filepath.IsLocal(tty) {
			tty = "null" // a screen from elsewhere
		}
		if t := filepath.Join(root, "dev", tty); !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// fieldsOf reads lines NAME=VALUE.
func fieldsOf(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[name] = value
		}
	}
	return out
}

// Announce writes a message to terminals. Lines of it that could steer a terminal are not in it: the caller's text was checked. A terminal that
// takes nothing, because somebody has stopped its output, is not waited for.
func Announce(terminals []string, text string) {
	for _, path := range terminals {
		f, err := os.OpenFile(path, os.O_WRONLY|noFollow|withoutWaiting, 0)
		if err != nil {
			continue // it was closed
		}
		_ = f.SetWriteDeadline(time.Now().Add(time.Second))
		fmt.Fprintf(f, "\r\n\a*** %s ***\r\n", strings.ReplaceAll(text, "\n", "\r\n    "))
		f.Close()
	}
}
