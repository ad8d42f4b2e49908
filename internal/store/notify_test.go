package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func notice(key string, subject patch.Subject) patch.Notice {
	return patch.Notice{Key: key, Subject: subject, Text: phrase.Of("{1} is so", key), Reason: "because", Path: "/alarms", At: then}
}

func waitingKeys(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	for _, n := range got[[]patch.WaitingNotice](t)(s.ListWaitingNotices(ctx)) {
		out = append(out, n.Channel+" "+n.Key)
	}
	return out
}

func TestChannels(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		c := patch.Channel{Name: "ops", Kind: patch.ByWebhook, Where: "https://hooks.example.org", Window: 60}
		must(t, s.PutChannel(ctx, alice, c, []byte{1, 0, 2}))
		c.Subjects, c.HasSecret = []patch.Subject{patch.AboutFeed}, true
		must(t, s.PutChannel(ctx, alice, c, nil))
		if diff := cmp.Diff([]patch.Channel{c}, got[[]patch.Channel](t)(s.ListChannels(ctx))); diff != "" {
			t.Error(diff)
		}
		if b := got[[]byte](t)(s.ChannelSecret(ctx, "ops")); string(b) != "\x01\x00\x02" {
			t.Errorf("a change without a new secret left %v", b)
		}
		must(t, s.PutChannel(ctx, alice, patch.Channel{Name: "bare", Kind: patch.ByMail}, nil))
		if all := got[[]patch.Channel](t)(s.ListChannels(ctx)); all[0].HasSecret {
			t.Error("a channel without a secret has one")
		}
		must(t, s.RemoveChannel(ctx, alice, "ops"))
		wantKind(t, s.RemoveChannel(ctx, alice, "ops"), patch.NotFound)
		_, err := s.ChannelSecret(ctx, "ops")
		wantKind(t, err, patch.NotFound)
		for _, e := range got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0)) {
			if e.Action == "channel.put" && len(e.Detail) == 0 {
				t.Errorf("the entry %+v says nothing", e)
			}
		}
	})
}

// A notice is told once for each time that it begins to hold, to those who want it, and not at all when it is over before.
func TestNoticesWaitOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutChannel(ctx, alice, patch.Channel{Name: "all", Kind: patch.BySlack}, nil))
		must(t, s.PutChannel(ctx, alice, patch.Channel{Name: "feeds", Kind: patch.ByMail, Subjects: []patch.Subject{patch.AboutFeed}}, nil))
		must(t, s.PutChannel(ctx, alice, patch.Channel{Name: "paused", Kind: patch.ByMail, Paused: true}, nil))
		a, b := notice("feed/a", patch.AboutFeed), notice("halt/b", patch.AboutHalt)
		both := []patch.Subject{patch.AboutFeed, patch.AboutHalt}
		sync := func(want int, subjects []patch.Subject, now ...patch.Notice) {
			t.Helper()
			if n := got[int](t)(s.SyncNotices(ctx, subjects, now, then)); n != want {
				t.Errorf("%d are new, want %d", n, want)
			}
		}
		sync(2, both, a, b, a)
		sync(0, both, b, a)
		if diff := cmp.Diff([]string{"all feed/a", "feeds feed/a", "all halt/b"}, waitingKeys(t, s)); diff != "" {
			t.Error(diff)
		}
		sync(0, []patch.Subject{patch.AboutHold}) // other subjects are nobody's business here
		must(t, s.PutDelivery(ctx, patch.Delivery{ID: "1", Channel: "all", Subject: patch.AboutFeed, Notices: []patch.Notice{a}, State: patch.DeliveryWaiting, CreatedAt: then, NextAt: then}, []string{"feed/a"}))
		wantKind(t, s.PutDelivery(ctx, patch.Delivery{ID: "2", Channel: "all", Subject: patch.AboutFeed, State: patch.DeliveryWaiting, CreatedAt: then}, []string{"feed/a"}), patch.Conflict)
		sync(0, both, b) // a is over: the second channel is spared
		if diff := cmp.Diff([]string{"all halt/b"}, waitingKeys(t, s)); diff != "" {
			t.Error(diff)
		}
		sync(1, both, a, b)
		if diff := cmp.Diff([]string{"all feed/a", "feeds feed/a", "all halt/b"}, waitingKeys(t, s)); diff != "" {
			t.Error(diff)
		}
		must(t, s.PutChannel(ctx, alice, patch.Channel{Name: "all", Kind: patch.BySlack, Paused: true}, nil))
		if diff := cmp.Diff([]string{"feeds feed/a"}, waitingKeys(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeliveriesAreTriedByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		d := patch.Delivery{ID: "1", Channel: "ops", Subject: patch.AboutFeed, Notices: []patch.Notice{notice("feed/a", patch.AboutFeed)}, More: 3, State: patch.DeliveryWaiting, CreatedAt: then, NextAt: then}
		must(t, s.PutDelivery(ctx, d, nil))
		if diff := cmp.Diff([]patch.Delivery{d}, got[[]patch.Delivery](t)(s.DueDeliveries(ctx, then))); diff != "" {
			t.Error(diff)
		}
		if !got[bool](t)(s.ClaimDelivery(ctx, "1", then, then.Add(time.Minute))) || got[bool](t)(s.ClaimDelivery(ctx, "1", then, then.Add(time.Minute))) {
			t.Error("a message is taken by none or by two")
		}
		if all := got[[]patch.Delivery](t)(s.DueDeliveries(ctx, then)); len(all) != 0 {
			t.Error("a message that somebody tries is due")
		}
		if !got[bool](t)(s.ClaimDelivery(ctx, "1", then.Add(time.Minute), then.Add(time.Hour))) {
			t.Error("a message whose taker died is lost")
		}
		d.State, d.Tries, d.Text, d.NextAt, d.EndedAt = patch.DeliverySent, 2, "200", time.Time{}, then.Add(time.Minute)
		must(t, s.SettleDelivery(ctx, d))
		if diff := cmp.Diff([]patch.Delivery{d}, got[[]patch.Delivery](t)(s.ListDeliveries(ctx, "ops", 10))); diff != "" {
			t.Error(diff)
		}
		if at := got[time.Time](t)(s.LastDelivery(ctx, "ops", patch.AboutFeed)); !at.Equal(then) {
			t.Errorf("the newest message is of %s", at)
		}
		if at := got[time.Time](t)(s.LastDelivery(ctx, "ops", patch.AboutHalt)); !at.IsZero() {
			t.Errorf("the newest message about nothing is of %s", at)
		}
		must(t, s.ForgetNotices(ctx, then.Add(time.Hour)))
		if all := got[[]patch.Delivery](t)(s.ListDeliveries(ctx, "", 0)); len(all) != 0 {
			t.Errorf("%v is kept for ever", all)
		}
	})
}
