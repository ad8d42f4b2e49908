package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/ledger"
)

// An empty fleet teaches the next step; a fleet with a pending machine shows its numbers.
func TestFleetWithoutMachines(t *testing.T) {
	var empty, pending bytes.Buffer
	printFleet(&empty, 100, ledger.Fleet{Sentence: "No machine is enrolled yet."})
	if s := empty.String(); !strings.Contains(s, "fettle tokens add NAME") || strings.Contains(s, "MACHINES") {
		t.Errorf("an empty fleet reads %q", s)
	}
	printFleet(&pending, 100, ledger.Fleet{Pending: 1})
	if s := pending.String(); !strings.Contains(s, "fettle machines admit NAME") || strings.Contains(s, "tokens add") {
		t.Errorf("a fleet with a pending machine reads %q", s)
	}
}
