package main

import (
	"context"
	"io"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type storageCmd struct{}

func (storageCmd) Help() string {
	return `Facts are what verdicts are explained with. Those that nothing names any more are let go after the days that keep_facts_days in fettle.toml says.
The appliance looks after them an hour after its start and then once a day; the numbers are as of then.

Examples:
  fettle storage
  fettle storage --json`
}

func (storageCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("storage"), nil, func(w io.Writer, a api.Storage) { printKeeping(w, a.Facts) })
}

func printKeeping(w io.Writer, k patch.Keeping) {
	if k.At.IsZero() {
		line(w, "The appliance has not looked after its stored facts yet; it does so an hour after its start.")
		return
	}
	rule := "let go " + plural(k.Days, "day", "days") + " after nothing named them any more"
	if k.Days == 0 {
		rule = "kept for ever: keep_facts_days is 0"
	}
	line(w, "Facts, at %s: %s of %s, %s of which nothing names any more (%s).", when(k.At), plural(int(k.Documents), "document", "documents"), size(k.Bytes), thousands(int(k.Unneeded)), rule)
	if k.LetGo > 0 {
		line(w, "Let go so far: %s of %s, the newest at %s.", plural(int(k.LetGo), "document", "documents"), size(k.LetGoSize), when(k.LetGoAt))
	}
}
