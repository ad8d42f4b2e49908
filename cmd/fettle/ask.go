package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
)

// ask reads a T from the appliance and shows it.
func ask[T any](ctx context.Context, s *screen, path string, q query, human func(io.Writer, T)) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	v, err := api.Get[T](ctx, client, path, q.values())
	if err != nil {
		return err
	}
	return s.show(v, func(w io.Writer) { human(w, v) })
}

// tell sends in to the appliance and shows its answer.
func tell[T any](ctx context.Context, s *screen, method, path string, in any, human func(io.Writer, T)) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	v, err := api.Do[T](ctx, client, method, path, nil, in)
	if err != nil {
		return err
	}
	return s.show(v, func(w io.Writer) { human(w, v) })
}

// done is the answer to a command that has nothing else to show.
type done struct {
	Done string `json:"done"`
}

// remove deletes what path names.
func remove(ctx context.Context, s *screen, path, text string) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := api.Do[struct{}](ctx, client, http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	return s.show(done{text}, func(w io.Writer) { line(w, "%s", text) })
}

// fields prints aligned names and values; empty values are left out.
type fields struct{ w io.Writer }

func (f fields) put(name, value string) {
	if value = strings.TrimSpace(clean(value)); value != "" {
		fmt.Fprintf(f.w, "  %-15s %s\n", name, value)
	}
}
