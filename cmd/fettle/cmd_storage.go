package main

import (
	"context"
	"fmt"
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
	rule := fmt.Sprintf("let go %d days after nothing named them any more", k.Days)
	if k.Days == 0 {
		rule = "kept for ever: keep_facts_days is 0"
	}
	line(w, "Facts, at %s: %s documents of %s, %s of which nothing names any more (%s).", when(k.At), thousands(int(k.Documents)), size(k.Bytes), thousands(int(k.Unneeded)), rule)
	if k.LetGo > 0 {
		line(w, "Let go so far: %s documents of %s, the newest at %s.", thousands(int(k.LetGo)), size(k.LetGoSize), when(k.LetGoAt))
	}
}
