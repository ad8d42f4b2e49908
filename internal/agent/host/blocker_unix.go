//go:build !windows

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Runs names the first of some programs that runs, with its process; empty where none does. A program is known by the name of its file or by what
// the process calls itself, of which the kernel keeps 15 characters (proc_pid_comm(5)). Not being able to tell is an error and no "no".
func Runs(names []string) (who string, err error) { return runsIn("/", names) }

func runsIn(root string, names []string) (string, error) {
	if len(names) == 0 {
		return "", nil
	}
	entries, err := os.ReadDir(filepath.Join(root, "proc"))
	if err != nil {
		return "", fmt.Errorf("the running programs cannot be listed: %w", err)
	}
	seen := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		seen++
		p := filepath.Join(root, "proc", e.Name())
		st, ok := statOf(p)
		if !ok || st.state == "Z" {
			continue // it has ended
		}
		file, _ := os.Readlink(p + "/exe")
		file = filepath.Base(strings.TrimSuffix(file, " (deleted)"))
		i := slices.IndexFunc(names, func(n string) bool {
			return n == file || n == st.comm || len(st.comm) == 15 && strings.HasPrefix(n, st.comm)
		})
		if i >= 0 {
			return fmt.Sprintf("%s (pid %d)", names[i], pid), nil
		}
	}
	if seen == 0 {
		return "", fmt.Errorf("the running programs cannot be listed: %s shows none", filepath.Join(root, "proc"))
	}
	return "", nil
}
