package web

import (
	_ "embed"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

// Strings that run a script, leave their attribute, their element or their address, or break the page's look; one a line.
//
//go:embed testdata/hostile.txt
var hostileText string

func hostileStrings() []string { return strings.Split(strings.TrimSpace(hostileText), "\n") }

// Every field has held every hostile string when each of them has been the first: in steps, unless FETTLE_TORTURE asks for all.
func TestEveryHostileStringInEveryField(t *testing.T) {
	step, count := 59, len(hostileStrings())
	if count < 200 {
		t.Fatalf("there are only %d hostile strings", count)
	}
	if os.Getenv("FETTLE_TORTURE") != "" {
		step = 1
	}
	for first := 1; first < count; first += step {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			w := hostile(fleet(), first)
			h := w.open(t)
			for _, a := range w.addresses() {
				if got := ask(h, http.MethodGet, a, nil); got.Code == http.StatusOK {
					checkPage(t, a, got.Body.String())
				} else if got.Code >= http.StatusInternalServerError {
					t.Errorf("%s: status %d: %s", a, got.Code, got.Body)
				}
			}
		})
	}
}

// hostile puts such a string into every text that a machine, a feed or a person gave, in turn from the first, and keeps the words that pages decide on.
func hostile(w *world, first int) *world {
	list := hostileStrings()
	n := first
	next := func() string {
		n++
		return list[n%len(list)]
	}
	for _, p := range []any{&w.machines, &w.patches, &w.rows, &w.fleet, &w.summary, &w.labels, &w.decisions, &w.receipts, &w.moves, &w.inventory, &w.payloads, &w.feeds, &w.alarms, &w.entries, &w.tokens, &w.progress, &w.explained, &w.byLabel, &w.byMachine, &w.coming, &w.events, &w.ruleList, &w.outlook, &w.complying, &w.findings, &w.preview, &w.plan, &w.trial, &w.proposed, &w.changes, &w.services, &w.here, &w.beside, &w.former, &w.stuck, &w.hoops, &w.users, &w.channels, &w.deliveries, &w.offers, &w.beyond, &w.views, &w.frozen, &w.installed, &w.installations} {
		poison(reflect.ValueOf(p).Elem(), next)
	}
	for i := range w.machines {
		w.machines[i].Inventory = "x"
	}
	return w
}

// decided reports whether pages decide on a type's values, which only our own code gives.
func ours(t reflect.Type) bool {
	switch reflect.Zero(t).Interface().(type) {
	case patch.MachineState, patch.ChannelKind, patch.Subject, patch.DeliveryState, patch.Role, patch.Verb, patch.Stand, patch.Execution, patch.Effect, patch.DeploymentState, patch.PayloadState, patch.Category, patch.Hash, ledger.Freshness, ledger.ProofOutcome, gate.State, lint.Level, patch.Severity, gate.Name, gate.Actor, deploy.Counts, patch.ProposalState, patch.LabelOf:
		return true
	}
	return t.PkgPath() == "time"
}

func poison(v reflect.Value, next func() string) {
	if !v.IsValid() || ours(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(next())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), next)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), next)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i), next)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			v.SetMapIndex(k, reflect.ValueOf(next()).Convert(v.Type().Elem()))
		}
	}
}
