package ledger_test

import (
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/world"
)

var (
	_ ledger.Store = (*store.Store)(nil)
	_ world.Store  = (*store.Store)(nil)
)
