package main

import (
	"errors"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// faultOf gives an error the same JSON shape that the appliance uses.
func faultOf(err error) wire.Fault {
	var e *patch.Error
	if !errors.As(err, &e) {
		return wire.Fault{Kind: patch.KindOf(err).String(), Error: err.Error()}
	}
	return wire.Fault{Kind: e.Kind.String(), Error: e.What.String(), Why: reasonOf(e), Do: e.Do.String()}
}
