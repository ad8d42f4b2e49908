package updater

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestWhichRulingCounts(t *testing.T) {
	all := []patch.Ruling{
		{Updater: patch.AnyUpdater, Label: "all", Verb: patch.TakeOver},
		{Updater: "packagekit", Label: "all", Verb: patch.AlertOn},
		{Updater: patch.AnyUpdater, Label: "laptops", Verb: patch.Adopt},
		{Updater: "packagekit", Label: "kiosk", Verb: patch.TakeOver},
		{Updater: "packagekit", Label: "lab", Verb: patch.AlertOn},
	}
	for _, c := range []struct {
		labels  []string
		updater string
		want    patch.RulingVerb
	}{
		{nil, "unattended-upgrades", patch.TakeOver},                    // any, all
		{nil, "packagekit", patch.AlertOn},                              // the named service beats any
		{[]string{"laptops"}, "packagekit", patch.Adopt},                // a label of its own beats all machines, even for any service
		{[]string{"laptops"}, "unattended-upgrades", patch.Adopt},       //
		{[]string{"laptops", "kiosk"}, "packagekit", patch.TakeOver},    // among labels of their own the named service beats any
		{[]string{"lab", "kiosk"}, "packagekit", patch.AlertOn},         // of equals the gentlest
		{[]string{"kiosk", "nowhere"}, "dnf-automatic", patch.TakeOver}, //
	} {
		if r, ok := RulingOf(all, c.labels, c.updater); !ok || r.Verb != c.want {
			t.Errorf("%v, %s: %+v, want %s", c.labels, c.updater, r, c.want)
		}
	}
	if _, ok := RulingOf(all[1:2], nil, "cron-apt"); ok {
		t.Error("a ruling about another service counts")
	}
}
