package agent

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// health asks the newest order's probes again: a machine that was well right after an install may not be so hours later. It gives nil
// where there are none, and while packages are in motion.
func (s *session) health(ctx context.Context) *patch.Health {
	st := s.get()
	if len(st.Probes) == 0 || s.activity() != "" {
		return nil
	}
	h := &patch.Health{Boot: s.cfg.Host.Boot(), Order: st.Asked}
	for _, p := range st.Probes {
		h.Probes = append(h.Probes, s.cfg.Prober.Probe(ctx, p, time.Duration(st.BootTook)*time.Second))
	}
	h.At = s.cfg.Now().UTC()
	return h
}

// noteBoot remembers how long this boot took until the agent ran, at the agent's first start in it.
func (s *session) noteBoot(uptime time.Duration) error {
	boot := s.cfg.Host.Boot()
	if s.get().Boot == boot {
		return nil
	}
	return s.set(func(st *state) { st.Boot, st.BootTook = boot, int(uptime.Seconds()) })
}
