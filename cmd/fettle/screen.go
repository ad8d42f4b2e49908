package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/fettle-project/fettle/internal/patch"
)

// Exit codes of every command.
const (
	exitOK     = 0
	exitNo     = 1 // the command is a question and its answer is no
	exitUsage  = 2
	exitCannot = 3
)

// errNo ends a command whose question was answered with no; the answer is already printed.
var errNo = errors.New("no")

// usageError is a mistake in what was typed.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// screen is where a command reads and writes. It is made once in main and by each test.
type screen struct {
	in    io.Reader
	out   io.Writer
	err   io.Writer
	env   func(string) string
	json  bool
	width int  // of the terminal behind out; 0 where there is none
	live  bool // err is a terminal, so that progress may move
}

func newScreen() *screen {
	s := &screen{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = w
	}
	s.live = term.IsTerminal(int(os.Stderr.Fd()))
	return s
}

// show prints v as JSON with --json, and by human otherwise.
func (s *screen) show(v any, human func(w io.Writer)) error {
	if !s.json {
		human(s.out)
		return nil
	}
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return patch.Errorf(patch.Internal, "cannot write the answer as JSON: %w", err)
	}
	return nil
}

// say prints a sentence for a person, on the side of the answer: nothing of it is data.
func (s *screen) say(format string, args ...any) {
	fmt.Fprintf(s.err, format+"\n", args...)
}

// complain prints err as what happened, why, and what to do, and gives the exit code.
func (s *screen) complain(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNo):
		return exitNo
	}
	code := exitCannot
	if errors.As(err, &usage) {
		code = exitUsage
	}
	if s.json {
		_ = json.NewEncoder(s.err).Encode(faultOf(err)) // nobody is left to tell
		return code
	}
	var e *patch.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(s.err, "fettle: %s\n", paragraph(err.Error()))
		return code
	}
	fmt.Fprintf(s.err, "fettle: %s\n", paragraph(e.What.String()))
	if why := reasonOf(e); why != "" {
		fmt.Fprintf(s.err, "  why: %s\n", paragraph(why))
	}
	if e.Do != "" {
		fmt.Fprintf(s.err, "  do:  %s\n", paragraph(e.Do.String()))
	}
	return code
}

func reasonOf(e *patch.Error) string {
	why := e.Why.String()
	if e.Err != nil && e.Err.Error() != "" {
		if why != "" {
			why += ": "
		}
		why += e.Err.Error()
	}
	return why
}
