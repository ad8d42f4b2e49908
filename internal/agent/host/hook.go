package host

import (
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Hooks runs programs that this machine's administrator has put into one folder. An order names them and can send none.
type Hooks struct {
	Root string // what paths are below: "/"
	Dir  string // the folder; it and everything above it belong to root, and nobody else can write there
}

// HookCall is one run of a hook.
type HookCall struct {
	Name    string
	Phase   string // before or after, as $FETTLE_PHASE
	Order   string // as $FETTLE_ORDER
	Outcome string // what became of the order's patches, as $FETTLE_OUTCOME: done, failed or none
	Limit   time.Duration
	Guard   string // the lock that it and all that it starts hold
}

func hookFailure(log, format string, args ...any) *Failure {
	return &Failure{Cause: patch.FailHook, Text: fmt.Sprintf(format, args...), Log: log}
}
