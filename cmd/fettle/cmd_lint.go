package main

import (
	"context"
	"io"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/lint"
)

type lintCmd struct{}

func (lintCmd) Help() string {
	return `Reads everything that people have set up, and changes nothing. Exits with 1 if something is a problem; a notice alone exits with 0.

Examples:
  fettle lint
  fettle lint --json`
}

func (lintCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := api.Get[api.List[lint.Finding]](ctx, client, api.Path("lint"), nil)
	if err != nil {
		return err
	}
	if err := s.show(found, func(w io.Writer) { printFindings(w, found.Items) }); err != nil {
		return err
	}
	for _, f := range found.Items {
		if f.Level == lint.Problem {
			return errNo
		}
	}
	return nil
}

func printFindings(w io.Writer, found []lint.Finding) {
	if len(found) == 0 {
		line(w, "Nothing to find fault with.")
		return
	}
	for _, f := range found {
		line(w, "%-8s %s", f.Level, clean(f.Text.String()))
		line(w, "         do: %s", clean(f.Do.String()))
	}
}
