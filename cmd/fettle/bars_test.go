package main

import (
	"strings"
	"testing"
	"time"
)

// A file of a long work's progress has a beginning, an end, and little between.
func TestPlainProgressIsSparseWhereItIsAskedToBe(t *testing.T) {
	said := func(every time.Duration) string {
		var out strings.Builder
		b := newBars(&screen{err: &out})
		b.every = every
		for _, n := range []string{"0", "1", "2", "3"} {
			b.set("join", int64(n[0]-'0'), 3, n+" of 3")
		}
		return out.String()
	}
	if got := said(time.Hour); got != "join: 0 of 3\njoin: 3 of 3\n" {
		t.Errorf("%q", got)
	}
	if got := said(0); strings.Count(got, "\n") != 4 {
		t.Errorf("%q", got)
	}
}
