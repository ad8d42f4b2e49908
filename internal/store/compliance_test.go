package store

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestCompliance(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		day := func(n, confirmed int) patch.Compliance {
			return patch.Compliance{Label: "all", At: then.AddDate(0, 0, n), Machines: 9, Confirmed: confirmed, Exposures: []patch.Exposure{}}
		}
		must(t, s.PutCompliance(ctx, []patch.Compliance{day(0, 1), {Label: "web", At: then}}))
		must(t, s.PutCompliance(ctx, []patch.Compliance{day(1, 2)}))
		later := day(1, 3)
		later.At = later.At.Add(time.Hour)
		must(t, s.PutCompliance(ctx, []patch.Compliance{later}))
		all := got[[]patch.Compliance](t)(s.ListCompliance(ctx, "all", then.AddDate(0, 0, -1)))
		if len(all) != 2 || all[0].Confirmed != 1 || all[1].Confirmed != 3 {
			t.Errorf("%+v", all)
		}
		if since := got[[]patch.Compliance](t)(s.ListCompliance(ctx, "all", then.AddDate(0, 0, 1))); len(since) != 1 {
			t.Errorf("%+v", since)
		}
	})
}
