//go:build !windows

package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Restart asks the machine to restart. It returns when the machine has taken note of that, or the reason why it did not.
func Restart(ctx context.Context) error {
	out := bounded{max: 4 << 10}
	if err := run(shutdown(ctx, "-r", "now"), &out, nil); err != nil {
		return fmt.Errorf("%w: %s", err, tidy(string(out.b), 200))
	}
	return nil
}

// Terminals lists the terminals on which somebody works.
func Terminals(root string) []string {
	all, _ := filepath.Glob(filepath.Join(root, "dev/pts/[0-9]*"))
	return all
}

// Announce writes a message to terminals. Lines of it that could steer a terminal are not in it: the caller's text was checked.
func Announce(terminals []string, text string) {
	for _, path := range terminals {
		f, err := os.OpenFile(path, os.O_WRONLY|noFollow, 0)
		if err != nil {
			continue // it was closed
		}
		fmt.Fprintf(f, "\r\n\a*** %s ***\r\n", strings.ReplaceAll(text, "\n", "\r\n    "))
		f.Close()
	}
}
