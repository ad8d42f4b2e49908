package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// weigh is the first word of a call in which this program only runs another one and says what it took. The kernel counts the memory of
// whoever starts a program as the program's own until it has more itself, so a small process has to start it.
const weigh = "weigh"

// cost is what one command took as a whole process.
type cost struct {
	wall time.Duration
	kib  int64 // peak resident memory
}

// weighOne runs a command, gives its output, and its cost as the last line on standard error.
func weighOne(argv []string) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = os.Stdout, &complaint
	begun := time.Now()
	err := cmd.Run()
	wall := time.Since(begun)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v: %.300s\n", strings.Join(argv, " "), err, complaint.String())
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stderr).Encode([]int64{int64(wall), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss})
	os.Exit(0)
}

// once runs a command and gives what it printed and took.
func once(ctx context.Context, argv ...string) ([]byte, cost, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, cost{}, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{weigh}, argv...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, cost{}, fmt.Errorf("%w: %.300s", err, said.String())
	}
	var figures [2]int64
	if err := json.Unmarshal(said.Bytes(), &figures); err != nil {
		return nil, cost{}, fmt.Errorf("%s: %w", argv[0], err)
	}
	return out.Bytes(), cost{time.Duration(figures[0]), figures[1]}, nil
}

// measure runs the command n times and gives the median of each figure.
func measure(ctx context.Context, n int, argv ...string) (cost, error) {
	var walls []time.Duration
	var kibs []int64
	for range n {
		_, c, err := once(ctx, argv...)
		if err != nil {
			return cost{}, err
		}
		walls, kibs = append(walls, c.wall), append(kibs, c.kib)
	}
	slices.Sort(walls)
	slices.Sort(kibs)
	return cost{walls[n/2], kibs[n/2]}, nil
}
