package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// journal is the log of a run: "outcome, seconds, name", with tabs between them.
type journal struct {
	file   *os.File        // nil: nothing is kept
	caught map[string]bool // names of defects, as the file last said
}

func openLog(name string) (*journal, error) {
	j := &journal{caught: map[string]bool{}}
	if name == "" {
		return j, nil
	}
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
			j.caught[f[2]] = outcome(f[0]) == caught
		}
	}
	j.file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return j, err
}

func (j *journal) note(o outcome, took time.Duration, name string) error {
	if j.file == nil {
		return nil
	}
	_, err := fmt.Fprintf(j.file, "%s\t%.1f\t%s\n", o, took.Seconds(), name)
	return err
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}
