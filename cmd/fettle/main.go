// Command fettle is the appliance and the program that people talk to it with. It is installed as fettle-server, and cmd/fettle-front, which
// is installed as fettle, becomes it for all but one command.
//
// `fettle serve` runs the appliance. Every other command talks to an appliance's API, or works stand-alone on files. Exit codes:
// 0 ok, 1 the answer to a question is no, 2 wrong usage, 3 it cannot be done.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	_ "time/tzdata" // schedules name time zones, and a small system may know none

	"github.com/alecthomas/kong"

	ordering "github.com/fettle-project/fettle/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, newScreen(), os.Args[1:]))
}

// exitEarly carries the exit code that kong asked for (after --help) out of the parser.
type exitEarly int

// run is the whole program: parse, do, complain.
func run(ctx context.Context, s *screen, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			early, ok := p.(exitEarly)
			if !ok {
				panic(p)
			}
			code = int(early)
		}
	}()
	tree := grammar(args)
	parser, err := newParser(ctx, s, tree.Addr().Interface())
	if err != nil {
		panic(err) // the command tree itself is wrong: a test catches it
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return misused(s, err)
	}
	s.json = tree.FieldByName("JSON").Bool()
	return s.complain(parsed.Run())
}

// grammar is the tree of commands, or as much of it as is needed where the first word names one: reading the grammar of all of them takes
// longer than most of what is done stand-alone.
func grammar(args []string) reflect.Value {
	all := reflect.TypeFor[commands]()
	for i := 1; len(args) > 0 && i < all.NumField(); i++ {
		if f := all.Field(i); strings.ToLower(f.Name) == args[0] {
			return reflect.New(reflect.StructOf([]reflect.StructField{all.Field(0), f})).Elem()
		}
	}
	return reflect.New(all).Elem()
}

func newParser(ctx context.Context, s *screen, tree any) (*kong.Kong, error) {
	return kong.New(tree,
		kong.Name("fettle"),
		kong.Description("Fettle keeps a fleet of machines patched, and proves and explains it for every machine and every patch."),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { panic(exitEarly(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.ExplicitGroups(helpGroups()),
		kong.Vars{"data": defaultData, "config": systemConfig, "schemes": ordering.Names(",")},
		kong.Bind(s),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

// misused says what was wrong with what was typed and where to read on.
func misused(s *screen, err error) int {
	var p *kong.ParseError
	hint := "fettle --help"
	if errors.As(err, &p) && p.Context != nil {
		if node := p.Context.Selected(); node != nil {
			hint = typed(node) + " --help"
		}
	}
	text := strings.ReplaceAll(err.Error(), `,""`, "") // none of several words is what a flag is without
	fmt.Fprintf(s.err, "fettle: %s\n  do:  %s shows how it is used.\n", clean(text), hint)
	return exitUsage
}

// typed is a command as a person types it, without what else it is called.
func typed(n *kong.Node) string {
	if n.Parent == nil {
		return n.Name
	}
	return typed(n.Parent) + " " + n.Name
}

func line(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
