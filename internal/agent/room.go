package agent

import (
	"errors"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// A disk that is full is nobody's failure yet: an order that has not begun waits for room until its time is over, says how much it lacks, and goes on
// by itself when somebody has made some.

// room says whether the files of items can be fetched and unpacked.
func (s *session) room(items []wire.OrderItem) error {
	var total int64
	for _, item := range items {
		total += size(item)
	}
	return s.cfg.Room(total, "/", "/usr", "/var", s.files.dir, s.files.payloads())
}

// awaitsRoom says whether an order that has not begun has to wait for room.
func (r *run) awaitsRoom() bool {
	f := (*host.Failure)(nil)
	if len(r.journal.newest().Intents) > 0 || r.closedNow(r.order) != "" || !errors.As(r.room(r.open()), &f) || f.Cause != patch.FailDisk {
		return false
	}
	if ok, _ := r.cfg.policy().Deploys(); !ok {
		return false // that is to be said first
	}
	r.lacks = f.Text
	r.log.Warn("an order waits for room", "order", r.order.ID, "text", f.Text)
	return true
}

func (s *session) lacksNow(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacked = text
}

// lacking is what this machine had too little of when it last looked.
func (s *session) lacking() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacked
}

// waitsForRoom is lacking as check-ins have it.
func (s *session) waitsForRoom() string {
	if text := s.lacking(); text != "" && s.unfinishedOrder() {
		return "waits: " + text
	}
	return ""
}
