package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// terminal tells the story: numbered chapters, short paragraphs, tables, and a bar for whatever takes longer than a moment.
type terminal struct {
	out     io.Writer
	live    bool // a person watches: bars move
	width   int
	chapter int
}

func newTerminal(f *os.File) *terminal {
	t := &terminal{out: f, live: term.IsTerminal(int(f.Fd())), width: 78}
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 40 {
		t.width = min(w, 110)
	}
	return t
}

func (t *terminal) style(code, s string) string {
	if !t.live {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// open begins the next chapter.
func (t *terminal) open(title string) {
	t.chapter++
	fmt.Fprintf(t.out, "\n%s\n", t.style("1", fmt.Sprintf("%d. %s", t.chapter, title)))
}

// say prints one paragraph, wrapped to the terminal.
func (t *terminal) say(format string, args ...any) {
	line := "  "
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if len([]rune(line))+len([]rune(word))+1 > t.width && strings.TrimSpace(line) != "" {
			fmt.Fprintln(t.out, strings.TrimRight(line, " "))
			line = "  "
		}
		line += word + " "
	}
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}

// show prints text of the programs as it is, indented, under the command that made it.
func (t *terminal) show(command, text string) {
	if command != "" {
		fmt.Fprintf(t.out, "\n  %s\n", t.style("2", "$ "+command))
	}
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		fmt.Fprintf(t.out, "    %s\n", strings.TrimRight(line, "\n"))
	}
	fmt.Fprintln(t.out)
}

// wait runs f and shows that time passes: a spinner for a person, one line otherwise.
func (t *terminal) wait(what string, f func() error) error {
	begun := time.Now()
	if !t.live {
		fmt.Fprintf(t.out, "  %s … ", what)
		err := f()
		fmt.Fprintln(t.out, verdictOf(err, begun))
		return err
	}
	p := mpb.New(mpb.WithOutput(t.out), mpb.WithWidth(24))
	bar := p.New(0, mpb.SpinnerStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name("  "+what+" ")), mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO)))
	err := f()
	bar.Abort(true)
	p.Wait()
	fmt.Fprintf(t.out, "  %s: %s\n", what, verdictOf(err, begun))
	return err
}

func verdictOf(err error, begun time.Time) string {
	if err != nil {
		return "failed"
	}
	return fmt.Sprintf("done in %.1f s", time.Since(begun).Seconds())
}

// thousands writes 63440 as 63,440.
func thousands[N ~int | ~int64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
