package agent

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// met is a session that has detected once and told nobody, with an appliance that refuses what ends with path, once for each status.
func met(t *testing.T, path string, kind patch.Kind, statuses ...int) (*session, map[string]int) {
	t.Helper()
	a := newAppliance(t)
	a.publish(t, time.Now().Truncate(time.Second), newDeb("curl", "1.0-1", "1.0-2"))
	s := open(t, a.joined(t, newBox("curl")))
	_, err := s.checkin(context.Background(), glance{})
	must(t, err)
	_, err = s.judgeMachine(context.Background(), "")
	must(t, err)
	asked := map[string]int{}
	a.tricks = func(w http.ResponseWriter, r *http.Request) bool {
		asked[r.Method+" "+r.URL.Path]++
		if len(statuses) == 0 || !strings.HasSuffix(r.URL.Path, path) {
			return false
		}
		refuse(w, statuses[0], kind, "no")
		statuses = statuses[1:]
		return true
	}
	return s, asked
}

// An appliance that was restored from a backup does not know the list that a snapshot was made with. The check-in goes on, because what follows from it is
// the detect that mends this; any other trouble is met at the next one.
func TestASnapshotThatTheApplianceCannotTakeEndsNoCheckin(t *testing.T) {
	s, asked := met(t, "/snapshot", patch.Invalid, 400, 400)
	if _, err := s.checkin(context.Background(), s.look(context.Background())); err != nil || asked[wire.PathSnapshot] == 0 {
		t.Errorf("after %d uploads: %v", asked[wire.PathSnapshot], err)
	}
	s, _ = met(t, "/snapshot", patch.Unavailable, 503, 503)
	if _, err := s.checkin(context.Background(), s.look(context.Background())); patch.KindOf(err) != patch.Unavailable {
		t.Errorf("while it takes nothing: %v", err)
	}
}

// By a clock that is behind a certificate is good for long. When the appliance says that it has ended, that counts.
func TestACertificateIsRenewedWhenItIsRefused(t *testing.T) {
	s, asked := met(t, "/checkin", patch.Unauthenticated, 401)
	if _, err := s.checkin(context.Background(), glance{}); patch.KindOf(err) != patch.Unauthenticated || asked[wire.PathRenew] != 0 {
		t.Fatalf("%v, %d renewals", err, asked[wire.PathRenew])
	}
	if _, err := s.checkin(context.Background(), glance{}); err != nil || asked[wire.PathRenew] != 1 {
		t.Errorf("%v, %d renewals", err, asked[wire.PathRenew])
	}
}

// What time it is an agent hears when it asks what of an order stands too: its clock may have been set since the newest check-in.
func TestAClockThatWasSetIsKnownBeforeAnythingIsInstalled(t *testing.T) {
	s, _ := met(t, "", 0)
	r := &run{session: s}
	must(t, r.clockIsRight())
	s.cfg.Now = func() time.Time { return time.Now().Add(5 * time.Hour) }
	must(t, s.hearTime(time.Now()))
	if err := r.clockIsRight(); failureOf(err).Cause != patch.FailClock {
		t.Errorf("five hours ahead: %v", err)
	}
	s.cfg.Now = time.Now
	must(t, s.hearTime(time.Now()))
	must(t, r.clockIsRight())
}
